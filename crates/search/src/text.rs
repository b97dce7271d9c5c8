//! Words of texts, for searching.

/// The longest word that is kept, characters.
const LONGEST: usize = 40;

/// `text` in lower case without accents, every run of anything but letters and digits one blank.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte.to_ascii_lowercase()));
            } else if !out.ends_with(' ') {
                out.push(' ');
            }
        }
        return out;
    }
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            match unaccented(c) {
                Some(letters) => out.push_str(letters),
                None => out.push(c),
            }
        } else if !out.ends_with(' ') && !is_mark(c) {
            out.push(' ');
        }
    }
    out
}

/// The words of `plain`, which [`plain`] wrote.
pub fn parts(plain: &str) -> impl Iterator<Item = &str> {
    plain.split(' ').filter(|word| !word.is_empty() && (word.len() <= LONGEST || word.chars().count() <= LONGEST))
}

/// The words of `text` as [`plain`] writes them.
pub fn words(text: &str) -> Vec<String> {
    parts(&plain(text)).map(ToOwned::to_owned).collect()
}

/// The words of a name: also the parts that capitals separate, so that `SlackBot` is found as `slackbot`, `slack` and `bot`.
pub fn name_words(text: &str) -> Vec<String> {
    let mut parted = String::with_capacity(text.len() + 8);
    let mut last_was_lower = false;
    for c in text.chars() {
        if last_was_lower && c.is_uppercase() {
            parted.push(' ');
        }
        last_was_lower = c.is_lowercase();
        parted.push(c);
    }
    let mut all = words(text);
    if parted.len() != text.len() {
        let known: Vec<String> = all.clone();
        all.extend(words(&parted).into_iter().filter(|word| !known.contains(word)));
    }
    all
}

/// Accents written as characters of their own.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn unaccented(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'ř' => "r",
        'ś' | 'ş' | 'š' => "s",
        'ß' => "ss",
        'ť' | 'ţ' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'æ' => "ae",
        'œ' => "oe",
        _ => return None,
    })
}

/// Words too common to ask for when a question has others.
const COMMON: [&str; 24] = [
    "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "how", "in", "is", "it", "of", "on", "or", "that",
    "the", "this", "to", "what", "when", "with",
];

/// The words of a question that are worth asking for, at most eight, none twice.
pub fn question(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words(text) {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    let mut telling: Vec<String> = all.iter().filter(|word| !COMMON.contains(&word.as_str())).cloned().collect();
    if telling.is_empty() {
        telling = all;
    }
    telling.truncate(8);
    telling
}

/// How many letters must be inserted, left out, replaced or swapped with their neighbour to turn one word into the other; none
/// when it is more than `most`.
pub fn distance(left: &[char], right: &str, most: usize) -> Option<usize> {
    let columns = left.len();
    // Words have at most this many letters; longer ones are near nothing.
    if columns > LONGEST {
        return None;
    }
    let (mut before_last, mut last, mut row) = ([0; LONGEST + 1], [0; LONGEST + 1], [0; LONGEST + 1]);
    for (n, cell) in last.iter_mut().enumerate() {
        *cell = n;
    }
    let mut previous = None;
    for (number, letter) in right.chars().enumerate() {
        row[0] = number + 1;
        let mut least = row[0];
        for at in 0..columns {
            let mut best = (last[at] + usize::from(left[at] != letter)).min(last[at + 1] + 1).min(row[at] + 1);
            if at > 0 && previous == Some(left[at]) && left[at - 1] == letter {
                best = best.min(before_last[at - 1] + 1);
            }
            row[at + 1] = best;
            least = least.min(best);
        }
        // A swap looks back two rows, and adds one at least.
        if least > most + 1 {
            return None;
        }
        (before_last, last) = (last, row);
        previous = Some(letter);
    }
    Some(last[columns]).filter(|mistakes| *mistakes <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_lower_case_without_accents_and_punctuation() {
        assert_eq!(words("Café-Über.n8n_MCP (v2)!"), ["cafe", "uber", "n8n", "mcp", "v2"]);
        assert_eq!(words("cafe\u{301}s"), ["cafes"]);
        assert!(words("  --  ").is_empty());
    }

    #[test]
    fn capitals_part_the_words_of_names() {
        assert_eq!(name_words("SlackBot"), ["slackbot", "slack", "bot"]);
        assert_eq!(name_words("slack-bot"), ["slack", "bot"]);
    }

    #[test]
    fn common_words_are_asked_for_only_when_there_are_no_others() {
        assert_eq!(question("how to post to Slack"), ["post", "slack"]);
        assert_eq!(question("what is this"), ["what", "is", "this"]);
    }

    #[test]
    fn distances_count_single_mistakes() {
        for (left, right, expected) in [
            ("slak", "slack", 1),
            ("salck", "slack", 1),
            ("kubernets", "kubernetes", 1),
            ("", "abc", 3),
            ("same", "same", 0),
        ] {
            let letters: Vec<char> = left.chars().collect();
            assert_eq!(distance(&letters, right, 9), Some(expected), "{left} {right}");
            assert_eq!(distance(&letters, right, expected), Some(expected), "{left} {right}");
            assert!(expected == 0 || distance(&letters, right, expected - 1).is_none(), "{left} {right}");
        }
    }
}
