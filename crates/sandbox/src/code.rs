//! Components, compiled once.

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use sha2::{Digest, Sha256};
use souk_ports::{Random, SandboxError};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use wasmtime::{Engine, component::Component};

use crate::{disk::Disk, inspect::inspect, settings::Settings};

/// Components that are compiled at once. Compiling takes a processor and a multiple of the component's size in memory.
const COMPILERS: usize = 2;

pub(crate) struct Code {
    engine: Engine,
    settings: Arc<Settings>,
    disk: Arc<Disk>,
    memory: Cache<String, Component>,
    compilers: Arc<Semaphore>,
}

impl Code {
    pub(crate) fn open(engine: Engine, settings: Arc<Settings>, random: &dyn Random) -> std::io::Result<Self> {
        let directory = settings.directory.join("code");
        let disk = Arc::new(Disk::open(directory, settings.code_on_disk, &engine, random)?);
        let memory = Cache::builder()
            .max_capacity(settings.code_in_memory)
            .weigher(|_: &String, component: &Component| {
                let range = component.image_range();
                u32::try_from(range.end.addr().saturating_sub(range.start.addr())).unwrap_or(u32::MAX)
            })
            .build();
        Ok(Self { engine, settings, disk, memory, compilers: Arc::new(Semaphore::new(COMPILERS)) })
    }

    /// The compiled component of `digest`. Several who ask at once share one compilation. What is in memory was found right when it was
    /// compiled, so that `bytes` are not looked at again.
    pub(crate) async fn get(&self, bytes: &Bytes, digest: &str) -> Result<Component, SandboxError> {
        if let Some(component) = self.memory.get(digest).await {
            return Ok(component);
        }
        // Before anybody else is asked or answered: those who share a compilation share its error, too.
        let hashed = bytes.clone();
        let actual = spawn_blocking(move || hex::encode(Sha256::digest(&hashed))).await;
        if actual.map_err(|error| SandboxError::Unavailable(error.to_string()))? != digest {
            return Err(SandboxError::DigestMismatch);
        }
        let making = self.make(bytes.clone(), digest.to_owned());
        self.memory.try_get_with_by_ref(digest, making).await.map_err(|error| SandboxError::clone(&error))
    }

    async fn make(&self, bytes: Bytes, digest: String) -> Result<Component, SandboxError> {
        let unavailable = |error: &dyn std::fmt::Display| SandboxError::Unavailable(error.to_string());
        // The permit goes with the work: what takes too long cannot be stopped, but it is not joined by more and more of its like.
        let permit = Arc::clone(&self.compilers).acquire_owned().await.map_err(|error| unavailable(&error))?;
        let (engine, settings, disk) = (self.engine.clone(), Arc::clone(&self.settings), Arc::clone(&self.disk));
        let work = spawn_blocking(move || {
            let _permit = permit;
            compile(&engine, &settings, &disk, &bytes, &digest)
        });
        match timeout(self.settings.compile, work).await {
            Err(_) => Err(SandboxError::CompileTimeExceeded),
            Ok(Err(error)) => Err(unavailable(&error)),
            Ok(Ok(component)) => component,
        }
    }
}

fn compile(
    engine: &Engine,
    settings: &Settings,
    disk: &Disk,
    bytes: &[u8],
    digest: &str,
) -> Result<Component, SandboxError> {
    inspect(bytes, settings)?;
    if let Some(component) = disk.load(engine, digest) {
        return Ok(component);
    }
    let component =
        Component::from_binary(engine, bytes).map_err(|error| SandboxError::Malformed(format!("{error:#}")))?;
    disk.store(digest, &component);
    Ok(component)
}
