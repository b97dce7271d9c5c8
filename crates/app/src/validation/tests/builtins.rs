//! The built-in plugins, and what the creator makes, through the whole pipeline and with their samples run.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde_json::json;
use souk_domain::{
    execution::Fault,
    validation::{Thresholds, conclude},
};
use souk_package::archive::{self, Limits};
use souk_ports::{
    Sandbox,
    sandbox::{ANY_HOST, Grants, SandboxError, Task},
};
use souk_sandbox::{Settings, WasmSandbox};
use souk_testkit::time::SeededRandom;

use super::*;
use crate::executions::{Runnable, fault};

/// The sandbox of these tests, in a folder beside them that stays: compiling takes most of their time.
struct House(WasmSandbox);

impl House {
    fn open() -> &'static Self {
        static OPEN: OnceLock<House> = OnceLock::new();
        OPEN.get_or_init(|| {
            let folder = std::env::current_exe().unwrap().with_file_name("souk-app-sandbox");
            let settings = Settings { compile: Duration::from_secs(300), ..Settings::new(folder) };
            Self(WasmSandbox::open(settings, &SeededRandom::default()).unwrap())
        })
    }

    /// What becomes of a version whose manifest is the `souk.json` in its archive.
    async fn validated(&self, archive: Vec<u8>) -> Run {
        let manifest: Value =
            serde_json::from_slice(archive::inspect(&archive, &Limits::default()).unwrap().read("souk.json").unwrap())
                .unwrap();
        let kind = serde_json::from_value(manifest["kind"].clone()).unwrap();
        let (name, version) = (manifest["name"].as_str().unwrap().to_owned(), manifest["version"].as_str().unwrap());
        let input = Input::of(kind, name, Version::parse(version).unwrap(), manifest, archive);
        let grants = grants();
        let means = Means { stage: Some(Stage { sandbox: &self.0, grants: &grants }), ..Means::default() };
        check(Arc::new(Pipeline::standard()), input, means).await.unwrap()
    }

    /// What `creator` answers.
    async fn create(&self, specification: &Value) -> Result<Value, SandboxError> {
        let answer = self.answer(&package("creator"), specification).await?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    /// What the component in a package answers.
    async fn answer(&self, archive: &[u8], input: &Value) -> Result<String, SandboxError> {
        let archive = archive::inspect(archive, &Limits::default()).unwrap();
        let manifest = serde_json::from_slice(archive.read("souk.json").unwrap()).unwrap();
        let runnable = Runnable::of(&archive, &manifest).unwrap();
        let task = Task {
            component: runnable.component,
            digest: runnable.digest,
            input: input.to_string(),
            declared: runnable.declared,
            granted: grants(),
            seed: 1,
            files: runnable.files,
        };
        self.0.run(task).await.outcome
    }
}

fn grants() -> Grants {
    Grants { hosts: vec![ANY_HOST.into()], temp: true, memory_mib: 512, seconds: 30, ..Grants::default() }
}

/// The archive of a built-in plugin's folder.
fn package(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name).join("package");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    pack(files).unwrap()
}

/// Rules, and a sample that they are tried by.
fn running() -> (Value, Value) {
    let rules = json!({
        "require": [{"at": "/items", "type": "array", "code": "items_missing", "message": "List `items`."}],
        "output": {"count": {"$count": {"$get": "/items"}}, "text": {"$join": {"$each": {"$get": "/items"}, "do": "- {{}}"}, "with": "\n"}},
    });
    (rules, json!([{"name": "two", "input": {"items": ["a", "b"]}, "expected": {"count": 2, "text": "- a\n- b"}}]))
}

/// A specification of every kind.
fn specifications() -> Vec<Value> {
    let part = |name: &str| json!({"name": name, "summary": "Reads a log.", "steps": ["Read it.", "Say what failed."]});
    let kinds = [
        json!({"kind": "agent", "instructions": "You read logs and say what failed first.", "model": "sonnet", "allowedTools": ["Read", "Grep"]}),
        json!({"kind": "skill", "instructions": "## When\n\nWhen a build fails.", "steps": ["Read the log.", "Name the first error."]}),
        json!({"kind": "command", "steps": ["Read $ARGUMENTS.", "Name the first error."], "argumentHint": "[file]"}),
        json!({"kind": "plugin", "agents": [part("reader")], "skills": [part("logs")], "commands": [part("explain")], "author": "Ann"}),
        json!({"kind": "mcp_server", "server": {"name": "com.example/logs", "remotes": [{"type": "streamable-http", "url": "https://logs.example.com/mcp"}]},
               "tools": [{"name": "search", "description": "Finds lines."}]}),
        json!({"kind": "workflow", "nodes": [
            {"name": "Ask", "type": "n8n-nodes-base.httpRequest", "parameters": {"url": "https://logs.example.com/today"}},
            {"name": "Keep", "type": "n8n-nodes-base.set"}]}),
        json!({"kind": "asset", "files": [{"path": "data/levels.txt", "content": "error\nwarn\n"}]}),
    ];
    let common = json!({"name": "log-reader", "summary": "Reads logs and says what failed.", "license": "MIT", "tags": ["logs"],
        "displayName": "Log reader", "description": "Reads *logs*."});
    kinds.into_iter().map(|kind| merged(&common, &kind)).collect()
}

fn merged(one: &Value, other: &Value) -> Value {
    let mut both = one.as_object().unwrap().clone();
    both.extend(other.as_object().unwrap().clone());
    Value::Object(both)
}

/// That a version is approved at once, and its samples agree if it has any.
fn approved(run: &Run, samples: u32, what: &str) {
    let (confidence, verdict) = conclude(&run.steps, Thresholds::default());
    let report = String::from_utf8_lossy(&run.report);
    assert!(confidence >= 90 && verdict == souk_domain::validation::Verdict::Approve, "{what}: {confidence} {report}");
    let check = run.cross_check.as_ref().map(|check| (check.samples, check.consensus()));
    let expected = (samples > 0).then_some((samples, 1_000));
    assert_eq!(check, expected, "{what}");
    assert_eq!(run.steps.last().unwrap().findings, [], "{what}");
}

#[tokio::test]
async fn both_pass_with_all_samples() {
    let house = House::open();
    for name in ["research", "creator"] {
        approved(&house.validated(package(name)).await, 2, name);
    }
}

#[tokio::test]
async fn what_the_creator_makes_of_every_kind_passes_and_runs() {
    let house = House::open();
    let (rules, samples) = running();
    for plain in specifications() {
        let runs = merged(&plain, &json!({"rules": rules, "samples": samples}));
        for (specification, samples) in [(plain, 0), (runs, 1)] {
            let made = house.create(&specification).await.unwrap();
            let archive = unpacked(&made);
            assert_eq!(sha256(&archive), made["digest"], "{specification}");
            assert_eq!(made, house.create(&specification).await.unwrap(), "the same again");
            approved(&house.validated(archive).await, samples, &specification.to_string());
        }
    }
}

fn unpacked(made: &Value) -> Vec<u8> {
    data_encoding::BASE64.decode(made["archive"].as_str().unwrap().as_bytes()).unwrap()
}

/// The file at `path` of what was made.
fn text<'a>(made: &'a Value, path: &str) -> &'a str {
    let files = made["files"].as_array().unwrap();
    files.iter().find(|file| file["path"] == path).and_then(|file| file["content"].as_str()).unwrap()
}

#[tokio::test]
async fn texts_of_a_specification_stay_texts() {
    let house = House::open();
    let hostile = "x\" \nname: evil";
    let refused =
        house.create(&json!({"name": "demo", "kind": "skill", "summary": hostile, "instructions": "Do it."})).await;
    is_callers(refused.map(drop), "field_invalid", "`summary`");
    let line =
        "a\": b # c ' - [link](https://x.example) <script>alert(1)</script> {{x}} ```\\ %s *&anchor !!tag | > ---";
    let part = json!({"name": "part", "summary": line, "steps": [line], "allowedTools": [line]});
    let agent = merged(&part, &json!({"model": line}));
    let command = merged(&agent, &json!({"argumentHint": line}));
    let made = house
        .create(&json!({"name": "demo", "kind": "plugin", "summary": line, "displayName": line, "author": line, "license": "MIT",
            "agents": [agent], "commands": [command], "skills": [part], "rules": {"output": {"$literal": line}},
            "samples": [{"name": "s", "input": {"```": "```\n# no heading"}}]}))
        .await
        .unwrap();
    assert_eq!(made["manifest"]["summary"], line);
    let about: Value = serde_json::from_str(text(&made, ".claude-plugin/plugin.json")).unwrap();
    assert_eq!((&about["description"], &about["author"]["name"]), (&json!(line), &json!(line)));
    for (path, field) in
        [("agents/part.md", "model"), ("commands/part.md", "argument-hint"), ("skills/part/SKILL.md", "description")]
    {
        let front = souk_package::frontmatter::read(text(&made, path)).unwrap();
        assert_eq!((front.problem(), front.text(field)), (None, Some(line)), "{path}");
        let body = text(&made, path).split("\n---\n").nth(1).unwrap();
        assert!(!body.contains("<script>") && !body.contains("[link](") && !body.contains("```"), "{body}");
    }
    let readme = text(&made, "README.md");
    let mut outside = readme.split("````").step_by(2);
    assert!(outside.all(|text| !text.contains("<script>") && !text.contains("```")), "{readme}");
    approved(&house.validated(unpacked(&made)).await, 1, "hostile");
}

#[tokio::test]
async fn what_is_wrong_with_a_specification_is_named() {
    let house = House::open();
    let good = json!({"name": "demo", "kind": "skill", "summary": "Does it.", "instructions": "Do it."});
    for (change, code, said) in [
        (json!({"kind": "robot"}), "specification_invalid", "robot"),
        (json!({"instruction": "x"}), "specification_invalid", "instruction"),
        (json!({"name": "x"}), "field_invalid", "`name`"),
        (json!({"name": "-demo"}), "field_invalid", "`name`"),
        (json!({"summary": ""}), "field_invalid", "`summary`"),
        (json!({"summary": "a\u{202e}b"}), "field_invalid", "u{202e}"),
        (json!({"instructions": null}), "field_missing", "`instructions`"),
        (json!({"nodes": [{"name": "a", "type": "b"}]}), "field_not_for_kind", "`nodes`"),
        (
            json!({"kind": "plugin", "instructions": null, "skills": [{"name": "a", "summary": "b", "steps": ["c"], "model": "d"}]}),
            "field_not_for_kind",
            "`skills[0].model`",
        ),
        (json!({"version": "1"}), "would_not_pass", "semantic version"),
        (json!({"license": "My own"}), "would_not_pass", "SPDX"),
        (json!({"capabilities": {"shell": true}}), "would_not_pass", "capabilities.shell"),
        (json!({"capabilities": {"network": ["10.0.0.1"]}}), "would_not_pass", "private address"),
        (json!({"files": [{"path": "SKILL.md", "content": "x"}]}), "path_taken", "SKILL.md"),
        (json!({"files": [{"path": "../x", "content": "x"}]}), "would_not_pass", "../x"),
        (json!({"files": [{"path": "big.txt", "content": "x".repeat(800_000)}]}), "too_large", "files"),
        (json!({"samples": [{"name": "a", "input": 1}]}), "field_missing", "`rules`"),
        (json!({"rules": {"output": {"$eval": "1"}}}), "rules_invalid", "/output"),
        (
            json!({"rules": {"output": "{{/a}}"}, "samples": [{"name": "a", "input": 1}]}),
            "sample_failed",
            "value_missing",
        ),
        (
            json!({"rules": {"output": 1}, "samples": [{"name": "a", "input": 1, "expected": 2}]}),
            "sample_differs",
            "which is 1",
        ),
        (json!({"kind": "plugin", "instructions": null}), "field_missing", "`skills`"),
        (json!({"kind": "mcp_server", "instructions": null}), "field_missing", "`server`"),
        (json!({"kind": "asset", "instructions": null}), "field_missing", "`files`"),
        (json!({"kind": "workflow", "instructions": null}), "field_missing", "`nodes`"),
        (
            json!({"kind": "workflow", "instructions": null, "nodes": [{"name": "a", "type": "n8n-nodes-base.set"}],
            "connections": {"Start": ["b"]}}),
            "field_invalid",
            "\"b\"",
        ),
    ] {
        let specification = merged(&good, &change);
        is_callers(house.create(&specification).await.map(drop), code, said);
    }
}

#[tokio::test]
async fn what_rules_refuse_is_the_callers_mistake() {
    let house = House::open();
    let rules = json!({
        "require": [{"at": "/items", "type": "array", "code": "items_missing", "message": "List `items`."}],
        "output": {"who": "{{/name}}", "each": {"$each": {"$get": "/more", "default": []}, "do": 1}},
    });
    let made = house
        .create(
            &json!({"name": "demo", "kind": "skill", "summary": "Does it.", "license": "MIT", "instructions": "Do it.",
            "rules": rules}),
        )
        .await
        .unwrap();
    let archive = unpacked(&made);
    for (input, code, said) in [
        (json!({"name": "Ann"}), "items_missing", "List `items`."),
        (json!({"items": "none"}), "items_missing", "List `items`."),
        (json!({"items": []}), "value_missing", "`/name`"),
        (json!({"items": [], "name": "Ann", "more": 1}), "not_a_list", "list"),
    ] {
        is_callers(house.answer(&archive, &input).await.map(drop), code, said);
    }
    let answer = house.answer(&archive, &json!({"items": [], "name": "Ann"})).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), json!({"who": "Ann", "each": []}));
}

#[tokio::test]
async fn rules_that_are_none_are_the_packages_fault() {
    let house = House::open();
    let (rules, _) = running();
    let made = house
        .create(
            &json!({"name": "demo", "kind": "skill", "summary": "Does it.", "license": "MIT", "instructions": "Do it.",
            "rules": rules}),
        )
        .await
        .unwrap();
    let whole = archive::inspect(&unpacked(&made), &Limits::default()).unwrap();
    let broken =
        ["souk.json", "SKILL.md", "run.wasm"].map(|path| (path.to_owned(), whole.read(path).unwrap().to_vec()));
    let missing = pack(broken.clone()).unwrap();
    let unsound = pack(broken.into_iter().chain([("rules.json".to_owned(), b"{}".to_vec())])).unwrap();
    for (archive, expected) in [(missing, "rules_missing"), (unsound, "rules_invalid")] {
        let refused = house.answer(&archive, &json!({"items": []})).await.unwrap_err();
        assert!(matches!(&refused, SandboxError::Plugin { code, .. } if code == expected), "{refused:?}");
        assert_eq!(fault(&refused), Fault::Plugin);
    }
}

/// That a run failed by what it was asked, which `code` at the start of the message says closer.
fn is_callers(outcome: Result<(), SandboxError>, code: &str, said: &str) {
    let refused = outcome.expect_err(code);
    assert_eq!(fault(&refused), Fault::Caller, "{code}: {refused:?}");
    match refused {
        SandboxError::Plugin { message, .. } => {
            assert!(message.starts_with(&format!("{code}: ")) && message.contains(said), "{code}: {message}");
        }
        other => panic!("it should be refused as {code}: {other:?}"),
    }
}
