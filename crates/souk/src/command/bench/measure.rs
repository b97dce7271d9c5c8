//! What a measurement gives.

use std::time::Duration;

use serde::Serialize;

/// The same measured several times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle one.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of `values`; none of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, min, max })
    }
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Budget {
    /// At least so many times the floor.
    AtLeastTimes(f64),
    /// At most so many times the floor.
    AtMostTimes(f64),
    /// At least this.
    AtLeast(f64),
    /// Less than this.
    Under(f64),
    /// Anything: measured to be known.
    None,
}

/// One line of the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// In what: `1/s`, `ms`, `s` or `MiB`.
    pub unit: &'static str,
    /// What came out.
    pub value: Spread,
    /// With what it is compared.
    pub floor_name: Option<String>,
    /// What came out for that, in the same unit.
    pub floor: Option<Spread>,
    /// Value by floor, repetition by repetition: both of a pair were taken within seconds.
    pub ratio: Option<Spread>,
    /// What it must be.
    pub budget: Budget,
    /// Whether its median is that.
    pub met: bool,
    /// What else a reader must know.
    pub note: Option<String>,
}

/// A value and its floor, taken one right after the other.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// What was measured.
    pub value: f64,
    /// With what it is compared.
    pub floor: f64,
}

impl Row {
    /// A value that is compared with nothing. None without values.
    pub fn plain(name: impl Into<String>, unit: &'static str, values: &[f64], budget: Budget) -> Option<Self> {
        let value = Spread::of(values)?;
        let met = budget.holds(value.median, None);
        Some(Self {
            name: name.into(),
            unit,
            value,
            floor_name: None,
            floor: None,
            ratio: None,
            budget,
            met,
            note: None,
        })
    }

    /// A value that is compared with a floor. None without pairs.
    pub fn compared(
        name: impl Into<String>,
        unit: &'static str,
        floor_name: impl Into<String>,
        pairs: &[Pair],
        budget: Budget,
    ) -> Option<Self> {
        let each = |of: fn(&Pair) -> f64| Spread::of(&pairs.iter().map(of).collect::<Vec<_>>());
        let value = each(|pair| pair.value)?;
        let ratio = each(|pair| pair.value / pair.floor)?;
        let met = budget.holds(value.median, Some(ratio.median));
        Some(Self {
            name: name.into(),
            unit,
            value,
            floor_name: Some(floor_name.into()),
            floor: each(|pair| pair.floor),
            ratio: Some(ratio),
            budget,
            met,
            note: None,
        })
    }

    /// The same with a note.
    #[must_use]
    pub fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

impl Budget {
    fn holds(self, value: f64, ratio: Option<f64>) -> bool {
        match self {
            Self::AtLeastTimes(times) => ratio.is_some_and(|ratio| ratio >= times),
            Self::AtMostTimes(times) => ratio.is_some_and(|ratio| ratio <= times),
            Self::AtLeast(least) => value >= least,
            Self::Under(most) => value < most,
            Self::None => true,
        }
    }
}

/// The time that `percent` of `times` do not exceed, milliseconds. `times` are microseconds.
pub fn percentile(times: &mut [u32], percent: usize) -> f64 {
    if times.is_empty() {
        return f64::NAN;
    }
    let index = (times.len() * percent / 100).min(times.len() - 1);
    let (_, found, _) = times.select_nth_unstable(index);
    f64::from(*found) / 1_000.0
}

/// How many a second.
pub fn rate(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

/// Microseconds, as many as fit.
pub fn micros(elapsed: Duration) -> u32 {
    u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[4.0, 1.0, 2.0, 3.0]).map(|spread| spread.median), Some(2.5));
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let pairs =
            [Pair { value: 10.0, floor: 5.0 }, Pair { value: 30.0, floor: 10.0 }, Pair { value: 4.0, floor: 4.0 }];
        let row = Row::compared("x", "1/s", "y", &pairs, Budget::AtLeastTimes(2.0)).unwrap();
        assert_eq!(row.ratio, Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert!(row.met);
        assert!(!Row::compared("x", "1/s", "y", &pairs, Budget::AtMostTimes(1.9)).unwrap().met);
    }

    #[test]
    fn a_budget_without_a_floor_looks_at_the_value() {
        assert!(Row::plain("x", "ms", &[9.0, 9.9, 30.0], Budget::Under(10.0)).unwrap().met);
        assert!(!Row::plain("x", "ms", &[10.0], Budget::Under(10.0)).unwrap().met);
    }

    #[test]
    fn percentiles_are_milliseconds() {
        let mut times: Vec<u32> = (1..=100).rev().map(|n| n * 1_000).collect();
        assert!((percentile(&mut times, 50) - 51.0).abs() < f64::EPSILON);
        assert!((percentile(&mut times, 99) - 100.0).abs() < f64::EPSILON);
        assert!(percentile(&mut [], 50).is_nan());
    }
}
