//! Compiled once, and never loaded from anybody else.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use souk_ports::Sandbox;
use souk_sandbox::{Settings, WasmSandbox};
use tempfile::TempDir;

use crate::{Fixed, WORDS, guests, outcome, sandbox, task};

fn compiled(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("code")).expect("is there");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("is there").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cwasm"));
    files.sort();
    files
}

/// Opens a sandbox in a directory that was used before, and runs.
async fn again(directory: &TempDir, component: &[u8], input: &str) -> Result<String, &'static str> {
    let sandbox = WasmSandbox::open(Settings::new(directory.path().to_owned()), &Fixed).expect("opens");
    outcome(&sandbox.run(task(component, input)).await).map(str::to_owned)
}

#[tokio::test]
async fn a_component_is_compiled_once() {
    let (sandbox, directory) = sandbox(|_| ());
    assert_eq!(outcome(&sandbox.run(task(WORDS, "null")).await), Ok(r#"{"words":1,"distinct":{"null":1}}"#));
    let files = compiled(directory.path());
    assert_eq!(files.len(), 1);
    let written = fs::metadata(&files[0]).and_then(|metadata| metadata.modified()).expect("is there");
    drop(sandbox);
    assert!(again(&directory, WORDS, "\"a\"").await.is_ok());
    assert_eq!(fs::metadata(&files[0]).and_then(|metadata| metadata.modified()).expect("is there"), written);
}

#[tokio::test]
async fn nobody_else_looks_into_the_cache() {
    let (sandbox, directory) = sandbox(|_| ());
    assert!(sandbox.run(task(&guests::honest(), "null")).await.outcome.is_ok());
    let mode = |path: &Path| fs::metadata(path).expect("is there").permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("code")), 0o700);
    assert_eq!(mode(&directory.path().join("runs")), 0o700);
    assert_eq!(mode(&directory.path().join("code/key")), 0o600);
    assert_eq!(mode(&compiled(directory.path())[0]), 0o600);
}

#[tokio::test]
async fn code_that_was_changed_is_not_loaded() {
    let (sandbox, directory) = sandbox(|_| ());
    let honest = guests::honest();
    assert!(sandbox.run(task(&honest, "null")).await.outcome.is_ok());
    drop(sandbox);
    let file = compiled(directory.path()).remove(0);
    let original = fs::read(&file).expect("is there");
    for broken in [Vec::new(), original[..40].to_vec(), {
        let mut bytes = original.clone();
        bytes[original.len() / 2] ^= 1;
        bytes
    }] {
        fs::write(&file, &broken).expect("is written");
        assert_eq!(again(&directory, &honest, "null").await, Ok("null".into()));
        let now = fs::read(&file).expect("was written anew");
        assert!(now.len() > 40 && now != broken);
    }
    // Under another key, everything is changed.
    fs::write(directory.path().join("code/key"), [9; 32]).expect("is written");
    let before = fs::read(&file).expect("is there");
    assert_eq!(again(&directory, &honest, "null").await, Ok("null".into()));
    assert_ne!(fs::read(&file).expect("is there")[..32], before[..32]);
}

#[tokio::test]
async fn code_of_another_component_is_not_loaded() {
    let (sandbox, directory) = sandbox(|_| ());
    let (honest, hostile) = (guests::honest(), guests::traps());
    assert_eq!(outcome(&sandbox.run(task(&hostile, "null")).await), Err("trapped"));
    let of_hostile = compiled(directory.path()).remove(0);
    assert!(sandbox.run(task(&honest, "null")).await.outcome.is_ok());
    drop(sandbox);
    let of_honest = compiled(directory.path()).into_iter().find(|path| *path != of_hostile).expect("is there");
    fs::copy(of_hostile, of_honest).expect("is copied");
    assert_eq!(again(&directory, &honest, "null").await, Ok("null".into()));
}

#[tokio::test]
async fn compiled_code_is_no_upload() {
    let (sandbox, directory) = sandbox(|_| ());
    assert!(sandbox.run(task(&guests::honest(), "null")).await.outcome.is_ok());
    let file = fs::read(compiled(directory.path()).remove(0)).expect("is there");
    // What wasmtime would take, without the HMAC before it.
    assert_eq!(outcome(&sandbox.run(task(&file[32..], "null")).await), Err("precompiled"));
    assert_eq!(outcome(&sandbox.run(task(&file, "null")).await), Err("not_a_component"));
}

#[tokio::test]
async fn the_disk_is_not_filled() {
    let (sandbox, directory) = sandbox(|settings| settings.code_on_disk = 1);
    assert!(sandbox.run(task(&guests::honest(), "null")).await.outcome.is_ok());
    assert!(compiled(directory.path()).is_empty());
}

#[tokio::test]
async fn compiling_takes_only_so_long() {
    let (sandbox, _directory) = sandbox(|settings| settings.compile = Duration::ZERO);
    assert_eq!(outcome(&sandbox.run(task(WORDS, "null")).await), Err("compile_time_exceeded"));
}
