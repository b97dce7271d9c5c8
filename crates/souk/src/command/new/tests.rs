use std::path::Path;

use souk_domain::validation::Verdict;

use super::*;
use crate::{
    cli::Checks,
    command::validate::Desk,
    config::Config,
    package::{self, Package},
};

const KINDS: [Kind; 7] =
    [Kind::Agent, Kind::Skill, Kind::Command, Kind::Plugin, Kind::McpServer, Kind::Workflow, Kind::Asset];
const LANGUAGES: [Language; 3] = [Language::Rust, Language::Javascript, Language::Python];

fn options(name: &str, kind: Kind, language: Option<Language>, dir: &Path) -> NewOptions {
    NewOptions { name: name.to_owned(), kind, language, license: "MIT".to_owned(), dir: Some(dir.to_owned()) }
}

/// Confidence and verdict of a package, and the report for who reads why.
async fn judged(path: &Path, package: &Package) -> (u8, Verdict, String) {
    let desk = Desk::open(&Config::default(), &Checks::default()).unwrap();
    let validated = desk.validate(path, package).await.unwrap();
    (validated.confidence, validated.verdict, format!("{:#}", validated.report))
}

#[tokio::test]
async fn what_needs_no_building_validates_at_once() {
    for (index, kind) in KINDS.into_iter().filter(|kind| *kind != Kind::Asset).enumerate() {
        let home = tempfile::tempdir().unwrap();
        // All that a name may have, and as long as it may be.
        let name = ["log-reader", "Log.Reader_2", &"x-".repeat(75)][index % 3].to_owned();
        let folder = home.path().join("new");
        run(&options(&name, kind, None, &folder), true).unwrap();
        let package = package::complete(&folder).unwrap();
        let (confidence, verdict, report) = judged(&folder, &package).await;
        assert_eq!((confidence, verdict), (100, Verdict::Approve), "{kind:?}: {report}");
    }
}

#[tokio::test]
async fn a_project_with_a_component_lacks_nothing_but_it() {
    for language in LANGUAGES {
        for kind in [Kind::Asset, Kind::Plugin, Kind::Skill] {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("new");
            run(&options("word-count", kind, Some(language), &folder), true).unwrap();
            let package = package::read(&folder, None).unwrap();
            assert!(package.missing.unwrap().to_string().ends_with("build it: sh build.sh"));
            // The component of the sandbox's tests does something else; what is found besides is the project's own.
            let words = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../sandbox/fixtures/words.wasm"));
            fs::copy(words, folder.join("plugin.wasm")).unwrap();
            let (_, _, report) = judged(&folder, &package::complete(&folder).unwrap()).await;
            let costs = |severity: &str| report.matches(&format!("\"severity\": \"{severity}\"")).count();
            assert_eq!(
                (costs("critical"), costs("medium"), costs("low")),
                (0, 0, 0),
                "{kind:?} {language:?}: {report}"
            );
            assert_eq!(costs("high"), report.matches("\"rule\": \"execution.sample_differs\"").count(), "{report}");
        }
    }
}

#[test]
fn nothing_is_left_to_fill_in() {
    for kind in KINDS {
        for language in LANGUAGES.map(Some).into_iter().chain([None]) {
            let project = Project { name: "a-b".to_owned(), kind, language, license: "Apache-2.0".to_owned() };
            for (path, contents) in templates::files(&project) {
                assert!(!contents.contains("{{"), "{path} of {kind:?}: {contents}");
            }
        }
    }
}

#[test]
fn nothing_is_written_over() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("mine"), "mine").unwrap();
    let problem = run(&options("demo", Kind::Skill, None, home.path()), true).unwrap_err().to_string();
    assert!(problem.contains("something already"), "{problem}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn what_does_not_fit_is_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("new");
    for (name, kind, language, license, told) in [
        ("a", Kind::Skill, None, "MIT", "2 to 150 characters"),
        ("../x", Kind::Skill, None, "MIT", "must consist of"),
        ("demo", Kind::Workflow, Some(Language::Rust), "MIT", "runs elsewhere"),
        ("demo", Kind::Skill, None, "Mine", "no SPDX license"),
    ] {
        let options = NewOptions { license: license.to_owned(), ..options(name, kind, language, &folder) };
        let problem = run(&options, true).unwrap_err().to_string();
        assert!(problem.contains(told), "{problem}");
    }
    assert!(!folder.exists());
}
