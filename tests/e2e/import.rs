//! Real catalogues: our own small one always, the large public ones where `SOUK_TEST_SHARED_DATA` names their folder.

use std::path::{Path, PathBuf};

use serde_json::Value;
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
};

/// `souk import --json`, and what it printed.
fn import(data_dir: &Path, source: &str, folder: &Path) -> Value {
    let folder = folder.to_str().expect("UTF-8");
    let output = process::run(data_dir, &["import", source, folder, "--json"], &[]).expect("souk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn head(data_dir: &Path) -> i64 {
    let output = process::run(data_dir, &["doctor", "--json"], &[]).expect("souk runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["head"].as_i64().expect("a head")
}

fn count(report: &Value, field: &str) -> usize {
    report[field].as_array().map_or(0, Vec::len)
}

fn own(source: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/catalogue").join(source)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_catalogue_is_imported_once() {
    let home = data_dir();
    tokio::task::block_in_place(|| {
        let first = import(home.path(), "claude", &own("claude"));
        assert!(count(&first, "imported") >= 5, "{first}");
        let workflows = import(home.path(), "n8n", &own("n8n"));
        assert!(count(&workflows, "imported") >= 5 && count(&workflows, "refused") == 1, "{workflows}");
        let docker = import(home.path(), "mcp", &own("mcp"));
        assert_eq!((count(&docker, "imported"), count(&docker, "refused")), (3, 1), "{docker}");
        let listed = import(home.path(), "mcp-registry", &own("mcp-registry"));
        let counts = (count(&listed, "imported"), count(&listed, "refused"), count(&listed, "duplicates"));
        assert_eq!(counts, (3, 2, 1), "{listed}");
        let before = head(home.path());
        let second = import(home.path(), "claude", &own("claude"));
        assert_eq!(
            (count(&second, "imported"), count(&second, "unchanged")),
            (0, count(&first, "imported")),
            "{second}"
        );
        for source in ["n8n", "mcp", "mcp-registry"] {
            let again = import(home.path(), source, &own(source));
            assert_eq!(count(&again, "imported") + count(&again, "updated"), 0, "{again}");
        }
        assert_eq!(head(home.path()), before, "a second import adds events");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_catalogues_are_imported_and_found() {
    let Some(data) = std::env::var_os("SOUK_TEST_SHARED_DATA").map(PathBuf::from) else {
        eprintln!("left out: SOUK_TEST_SHARED_DATA does not name the public catalogues");
        return;
    };
    let home = data_dir();
    tokio::task::block_in_place(|| {
        let claude = import(home.path(), "claude", &data.join("claude-plugins"));
        assert_eq!((count(&claude, "imported"), count(&claude, "refused")), (91, 1), "{claude}");
        assert!(claude["refused"].to_string().contains("pensyve"), "{claude}");
        let n8n = import(home.path(), "n8n", &data.join("n8n-templates"));
        let counts = (count(&n8n, "imported"), count(&n8n, "refused"), count(&n8n, "duplicates"));
        assert_eq!(counts, (338, 8, 2), "{n8n}");
        let docker = import(home.path(), "mcp", &data.join("mcp-servers/docker"));
        assert_eq!((count(&docker, "imported"), count(&docker, "refused")), (328, 0), "{docker}");
        let registry = import(home.path(), "mcp-registry", &data.join("mcp-servers/registry-seed"));
        assert_eq!((count(&registry, "imported"), count(&registry, "refused")), (464, 7), "{registry}");
        let before = head(home.path());
        import(home.path(), "claude", &data.join("claude-plugins"));
        import(home.path(), "n8n", &data.join("n8n-templates"));
        import(home.path(), "mcp", &data.join("mcp-servers/docker"));
        import(home.path(), "mcp-registry", &data.join("mcp-servers/registry-seed"));
        assert_eq!(head(home.path()), before, "a second import adds events");
    });
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &Options::default())).expect("starts");
    let nobody = Client::new(souk.base());
    for (query, wanted) in [("kubernetes security", "kubernetes"), ("slak", "slack"), ("qdrant", "qdrant")] {
        let request = nobody.request(reqwest::Method::GET, "/plugins").query(&[("q", query)]);
        let found = nobody.send(request).await.expect("answers").expect(200).expect("searches");
        let first = found.body["items"][0].to_string().to_lowercase();
        assert!(first.contains(wanted), "{query} finds {first}");
    }
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
    let output = process::run(home.path(), &["rebuild", "--all", "--verify"], &[]).expect("souk runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
