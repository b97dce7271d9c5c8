use std::{fs, path::Path};

use serde_json::{Value, json};
use souk_domain::{listing::Kind, validation::Severity};
use souk_package::archive::{Limits, inspect};
use tempfile::TempDir;

use super::{
    catalogue::{Catalogue, Entry, VersionRule, archive},
    claude, docker, n8n, registry,
};

mod mcp;

fn write(folder: &TempDir, path: &str, contents: impl AsRef<[u8]>) {
    let path = folder.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn workflow(name: &str, node: &str) -> String {
    json!({"name": name, "nodes": [{"name": "Begin", "type": "n8n-nodes-base.webhook", "position": [0, 0], "parameters": {}},
        {"name": node, "type": format!("n8n-nodes-base.{node}"), "position": [1, 0], "parameters": {},
         "credentials": {"slackApi": {"id": "1"}}}], "connections": {}})
    .to_string()
}

fn names(catalogue: &Catalogue) -> Vec<&str> {
    catalogue.entries.iter().map(|entry| entry.name.as_str()).collect()
}

fn marketplace(plugins: Value) -> TempDir {
    let folder = TempDir::new().unwrap();
    let list = json!({"name": "demo", "owner": {"name": "Owner"}, "plugins": plugins});
    write(&folder, ".claude-plugin/marketplace.json", list.to_string());
    folder
}

#[test]
fn a_marketplace_is_read_from_its_folder_or_its_file() {
    let folder = marketplace(json!([
        {"name": "sec-scan", "source": "./plugins/sec-scan", "description": "Finds holes.", "version": "1.0",
         "author": {"name": "Jane Doe", "email": "jane@example.com"}, "license": "MIT", "category": "Security",
         "keywords": ["sast"], "homepage": "https://example.com"}
    ]));
    write(&folder, "plugins/sec-scan/.claude-plugin/plugin.json", r#"{"name":"sec-scan","version":"1.2"}"#);
    write(&folder, "plugins/sec-scan/skills/scan/SKILL.md", "---\nname: scan\ndescription: Scans code.\n---\n");
    write(&folder, "plugins/sec-scan/.git/config", "junk");
    for path in [folder.path().to_owned(), folder.path().join(".claude-plugin/marketplace.json")] {
        let catalogue = claude::read(&path).unwrap();
        assert_eq!(catalogue.refused, []);
        let entry = &catalogue.entries[0];
        assert_eq!(entry.key, "claude/demo/sec-scan");
        assert_eq!(entry.vendor.slug, "jane-doe");
        assert_eq!(entry.version, VersionRule::Stated("1.2.0".parse().unwrap()), "plugin.json comes first");
        assert_eq!(entry.details.display_name, "Sec Scan");
        assert_eq!(entry.details.category, "security");
        assert_eq!(entry.details.tags, ["sast", "sec", "scan"]);
        assert!(entry.details.description.contains("- Skill `scan`: Scans code."));
        let manifest = entry.manifest(&"1.2.0".parse().unwrap());
        assert!(souk_package::manifest::parse(&manifest).is_ok());
        assert!(!manifest.to_string().contains("jane@example.com"), "an address is personal");
        let opened = inspect(&archive(&entry.files, &entry.made).unwrap(), &Limits::default()).unwrap();
        let paths: Vec<_> = opened.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, [".claude-plugin/plugin.json", "skills/scan/SKILL.md"]);
    }
}

#[test]
fn one_bad_plugin_stops_no_other() {
    let folder = marketplace(json!([
        {"name": "elsewhere", "source": {"source": "git-subdir", "url": "https://example.com/r.git", "path": "x"}},
        {"name": "escapes", "source": "./../outside"},
        {"name": "missing", "source": "./plugins/missing"},
        {"name": "broken", "source": "./plugins/broken"},
        {"source": "./plugins/good"},
        {"name": "bad name!", "source": "./plugins/good"},
        {"name": "versioned", "source": "./plugins/good", "version": "latest"},
        17,
        {"name": "good", "source": "./plugins/good"},
        {"name": "GOOD", "source": "./plugins/good"}
    ]));
    write(&folder, "plugins/broken/.claude-plugin/plugin.json", "{\n  \"name\": oops\n}");
    write(&folder, "plugins/good/commands/go.md", "Go.");
    let catalogue = claude::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["good"]);
    assert_eq!(catalogue.entries[0].vendor.name, "Owner");
    assert_eq!(catalogue.entries[0].version, VersionRule::Counted);
    let refused: Vec<_> = catalogue
        .refused
        .iter()
        .map(|refused| (refused.name.as_deref().unwrap_or("-"), refused.reason.as_str()))
        .collect();
    assert_eq!(refused.len(), 9);
    assert!(refused[0].1.contains("another host (git-subdir: https://example.com/r.git)"), "{refused:?}");
    assert!(refused[1].1.contains("leads out"), "{refused:?}");
    assert!(refused[2].1.contains("does not exist"), "{refused:?}");
    assert_eq!(catalogue.refused[3].place, "plugins/broken/.claude-plugin/plugin.json:2:11");
    assert_eq!(catalogue.refused[4].place, ".claude-plugin/marketplace.json: plugins[4]");
    assert!(refused[8].1.contains("same name"), "{refused:?}");
}

#[test]
fn what_is_no_catalogue_is_said() {
    let empty = TempDir::new().unwrap();
    assert!(claude::read(empty.path()).unwrap_err().contains("no Claude Code marketplace"));
    assert!(n8n::read(empty.path()).unwrap_err().contains("no catalogue of n8n"));
    let nowhere = empty.path().join("nowhere");
    assert!(claude::read(&nowhere).unwrap_err().contains("nowhere"));
    assert!(n8n::read(&nowhere).unwrap_err().contains("nowhere"));
    write(&empty, ".claude-plugin/marketplace.json", "{\n\"plugins\": [,]}");
    assert!(claude::read(empty.path()).unwrap_err().contains("marketplace.json:2:13"));
    write(&empty, ".claude-plugin/marketplace.json", "{}");
    assert!(claude::read(empty.path()).unwrap_err().contains("no list of `plugins`"));
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_only() {
    let folder = marketplace(json!([{"name": "linked", "source": "./p"}, {"name": "leaks", "source": "./q"}]));
    write(&folder, "shared.md", "Shared.");
    write(&folder, "p/commands/go.md", "Go.");
    write(&folder, "q/commands/go.md", "Go.");
    std::os::unix::fs::symlink("../shared.md", folder.path().join("p/notes.md")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("q/notes.md")).unwrap();
    let catalogue = claude::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["linked"]);
    assert!(catalogue.refused[0].reason.contains("does not lead to a file of the catalogue"));
}

#[test]
fn workflows_are_read_in_the_order_of_their_paths() {
    let outer = TempDir::new().unwrap();
    write(&outer, "my-flows/Slack/alert.json", workflow("Slack Alert!", "slack"));
    write(&outer, "my-flows/Notion/same.json", workflow("Slack alert", "notion"));
    write(&outer, "my-flows/Other/copy.json", workflow("Slack Alert!", "slack"));
    write(&outer, "my-flows/🔍 top.json", workflow("", "httpRequest"));
    write(&outer, "my-flows/README.md", "no workflow");
    let catalogue = n8n::read(&outer.path().join("my-flows")).unwrap();
    assert_eq!(names(&catalogue), ["slack-alert-notion", "slack-alert-other", "top"]);
    assert_eq!(catalogue.duplicates.len(), 1);
    assert_eq!(
        (catalogue.duplicates[0].file.as_str(), catalogue.duplicates[0].of.as_str()),
        ("Slack/alert.json", "Other/copy.json")
    );
    let entry = &catalogue.entries[0];
    assert_eq!((entry.vendor.name.as_str(), entry.vendor.slug.as_str()), ("My Flows", "my-flows"));
    assert_eq!(entry.key, "n8n/my-flows/Notion/same.json");
    assert_eq!(entry.details.kind, Kind::Workflow);
    assert_eq!(entry.details.category, "notion");
    assert!(entry.details.tags.contains(&"notion".to_owned()));
    assert_eq!(entry.details.requirements, ["Credential `slackApi`"]);
    assert_eq!(entry.details.license, "NOASSERTION");
    let opened = inspect(&archive(&entry.files, &entry.made).unwrap(), &Limits::default()).unwrap();
    assert_eq!(opened.read("workflow.json"), Some(workflow("Slack alert", "notion").as_bytes()), "the exact file");
    assert_eq!(catalogue.entries[2].details.category, "other");
}

#[test]
fn bad_workflows_are_refused_by_place() {
    let folder = TempDir::new().unwrap();
    write(&folder, "a/broken.json", "{\n  \"nodes\": [}\n");
    write(&folder, "a/twice.json", "{}\n{}");
    write(&folder, "a/empty.json", "");
    write(&folder, "a/list.json", "[]");
    write(&folder, "a/none.json", "{\"nodes\": []}");
    write(&folder, "a/latin.json", b"{\n\"x\": \"\xe9\"}");
    write(&folder, "a/good.json", workflow("Good", "slack"));
    let catalogue = n8n::read(folder.path()).unwrap();
    assert_eq!(names(&catalogue), ["good"]);
    let places: Vec<_> = catalogue.refused.iter().map(|refused| refused.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "a/broken.json:2:13",
            "a/empty.json:1:1",
            "a/latin.json:2:7",
            "a/list.json",
            "a/none.json",
            "a/twice.json:2:1"
        ]
    );
    assert!(catalogue.refused.iter().all(|refused| refused.name.is_some()));
}

/// The confidence that the first two steps would give.
fn confidence(entry: &Entry) -> (u8, Vec<String>) {
    let version = match &entry.version {
        VersionRule::Stated(version) => version.clone(),
        VersionRule::Counted => "1.0.0".parse().unwrap(),
    };
    let bytes = archive(&entry.files, &entry.made).unwrap();
    let manifest = entry.manifest(&version);
    let input = souk_app::validation::Input::of(entry.details.kind, entry.name.clone(), version, manifest, bytes);
    let run = souk_app::validation::Pipeline::standard().run(&input);
    let penalty = run.steps.iter().map(|step| step.penalty).fold(0, u8::saturating_add);
    let found = run.steps.iter().flat_map(|step| &step.findings).filter(|finding| finding.severity > Severity::Info);
    (100_u8.saturating_sub(penalty), found.map(|finding| finding.rule.clone()).collect())
}

fn all_are_approved(catalogue: &Catalogue) {
    let mut spread = std::collections::BTreeMap::new();
    for entry in &catalogue.entries {
        let (confidence, found) = confidence(entry);
        *spread.entry((confidence, found.clone())).or_insert(0) += 1;
        assert!(confidence >= 90, "{}: {confidence} {found:?}", entry.place);
    }
    println!("{}: {spread:?}", catalogue.name);
}

/// Real catalogues, where they are at hand: `SOUK_TEST_SHARED_DATA` names their folder.
#[test]
fn real_catalogues_are_imported_but_for_what_is_known() {
    let Some(data) = std::env::var_os("SOUK_TEST_SHARED_DATA") else { return };
    let claude = claude::read(&Path::new(&data).join("claude-plugins")).unwrap();
    let refused: Vec<_> = claude.refused.iter().map(|refused| refused.name.as_deref()).collect();
    assert_eq!((claude.entries.len(), refused), (91, vec![Some("pensyve")]));
    all_are_approved(&claude);

    let n8n = n8n::read(&Path::new(&data).join("n8n-templates")).unwrap();
    assert_eq!((n8n.entries.len(), n8n.refused.len(), n8n.duplicates.len()), (338, 8, 2));
    assert!(n8n.refused.iter().all(|refused| refused.place.split(':').count() == 3), "{:?}", n8n.refused);
    all_are_approved(&n8n);

    let docker = docker::read(&Path::new(&data).join("mcp-servers/docker")).unwrap();
    assert_eq!((docker.entries.len(), docker.refused.len(), docker.duplicates.len()), (328, 0, 0));
    all_are_approved(&docker);

    let registry = registry::read(&Path::new(&data).join("mcp-servers/registry-seed")).unwrap();
    assert_eq!((registry.entries.len(), registry.refused.len(), registry.duplicates.len()), (464, 7, 0));
    assert!(registry.refused.iter().all(|refused| refused.reason == "`name` is blank"), "{:?}", registry.refused);
    all_are_approved(&registry);
    let mut names: Vec<_> = [&docker, &registry].into_iter().flat_map(|it| names(it)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 328 + 464, "both catalogues fit into one Souk");
}

/// The catalogues that `make demo` imports.
#[test]
fn the_sample_catalogues_show_what_an_import_does() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/catalogue");
    let claude = claude::read(&samples.join("claude")).unwrap();
    assert_eq!((claude.entries.len(), claude.refused.len()), (5, 1), "{:?}", claude.refused);
    let n8n = n8n::read(&samples.join("n8n")).unwrap();
    assert_eq!((n8n.entries.len(), n8n.refused.len(), n8n.duplicates.len()), (6, 1, 1), "{:?}", n8n.refused);
    assert!(n8n.refused[0].place.starts_with("Content/Cut off.json:"), "{:?}", n8n.refused);
    let mcp = docker::read(&samples.join("mcp")).unwrap();
    assert_eq!((mcp.entries.len(), mcp.refused.len(), mcp.duplicates.len()), (3, 1, 0), "{:?}", mcp.refused);
    let listed = registry::read(&samples.join("mcp-registry")).unwrap();
    assert_eq!(
        (listed.entries.len(), listed.refused.len(), listed.duplicates.len()),
        (3, 2, 1),
        "{:?}",
        listed.refused
    );
    for entry in [&claude, &n8n, &mcp, &listed].into_iter().flat_map(|catalogue| &catalogue.entries) {
        let (confidence, found) = confidence(entry);
        assert_eq!((confidence, found), (100, vec![]), "{}", entry.place);
    }
}
