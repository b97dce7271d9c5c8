//! How alike two outputs are, in thousandths.
//!
//! - Equal values: 1,000.
//! - Objects: the mean over all names that either has; a name that one lacks counts 0.
//! - Lists: the mean over the places of the longer one; a place that one lacks counts 0.
//! - Numbers: 1,000 × (1 − |a − b| / max(|a|, |b|)), at least 0.
//! - Texts: Dice's coefficient of their pairs of neighbouring words, beginning and end included: 2,000 × common / all, each pair as often
//!   as it occurs. So order counts, case and punctuation do not.
//! - Values of different sorts: 0.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Alike in everything.
pub const SAME: u16 = 1_000;

/// How alike `one` and `other` are; see the module.
#[must_use]
pub fn similarity(one: &Value, other: &Value) -> u16 {
    if one == other {
        return SAME;
    }
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            mean(names.iter().map(|name| match (one.get(*name), other.get(*name)) {
                (Some(one), Some(other)) => similarity(one, other),
                _ => 0,
            }))
        }
        (Value::Array(one), Value::Array(other)) => {
            let both = one.iter().zip(other).map(|(one, other)| similarity(one, other));
            let alone = one.len().abs_diff(other.len());
            mean(both.chain(std::iter::repeat_n(0, alone)))
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
            (Some(one), Some(other)) => near(one, other),
            _ => 0,
        },
        (Value::String(one), Value::String(other)) => dice(one, other),
        _ => 0,
    }
}

/// The mean, rounded down; of nothing, [`SAME`].
pub fn mean(figures: impl Iterator<Item = u16>) -> u16 {
    let (sum, count) = figures.fold((0_u64, 0_u64), |(sum, count), figure| (sum + u64::from(figure), count + 1));
    sum.checked_div(count).map_or(SAME, |mean| u16::try_from(mean).unwrap_or(SAME))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 1,000")]
fn near(one: f64, other: f64) -> u16 {
    let greatest = one.abs().max(other.abs());
    if greatest == 0.0 {
        return SAME;
    }
    (f64::from(SAME) * (1.0 - (one - other).abs() / greatest)).clamp(0.0, f64::from(SAME)) as u16
}

fn dice(one: &str, other: &str) -> u16 {
    let pairs = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase);
        // No word is empty, so the empty one stands for beginning and end.
        let mut last = String::new();
        let mut pairs = BTreeMap::<(String, String), u64>::new();
        for word in words {
            *pairs.entry((std::mem::replace(&mut last, word.clone()), word)).or_default() += 1;
        }
        if !last.is_empty() {
            *pairs.entry((last, String::new())).or_default() += 1;
        }
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let common: u64 = one.iter().map(|(pair, count)| (*count).min(other.get(pair).copied().unwrap_or_default())).sum();
    let all: u64 = one.values().chain(other.values()).sum();
    (2 * u64::from(SAME) * common).checked_div(all).map_or(0, |dice| u16::try_from(dice).unwrap_or(SAME))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_formulas_hold() {
        for (one, other, expected) in [
            (json!({"a": 1, "b": [1, 2]}), json!({"b": [1, 2], "a": 1}), 1_000),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), 500),
            (json!([1, 2, 3]), json!([1, 2]), 666),
            (json!([]), json!([1]), 0),
            (json!(100), json!(90), 900),
            (json!(-5), json!(5), 0),
            (json!(0), json!(0.0), 1_000),
            (json!("The quick brown fox"), json!("the quick, brown dog"), 600),
            (json!("a a b"), json!("a b b"), 750),
            (json!("a b c d"), json!("d c b a"), 0),
            (json!("One, two."), json!("one two"), 1_000),
            (json!("!"), json!("?"), 0),
            (json!("1"), json!(1), 0),
            (json!(null), json!({}), 0),
        ] {
            assert_eq!(similarity(&one, &other), expected, "{one} {other}");
            assert_eq!(similarity(&other, &one), expected, "{other} {one}");
        }
        assert_eq!(mean([].into_iter()), SAME);
    }
}
