//! Which names of entries are taken.

use souk_domain::validation::{Finding, Severity};
use unicode_normalization::UnicodeNormalization;

use super::{Limits, critical};
use crate::finding::{finding, is_unshowable, shown};

/// A name that leads to one place inside the archive, on every system.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Without a slash at its end.
    pub path: String,
    /// Whether it ended with a slash.
    pub directory: bool,
}

/// Takes the name of an entry, or says why not.
pub(super) fn taken(raw: &[u8], limits: &Limits) -> Result<Name, Finding> {
    let place = shown(raw);
    let refuse = |rule: &str, message: String| critical(rule, Some(&place), message);
    let Ok(text) = std::str::from_utf8(raw) else {
        return Err(refuse("artifact.name_not_utf8", "the name of this entry is no UTF-8; rename the file".into()));
    };
    if text.len() > limits.path {
        let message = format!("the path has {} bytes; at most {} are taken", text.len(), limits.path);
        return Err(refuse("artifact.path_too_long", message));
    }
    if let Some(why) = escape(text) {
        let message = format!("{why}; every path must stay inside the archive");
        return Err(refuse("artifact.path_escapes", message));
    }
    let (path, directory) = match text.strip_suffix('/') {
        Some(path) => (path, true),
        None => (text, false),
    };
    if path.chars().any(is_unshowable) {
        let message = "the name holds control or direction-changing characters; rename the file";
        return Err(refuse("artifact.name_unsafe", message.into()));
    }
    if path.split('/').any(|part| part.is_empty() || part == ".") {
        let message = "the path has an empty part or a `.`; write it without";
        return Err(refuse("artifact.name_unsafe", message.into()));
    }
    if path.split('/').count() > limits.depth {
        let message = format!("folders are nested deeper than {}", limits.depth);
        return Err(refuse("artifact.path_too_deep", message));
    }
    Ok(Name { path: path.to_owned(), directory })
}

fn escape(text: &str) -> Option<&'static str> {
    let mut chars = text.chars();
    if text.starts_with('/') {
        Some("the path is absolute")
    } else if text.contains('\\') {
        Some("the path has a backslash, which separates folders on some systems")
    } else if chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':') {
        Some("the path names a drive")
    } else if text.split('/').any(|part| part == "..") {
        Some("the path climbs with `..`")
    } else {
        None
    }
}

/// How a name reads where neither case nor Unicode composition counts: two names that fold alike are one file there.
pub(super) fn folded(path: &str) -> String {
    path.nfc().collect::<String>().to_lowercase().nfc().collect()
}

/// A name that some systems cannot store as it is.
pub(super) fn unportable(path: &str) -> Option<Finding> {
    const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
    let bad = path.split('/').any(|part| {
        let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let numbered = (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.len() == 4
            && stem.ends_with(|c: char| c.is_ascii_digit());
        part.contains(['<', '>', ':', '"', '|', '?', '*'])
            || part.ends_with(['.', ' '])
            || RESERVED.contains(&stem.as_str())
            || numbered
    });
    bad.then(|| {
        finding(
            "artifact.name_not_portable",
            Severity::Low,
            Some(path),
            "Windows cannot store a file of this name; rename it",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(raw: &[u8]) -> String {
        taken(raw, &Limits::default()).map_or_else(|finding| finding.rule, |name| name.path)
    }

    #[test]
    fn paths_that_leave_are_refused() {
        for raw in ["/etc/passwd", "../x", "a/../../x", "a/..", "..", "C:/x", "c:x", "a\\b", "..\\x", "//host/share"] {
            assert_eq!(rule(raw.as_bytes()), "artifact.path_escapes", "{raw}");
        }
        for raw in ["", "a//b", "./a", "a/./b", "a\0b", "a\nb", "a\u{202e}b", "/"] {
            assert!(
                ["artifact.name_unsafe", "artifact.path_escapes"].contains(&rule(raw.as_bytes()).as_str()),
                "{raw}"
            );
        }
        assert_eq!(rule(&[0xff, 0xfe]), "artifact.name_not_utf8");
        assert_eq!(rule("a/".repeat(40).as_bytes()), "artifact.path_too_deep");
        assert_eq!(rule("a".repeat(2_000).as_bytes()), "artifact.path_too_long");
    }

    #[test]
    fn ordinary_paths_are_taken() {
        for raw in ["a", "a/b.md", "..a/b..", ".claude-plugin/plugin.json", "🔍 é/[1_3].json", "a b/c"] {
            assert_eq!(rule(raw.as_bytes()), raw);
        }
        assert_eq!(
            taken(b"a/b/", &Limits::default()).unwrap(),
            Name { path: "a/b".into(), directory: true },
            "a slash at the end marks a folder"
        );
    }

    #[test]
    fn names_fold_by_case_and_composition() {
        assert_eq!(folded("README.md"), folded("readme.MD"));
        assert_eq!(folded("caf\u{e9}"), folded("CAFE\u{301}"));
        assert_ne!(folded("a-b"), folded("a_b"));
    }

    #[test]
    fn names_of_devices_are_noticed() {
        for path in ["nul", "a/CON.txt", "com1", "a:b", "x./y", "q?"] {
            assert!(unportable(path).is_some(), "{path}");
        }
        for path in ["console", "comma", "lpt", "a.b"] {
            assert!(unportable(path).is_none(), "{path}");
        }
    }
}
