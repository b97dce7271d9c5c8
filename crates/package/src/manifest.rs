//! What a version says of itself: the JSON handed in beside its archive.

use std::collections::BTreeSet;

use semver::Version;
use serde_json::{Map, Value};
use souk_domain::{
    listing::{Extra, Kind, is_license},
    name::PluginName,
    text,
    validation::{Finding, Severity},
};

use crate::{
    capabilities::Capabilities,
    finding::finding,
    samples::{self, Sample},
};

/// Bytes of a manifest as compact JSON; it travels inside an event.
pub const LARGEST: usize = 64 << 10;

/// The license of what states none.
pub const NO_LICENSE: &str = "NOASSERTION";

/// A manifest that follows the schema. Fields it does not know are kept in `extra`.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Name of the plugin.
    pub name: String,
    /// Which version.
    pub version: Version,
    /// What sort of asset.
    pub kind: Kind,
    /// One paragraph, 1 to 1,000 characters.
    pub summary: String,
    /// SPDX expression or `NOASSERTION`.
    pub license: String,
    /// Name to show, 1 to 200 characters.
    pub display_name: Option<String>,
    /// Markdown, 1 to 50,000 characters.
    pub description: Option<String>,
    /// 1 to 64 characters.
    pub category: Option<String>,
    /// At most 20, of 1 to 64 characters.
    pub tags: Vec<String>,
    /// Path in the archive of the file to begin with.
    pub entry: Option<String>,
    /// A web address.
    pub homepage: Option<String>,
    /// A web address.
    pub repository: Option<String>,
    /// Name of who made it.
    pub author: Option<String>,
    /// What it asks to be allowed.
    pub capabilities: Capabilities,
    /// By what it is tried.
    pub samples: Vec<Sample>,
    /// Everything else.
    pub extra: Extra,
}

/// What a manifest must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Name of the plugin as listed.
    pub name: &'a str,
    /// Kind of the plugin as listed.
    pub kind: Kind,
    /// The version that was handed in.
    pub version: &'a Version,
}

/// Reads a manifest, naming every problem it has, not just the first.
///
/// # Errors
///
/// Findings, all of them [`Severity::Critical`], each with the field it is about as its place.
pub fn parse(value: &Value) -> Result<Manifest, Vec<Finding>> {
    let Some(object) = value.as_object() else {
        return Err(vec![schema(None, "a manifest is a JSON object")]);
    };
    let mut reader = Reader { object, findings: Vec::new() };
    reader.size(value);
    let name = reader.name();
    let version = reader.version();
    let kind = reader.kind();
    let summary = reader.required("summary", 1_000);
    let license = reader.license();
    let mut manifest = Manifest {
        name: String::new(),
        version: Version::new(0, 0, 0),
        kind: Kind::Asset,
        summary: String::new(),
        license: String::new(),
        display_name: reader.text("displayName", 200),
        description: reader.checked("description", |text| {
            text::body("description", text, 50_000).err().map(|invalid| invalid.problem)
        }),
        category: reader.text("category", 64),
        tags: reader.texts("tags", 20),
        entry: reader.text("entry", 1_024),
        homepage: reader.address("homepage"),
        repository: reader.address("repository"),
        author: reader.author(),
        capabilities: reader.part("capabilities", Capabilities::read),
        samples: reader.part("samples", samples::read),
        extra: object
            .iter()
            .filter(|(key, _)| !KNOWN.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
    };
    reader.nul();
    match (name, version, kind, summary, license) {
        (Some(name), Some(version), Some(kind), Some(summary), Some(license)) if reader.findings.is_empty() => {
            (manifest.name, manifest.version, manifest.kind) = (name, version, kind);
            (manifest.summary, manifest.license) = (summary, license);
            Ok(manifest)
        }
        _ => Err(reader.findings),
    }
}

/// Whether a manifest agrees with the listing and with the version it came with; and what is merely worth knowing of it.
pub fn compare(manifest: &Manifest, expected: &Expected<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut critical = |rule: &str, field: &str, message: String| {
        findings.push(finding(rule, Severity::Critical, Some(field), message));
    };
    if comparable(&manifest.name) != comparable(expected.name) {
        let message = format!("the manifest is of `{}`, but this plugin is `{}`", manifest.name, expected.name);
        critical("manifest.name_mismatch", "name", message);
    }
    if manifest.kind != expected.kind {
        critical("manifest.kind_mismatch", "kind", "the manifest names another kind than the listing".into());
    }
    if manifest.version != *expected.version {
        let message =
            format!("the manifest is of version {}, but {} was handed in", manifest.version, expected.version);
        critical("manifest.version_mismatch", "version", message);
    }
    if manifest.license == NO_LICENSE {
        findings.push(finding(
            "manifest.license_unknown",
            Severity::Info,
            Some("license"),
            "no license is stated, so nobody may rely on having one; state an SPDX expression",
        ));
    }
    for (field, address) in [("homepage", &manifest.homepage), ("repository", &manifest.repository)] {
        if address.as_ref().is_some_and(|address| !address.starts_with("https://")) {
            let message = "this is no https address; browsers and tools will not follow it safely";
            findings.push(finding("manifest.address_not_https", Severity::Low, Some(field), message));
        }
    }
    findings.extend(asked(&manifest.capabilities));
    let mut names = BTreeSet::new();
    if let Some(twice) = manifest.samples.iter().find(|sample| !names.insert(sample.name.as_str())) {
        let message = format!("two samples are named `{}`; reports tell them apart by name", twice.name);
        findings.push(finding("manifest.sample_duplicate", Severity::Low, Some("samples"), message));
    }
    findings
}

/// What nobody should be granted without a second look.
fn asked(capabilities: &Capabilities) -> Vec<Finding> {
    let at = |rule: &str, severity, message: String| finding(rule, severity, Some("capabilities.network"), message);
    let private = capabilities.private().map(|host| {
        let message = format!("`{host}` is a private address, which no sandbox lets a plugin reach");
        at("manifest.capability_private", Severity::High, message)
    });
    let unbounded = capabilities.unbounded().map(|host| {
        at(
            "manifest.capability_unbounded",
            Severity::Medium,
            format!("`{host}` stands for every host; name those that are needed"),
        )
    });
    private.chain(unbounded).collect()
}

const KNOWN: [&str; 15] = [
    "name",
    "version",
    "kind",
    "summary",
    "license",
    "displayName",
    "description",
    "category",
    "tags",
    "entry",
    "homepage",
    "repository",
    "author",
    "capabilities",
    "samples",
];

fn comparable(name: &str) -> String {
    PluginName::parse(name).map_or_else(|_| name.to_owned(), |name| name.key())
}

fn schema(field: Option<&str>, message: impl AsRef<str>) -> Finding {
    finding("manifest.schema", Severity::Critical, field, message)
}

struct Reader<'a> {
    object: &'a Map<String, Value>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn size(&mut self, value: &Value) {
        let size = value.to_string().len();
        if size > LARGEST {
            let message = format!("the manifest has {size} bytes; at most {LARGEST} are taken");
            self.findings.push(finding("manifest.too_large", Severity::Critical, None, message));
        }
    }

    /// NUL, which no database keeps, also where nothing else looks.
    fn nul(&mut self) {
        let told = |field: &str| self.findings.iter().any(|finding| finding.place.as_deref() == Some(field));
        let field =
            self.object.iter().find(|(key, value)| has_nul(key, value) && !told(key)).map(|(key, _)| key.clone());
        if let Some(field) = field {
            self.findings.push(schema(Some(&field), "texts cannot hold NUL characters"));
        }
    }

    /// One line of 1 to `most` characters; null counts as missing.
    fn text(&mut self, field: &str, most: usize) -> Option<String> {
        self.checked(field, |text| text::line(field, text, most).err().map(|invalid| invalid.problem))
    }

    fn checked(&mut self, field: &str, problem: impl Fn(&str) -> Option<String>) -> Option<String> {
        match self.object.get(field)? {
            Value::Null => None,
            Value::String(text) => match problem(text) {
                Some(problem) => self.refuse(field, &problem),
                None => Some(text.clone()),
            },
            _ => self.refuse(field, "must be a text"),
        }
    }

    fn name(&mut self) -> Option<String> {
        let name = self.required("name", 150)?;
        match PluginName::parse(&name) {
            Ok(_) => Some(name),
            Err(invalid) => self.refuse("name", invalid.0.first().map_or("is no name", |invalid| &invalid.problem)),
        }
    }

    fn required(&mut self, field: &str, most: usize) -> Option<String> {
        match self.object.get(field) {
            None | Some(Value::Null) => self.refuse(field, "is missing"),
            Some(_) => self.text(field, most),
        }
    }

    fn texts(&mut self, field: &str, most: usize) -> Vec<String> {
        let Some(value) = self.object.get(field).filter(|value| !value.is_null()) else { return Vec::new() };
        let texts: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        match texts {
            Some(texts) if texts.len() > most => {
                self.refuse::<()>(field, &format!("has {} items; at most {most} are taken", texts.len()));
                Vec::new()
            }
            Some(texts) if texts.iter().any(|item| text::line(field, item, 64).is_err()) => {
                self.refuse::<()>(field, "has an item that is blank or longer than 64 characters");
                Vec::new()
            }
            Some(texts) => texts,
            None => {
                self.refuse::<()>(field, "must be a list of texts");
                Vec::new()
            }
        }
    }

    fn version(&mut self) -> Option<Version> {
        let text = self.required("version", 128)?;
        match Version::parse(&text) {
            Ok(version) => Some(version),
            Err(error) => {
                let message = format!("`{text}` is no semantic version such as `1.4.2`: {error}");
                self.findings.push(finding(
                    "manifest.version_not_semver",
                    Severity::Critical,
                    Some("version"),
                    message,
                ));
                None
            }
        }
    }

    fn kind(&mut self) -> Option<Kind> {
        let text = self.required("kind", 64)?;
        match serde_json::from_value(Value::String(text.clone())) {
            Ok(kind) => Some(kind),
            Err(_) => self.refuse(
                "kind",
                &format!("`{text}` is none of agent, skill, command, plugin, mcp_server, workflow, asset"),
            ),
        }
    }

    fn license(&mut self) -> Option<String> {
        let text = self.required("license", 256)?;
        if is_license(&text) {
            return Some(text);
        }
        let advice = match spdx::Expression::canonicalize(&text) {
            Ok(Some(canonical)) => format!("write `{canonical}`"),
            _ => format!("write one such as `MIT` or `Apache-2.0 OR MIT`, or {NO_LICENSE}"),
        };
        let message = format!("`{text}` is no SPDX license expression; {advice}");
        self.findings.push(finding("manifest.license_not_spdx", Severity::Critical, Some("license"), message));
        None
    }

    /// A web address, or an object that has one as its `url`.
    fn address(&mut self, field: &str) -> Option<String> {
        let address = match self.object.get(field)? {
            Value::Object(object) => object.get("url").and_then(Value::as_str).map(str::to_owned),
            _ => self.text(field, 2_048),
        }?;
        let web = ["https://", "http://", "git+https://", "git://", "ssh://"];
        if web.iter().any(|scheme| address.starts_with(scheme)) && !address.contains(char::is_whitespace) {
            return Some(address);
        }
        self.refuse(field, "must be a web address such as `https://example.com`")
    }

    /// A name, or an object that has one.
    fn author(&mut self) -> Option<String> {
        match self.object.get("author")? {
            Value::Object(object) => match object.get("name").and_then(Value::as_str) {
                Some(name) => Some(name.to_owned()),
                None => self.refuse("author", "must be a name or an object with a `name`"),
            },
            _ => self.text("author", 200),
        }
    }

    /// A field with a reader of its own, whose problems name places within it; a missing one reads as null.
    fn part<T: Default>(&mut self, field: &str, read: impl Fn(&Value) -> Result<T, Vec<(String, String)>>) -> T {
        read(self.object.get(field).unwrap_or(&Value::Null)).unwrap_or_else(|problems| {
            for (within, problem) in problems {
                let place = match within.as_str() {
                    "" => field.to_owned(),
                    index if index.starts_with('[') => format!("{field}{index}"),
                    name => format!("{field}.{name}"),
                };
                self.refuse::<()>(&place, &problem);
            }
            T::default()
        })
    }

    fn refuse<T>(&mut self, field: &str, problem: &str) -> Option<T> {
        self.findings.push(schema(Some(field), format!("`{field}` {problem}")));
        None
    }
}

fn has_nul(key: &str, value: &Value) -> bool {
    key.contains('\0')
        || match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(items) => items.iter().any(|item| has_nul("", item)),
            Value::Object(object) => object.iter().any(|(key, value)| has_nul(key, value)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({"name":"sec-scan","version":"1.4.2","kind":"skill","summary":"Finds holes.","license":"MIT OR Apache-2.0",
               "author":{"name":"Jane"},"tags":["sast"],"repository":"https://example.com/r","custom":{"a":[1]}})
    }

    fn with(field: &str, value: Value) -> Value {
        let mut manifest = valid();
        manifest[field] = value;
        manifest
    }

    fn rules(value: &Value) -> Vec<(String, String)> {
        parse(value).unwrap_err().into_iter().map(|f| (f.rule, f.place.unwrap_or_default())).collect()
    }

    #[test]
    fn a_manifest_is_read_and_unknown_fields_are_kept() {
        let manifest = parse(&valid()).unwrap();
        assert_eq!(manifest.version, Version::new(1, 4, 2));
        assert_eq!(manifest.kind, Kind::Skill);
        assert_eq!(manifest.author.as_deref(), Some("Jane"));
        assert_eq!(manifest.extra["custom"], json!({"a":[1]}));
        assert_eq!(manifest.extra.len(), 1);
    }

    #[test]
    fn every_problem_is_named() {
        let bad = json!({"name":"","version":"1.4","kind":"robot","license":"My License","tags":"x","homepage":"javascript:x"});
        let pair = |rule: &str, field: &str| (rule.to_owned(), field.to_owned());
        assert_eq!(
            rules(&bad),
            [
                pair("manifest.schema", "name"),
                pair("manifest.version_not_semver", "version"),
                pair("manifest.schema", "kind"),
                pair("manifest.schema", "summary"),
                pair("manifest.license_not_spdx", "license"),
                pair("manifest.schema", "tags"),
                pair("manifest.schema", "homepage"),
            ]
        );
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for value in [json!(null), json!([]), json!("x"), json!(1)] {
            assert_eq!(rules(&value), [("manifest.schema".to_owned(), String::new())]);
        }
        for (field, value) in [
            ("name", json!(1)),
            ("summary", json!("x".repeat(1_001))),
            ("summary", json!("a\0b")),
            ("tags", json!(vec!["x"; 21])),
            ("tags", json!([""])),
            ("author", json!({})),
            ("entry", json!([])),
            ("custom", json!({"deep": ["a\0"]})),
            ("capabilities", json!(7)),
            ("samples", json!({})),
        ] {
            assert_eq!(
                rules(&with(field, value.clone())),
                [("manifest.schema".to_owned(), field.to_owned())],
                "{field} {value}"
            );
        }
        assert_eq!(rules(&with("custom", json!("x".repeat(70_000))))[0].0, "manifest.too_large");
    }

    #[test]
    fn capabilities_and_samples_are_judged() {
        let version = Version::new(1, 4, 2);
        let mut value = with("capabilities", json!({"network":["*","169.254.169.254"]}));
        value["samples"] = json!([{"name":"a","input":1,"expected":1},{"name":"a","input":2,"expected":2}]);
        let manifest = parse(&value).unwrap();
        let found = compare(&manifest, &Expected { name: "sec-scan", kind: Kind::Skill, version: &version });
        let rules: Vec<_> = found.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(
            rules,
            ["manifest.capability_private", "manifest.capability_unbounded", "manifest.sample_duplicate"]
        );
        assert_eq!(
            rules_of_places(&with("capabilities", json!({"network":["a:b"],"x":1}))),
            ["capabilities.network", "capabilities.x"]
        );
    }

    fn rules_of_places(value: &Value) -> Vec<String> {
        rules(value).into_iter().map(|(_, place)| place).collect()
    }

    #[test]
    fn a_license_that_is_nearly_right_gets_advice() {
        let message = &parse(&with("license", json!("apache2"))).unwrap_err()[0].message;
        assert!(message.contains("Apache-2.0"), "{message}");
        assert!(parse(&with("license", json!("NOASSERTION"))).is_ok());
    }

    #[test]
    fn a_manifest_of_something_else_is_noticed() {
        let manifest = parse(&valid()).unwrap();
        let version = Version::new(1, 4, 2);
        let same = Expected { name: "Sec_Scan", kind: Kind::Skill, version: &version };
        assert_eq!(compare(&manifest, &same), []);
        let other = Expected { name: "other", kind: Kind::Agent, version: &Version::new(2, 0, 0) };
        let rules: Vec<_> = compare(&manifest, &other).into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["manifest.name_mismatch", "manifest.kind_mismatch", "manifest.version_mismatch"]);
    }
}
