//! Runs plugins that are WebAssembly components of the world `souk:plugin`, without trusting them.
//!
//! # What a plugin can do
//!
//! It computes, reads a clock, draws numbers from the seed of its run, and writes a little to standard output. It reads the files of its own
//! package in `/plugin`. What it declares in its manifest *and* the operator grants comes on top: requests to named hosts, a read-only
//! `/shared`, a private `/tmp`, secrets as environment variables, more memory. Nothing else is linked: a component that imports
//! anything else is refused before any of its code runs.
//!
//! # What it cannot do, and what sees to it
//!
//! | it must not | because |
//! |---|---|
//! | run code that the compiler has not made | only components in WebAssembly's binary format are compiled; what is already compiled is refused ([`SandboxError::Precompiled`]), and the cache loads what this Souk wrote, by an HMAC |
//! | be compiled without end | its size, its functions and its parts are bounded before, the time around it |
//! | compute without end | a tick every 10 ms gives the thread to others, and ends a run whose processor time is used up |
//! | wait without end | everything, calls to the host included, is inside one timeout |
//! | take memory | one sum over all linear memories and tables of the run; calls to the host, handles, headers and outputs have bounds of their own |
//! | fill the disk | everything that takes space in `/tmp` is counted before it is written, and all of it goes after the run |
//! | leave its folders | `wasmtime-wasi` resolves paths inside of the folder, links included; `/plugin` and `/shared` are opened read-only |
//! | reach a network | there are no sockets; requests go to declared hosts at public addresses, and to the address that was checked |
//! | starve others | a bounded number runs at once, on threads that serve nothing else; a bounded number waits |
//!
//! The boundary is wasmtime itself. A run has the process's rights if that boundary breaks, so an operator who runs the plugins of strangers gives
//! the process few of them.
//!
//! # What is not hidden
//!
//! Clocks are real, so that two runs with one seed can differ by what time it is. The processor time of compiling, and the time that the host takes
//! for files and names, is not counted as the plugin's.

mod addresses;
mod code;
mod disk;
mod engine;
mod files;
mod hosts;
mod inspect;
mod limits;
mod outbound;
mod output;
mod run;
mod settings;
mod state;
mod task;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use souk_ports::{
    Random, Sandbox, SandboxError,
    sandbox::{Capabilities, Report, Task},
};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Semaphore,
    task::JoinSet,
};

pub use settings::{HttpSettings, Settings};

use crate::{code::Code, run::Runs, state::Linkers};

/// Threads for files, names and compiling.
const BLOCKING_THREADS: usize = 64;

/// Names that are looked up at once.
const LOOKUPS: usize = 16;

/// The sandbox on wasmtime.
pub struct WasmSandbox {
    /// Its own threads: a plugin that computes delays other plugins at most, never those who serve requests.
    runtime: Option<Runtime>,
    runs: Arc<Runs>,
}

impl WasmSandbox {
    /// Makes the engine, its pool and its caches. `random` makes the key of the cache on disk, once.
    ///
    /// # Errors
    /// [`SandboxError::Unavailable`]: no run at once is allowed, the directory cannot be used, or the system refuses threads or address space.
    pub fn open(settings: Settings, random: &dyn Random) -> Result<Self, SandboxError> {
        let unavailable = |error: &dyn std::fmt::Display| SandboxError::Unavailable(error.to_string());
        if settings.runs == 0 {
            return Err(SandboxError::Unavailable("a sandbox of no runs at once runs nothing".into()));
        }
        let settings = Arc::new(settings);
        disk::private(&settings.directory).map_err(|error| unavailable(&error))?;
        run::sweep(&settings.directory).map_err(|error| unavailable(&error))?;
        let engine = engine::engine(&settings).map_err(|error| unavailable(&error))?;
        let code = Code::open(engine.clone(), Arc::clone(&settings), random).map_err(|error| unavailable(&error))?;
        let linkers = Linkers::new(&engine).map_err(|error| unavailable(&error))?;
        let tls = tls().map_err(|error| unavailable(&error))?;
        let runtime = Builder::new_multi_thread()
            .thread_name("sandbox")
            .max_blocking_threads(BLOCKING_THREADS)
            .enable_all()
            .build()
            .map_err(|error| unavailable(&error))?;
        let runs = Runs {
            queue: Semaphore::new(settings.runs.saturating_add(settings.waiting)),
            slots: Semaphore::new(settings.runs),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            http: Arc::new(settings.http.clone()),
            engine,
            code,
            linkers,
            tls,
            settings,
        };
        Ok(Self { runtime: Some(runtime), runs: Arc::new(runs) })
    }
}

impl WasmSandbox {
    /// Does `work` on the sandbox's own threads. Dropping the future ends it.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, SandboxError> {
        let unavailable = |message: &str| SandboxError::Unavailable(message.to_owned());
        let runtime = self.runtime.as_ref().ok_or_else(|| unavailable("it is closed"))?;
        // A set that is dropped ends what is in it.
        let mut set = JoinSet::new();
        set.spawn_on(work, runtime.handle());
        let done = set.join_next().await.ok_or_else(|| unavailable("nothing was started"))?;
        done.map_err(|error| unavailable(&error.to_string()))
    }
}

#[async_trait]
impl Sandbox for WasmSandbox {
    async fn prepare(&self, component: Bytes, digest: &str, declared: &Capabilities) -> Result<(), SandboxError> {
        let (runs, digest, declared) = (Arc::clone(&self.runs), digest.to_owned(), declared.clone());
        self.apart(async move { runs.prepare(&component, &digest, &declared).await }).await.flatten()
    }

    async fn run(&self, task: Task) -> Report {
        let runs = Arc::clone(&self.runs);
        self.apart(async move { runs.run(task).await }).await.unwrap_or_else(run::nothing)
    }
}

impl Drop for WasmSandbox {
    fn drop(&mut self) {
        // Waiting for its threads would block whoever drops it, which may be a task.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// TLS with the authorities of Mozilla's list. The provider is named, since another crate may have brought a second one.
fn tls() -> Result<Arc<ClientConfig>, rustls::Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
