//! Who may import whom, as `cargo metadata` tells it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on ends and says why"
)]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// The crates of Souk that each crate may depend on, outside its tests.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("souk-domain", &[] as &[&str]),
        ("souk-ports", &["souk-domain"] as &[&str]),
        ("souk-package", &["souk-domain"]),
        ("souk-embedded-postgres", &[]),
        ("souk-signing", &[]),
        ("souk-testkit", &["souk-domain", "souk-ports"]),
        ("souk-kurrent-standin", &[]),
        ("souk-test-kafka", &[]),
        ("souk-test-s3", &[]),
        ("souk-log-kurrent", &["souk-domain", "souk-ports"]),
        ("souk-feed-kafka", &["souk-domain", "souk-ports"]),
        ("souk-transaction", &[]),
        ("souk-huge-text", &[]),
        ("souk-log-postgres", &["souk-domain", "souk-ports", "souk-transaction"]),
        ("souk-feed-log", &["souk-domain", "souk-ports"]),
        ("souk-store-postgres", &["souk-domain", "souk-ports", "souk-transaction"]),
        ("souk-vault", &["souk-domain", "souk-ports"]),
        ("souk-auth", &["souk-domain", "souk-ports"]),
        ("souk-artifacts", &["souk-domain", "souk-ports"]),
        ("souk-projector", &["souk-domain", "souk-ports", "souk-transaction"]),
        ("souk-sandbox", &["souk-ports"]),
        ("souk-clamd", &["souk-ports"]),
        ("souk-payments", &["souk-domain", "souk-ports"]),
        ("souk-mail", &["souk-domain", "souk-ports"]),
        ("souk-test-mail", &[]),
        ("souk-ledger", &["souk-domain", "souk-ports", "souk-transaction"]),
        ("souk-webhooks", &["souk-ports"]),
        ("souk-inspect", &["souk-domain", "souk-package"]),
        ("souk-app", &["souk-domain", "souk-ports", "souk-package", "souk-inspect", "souk-signing"]),
        ("souk-search", &[]),
        ("souk-projections", &["souk-domain", "souk-ports", "souk-projector", "souk-search"]),
        ("souk-api", &["souk-domain", "souk-ports", "souk-package", "souk-app", "souk-projector", "souk-projections"]),
        (
            "souk",
            &[
                "souk-domain",
                "souk-ports",
                "souk-package",
                "souk-embedded-postgres",
                "souk-log-postgres",
                "souk-feed-log",
                "souk-log-kurrent",
                "souk-feed-kafka",
                "souk-store-postgres",
                "souk-transaction",
                "souk-vault",
                "souk-auth",
                "souk-signing",
                "souk-artifacts",
                "souk-huge-text",
                "souk-sandbox",
                "souk-clamd",
                "souk-payments",
                "souk-mail",
                "souk-ledger",
                "souk-webhooks",
                "souk-projector",
                "souk-app",
                "souk-projections",
                "souk-api",
            ],
        ),
        ("souk-tests", &["souk-package"]),
    ])
}

/// Outside crates that a crate must never see.
const FORBIDDEN: [(&str, &[&str]); 3] = [
    ("souk-domain", &["tokio", "async-trait", "futures", "sqlx", "axum", "rand", "getrandom"]),
    ("souk-app", &["sqlx", "axum", "rdkafka", "kurrentdb", "wasmtime"]),
    ("souk-api", &["sqlx"]),
];

/// Name of a package and the names of what it depends on outside its tests.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let name = |value: &Value| value["name"].as_str().expect("has a name").to_owned();
    let packages = metadata["packages"].as_array().expect("has packages");
    packages
        .iter()
        .map(|package| {
            let edges = package["dependencies"].as_array().expect("has dependencies");
            let edges = edges.iter().filter(|edge| edge["kind"] != "dev").map(name).collect();
            (name(package), edges)
        })
        .collect()
}

/// Every edge that is not allowed.
fn violations(dependencies: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let allowed = allowed();
    let mut found = Vec::new();
    for (package, edges) in dependencies {
        let Some(may) = allowed.get(package.as_str()) else {
            found.push(format!("{package} has no line in the table of allowed dependencies"));
            continue;
        };
        for edge in edges {
            let own = edge == "souk" || edge.starts_with("souk-");
            let forbidden = FORBIDDEN.iter().any(|(name, never)| name == package && never.contains(&edge.as_str()));
            if (own && !may.contains(&edge.as_str())) || forbidden {
                found.push(format!("{package} must not depend on {edge}"));
            }
        }
    }
    found
}

#[test]
fn no_crate_imports_what_it_must_not_know() {
    assert_eq!(violations(&dependencies()), Vec::<String>::new());
}

#[test]
fn a_forbidden_edge_is_found() {
    let mut edges = dependencies();
    for (package, edge) in [
        ("souk-domain", "tokio"),
        ("souk-app", "sqlx"),
        ("souk-api", "sqlx"),
        ("souk-log-postgres", "souk-vault"),
        ("souk-domain", "souk-ports"),
        ("souk-projections", "souk-app"),
    ] {
        edges.entry(package.to_owned()).or_default().push(edge.to_owned());
        assert_eq!(violations(&edges), [format!("{package} must not depend on {edge}")]);
        edges.get_mut(package).expect("is there").pop();
    }
}

#[test]
fn a_crate_without_a_line_is_found() {
    let edges = BTreeMap::from([("souk-new".to_owned(), Vec::new())]);
    assert_eq!(violations(&edges).len(), 1);
}
