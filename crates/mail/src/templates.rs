//! What mails say, from templates: a file `KIND.txt` each, whose first line is the subject, and a frame around all of them.
//!
//! The document of a mail is made of its plain text, paragraph by paragraph, by `frame.html`, which escapes what it is given; so
//! nobody's name and no title is ever markup. Who wants another document for one kind adds `KIND.html`.

use std::{collections::BTreeMap, fmt, fs, io::ErrorKind, path::Path};

use chrono::{DateTime, Utc};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, value::Serde};
use serde_json::Value;
use souk_domain::money::Currency;
use souk_ports::{
    Wording,
    mail::{Addressee, Worded},
    notice::Kind,
};

/// The longest subject, characters.
const SUBJECT: usize = 150;
const FRAMES: [&str; 2] = ["frame.txt", "frame.html"];

/// The templates that Souk brings along, by the name of their file.
const BUILT_IN: &[(&str, &str)] = &include!("built_in.rs");

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Its file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problem)
    }
}

impl std::error::Error for TemplateError {}

/// [`Wording`] by templates.
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// The templates that Souk brings along, and in their place those of the same name in `folder`. `site` is where this Souk is
    /// found. Every kind is written once, with details as it has them, so that a template that does not work is found now.
    ///
    /// # Errors
    /// Everything that is wrong, file by file.
    pub fn load(folder: Option<&Path>, site: &str) -> Result<Self, Vec<TemplateError>> {
        let mut sources: BTreeMap<String, String> =
            BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut problems = Vec::new();
        if let Some(folder) = folder {
            match own(folder) {
                Ok(own) => sources.extend(own),
                Err(wrong) => problems.extend(wrong),
            }
        }
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        environment.add_filter("money", money);
        environment.add_filter("day", day);
        environment.add_global("site", site.trim_end_matches('/'));
        for (name, source) in sources {
            if let Err(error) = environment.add_template_owned(name.clone(), source) {
                problems.push(wrong(&name, &error));
            }
        }
        let templates = Self { environment };
        if problems.is_empty() {
            problems.extend(Kind::ALL.into_iter().filter_map(|kind| templates.problem(kind)));
        }
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// What is wrong with the templates of `kind`, if anything.
    fn problem(&self, kind: Kind) -> Option<TemplateError> {
        let unsubscribe = (!kind.is_binding()).then(|| "https://souk.example/unsubscribe".to_owned());
        let whole = Addressee { name: Some("Ada".to_owned()), unsubscribe };
        let bare = Addressee { name: None, unsubscribe: None };
        let tries = [whole, bare].map(|to| self.write(kind, &kind.example(), &to));
        tries.into_iter().find_map(Result::err)
    }

    fn write(&self, kind: Kind, details: &Value, to: &Addressee) -> Result<Worded, TemplateError> {
        let file = format!("{}.txt", kind.as_str());
        let notice = minijinja::Value::from(Serde(details));
        let unsubscribe = to.unsubscribe.as_deref();
        let values = context! { kind => kind.as_str(), name => to.name.as_deref(), unsubscribe, ..notice.clone() };
        let written = self.render(&file, &values)?;
        let (subject, body) = parts(&written).ok_or_else(|| TemplateError {
            file: file.clone(),
            problem: "expected a first line `Subject: …`, an empty one, and a text".to_owned(),
        })?;
        let lines = |paragraph: &str| -> Vec<String> {
            paragraph.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
        };
        let paragraphs: Vec<Vec<String>> = body.split("\n\n").map(lines).filter(|lines| !lines.is_empty()).collect();
        let values = context! { subject, body, paragraphs, ..values };
        let plain = self.render(FRAMES[0], &values)?;
        let own = format!("{}.html", kind.as_str());
        let document = if self.environment.get_template(&own).is_ok() { &own } else { FRAMES[1] };
        Ok(Worded { subject: subject.to_owned(), plain, html: self.render(document, &values)? })
    }

    fn render(&self, file: &str, values: &minijinja::Value) -> Result<String, TemplateError> {
        let template = self.environment.get_template(file).map_err(|error| wrong(file, &error))?;
        template.render(values.clone()).map_err(|error| wrong(file, &error))
    }
}

impl Wording for Templates {
    fn word(&self, kind: Kind, details: &Value, to: &Addressee) -> Result<Worded, String> {
        let mut worded = self.write(kind, details, to).map_err(|error| format!("template {error}"))?;
        worded.subject = subject(&worded.subject);
        Ok(worded)
    }
}

/// The subject, and the text.
fn parts(written: &str) -> Option<(&str, &str)> {
    let (first, rest) = written.trim_start().split_once('\n')?;
    let subject = first.strip_prefix("Subject:")?.trim();
    let body = rest.trim();
    (!subject.is_empty() && !body.is_empty()).then_some((subject, body))
}

/// One line of bounded length, whatever stood in the names that it was made of.
fn subject(text: &str) -> String {
    let clean = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    clean.collect::<Vec<_>>().join(" ").chars().take(SUBJECT).collect()
}

/// The templates of an operator.
fn own(folder: &Path) -> Result<BTreeMap<String, String>, Vec<TemplateError>> {
    let failed = |file: String, problem: &dyn fmt::Display| TemplateError { file, problem: problem.to_string() };
    let shown = folder.display().to_string();
    let entries = fs::read_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::NotFound => vec![failed(shown.clone(), &"there is no such folder")],
        _ => vec![failed(shown.clone(), &error)],
    })?;
    let (mut sources, mut problems) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(failed(shown.clone(), &error));
                continue;
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = name.strip_suffix(".txt").or_else(|| name.strip_suffix(".html")).and_then(Kind::named);
        if kind.is_none() && !FRAMES.contains(&name.as_str()) {
            problems.push(failed(name, &"is no template: expected KIND.txt, KIND.html, frame.txt or frame.html"));
            continue;
        }
        match fs::read_to_string(entry.path()) {
            Ok(text) => {
                sources.insert(name, text);
            }
            Err(error) => problems.push(failed(name, &error)),
        }
    }
    if problems.is_empty() { Ok(sources) } else { Err(problems) }
}

fn wrong(file: &str, error: &minijinja::Error) -> TemplateError {
    let line = error.line().map_or_else(String::new, |line| format!("line {line}: "));
    let detail = error.detail().map_or_else(String::new, |detail| format!(": {detail}"));
    TemplateError { file: error.name().unwrap_or(file).to_owned(), problem: format!("{line}{}{detail}", error.kind()) }
}

/// `{"amount": 4900, "currency": "USD"}` as `49.00 USD`.
fn money(value: &minijinja::Value) -> Result<String, minijinja::Error> {
    let invalid = |what| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, what);
    let amount = i64::try_from(value.get_attr("amount")?).map_err(|_| invalid("`money` takes an amount"))?;
    let currency = value.get_attr("currency")?;
    let currency: Option<Currency> = currency.as_str().and_then(|code| code.parse().ok());
    Ok(format_money(amount, currency.ok_or_else(|| invalid("`money` takes a currency"))?))
}

fn format_money(amount: i64, currency: Currency) -> String {
    let digits = usize::from(currency.exponent());
    let sign = if amount < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, minor) = text.split_at(text.len() - digits);
    let point = if digits > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{minor} {currency}")
}

/// A time as `21 December 2026, 09:00 UTC`.
fn day(value: &str) -> Result<String, minijinja::Error> {
    let time: DateTime<Utc> = value.parse().map_err(|_| {
        minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, "`day` takes a time as in RFC 3339")
    })?;
    Ok(time.format("%-d %B %Y, %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn templates() -> Templates {
        Templates::load(None, "https://souk.example/").unwrap()
    }

    fn ada() -> Addressee {
        Addressee { name: Some("Ada".to_owned()), unsubscribe: Some("https://souk.example/u".to_owned()) }
    }

    fn with(files: &[(&str, &str)]) -> Result<Templates, Vec<TemplateError>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Templates::load(Some(folder.path()), "https://souk.example")
    }

    fn problem(files: &[(&str, &str)]) -> String {
        let problems = with(files).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_kind_has_words_of_its_own() {
        let templates = templates();
        let mut subjects = std::collections::BTreeSet::new();
        for kind in Kind::ALL {
            let Worded { subject, plain, html } = templates.word(kind, &kind.example(), &ada()).unwrap();
            assert!(subject.len() > 8 && !subject.contains(['{', '\n']), "{kind:?}: {subject}");
            assert!(plain.starts_with("Hello Ada,\n") && plain.contains("https://souk.example"), "{kind:?}: {plain}");
            for text in [&plain, &html] {
                assert!(
                    !text.contains("{{") && !text.contains("undefined") && !text.contains("null"),
                    "{kind:?}: {text}"
                );
            }
            assert!(html.contains("<p>") && html.trim_end().ends_with("</html>"), "{kind:?}: {html}");
            if let Some(title) = kind.example().pointer("/plugin/title").and_then(Value::as_str) {
                assert!(plain.contains(title) && html.contains(title), "{kind:?} names its plugin");
            }
            if kind.example().get("money").is_some() {
                assert!(plain.contains("49.00 USD"), "{kind:?} names its amount: {plain}");
            }
            assert!(subjects.insert(subject), "{kind:?} has the subject of another");
        }
    }

    #[test]
    fn there_is_a_file_for_each_kind_and_none_for_nothing() {
        let mut names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).filter(|name| !FRAMES.contains(name)).collect();
        names.sort_unstable();
        let mut kinds: Vec<_> = Kind::ALL.iter().map(|kind| format!("{}.txt", kind.as_str())).collect();
        kinds.sort();
        assert_eq!(names, kinds);
    }

    #[test]
    fn what_others_wrote_is_text_in_a_document() {
        let evil = "<script>alert(1)</script> & \"co\"\r\nBcc: eve@evil.example";
        let details = json!({ "plugin": { "id": "1", "name": "Evil", "title": evil }, "orderId": "1",
            "money": { "amount": 5, "currency": "JPY" } });
        let to = Addressee { name: Some(evil.to_owned()), unsubscribe: Some("https://x/\"><script>".to_owned()) };
        let worded = templates().word(Kind::OrderPaid, &details, &to).unwrap();
        assert!(!worded.html.contains("<script>"), "{}", worded.html);
        assert!(worded.html.contains("&lt;script&gt;"));
        assert!(worded.plain.contains("<script>alert(1)</script>"), "plain text stays as it is");
        assert!(!worded.subject.contains(['\r', '\n']) && worded.subject.chars().count() <= SUBJECT);
    }

    #[test]
    fn templates_of_an_operator_take_the_place_of_others() {
        let own = with(&[
            ("orderPaid.txt", "Subject: Danke\n\nBezahlt: {{ money | money }}"),
            ("orderPaid.html", "<b>{{ name }}</b> {{ money | money }}"),
        ])
        .unwrap();
        let to = Addressee { name: Some("<Ada>".to_owned()), unsubscribe: None };
        let worded = own.word(Kind::OrderPaid, &Kind::OrderPaid.example(), &to).unwrap();
        assert_eq!((worded.subject.as_str(), worded.html.as_str()), ("Danke", "<b>&lt;Ada&gt;</b> 49.00 USD"));
        assert!(worded.plain.contains("Bezahlt: 49.00 USD"));
        let other = own.word(Kind::OrderRefunded, &Kind::OrderRefunded.example(), &to).unwrap();
        assert!(other.html.contains("&lt;Ada&gt;"));
    }

    #[test]
    fn a_template_that_does_not_work_is_named() {
        assert!(problem(&[("orderPaid.txt", "Subject: x\n\n{{ money")]).starts_with("orderPaid.txt: line 3: "));
        let missing = problem(&[("orderPaid.txt", "Subject: x\n\n{{ plugin.titel }}")]);
        assert!(missing.starts_with("orderPaid.txt: line 3: undefined value"), "{missing}");
        assert!(problem(&[("licenseRevoked.txt", "Nothing")]).contains("licenseRevoked.txt: expected a first line"));
        assert!(problem(&[("orderPayed.txt", "Subject: x\n\nx")]).starts_with("orderPayed.txt: is no template"));
        assert!(problem(&[("frame.html", "{{ nothing }}")]).contains("frame.html: line 1: undefined value"));
        let nowhere = Templates::load(Some(Path::new("/nowhere/at/all")), "https://souk.example").unwrap_err();
        assert_eq!(nowhere[0].problem, "there is no such folder");
    }

    #[test]
    fn amounts_are_written_as_their_currency_has_it() {
        let written = |amount, code: &str| format_money(amount, code.parse().unwrap());
        assert_eq!(written(4_900, "USD"), "49.00 USD");
        assert_eq!(written(5, "USD"), "0.05 USD");
        assert_eq!(written(-1_234, "KWD"), "-1.234 KWD");
        assert_eq!(written(4_900, "JPY"), "4900 JPY");
    }
}
