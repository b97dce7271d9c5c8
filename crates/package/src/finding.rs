//! Making findings whose words are safe to show.

use souk_domain::validation::{Finding, Severity};

/// As many characters of a foreign name as a finding repeats.
const SHOWN: usize = 200;

/// A finding of `rule`; `place` and `message` are made safe to show.
pub fn finding(rule: &str, severity: Severity, place: Option<&str>, message: impl AsRef<str>) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        place: place.map(|place| shown(place.as_bytes())),
        line: None,
        message: escaped(message.as_ref(), usize::MAX),
    }
}

/// A foreign name as people may see it: control and direction-changing characters escaped, bytes that are no UTF-8
/// replaced, at most 200 characters long.
pub fn shown(name: &[u8]) -> String {
    escaped(&String::from_utf8_lossy(name), SHOWN)
}

fn escaped(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(1024));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if is_unshowable(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that change how the text around them is shown, or show nothing at all.
pub(crate) fn is_unshowable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_shown_harmlessly() {
        assert_eq!(shown(b"a\x1b[31mb\0"), "a\\u{1b}[31mb\\u{0}");
        assert_eq!(shown("a\u{202e}gpj.exe".as_bytes()), "a\\u{202e}gpj.exe");
        assert_eq!(shown(&[0xff, b'x']), "\u{fffd}x");
        assert_eq!(shown("é".repeat(500).as_bytes()).chars().count(), 201);
    }
}
