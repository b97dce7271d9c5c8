//! Characters that people do not see and machines do.

use crate::source::{Source, Zone};

/// So many invisible characters in a row are a message and no accident.
const RUN: usize = 8;

/// Rules that a line breaks by its characters.
pub(crate) fn broken(source: &Source<'_>, index: usize) -> Vec<&'static str> {
    let Some(line) = source.lines.get(index) else { return Vec::new() };
    let text = line.text.as_ref();
    if text.is_ascii() {
        return Vec::new();
    }
    let mut found = Vec::new();
    if has_tags(text) {
        found.push("unicode.tag_characters");
    }
    if has_override(text, line.zone) {
        found.push("unicode.bidi_override");
    }
    match invisible(text) {
        (_, longest) if longest >= RUN => found.push("unicode.hidden_run"),
        (true, _) => found.push("unicode.zero_width"),
        _ => {}
    }
    found
}

/// Tag characters spell the regions of a few flags (UTS 51, ED-14a), behind a black flag; everywhere else they are hidden text.
fn has_tags(text: &str) -> bool {
    let mut in_flag = false;
    for c in text.chars() {
        match c {
            '\u{1f3f4}' => in_flag = true,
            '\u{e0000}'..='\u{e007e}' if in_flag => {}
            '\u{e0000}'..='\u{e007f}' if !in_flag => return true,
            _ => in_flag = false,
        }
    }
    false
}

/// Overrides reverse even letters that read from left to right. Embeddings and isolates are proper beside letters that do not.
fn has_override(text: &str, zone: Zone) -> bool {
    let right_to_left =
        text.chars().any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'));
    let is_code = matches!(zone, Zone::Code | Zone::Automatic | Zone::Block | Zone::Data);
    text.chars().any(|c| match c {
        '\u{202d}' | '\u{202e}' => !right_to_left || is_code,
        '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}' => !right_to_left,
        _ => false,
    })
}

/// Whether invisible characters stand between letters of a script that has no use for them, and the longest run of any.
fn invisible(text: &str) -> (bool, usize) {
    let (mut run, mut longest, mut inside) = (0, 0, false);
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_invisible = matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{180e}' | '\u{feff}')
            // Selectors of variants beyond the sixteen common ones have been used to hide bytes.
            || matches!(c, '\u{e0100}'..='\u{e01ef}');
        if is_invisible {
            run += 1;
            longest = longest.max(run);
            let letters = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
            inside |= letters(before.as_ref()) && letters(chars.peek());
        } else {
            run = 0;
        }
        before = Some(c);
    }
    (inside, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        broken(&Source::new("a.md", text), 0)
    }

    #[test]
    fn hidden_characters_are_found() {
        assert_eq!(rules("hello \u{e0069}\u{e0067}\u{e006e}"), ["unicode.tag_characters"]);
        assert_eq!(rules("a \u{202e}txt.exe"), ["unicode.bidi_override"]);
        assert_eq!(rules("pass\u{200b}word"), ["unicode.zero_width"]);
        assert_eq!(rules(&format!("x{}", "\u{200b}\u{200c}".repeat(8))), ["unicode.hidden_run"]);
    }

    #[test]
    fn what_languages_and_emoji_need_is_not() {
        for text in [
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} flag",
            "👩\u{200d}💻 at work",
            "می\u{200c}خواهم",
            "\u{2067}שלום\u{2069} hello",
            "\u{feff}# Title",
            "naïve – “quoted”",
        ] {
            assert_eq!(rules(text), Vec::<&str>::new(), "{text}");
        }
    }
}
