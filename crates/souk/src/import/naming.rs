//! How names, versions and texts of other catalogues become ours.

use std::collections::BTreeMap;

use deunicode::deunicode;
use semver::Version;
use souk_domain::{listing::is_license, name::PluginName};
use souk_package::sha256;

/// As long as a name gets before something is added to tell it from others.
const LONGEST: usize = 100;
/// As long as a vendor's slug gets.
const LONGEST_SLUG: usize = 60;

/// Lower-case ASCII words joined by hyphens; empty when the text has no letter or digit. Letters of other scripts are
/// transliterated, pictures are dropped.
pub fn slug(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() || c.is_ascii() { c } else { ' ' }).collect();
    let ascii: String = deunicode(&plain)
        .chars()
        .filter(|c| *c != '\'')
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    cut(&ascii.split_whitespace().collect::<Vec<_>>().join("-"), LONGEST)
}

/// The slug of a vendor with this name.
pub fn vendor_slug(name: &str) -> String {
    let slug = cut(&slug(name), LONGEST_SLUG);
    if slug.len() < 2 { format!("vendor-{}", &short_digest(name)) } else { slug }
}

/// Words of at most `most` bytes; a word is cut only when it is the first.
fn cut(slug: &str, most: usize) -> String {
    if slug.len() <= most {
        return slug.to_owned();
    }
    let head = slug.get(..most).unwrap_or(slug);
    let whole = head.rsplit_once('-').map_or(head, |(words, _)| words);
    whole.trim_end_matches('-').to_owned()
}

/// The first of these texts that makes a plugin name, else one made of the last text's digest.
pub fn plugin_name(texts: &[&str]) -> String {
    let named = texts.iter().map(|text| slug(text)).find(|slug| PluginName::parse(slug).is_ok());
    named.unwrap_or_else(|| format!("workflow-{}", short_digest(texts.last().copied().unwrap_or_default())))
}

/// The plugin name of a server that a registry lists: its whole name, since every account may have a server `weather`.
pub fn registry_name(name: &str) -> String {
    plugin_name(&[name, &format!("mcp-{name}")])
}

/// The plugin name of an MCP server with this name, which says that it is one: `sqlite` would pass for a plugin of SQLite.
pub fn mcp_name(name: &str) -> String {
    let slug = slug(name);
    plugin_name(&[&if slug.starts_with("mcp-") { slug.clone() } else { format!("mcp-{slug}") }])
}

/// Tells entries of one name apart, by the folder they lie in, and where that does not do it, by the digest of their path.
///
/// Each item is a name and a path; all that share a name are changed, so that what a name means does not depend on which
/// of them is read first.
pub fn distinct(items: &[(String, String)]) -> Vec<String> {
    let by_folder = tell_apart(items.iter().map(|(name, _)| name.clone()).collect(), |index, name| {
        let path = items.get(index).map(|(_, path)| path.as_str()).unwrap_or_default();
        let folder = path.rsplit_once('/').map(|(folders, _)| slug(folders)).unwrap_or_default();
        if folder.is_empty() { name.to_owned() } else { format!("{name}-{}", cut(&folder, 40)) }
    });
    tell_apart(by_folder, |index, name| {
        let path = items.get(index).map(|(_, path)| path.as_str()).unwrap_or_default();
        format!("{name}-{}", short_digest(path))
    })
}

fn tell_apart(names: Vec<String>, change: impl Fn(usize, &str) -> String) -> Vec<String> {
    let key = |name: &str| PluginName::parse(name).map_or_else(|_| name.to_owned(), |name| name.key());
    let mut counts = BTreeMap::<String, usize>::new();
    for name in &names {
        *counts.entry(key(name)).or_default() += 1;
    }
    let shared = |name: &str| counts.get(&key(name)).is_some_and(|count| *count > 1);
    names
        .iter()
        .enumerate()
        .map(|(index, name)| if shared(name) { change(index, name) } else { name.clone() })
        .collect()
}

fn short_digest(text: &str) -> String {
    sha256(text.as_bytes()).get(..8).unwrap_or_default().to_owned()
}

/// A semantic version of what people write as one: `v1`, `1.0` and `1.0.0` are the same.
pub fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at_checked(end)?;
    let missing = 2_usize.checked_sub(core.matches('.').count())?;
    Version::parse(&format!("{core}{}{rest}", ".0".repeat(missing))).ok()
}

/// An SPDX expression of what people write as one; `NOASSERTION` when it is none.
pub fn license(text: Option<&str>) -> String {
    let text = text.map(str::trim).unwrap_or_default();
    if is_license(text) {
        return text.to_owned();
    }
    match spdx::Expression::canonicalize(text) {
        Ok(Some(canonical)) if is_license(&canonical) => canonical,
        _ => "NOASSERTION".to_owned(),
    }
}

/// One line of at most `most` characters: breaks and control characters become blanks, blanks are not repeated.
pub fn line(text: &str, most: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let words = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    shortened(&words, most)
}

/// Lines of at most `most` characters in all, without control characters.
pub fn body(text: &str, most: usize) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    shortened(clean.trim(), most)
}

/// The text, cut between words and marked where it is longer than `most` characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most.saturating_sub(1)).collect();
    let end = head.rfind(char::is_whitespace).filter(|end| *end > head.len() / 2).unwrap_or(head.len());
    format!("{}…", head.get(..end).unwrap_or(&head).trim_end())
}

/// Words with capitals, of a name written with hyphens or underscores.
pub fn title(name: &str) -> String {
    const AS_THEY_ARE: [&str; 1] = ["n8n"];
    const CAPITALS: [&str; 18] = [
        "ai", "api", "aws", "ci", "cd", "cli", "css", "html", "iot", "llm", "mcp", "ml", "pdf", "seo", "sql", "tdd",
        "ui", "ux",
    ];
    let words = name.split(['-', '_', ' ']).filter(|word| !word.is_empty()).map(|word| {
        let lower = word.to_ascii_lowercase();
        if AS_THEY_ARE.contains(&lower.as_str()) {
            lower
        } else if CAPITALS.contains(&lower.as_str()) {
            word.to_ascii_uppercase()
        } else {
            let mut chars = word.chars();
            chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// At most 20 tags, each once, in the order given.
pub fn tags(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut tags = Vec::new();
    for text in texts {
        let tag = line(&text.to_lowercase(), 64);
        if !tag.is_empty() && !tags.contains(&tag) && tags.len() < 20 {
            tags.push(tag);
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ascii() {
        assert_eq!(slug("🔍 Perplexity Research to HTML_ AI-Powered"), "perplexity-research-to-html-ai-powered");
        assert_eq!(slug("Dávid's Größe [3/3]"), "davids-grosse-3-3");
        assert_eq!(slug("Привет мир"), "privet-mir");
        assert_eq!(slug("🔍✨"), "");
        assert!(slug(&"word ".repeat(100)).len() <= LONGEST);
        assert_eq!(vendor_slug("Dávid Balatoni"), "david-balatoni");
        assert!(vendor_slug("🔍").starts_with("vendor-"));
    }

    #[test]
    fn a_plugin_name_is_found_for_everything() {
        assert_eq!(plugin_name(&["Slack Bot", "x"]), "slack-bot");
        assert_eq!(plugin_name(&["🔍", "A file"]), "a-file");
        for texts in [["", ""], ["🔍", "✨"], ["x", "!"], ["67e55044-10b1-426f-9247-bb680e5fe0c8", "y"]] {
            let name = plugin_name(&texts);
            assert!(PluginName::parse(&name).is_ok(), "{texts:?} -> {name}");
        }
    }

    #[test]
    fn names_of_servers_say_that_they_are_servers() {
        assert_eq!(mcp_name("SQLite"), "mcp-sqlite");
        assert_eq!(mcp_name("mcp-hub"), "mcp-hub");
        assert_eq!(registry_name("io.github.acme/weather"), "io-github-acme-weather");
        for short in ["x", "67e55044-10b1-426f-9247-bb680e5fe0c8"] {
            assert_eq!(registry_name(short), format!("mcp-{short}"), "no plugin name by itself");
        }
    }

    #[test]
    fn equal_names_are_told_apart_in_any_order() {
        let item = |name: &str, path: &str| (name.to_owned(), path.to_owned());
        let items = [item("bot", "Slack/a.json"), item("bot", "Discord/a.json"), item("other", "Slack/b.json")];
        assert_eq!(distinct(&items), ["bot-slack", "bot-discord", "other"]);
        let same_folder = [item("bot", "Slack/a.json"), item("bot", "Slack/b.json")];
        let names = distinct(&same_folder);
        assert!(names[0].starts_with("bot-slack-") && names[0] != names[1], "{names:?}");
        let reversed: Vec<_> = same_folder.iter().rev().cloned().collect();
        assert_eq!(distinct(&reversed).into_iter().rev().collect::<Vec<_>>(), names);
        assert_eq!(distinct(&[item("a.b", "x/1"), item("a-b", "y/1")]), ["a.b-x", "a-b-y"], "equal when compared");
    }

    #[test]
    fn versions_become_semantic() {
        for (text, expected) in [
            ("1", "1.0.0"),
            ("v1.2", "1.2.0"),
            (" 1.2.3 ", "1.2.3"),
            ("1.0-beta", "1.0.0-beta"),
            ("2.0.1+b", "2.0.1+b"),
        ] {
            assert_eq!(version(text).map(|version| version.to_string()).as_deref(), Some(expected), "{text}");
        }
        for text in ["", "latest", "1.2.3.4", "01.2", "1..2", "-1"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn licenses_become_spdx() {
        assert_eq!(license(Some("MIT")), "MIT");
        assert_eq!(license(Some("apache2")), "Apache-2.0");
        for text in [None, Some(""), Some("ask me"), Some("NOASSERTION")] {
            assert_eq!(license(text), "NOASSERTION");
        }
    }

    #[test]
    fn texts_are_shortened_between_words() {
        assert_eq!(line("a\n\tb\0  c", 10), "a b c");
        assert_eq!(line("one two three", 10), "one two…");
        assert_eq!(line(&"é".repeat(20), 5).chars().count(), 5);
        assert_eq!(body(" a\r\n\0b ", 10), "a\nb");
    }

    #[test]
    fn titles_are_for_people() {
        assert_eq!(title("n8n-templates"), "n8n Templates");
        assert_eq!(title("api-testing_tools"), "API Testing Tools");
    }

    #[test]
    fn tags_come_once_and_are_few() {
        let many = (0..40).map(|index| format!("T{}", index / 2));
        assert_eq!(tags(many).len(), 20);
        assert_eq!(tags(["A".into(), "a".into(), " ".into()]), ["a"]);
    }
}
