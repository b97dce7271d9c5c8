//! What of an archive runs.

use std::sync::Arc;

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use semver::Version;
use serde_json::Value;
use sha2::{Digest, Sha256};
use souk_domain::id::PluginId;
use souk_package::{
    archive::{self, Archive, Limits},
    capabilities::Capabilities,
};
use souk_ports::sandbox;

use crate::{App, AppError, plugins};

/// Bytes of archives that are kept unpacked.
const KEPT: u64 = 256 << 20;
/// About how many those are.
const COUNT: usize = 256;

/// A version that runs.
#[derive(Debug)]
pub(crate) struct Runnable {
    /// The component.
    pub component: Bytes,
    /// Its SHA-256, 64 lower-case hex digits.
    pub digest: String,
    /// What its manifest declares.
    pub declared: sandbox::Capabilities,
    /// All files of the archive.
    pub files: Arc<[(String, Bytes)]>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<String, Arc<Runnable>> for Weight {
    fn weight(&self, _: &String, runnable: &Arc<Runnable>) -> u64 {
        let files: usize = runnable.files.iter().map(|(path, bytes)| path.len() + bytes.len()).sum();
        (files as u64).max(1)
    }
}

/// Versions that ran lately, unpacked: each by itself, since what one may do is in its manifest, and two may have the same archive.
pub(crate) struct Runnables(Cache<String, Arc<Runnable>, Weight>);

impl Default for Runnables {
    fn default() -> Self {
        Self(Cache::with_weighter(COUNT, KEPT, Weight))
    }
}

impl Runnables {
    /// What runs of `version`, whose archive is `digest`.
    ///
    /// # Errors
    /// Conflict `not_executable`: it has no component, or is no archive.
    pub(crate) async fn get(
        &self,
        app: &App,
        plugin: PluginId,
        version: &Version,
        digest: &str,
    ) -> Result<Arc<Runnable>, AppError> {
        let load = async {
            let manifest = plugins::manifest(app, plugin, version).await?;
            let bytes = app.ports.artifacts.get(digest).await?;
            let unpacked = tokio::task::spawn_blocking(move || unpack(&bytes, &manifest)).await;
            unpacked
                .map_err(|error| AppError::Internal(format!("an archive could not be unpacked: {error}")))?
                .map(Arc::new)
        };
        self.0.get_or_insert_async(&format!("{plugin}/{version}"), load).await
    }
}

fn unpack(bytes: &Bytes, manifest: &Value) -> Result<Runnable, AppError> {
    let refused = |why: &str| AppError::conflict("not_executable", why);
    let archive = archive::inspect(bytes, &Limits::default()).map_err(|_| refused("this version is no archive"))?;
    Runnable::of(&archive, manifest).ok_or_else(|| refused("this version has no WebAssembly component to run"))
}

impl Runnable {
    /// What runs of `archive`; none when it has no component.
    pub(crate) fn of(archive: &Archive, manifest: &Value) -> Option<Self> {
        let entry = entry(archive, manifest)?;
        let files: Arc<[(String, Bytes)]> = archive
            .files()
            .iter()
            .filter_map(|file| Some((file.path.clone(), Bytes::copy_from_slice(archive.read(&file.path)?))))
            .collect();
        let component = files.iter().find(|(path, _)| *path == entry).map(|(_, bytes)| bytes.clone())?;
        // It was checked when the version was validated.
        let declared =
            manifest.get("capabilities").and_then(|found| Capabilities::read(found).ok()).unwrap_or_default();
        Some(Self {
            digest: hex::encode(Sha256::digest(&component)),
            component,
            declared: sandbox::Capabilities {
                hosts: declared.network,
                folders: declared.folders,
                secrets: declared.secrets,
                memory_mib: declared.memory_mib,
                seconds: declared.time_seconds,
            },
            files,
        })
    }
}

/// The file that the manifest names, else the only component there is.
fn entry(archive: &Archive, manifest: &Value) -> Option<String> {
    let is_component = |path: &&str| path.ends_with(".wasm");
    if let Some(entry) = manifest.get("entry").and_then(Value::as_str) {
        let entry = entry.trim_start_matches("./");
        return archive.read(entry).and(Some(entry)).filter(is_component).map(str::to_owned);
    }
    let mut components = archive.files().iter().map(|file| file.path.as_str()).filter(is_component);
    match (components.next(), components.next()) {
        (Some(only), None) => Some(only.to_owned()),
        _ => None,
    }
}
