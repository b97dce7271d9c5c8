//! The sandbox with real components: honest ones, and ones that try everything.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on ends and says why"
)]

mod cache;
mod guests;
mod honest;
mod hostile;
mod http;
mod research;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use souk_ports::{
    Random, Sandbox,
    sandbox::{Capabilities, Grants, Report, Task},
};
use souk_sandbox::{Settings, WasmSandbox};
use tempfile::TempDir;

/// Counts words.
const WORDS: &[u8] = include_bytes!("../../fixtures/words.wasm");

/// The same in JavaScript, with its engine.
const WORDS_JS: &[u8] = include_bytes!("../../fixtures/words-js.wasm");

/// Tries what it is told.
const PROBE: &[u8] = include_bytes!("../../fixtures/probe.wasm");

/// Sends requests.
const FETCH: &[u8] = include_bytes!("../../fixtures/fetch.wasm");

/// Numbers that are no secret.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// A sandbox in a directory of its own.
fn sandbox(change: impl FnOnce(&mut Settings)) -> (Arc<WasmSandbox>, TempDir) {
    let directory = TempDir::new().expect("a directory");
    (open(directory.path(), change), directory)
}

/// A sandbox in a directory that all share, and that stays between runs of the tests: compiling takes most of their time.
fn cached(change: impl FnOnce(&mut Settings)) -> Arc<WasmSandbox> {
    open(Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/souk-sandbox")), change)
}

fn open(directory: &Path, change: impl FnOnce(&mut Settings)) -> Arc<WasmSandbox> {
    let mut settings = Settings::new(directory.to_owned());
    settings.temp = 8 << 20;
    change(&mut settings);
    Arc::new(WasmSandbox::open(settings, &Fixed).expect("opens"))
}

/// The sandbox of tests that change nothing.
fn shared() -> Arc<WasmSandbox> {
    static SHARED: OnceLock<Arc<WasmSandbox>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(|| cached(|_| ())))
}

/// Everything that an operator may grant.
fn grants() -> Grants {
    Grants { hosts: vec!["*".into()], temp: true, memory_mib: 512, seconds: 30, ..Grants::default() }
}

/// A task that declares nothing.
fn task(component: &[u8], input: &str) -> Task {
    Task {
        component: Bytes::copy_from_slice(component),
        digest: hex::encode(Sha256::digest(component)),
        input: input.to_owned(),
        declared: Capabilities::default(),
        granted: grants(),
        seed: 1,
        files: Arc::new([]),
    }
}

/// What became of it: the output, or the code of the error.
fn outcome(report: &Report) -> Result<&str, &'static str> {
    report.outcome.as_deref().map_err(|error| error.code())
}

/// The plugin's own code of its failure.
fn own_code(report: &Report) -> &str {
    match &report.outcome {
        Err(souk_ports::SandboxError::Plugin { code, .. }) => code,
        other => panic!("the plugin was to fail by itself: {other:?}"),
    }
}

async fn run(component: &[u8], input: &str) -> Report {
    shared().run(task(component, input)).await
}
