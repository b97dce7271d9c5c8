//! What a plugin may do.

use bytes::Bytes;
use serde_json::Value;
use souk_ports::Sandbox;
use souk_sandbox::{Settings, WasmSandbox};

use crate::{Fixed, PROBE, WORDS, WORDS_JS, outcome, own_code, run, shared, task};

#[tokio::test]
async fn a_component_answers() {
    let report = run(WORDS, "\"to be or not to be\"").await;
    assert_eq!(outcome(&report), Ok(r#"{"words":6,"distinct":{"be":2,"not":1,"or":1,"to":2}}"#));
    assert!(report.usage.memory_bytes > 0 && report.usage.memory_bytes <= 64 << 20, "{:?}", report.usage);
}

#[tokio::test]
async fn the_same_samples_have_the_same_results_in_rust_and_in_javascript() {
    let samples: Vec<Value> = serde_json::from_str(include_str!("../../fixtures/samples.json")).expect("are samples");
    assert!(!samples.is_empty());
    for (language, component) in [("Rust", WORDS), ("JavaScript", WORDS_JS)] {
        for sample in &samples {
            let report = run(component, &sample["input"].to_string()).await;
            let output: Value = serde_json::from_str(outcome(&report).expect("succeeds")).expect("is JSON");
            assert_eq!(output, sample["expected"], "{language}: {}", sample["name"]);
        }
    }
}

#[tokio::test]
async fn what_javascript_throws_is_the_plugins_own_failure() {
    let report = run(WORDS_JS, "7").await;
    assert_eq!(own_code(&report), "invalid_input");
}

#[tokio::test]
async fn its_randomness_is_that_of_its_seed() {
    let mut outputs = Vec::new();
    for seed in [1, 1, 2] {
        for (component, input) in [(WORDS, "\"shuffle a b c d e f g h i j k l\""), (PROBE, "\"random\"")] {
            let report = shared().run(souk_ports::sandbox::Task { seed, ..task(component, input) }).await;
            outputs.push(outcome(&report).expect("succeeds").to_owned());
        }
    }
    assert_eq!(outputs[..2], outputs[2..4]);
    assert_ne!(outputs[0], outputs[4]);
    assert_ne!(outputs[1], outputs[5]);
}

#[tokio::test]
async fn what_it_prints_is_kept() {
    let report = run(PROBE, "\"say hello\"").await;
    assert_eq!((outcome(&report), report.stdout.as_str(), report.stderr.as_str()), (Ok("null"), "hello\n", "hello!\n"));
}

#[tokio::test]
async fn it_reads_the_files_of_its_package() {
    let mut task = task(PROBE, "\"read /plugin/data/words.txt\"");
    task.files = [("data/words.txt".to_owned(), Bytes::from_static(b"a word"))].into();
    assert_eq!(outcome(&shared().run(task).await), Ok("\"a word\""));
}

#[tokio::test]
async fn it_has_a_tmp_where_it_declares_one() {
    let mut task = task(PROBE, "\"write /tmp/file\"");
    assert_eq!(own_code(&shared().run(task.clone()).await), "no-entry");
    task.declared.folders = vec!["/tmp".into()];
    assert_eq!(outcome(&shared().run(task.clone()).await), Ok("\"written\""));
    task.granted.temp = false;
    assert_eq!(own_code(&shared().run(task).await), "no-entry");
}

#[tokio::test]
async fn it_has_the_secrets_that_it_declares_and_is_granted() {
    let mut task = task(PROBE, "\"env TOKEN\"");
    task.granted.secrets = [("TOKEN".to_owned(), "s3cret".to_owned()), ("OTHER".to_owned(), "other".to_owned())].into();
    assert!(!format!("{task:?}").contains("s3cret"));
    assert_eq!(outcome(&shared().run(task.clone()).await), Ok("\"\""));
    task.declared.secrets = vec!["TOKEN".into()];
    assert_eq!(outcome(&shared().run(task).await), Ok("\"s3cret\""));
}

#[test]
fn a_sandbox_that_could_run_nothing_does_not_open() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let settings = Settings { runs: 0, ..Settings::new(directory.path().to_owned()) };
    assert_eq!(WasmSandbox::open(settings, &Fixed).err().map(|error| error.code()), Some("sandbox_unavailable"));
}
