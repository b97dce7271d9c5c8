//! The package itself: its files, its manifest, its archive, and whether it will be taken.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use rules::Rules;
use semver::Version;
use serde_json::{Map, Value, json};
use souk_domain::validation::{Finding, Severity, penalty};
use souk_package::{
    archive::{self, Limits},
    kinds,
    manifest::{self, Expected, NO_LICENSE},
    pack::pack,
    sha256,
};

use crate::{Problem, Specification, content, specification::Sample};

/// The component that runs rules, as the folder `interpreter` makes it.
const INTERPRETER: &[u8] = include_bytes!("../../interpreter/interpreter.wasm");
const COMPONENT: &str = "run.wasm";
/// Points that validation takes before a human is asked.
const MOST_PENALTY: u8 = 10;
/// Bytes of the answer; a sandbox takes a little more.
const LARGEST: usize = 900 << 10;

/// Makes the package, and looks at it as those do who will be handed it.
pub(crate) fn make(specification: &Specification) -> Result<String, Problem> {
    let samples = samples(specification)?;
    let mut files = Files::default();
    let texts = content::of_kind(specification)?;
    let begins_with = texts.first().map(|(path, _)| path.clone());
    for (path, text) in texts {
        files.add(path, text.into_bytes())?;
    }
    if let Some(rules) = &specification.rules {
        files.add("rules.json".to_owned(), content::pretty(rules).into_bytes())?;
        files.add(COMPONENT.to_owned(), INTERPRETER.to_vec())?;
    }
    for file in &specification.files {
        files.add(file.path.clone(), file.content.clone().into_bytes())?;
    }
    let entry = if specification.rules.is_some() { Some(COMPONENT.to_owned()) } else { begins_with };
    let manifest = manifest_of(specification, entry, &samples);
    files.add("souk.json".to_owned(), content::pretty(&manifest).into_bytes())?;
    let paths: Vec<String> = files.0.keys().cloned().collect();
    files.add("README.md".to_owned(), content::readme(specification, &paths, &samples).into_bytes())?;
    let packed = pack(files.0.clone()).map_err(|error| Problem::new("files_invalid", error.to_string()))?;
    let findings = judged(specification, &manifest, &packed)?;
    let digest = sha256(&packed);
    let answer = json!({
        "manifest": manifest,
        "files": files.0.iter().map(|(path, bytes)| file(path, bytes)).collect::<Vec<_>>(),
        "archive": BASE64.encode(&packed),
        "digest": digest,
        "findings": findings,
        "notes": notes(specification),
    })
    .to_string();
    if answer.len() > LARGEST {
        let message =
            format!("the package takes {} bytes of an answer, and {LARGEST} fit; leave out `files`", answer.len());
        return Err(Problem::new("too_large", message));
    }
    Ok(answer)
}

#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn add(&mut self, path: String, bytes: Vec<u8>) -> Result<(), Problem> {
        if self.0.contains_key(&path) {
            let message = format!("two files would have the path {path:?}; name yours in `files` otherwise");
            return Err(Problem::new("path_taken", message));
        }
        self.0.insert(path, bytes);
        Ok(())
    }
}

fn file(path: &str, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if path != COMPONENT => json!({ "path": path, "content": text }),
        _ => json!({ "path": path, "base64": BASE64.encode(bytes) }),
    }
}

/// The samples with what the rules make of them.
fn samples(specification: &Specification) -> Result<Vec<Value>, Problem> {
    let Some(value) = &specification.rules else { return Ok(Vec::new()) };
    let rules = Rules::read(value).map_err(|failure| Problem::new("rules_invalid", failure.message))?;
    specification.samples.iter().enumerate().map(|(index, sample)| tried(&rules, index, sample)).collect()
}

fn tried(rules: &Rules, index: usize, sample: &Sample) -> Result<Value, Problem> {
    let output = rules.run(&sample.input).map_err(|failure| {
        let message = format!("`samples[{index}]` comes to nothing: {}: {}", failure.code, failure.message);
        Problem::new("sample_failed", message)
    })?;
    if sample.expected.as_ref().is_some_and(|expected| *expected != output) {
        let message = format!("`samples[{index}]` expects something else than the rules make, which is {output}");
        return Err(Problem::new("sample_differs", message));
    }
    Ok(json!({ "name": sample.name, "input": sample.input, "expected": output }))
}

fn manifest_of(specification: &Specification, entry: Option<String>, samples: &[Value]) -> Value {
    let mut manifest = Map::new();
    let required = [
        ("name", json!(specification.name)),
        ("version", json!(specification.version)),
        ("kind", json!(specification.kind)),
        ("summary", json!(specification.summary)),
        ("license", json!(specification.license.as_deref().unwrap_or(NO_LICENSE))),
    ];
    manifest.extend(required.map(|(name, value)| (name.to_owned(), value)));
    let optional = [
        ("displayName", &specification.display_name),
        ("description", &specification.description),
        ("category", &specification.category),
        ("author", &specification.author),
        ("homepage", &specification.homepage),
        ("repository", &specification.repository),
        ("entry", &entry),
    ];
    manifest.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    if !specification.tags.is_empty() {
        manifest.insert("tags".to_owned(), json!(specification.tags));
    }
    if let Some(capabilities) = &specification.capabilities {
        manifest.insert("capabilities".to_owned(), capabilities.clone());
    }
    if !samples.is_empty() {
        manifest.insert("samples".to_owned(), json!(samples));
    }
    Value::Object(manifest)
}

/// What the manifest, the archive and the kind have that costs nothing or little.
fn judged(specification: &Specification, value: &Value, packed: &[u8]) -> Result<Vec<Finding>, Problem> {
    let manifest = manifest::parse(value).map_err(|findings| would_not_pass(&findings))?;
    let version = Version::parse(&specification.version);
    let version = version.map_err(|error| Problem::invalid("version", &format!("is no semantic version: {error}")))?;
    let expected = Expected { name: &specification.name, kind: specification.kind, version: &version };
    let mut findings = manifest::compare(&manifest, &expected);
    let archive = archive::inspect(packed, &Limits::default()).map_err(|findings| would_not_pass(&findings))?;
    findings.extend_from_slice(archive.findings());
    findings.extend(kinds::check(specification.kind, &archive, &specification.name));
    if penalty(&findings) > MOST_PENALTY {
        return Err(would_not_pass(&findings));
    }
    Ok(findings)
}

fn would_not_pass(findings: &[Finding]) -> Problem {
    let bad = findings.iter().filter(|finding| finding.severity > Severity::Info);
    let told = bad.map(|finding| {
        let place = finding.place.as_deref().unwrap_or("the package");
        format!("{place}: {} ({})", finding.message, finding.rule)
    });
    Problem::new("would_not_pass", told.collect::<Vec<_>>().join("; "))
}

fn notes(specification: &Specification) -> Vec<String> {
    let mut notes = vec![
        "Validation also looks into texts and code, and at samples as they run; what it finds there is in its report."
            .to_owned(),
    ];
    if specification.license.is_none() {
        notes.push("No license is named, so nobody may rely on having one: set `license`.".to_owned());
    }
    if specification.rules.is_some() && specification.samples.is_empty() {
        notes.push("The rules are tried by nothing: add `samples`.".to_owned());
    }
    if specification.rules.is_none() {
        notes.push("Nothing in it runs here: add `rules` for a component that answers.".to_owned());
    }
    notes
}
