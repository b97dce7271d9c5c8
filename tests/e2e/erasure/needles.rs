//! Looking for texts, however they are written.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use aho_corasick::AhoCorasick;
use data_encoding::{BASE64, BASE64URL};

/// A text in each spelling in which it may have been written.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf16: Vec<u16> = text.encode_utf16().collect();
    let bytes = |of: fn(u16) -> [u8; 2]| utf16.iter().copied().flat_map(of).collect::<Vec<u8>>();
    let escaped = utf16.iter().fold(String::new(), |mut escaped, unit| {
        match u8::try_from(*unit).ok().filter(u8::is_ascii) {
            Some(ascii) => escaped.push(char::from(ascii)),
            None => write!(escaped, "\\u{unit:04x}").expect("is written"),
        }
        escaped
    });
    let percent = text.bytes().fold(String::new(), |mut percent, byte| {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => percent.push(char::from(byte)),
            false => write!(percent, "%{byte:02x}").expect("is written"),
        }
        percent
    });
    let mut all = vec![
        ("plain", text.as_bytes().to_vec()),
        ("escaped", escaped.into_bytes()),
        ("percent", percent.into_bytes()),
        ("hex", hex::encode(text).into_bytes()),
        ("UTF-16 LE", bytes(u16::to_le_bytes)),
        ("UTF-16 BE", bytes(u16::to_be_bytes)),
    ];
    // In base64 a text reads otherwise after one byte or two; what depends on its neighbours is left out.
    for (before, cut) in [(0, 0), (1, 2), (2, 3)] {
        let mut padded = vec![0; before];
        padded.extend_from_slice(text.as_bytes());
        let whole = padded.len() * 8 / 6;
        for alphabet in [&BASE64, &BASE64URL] {
            let encoded = alphabet.encode(&padded);
            all.push(("base64", encoded.as_bytes()[cut..whole].to_vec()));
        }
    }
    all
}

/// Texts to look for.
pub struct Needles {
    /// By pattern: which text, in which spelling.
    names: Vec<String>,
    automaton: AhoCorasick,
}

impl Needles {
    pub fn of(texts: &[&str]) -> Self {
        let (mut names, mut patterns) = (Vec::new(), Vec::new());
        for text in texts {
            for (spelling, pattern) in spellings(text) {
                names.push(format!("{text} ({spelling})"));
                patterns.push(pattern);
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(patterns).expect("patterns");
        Self { names, automaton }
    }

    /// What of them stands in `bytes`, and how it is spelled.
    pub fn heard(&self, bytes: &[u8]) -> BTreeSet<&str> {
        self.automaton.find_iter(bytes).map(|found| self.names[found.pattern()].as_str()).collect()
    }

    /// What stands in which file below `folder`.
    pub fn heard_below(&self, folder: &Path) -> Vec<(PathBuf, BTreeSet<&str>)> {
        let mut all = Vec::new();
        files(folder, &mut all);
        let heard = |path: PathBuf| {
            // Some are gone by the time that they are looked at.
            let heard = self.heard(&std::fs::read(&path).unwrap_or_default());
            (!heard.is_empty()).then_some((path, heard))
        };
        all.into_iter().filter_map(heard).collect()
    }
}

/// Every file below `folder`.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

#[test]
fn a_text_is_heard_however_it_is_written() {
    let texts = ["CanaryBird-1f?", "канарейка-\u{1f426}"];
    let needles = Needles::of(&texts);
    for text in texts {
        let sentence = |before: &str| format!("{before}{text} ~ю");
        let utf16 = |of: fn(u16) -> [u8; 2]| sentence("x").encode_utf16().flat_map(of).collect::<Vec<u8>>();
        let mut written = vec![
            sentence("\0").into_bytes(),
            sentence("\0").to_ascii_lowercase().into_bytes(),
            hex::encode(sentence("x")).into_bytes(),
            hex::encode_upper(sentence("x")).into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ];
        for before in ["", "x", "xx", "xxx"] {
            written.push(BASE64.encode(sentence(before).as_bytes()).into_bytes());
            written.push(BASE64URL.encode(sentence(before).as_bytes()).into_bytes());
        }
        for bytes in written {
            assert!(!needles.heard(&bytes).is_empty(), "{text} in {}", String::from_utf8_lossy(&bytes));
        }
    }
    let escaped = br#""\u043A\u0430\u043d\u0430\u0440\u0435\u0439\u043a\u0430-\ud83d\udc26""#;
    assert_eq!(needles.heard(escaped).len(), 1);
    let percent = b"?q=%D0%BA%D0%B0%D0%BD%D0%B0%D1%80%D0%B5%D0%B9%D0%BA%D0%B0-%F0%9F%90%A6";
    assert_eq!(needles.heard(percent).len(), 1);
    assert_eq!(needles.heard("CanaryBird-2f? канарейки".as_bytes()).len(), 0);

    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pg_wal");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("1"), b"\0\0Title canarybird-1F?\0").expect("is written");
    assert_eq!(needles.heard_below(home.path())[0].0, folder.join("1"));
}
