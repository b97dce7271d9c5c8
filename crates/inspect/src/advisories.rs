//! What is known of packages: bad versions, names that imitate others, and the names that are worth imitating.
//!
//! A small list is built in; an operator adds a file in the same form, which `docs/VALIDATION.md` shows.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;

/// Names with fewer letters are near too many others.
const SHORTEST: usize = 5;

/// Where packages come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ecosystem {
    /// JavaScript.
    Npm,
    /// Python.
    Pypi,
    /// Rust.
    Cargo,
}

impl Ecosystem {
    /// Its word in lists of advisories, e.g. `npm`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pypi => "pypi",
            Self::Cargo => "cargo",
        }
    }
}

/// What is known of packages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Advisories {
    advisories: Vec<Advisory>,
    typosquats: Vec<Typosquat>,
    well_known: BTreeMap<Ecosystem, BTreeSet<String>>,
    #[serde(skip)]
    index: Index,
}

/// Where to look: a package is compared with what its name may concern, and not with all that is known.
#[derive(Clone, Debug, Default)]
struct Index {
    advisories: HashMap<(Ecosystem, String), Vec<usize>>,
    typosquats: HashMap<(Ecosystem, String), usize>,
    /// By length, since a name one step away has one letter more or less at most.
    well_known: HashMap<(Ecosystem, usize), Vec<String>>,
}

/// Versions of a package that should not be used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Advisory {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// Its name.
    pub name: String,
    /// Which versions: comparisons joined by commas, alternatives by `||`, e.g. `>=1.0,<1.4||=2.0.1`; `*` is all of them.
    pub versions: String,
    /// Whether they were made to do harm, and are not merely faulty.
    #[serde(default)]
    pub malicious: bool,
    /// Where to read about it, e.g. `CVE-2025-6514`.
    pub id: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Typosquat {
    ecosystem: Ecosystem,
    name: String,
    of: String,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It has another form.
    #[error("the list of advisories is not as it should be: {0}")]
    Form(#[from] serde_json::Error),
    /// Versions cannot be compared.
    #[error("the advisory on `{0}` has versions that are no comparisons: `{1}`")]
    Versions(String, String),
}

impl Advisories {
    /// Reads a list.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(json: &str) -> Result<Self, Unreadable> {
        let mut read: Self = serde_json::from_str(json)?;
        for advisory in &read.advisories {
            if advisory.versions.trim() != "*" && alternatives(&advisory.versions).is_none() {
                return Err(Unreadable::Versions(advisory.name.clone(), advisory.versions.clone()));
            }
        }
        read.index();
        Ok(read)
    }

    /// The list that comes with Souk.
    ///
    /// # Errors
    /// It is broken; a test shows that it is not.
    pub fn built_in() -> Result<Self, Unreadable> {
        Self::read(include_str!("advisories.json"))
    }

    /// Adds what another list says.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.advisories.extend(other.advisories);
        self.typosquats.extend(other.typosquats);
        for (ecosystem, names) in other.well_known {
            self.well_known.entry(ecosystem).or_default().extend(names);
        }
        self.index();
        self
    }

    fn index(&mut self) {
        let mut index = Index::default();
        for (at, known) in self.advisories.iter().enumerate() {
            let name = folded(known.ecosystem, &known.name);
            index.advisories.entry((known.ecosystem, name)).or_default().push(at);
        }
        for (at, known) in self.typosquats.iter().enumerate() {
            index.typosquats.entry((known.ecosystem, folded(known.ecosystem, &known.name))).or_insert(at);
        }
        for (ecosystem, names) in &self.well_known {
            for name in names.iter().filter(|name| name.len() >= SHORTEST) {
                index.well_known.entry((*ecosystem, name.len())).or_default().push(name.clone());
            }
        }
        self.index = index;
    }

    /// What is known against a version of a package, or against every version when none is named.
    pub fn against(&self, ecosystem: Ecosystem, name: &str, version: Option<&str>) -> Option<&Advisory> {
        let known = self.index.advisories.get(&(ecosystem, folded(ecosystem, name)))?;
        let is_concerned = |advisory: &&Advisory| {
            advisory.versions.trim() == "*" || version.is_some_and(|version| is_among(version, &advisory.versions))
        };
        let mut found = known.iter().filter_map(|at| self.advisories.get(*at)).filter(is_concerned).peekable();
        let first = found.peek().copied();
        found.find(|advisory| advisory.malicious).or(first)
    }

    /// Which package this name is known to imitate.
    pub fn imitates(&self, ecosystem: Ecosystem, name: &str) -> Option<&str> {
        let at = self.index.typosquats.get(&(ecosystem, folded(ecosystem, name)))?;
        self.typosquats.get(*at).map(|squat| squat.of.as_str())
    }

    /// The well-known package whose name differs by one letter left out, added, changed or swapped.
    pub fn resembles(&self, ecosystem: Ecosystem, name: &str) -> Option<&str> {
        let name = folded(ecosystem, name);
        if name.len() < SHORTEST || name.starts_with('@') || self.well_known.get(&ecosystem)?.contains(&name) {
            return None;
        }
        let lengths = (name.len() - 1)..=(name.len() + 1);
        let near = lengths.filter_map(|length| self.index.well_known.get(&(ecosystem, length))).flatten();
        near.map(String::as_str).filter(|other| is_one_step(&name, other)).min()
    }
}

/// PyPI does not tell `_`, `.` and `-` apart (PEP 503).
fn folded(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::Pypi => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        Ecosystem::Npm | Ecosystem::Cargo => name.to_ascii_lowercase(),
    }
}

type Comparison<'a> = (&'a str, Vec<u64>);

fn alternatives(versions: &str) -> Option<Vec<Vec<Comparison<'_>>>> {
    versions.split("||").map(|list| list.split(',').map(comparison).collect()).collect()
}

fn comparison(text: &str) -> Option<Comparison<'_>> {
    let text = text.trim();
    let sign = ["<=", ">=", "<", ">", "="].into_iter().find(|sign| text.starts_with(sign))?;
    Some((sign, numbers(text.strip_prefix(sign)?)?))
}

fn is_among(version: &str, versions: &str) -> bool {
    let Some(version) = numbers(version) else { return false };
    let holds = |(sign, bound): &Comparison<'_>| match *sign {
        "<" => version < *bound,
        "<=" => version <= *bound,
        ">" => version > *bound,
        ">=" => version >= *bound,
        _ => version == *bound,
    };
    alternatives(versions).is_some_and(|lists| lists.iter().any(|list| list.iter().all(holds)))
}

/// The numbers of a version, without zeros at its end; what is behind a hyphen or a plus does not count.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.trim().trim_start_matches('v').split(['-', '+']).next()?;
    let mut numbers = plain.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u64>>>()?;
    while numbers.len() > 1 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

fn is_one_step(a: &str, b: &str) -> bool {
    let (a, b) = if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest, other) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    match (rest, other) {
        (rest, [_, behind @ ..]) if a.len() + 1 == b.len() => rest == behind,
        ([x, y, rest @ ..], [z, w, behind @ ..]) if x == w && y == z => rest == behind,
        ([_, rest @ ..], [_, behind @ ..]) if a.len() == b.len() => rest == behind,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, versions, among) in [
            ("3.3.6", "=3.3.6", true),
            ("3.3.60", "=3.3.6", false),
            ("1.0", "=1.0.0", true),
            ("0.1.15", ">=0.0.5,<0.1.16", true),
            ("0.1.16", ">=0.0.5,<0.1.16", false),
            ("2.0.1", "<1||=2.0.1", true),
            ("v1.2.3-beta", "<=1.2.3", true),
            ("newest", "<9", false),
        ] {
            assert_eq!(is_among(version, versions), among, "{version} {versions}");
        }
    }

    #[test]
    fn the_built_in_list_can_be_used() {
        let list = Advisories::built_in().unwrap();
        assert!(list.against(Ecosystem::Npm, "event-stream", Some("3.3.6")).unwrap().malicious);
        assert!(list.against(Ecosystem::Npm, "event-stream", Some("4.0.1")).is_none());
        assert!(list.against(Ecosystem::Cargo, "rustdecimal", None).is_some());
        assert_eq!(list.imitates(Ecosystem::Pypi, "Colourama"), Some("colorama"));
        assert_eq!(list.resembles(Ecosystem::Npm, "expresss"), Some("express"));
        assert_eq!(list.resembles(Ecosystem::Npm, "axois"), Some("axios"));
        for name in ["express", "preact", "color", "fast"] {
            assert_eq!(list.resembles(Ecosystem::Npm, name), None, "{name}");
        }
    }

    #[test]
    fn every_name_one_step_away_is_near() {
        let list = Advisories::read(r#"{"wellKnown":{"npm":["express"]}}"#).unwrap();
        let near = |name: &str| list.resembles(Ecosystem::Npm, name);
        let well_known = "express";
        for at in 0..well_known.len() {
            let (before, behind) = well_known.split_at(at);
            let without = format!("{before}{}", &behind[1..]);
            for near_by in [&without, &format!("{before}q{behind}"), &format!("{before}q{}", &behind[1..])] {
                assert_eq!(near(near_by), Some("express"), "{near_by}");
            }
            assert_eq!(near(&format!("{before}qq{behind}")), None);
        }
        for name in ["express", "expre", "expresses", "xepress-js", &"e".repeat(1_000_000)] {
            assert_eq!(near(name), None);
        }
    }

    #[test]
    fn an_operator_adds_to_it_and_learns_what_is_wrong() {
        let more = r#"{"advisories":[{"ecosystem":"npm","name":"acme","versions":"<2","id":"X-1"}],"wellKnown":{"npm":["acme-tools"]}}"#;
        let list = Advisories::built_in().unwrap().with(Advisories::read(more).unwrap());
        assert_eq!(list.against(Ecosystem::Npm, "acme", Some("1.9")).unwrap().id, "X-1");
        assert_eq!(list.resembles(Ecosystem::Npm, "acme-tool"), Some("acme-tools"));
        for wrong in
            ["[", r#"{"advisory":[]}"#, r#"{"advisories":[{"ecosystem":"npm","name":"a","versions":"x","id":"1"}]}"#]
        {
            assert!(Advisories::read(wrong).is_err(), "{wrong}");
        }
    }
}
