//! What changes from one package to another.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use souk_domain::validation::Finding;
use souk_inspect::{packages, risk::Risk};
use souk_package::archive::{Archive, File};

use super::{
    capabilities::{self, CapabilityChange},
    text::unified,
};

/// Files that are named.
const MOST_FILES: usize = 1_000;
/// Dependencies and findings of a sort that are named.
const MOST: usize = 200;
/// Bytes of a text that is compared.
const LARGEST_TEXT: usize = 256 << 10;
/// Bytes of the diff of a text.
const LARGEST_DIFF: usize = 64 << 10;
/// Bytes of the diffs of all texts.
const ALL_DIFFS: usize = 1 << 20;
/// Lines of both texts of a file that are compared at most: texts of few different lines take time by the square of them.
const MOST_LINES: usize = 10_000;
/// The same of all files together.
const ALL_LINES: usize = 50_000;
/// Bytes of all texts that are compared.
const ALL_TEXTS: usize = 16 << 20;
/// Bytes of a field of a manifest whose value is told, as JSON.
const LARGEST_VALUE: usize = 4 << 10;
/// Fields of a manifest that have something of their own to say what changed in them, or that change in any case.
const TOLD_ELSEWHERE: [&str; 2] = ["capabilities", "version"];
/// Fields of a manifest that speak of the package and not of people. What its maker invented may be about anything.
const IMPERSONAL: [&str; 12] = [
    "name",
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
    "samples",
];

/// A package to compare.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What came with it.
    pub manifest: &'a Value,
    /// Its files.
    pub archive: &'a Archive,
    /// The report of its validation, JSON, if there is one.
    pub report: Option<&'a [u8]>,
}

/// Things of which there may be very many.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub items: Vec<T>,
}

impl<T> Listed<T> {
    fn of(mut items: Vec<T>, most: usize) -> Self {
        let count = items.len();
        items.truncate(most);
        Self { count, items }
    }
}

/// What became of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another one.
    Changed,
}

impl Change {
    /// What became of a thing that was `from` and is `to`; none when it is still the same, or never was.
    fn between<T: PartialEq>(from: Option<&T>, to: Option<&T>) -> Option<Self> {
        match (from, to) {
            (None, Some(_)) => Some(Self::Added),
            (Some(_), None) => Some(Self::Removed),
            (Some(from), Some(to)) if from != to => Some(Self::Changed),
            _ => None,
        }
    }
}

/// What changes from one package to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Files that change, by path, the first 1,000.
    pub files: Listed<FileChange>,
    /// Files that stay what they are.
    pub unchanged_files: usize,
    /// Fields of the manifest that change, but for `version` and `capabilities`.
    pub manifest: Vec<FieldChange>,
    /// What is asked for, or no longer.
    pub capabilities: Vec<CapabilityChange>,
    /// Packages of others that it uses, the first 200.
    pub dependencies: Listed<DependencyChange>,
    /// What validations found; none while one of the two has no report.
    pub findings: Option<Findings>,
    /// What could happen, before and after, as far as there are reports.
    pub risk: [Option<Risk>; 2],
    /// 0 to 100, before and after, as far as there are reports.
    pub confidence: [Option<u8>; 2],
}

/// A file that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct FileChange {
    /// Its path in the archive.
    pub path: String,
    /// What became of it.
    pub change: Change,
    /// What it was.
    pub from: Option<File>,
    /// What it is.
    pub to: Option<File>,
    /// What changes in it.
    pub text: Text,
}

/// What changes in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A unified diff without names of files.
    Unified(String),
    /// It is not UTF-8 text.
    Binary,
    /// It, its diff, or everything together is too large to tell.
    TooLarge,
    /// The reader has no right to it.
    Withheld,
}

/// A field of a manifest that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Which.
    pub field: String,
    /// What became of it.
    pub change: Change,
    /// What it was; none where it was not there, is too large, or is not for the reader.
    pub from: Option<Value>,
    /// What it is; likewise.
    pub to: Option<Value>,
}

/// A package of others that is used otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyChange {
    /// `npm`, `pypi` or `cargo`.
    pub ecosystem: &'static str,
    /// Its name.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// Versions that were named; none where it was left open.
    pub from: Vec<String>,
    /// Versions that are named; none where it is left open.
    pub to: Vec<String>,
}

/// Findings by what became of them. The same rule at the same place is the same finding; each list has the first 200.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// Not there before.
    pub new: Listed<Finding>,
    /// Not there any more.
    pub gone: Listed<Finding>,
    /// Still there.
    pub unchanged: Listed<Finding>,
}

impl Comparison {
    /// What is for everybody: no text of a file and no value of the manifest.
    pub(super) fn outline(mut self) -> Self {
        for file in &mut self.files.items {
            file.text = Text::Withheld;
        }
        self.hide_fields(|_| true);
        self
    }

    /// What is for everybody who may have the package: all but fields of the manifest that may speak of people.
    pub(super) fn contents(mut self) -> Self {
        self.hide_fields(|field| !IMPERSONAL.contains(&field));
        self
    }

    fn hide_fields(&mut self, hidden: impl Fn(&str) -> bool) {
        for field in self.manifest.iter_mut().filter(|field| hidden(&field.field)) {
            (field.from, field.to) = (None, None);
        }
    }

    /// About how many bytes it takes in memory.
    pub(super) fn size(&self) -> usize {
        let text = |file: &FileChange| if let Text::Unified(diff) = &file.text { diff.len() } else { 0 };
        let findings = self
            .findings
            .as_ref()
            .map_or(0, |found| found.new.items.len() + found.gone.items.len() + found.unchanged.items.len());
        self.files.items.iter().map(|file| 400 + text(file)).sum::<usize>()
            + self.manifest.len() * 2 * LARGEST_VALUE
            + (findings + self.dependencies.items.len() + self.capabilities.len() + 1) * 600
    }
}

/// What changes from one package to another. Large packages take a while: run it where blocking is allowed.
#[must_use]
pub fn compare(from: &Side<'_>, to: &Side<'_>) -> Comparison {
    let (changed, unchanged_files) = files(from.archive, to.archive);
    let [before, after] = [from, to].map(|side| side.report.and_then(|bytes| serde_json::from_slice(bytes).ok()));
    let findings = before.as_ref().zip(after.as_ref()).map(|(before, after)| findings(before, after));
    let parts = |report: Option<Report>| report.map_or((None, None), |it| (Some(it.risk), Some(it.confidence)));
    let [(risk_before, before), (risk_after, after)] = [before, after].map(parts);
    Comparison {
        files: changed,
        unchanged_files,
        manifest: fields(from.manifest, to.manifest),
        capabilities: capabilities::compare(from.manifest, to.manifest),
        dependencies: dependencies(from.archive, to.archive),
        findings,
        risk: [risk_before, risk_after],
        confidence: [before, after],
    }
}

/// What is kept in mind of a report.
#[derive(Deserialize)]
struct Report {
    confidence: u8,
    risk: Risk,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    findings: Vec<Finding>,
}

fn files(from: &Archive, to: &Archive) -> (Listed<FileChange>, usize) {
    let by_path = |archive: &Archive| -> BTreeMap<String, File> {
        archive.files().iter().map(|file| (file.path.clone(), file.clone())).collect()
    };
    let (mut before, mut after) = (by_path(from), by_path(to));
    let paths: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
    let mut texts = Texts { from, to, compared: 0, lines: 0, told: 0 };
    let (mut changes, mut count, mut unchanged) = (Vec::new(), 0, 0);
    for path in paths {
        let (from, to) = (before.remove(&path), after.remove(&path));
        let Some(change) = Change::between(from.as_ref(), to.as_ref()) else {
            unchanged += 1;
            continue;
        };
        count += 1;
        if count <= MOST_FILES {
            let text = texts.diff(&path);
            changes.push(FileChange { path, change, from, to, text });
        }
    }
    (Listed { count, items: changes }, unchanged)
}

/// Compares texts as long as they are not too much together.
struct Texts<'a> {
    from: &'a Archive,
    to: &'a Archive,
    compared: usize,
    lines: usize,
    told: usize,
}

impl Texts<'_> {
    fn diff(&mut self, path: &str) -> Text {
        let sides = [self.from, self.to].map(|archive| archive.read(path).unwrap_or_default());
        let size: usize = sides.iter().map(|side| side.len()).sum();
        let [Some(from), Some(to)] = sides.map(text) else { return Text::Binary };
        if sides.iter().any(|side| side.len() > LARGEST_TEXT) || self.compared + size > ALL_TEXTS {
            return Text::TooLarge;
        }
        let lines = from.lines().count() + to.lines().count();
        if lines > MOST_LINES || self.lines + lines > ALL_LINES {
            return Text::TooLarge;
        }
        self.compared += size;
        self.lines += lines;
        match unified(from, to, LARGEST_DIFF.min(ALL_DIFFS - self.told)) {
            Some(diff) => {
                self.told += diff.len();
                Text::Unified(diff)
            }
            None => Text::TooLarge,
        }
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn fields(from: &Value, to: &Value) -> Vec<FieldChange> {
    let names = |value: &Value| value.as_object().map(|it| it.keys().cloned().collect()).unwrap_or_default();
    let all: BTreeSet<String> = [from, to].map(names).into_iter().flat_map(|names: Vec<_>| names).collect();
    let told = |value: Option<&Value>| value.filter(|value| value.to_string().len() <= LARGEST_VALUE).cloned();
    let changed = |field: String| {
        let (from, to) = (from.get(&field), to.get(&field));
        let change = Change::between(from, to)?;
        Some(FieldChange { field, change, from: told(from), to: told(to) })
    };
    all.into_iter().filter(|field| !TOLD_ELSEWHERE.contains(&field.as_str())).filter_map(changed).collect()
}

fn dependencies(from: &Archive, to: &Archive) -> Listed<DependencyChange> {
    let (before, after) = (packages(from), packages(to));
    let all: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed = |key: &(souk_inspect::advisories::Ecosystem, String)| {
        let (from, to) = (before.get(key), after.get(key));
        let change = Change::between(from, to)?;
        let versions = |found: Option<&BTreeSet<String>>| found.into_iter().flatten().cloned().collect();
        let (ecosystem, name) = (key.0.name(), key.1.clone());
        Some(DependencyChange { ecosystem, name, change, from: versions(from), to: versions(to) })
    };
    Listed::of(all.into_iter().filter_map(changed).collect(), MOST)
}

fn findings(from: &Report, to: &Report) -> Findings {
    let key = |finding: &Finding| (finding.rule.clone(), finding.place.clone());
    // Reports tell the worst first, and of several at one place that is the one to name.
    let by_place = |report: &Report| -> BTreeMap<_, Finding> {
        let all = report.steps.iter().flat_map(|step| &step.findings);
        all.rev().map(|finding| (key(finding), finding.clone())).collect()
    };
    let (before, after) = (by_place(from), by_place(to));
    let sorted = |found: Vec<Finding>| {
        let mut found = found;
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Listed::of(found, MOST)
    };
    let (unchanged, new): (Vec<_>, Vec<_>) = after.into_iter().partition(|(key, _)| before.contains_key(key));
    let known: BTreeSet<_> = unchanged.iter().map(|(key, _)| key.clone()).collect();
    let gone = before.into_iter().filter(|(key, _)| !known.contains(key)).map(|(_, finding)| finding).collect();
    let of = |found: Vec<(_, Finding)>| sorted(found.into_iter().map(|(_, finding)| finding).collect());
    Findings { new: of(new), gone: sorted(gone), unchanged: of(unchanged) }
}

#[cfg(test)]
mod tests;
