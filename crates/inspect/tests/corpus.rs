//! Planted defects that have to be found, and honest look-alikes that must not be flagged.
//!
//! Each folder of the corpus is a package. `@@` in a file stands for nothing: it keeps tools that look for leaked secrets from
//! taking the corpus for a leak.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends and says why"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use souk_domain::validation::{Finding, Severity};
use souk_inspect::{advisories::Advisories, dependencies, inspector, workflow};
use souk_package::{
    archive::{Limits, inspect},
    pack::pack,
};

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, fs::read_to_string(entry.path()).unwrap().replace("@@", "").into_bytes()));
        }
    }
}

/// What is found in a package, and costs something.
fn findings(package: &Path) -> Vec<Finding> {
    let mut files = Vec::new();
    collect(package, "", &mut files);
    let archive = inspect(&pack(files).unwrap(), &Limits::default()).unwrap();
    let inspector = inspector().unwrap();
    let mut found = inspector.inspect(&archive, None);
    found.extend(dependencies(&archive, &Advisories::built_in().unwrap()).unwrap_or_default());
    found.extend(workflow(&archive, inspector).unwrap_or_default());
    found.retain(|finding| finding.severity > Severity::Info);
    found
}

fn told(found: &[Finding]) -> Vec<String> {
    let place = |f: &Finding| format!("{} {}:{}", f.rule, f.place.as_deref().unwrap_or(""), f.line.unwrap_or(0));
    found.iter().map(place).collect()
}

#[test]
fn planted_defects_are_found_at_their_lines() {
    let list = fs::read_to_string(corpus("planted.txt")).unwrap();
    let cases: Vec<_> = list.lines().filter(|line| !line.starts_with('#')).collect();
    let mut missed = Vec::new();
    for case in &cases {
        let (name, expected) = case.split_once(' ').unwrap();
        let found = told(&findings(&corpus("planted").join(name)));
        if !found.iter().any(|found| found == expected) {
            missed.push(format!("{case}; found: {found:?}"));
        }
    }
    println!("{} of {} planted defects found", cases.len() - missed.len(), cases.len());
    assert!(cases.len() >= 60 && missed.len() * 100 <= cases.len() * 5, "missed:\n{}", missed.join("\n"));
}

#[test]
fn honest_packages_are_not_flagged() {
    let mut packages: Vec<_> = fs::read_dir(corpus("honest")).unwrap().map(|entry| entry.unwrap().path()).collect();
    packages.sort();
    let mut flagged = Vec::new();
    for package in &packages {
        let found = findings(package);
        if !found.is_empty() {
            flagged.push(format!("{}: {:?}", package.file_name().unwrap().display(), told(&found)));
        }
        assert!(found.iter().all(|finding| finding.severity < Severity::Critical), "{found:?}");
    }
    println!("{} of {} honest packages flagged", flagged.len(), packages.len());
    assert!(packages.len() >= 60 && flagged.len() * 100 <= packages.len() * 5, "flagged:\n{}", flagged.join("\n"));
}

/// Every planted defect is of a rule of the table, so that the corpus and the rules cannot drift apart.
#[test]
fn every_planted_defect_names_a_rule() {
    let list = fs::read_to_string(corpus("planted.txt")).unwrap();
    for case in list.lines().filter(|line| !line.starts_with('#')) {
        let rule = case.split(' ').nth(1).unwrap();
        assert!(souk_inspect::catalogue::rule(rule).is_some(), "{case}");
    }
}
