use serde_json::json;
use souk_inspect::risk::Level;
use souk_package::{
    archive::{Limits, inspect},
    pack::pack,
};

use super::*;

fn archive(files: &[(&str, &[u8])]) -> Archive {
    let files = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    inspect(&pack(files).unwrap(), &Limits::default()).unwrap()
}

fn compared(from: &[(&str, &[u8])], to: &[(&str, &[u8])]) -> Comparison {
    let (from, to, manifest) = (archive(from), archive(to), json!({}));
    let side = |archive| Side { manifest: &manifest, archive, report: None };
    compare(&side(&from), &side(&to))
}

fn of_manifests(from: &Value, to: &Value) -> Comparison {
    let archive = archive(&[("README.md", b"# A\n")]);
    let side = |manifest| Side { manifest, archive: &archive, report: None };
    compare(&side(from), &side(to))
}

fn report(confidence: u8, level: &str, findings: &[(&str, &str, &str, u32)]) -> Vec<u8> {
    let findings: Vec<_> = findings
        .iter()
        .map(|(rule, severity, place, line)| {
            json!({"rule": rule, "severity": severity, "place": place, "line": line, "message": "m", "advice": "a"})
        })
        .collect();
    json!({"confidence": confidence, "risk": {"level": level, "reasons": ["why"]}, "steps": [
        {"name": "manifest", "findings": []}, {"name": "static_analysis", "findings": findings},
    ]})
    .to_string()
    .into_bytes()
}

#[test]
fn files_are_added_removed_changed_or_the_same() {
    let before: &[(&str, &[u8])] =
        &[("a.md", b"one\n"), ("gone.md", b"bye\n"), ("same.md", b"same\n"), ("x.bin", &[0, 1])];
    let after: &[(&str, &[u8])] =
        &[("a.md", b"two\n"), ("new.md", b"hello\n"), ("same.md", b"same\n"), ("x.bin", &[0, 2])];
    let compared = compared(before, after);
    let told: Vec<_> =
        compared.files.items.iter().map(|file| (file.path.as_str(), file.change, file.text.clone())).collect();
    let unified = |text: &str| Text::Unified(text.to_owned());
    assert_eq!(
        told,
        [
            ("a.md", Change::Changed, unified("@@ -1,1 +1,1 @@\n-one\n+two\n")),
            ("gone.md", Change::Removed, unified("@@ -1,1 +0,0 @@\n-bye\n")),
            ("new.md", Change::Added, unified("@@ -0,0 +1,1 @@\n+hello\n")),
            ("x.bin", Change::Changed, Text::Binary),
        ]
    );
    assert_eq!((compared.files.count, compared.unchanged_files), (4, 1));
    let changed = &compared.files.items[0];
    let digests = [&changed.from, &changed.to].map(|file| file.as_ref().unwrap().sha256.clone());
    assert_ne!(digests[0], digests[1]);
    assert_eq!((compared.findings, compared.confidence, compared.risk), (None, [None, None], [None, None]));
}

#[test]
fn what_is_large_is_named_and_not_told() {
    let large = vec![b'x'; LARGEST_TEXT + 1];
    let long: String = (0..LARGEST_DIFF / 4).map(|number| format!("{number}\n")).collect();
    let compared = compared(&[("a", b"1\n")], &[("a", b"2\n"), ("large", &large), ("long", long.as_bytes())]);
    let texts: Vec<_> = compared.files.items.into_iter().map(|file| file.text).collect();
    assert!(matches!(texts[..], [Text::Unified(_), Text::TooLarge, Text::TooLarge]), "{texts:?}");
}

#[test]
fn diffs_are_bounded_together() {
    let text: String = (0..1_000).map(|number| format!("{number:040}\n")).collect();
    let names: Vec<String> = (0..1_200).map(|number| format!("{number:04}")).collect();
    let files: Vec<(&str, &[u8])> = names
        .iter()
        .enumerate()
        .map(|(number, name)| (name.as_str(), if number < 40 { text.as_bytes() } else { b"x".as_slice() }))
        .collect();
    let compared = compared(&[("0041", b"x")], &files);
    let told: usize =
        compared.files.items.iter().map(|file| if let Text::Unified(diff) = &file.text { diff.len() } else { 0 }).sum();
    assert!((ALL_DIFFS - LARGEST_DIFF..=ALL_DIFFS).contains(&told), "{told}");
    assert_eq!((compared.files.count, compared.files.items.len()), (1_199, MOST_FILES));
}

#[test]
fn few_different_lines_are_not_compared_without_end() {
    let text = |lines: usize| "a\nb\nb\n".repeat(lines / 3);
    let (many, some) = (text(MOST_LINES + 3), text(MOST_LINES - 10));
    let names: Vec<String> = (0..10).map(|number| format!("{number}")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), some.as_bytes())).collect();
    files.extend([("many", many.as_bytes()), ("same", b"x")]);
    let compared = compared(&[("same", b"x")], &files);
    let unified = compared.files.items.iter().filter(|file| matches!(file.text, Text::Unified(_))).count();
    assert_eq!(unified, ALL_LINES / MOST_LINES);
    assert_eq!(compared.files.items.last().map(|file| &file.text), Some(&Text::TooLarge));
}

#[test]
fn fields_of_the_manifest_are_told_apart_from_version_and_capabilities() {
    let from = json!({"version": "1.0.0", "summary": "Old.", "license": "MIT", "tags": ["a"], "entry": "a.wasm"});
    let to = json!({"version": "1.1.0", "summary": "New.", "license": "MIT", "tags": ["a"], "author": "Ada",
        "capabilities": {"secrets": ["KEY"]}, "description": "x".repeat(LARGEST_VALUE)});
    let compared = of_manifests(&from, &to);
    let told: Vec<_> =
        compared.manifest.iter().map(|it| (it.field.as_str(), it.change, it.from.clone(), it.to.clone())).collect();
    assert_eq!(
        told,
        [
            ("author", Change::Added, None, Some(json!("Ada"))),
            ("description", Change::Added, None, None),
            ("entry", Change::Removed, Some(json!("a.wasm")), None),
            ("summary", Change::Changed, Some(json!("Old.")), Some(json!("New."))),
        ]
    );
    assert_eq!(compared.capabilities.len(), 1);
    let shown = compared.clone().contents();
    let values: Vec<_> = shown.manifest.iter().map(|it| it.to.is_some()).collect();
    assert_eq!(values, [false, false, false, true], "who made it is not for everybody");
}

#[test]
fn an_outline_has_no_contents() {
    let manifest = json!({"summary": "A secret plan."});
    let (from, to) = (archive(&[("a.md", b"secret one\n")]), archive(&[("a.md", b"secret two\n")]));
    let empty = json!({});
    let outline = compare(
        &Side { manifest: &empty, archive: &from, report: None },
        &Side { manifest: &manifest, archive: &to, report: None },
    )
    .outline();
    assert!(!format!("{outline:?}").contains("secret"), "{outline:?}");
    assert_eq!(outline.files.items[0].text, Text::Withheld);
    assert_eq!((outline.files.items[0].to.as_ref().unwrap().size, outline.manifest[0].field.as_str()), (11, "summary"));
}

#[test]
fn dependencies_are_told_by_name() {
    let package = |text: &str| format!("{{\"dependencies\": {text}}}").into_bytes();
    let from = package(r#"{"express": "4.0.0", "old": "1.0.0", "same": "2.0.0"}"#);
    let to = package(r#"{"express": "5.0.0", "same": "2.0.0", "open": "*"}"#);
    let compared = compared(&[("package.json", &from)], &[("package.json", &to)]);
    let told: Vec<_> = compared
        .dependencies
        .items
        .iter()
        .map(|it| (it.ecosystem, it.name.as_str(), it.change, it.from.join(" "), it.to.join(" ")))
        .collect();
    let texts = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let expected = [
        ("express", Change::Changed, texts("4.0.0", "5.0.0")),
        ("old", Change::Removed, texts("1.0.0", "")),
        ("open", Change::Added, texts("", "")),
    ];
    assert_eq!(told, expected.map(|(name, change, (from, to))| ("npm", name, change, from, to)));
}

#[test]
fn findings_are_new_gone_or_unchanged_by_rule_and_place() {
    let before = report(92, "low", &[("a.old", "low", "a.md", 3), ("a.same", "medium", "a.md", 1)]);
    let after = report(
        60,
        "high",
        &[
            ("a.worse", "high", "b.md", 9),
            ("a.same", "medium", "a.md", 7),
            ("a.same", "low", "a.md", 8),
            ("a.same", "low", "b.md", 7),
        ],
    );
    let (archive, manifest) = (archive(&[("a.md", b"# A\n")]), json!({}));
    let compared = compare(
        &Side { manifest: &manifest, archive: &archive, report: Some(&before) },
        &Side { manifest: &manifest, archive: &archive, report: Some(&after) },
    );
    let findings = compared.findings.unwrap();
    let told = |found: &Listed<Finding>| -> Vec<(String, String, Option<u32>)> {
        let items = found.items.iter();
        items.map(|it| (it.rule.clone(), it.place.clone().unwrap_or_default(), it.line)).collect()
    };
    let one = |rule: &str, place: &str, line| (rule.to_owned(), place.to_owned(), Some(line));
    assert_eq!(told(&findings.new), [one("a.worse", "b.md", 9), one("a.same", "b.md", 7)], "the worst first");
    assert_eq!(told(&findings.gone), [one("a.old", "a.md", 3)]);
    assert_eq!(told(&findings.unchanged), [one("a.same", "a.md", 7)], "the worst of several at one place");
    assert_eq!(compared.confidence, [Some(92), Some(60)]);
    assert_eq!(compared.risk.map(|risk| risk.unwrap().level), [Level::Low, Level::High]);
}

#[test]
fn a_report_that_cannot_be_read_is_none() {
    let (archive, manifest, good) = (archive(&[("a.md", b"# A\n")]), json!({}), report(92, "low", &[]));
    let compared = compare(
        &Side { manifest: &manifest, archive: &archive, report: Some(b"{}") },
        &Side { manifest: &manifest, archive: &archive, report: Some(&good) },
    );
    assert_eq!((compared.findings, compared.confidence), (None, [None, Some(92)]));
}
