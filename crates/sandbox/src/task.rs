//! What a task gets: what it declares, cut down to what is granted.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use serde::de::IgnoredAny;
use souk_ports::{
    SandboxError,
    sandbox::{DEFAULT_MEMORY_MIB, MAX_MEMORY_MIB, MAX_SECONDS, Task},
};

use crate::{hosts::Hosts, settings::Settings};

/// Files of a package.
const FILES: usize = 10_000;

pub(crate) struct Allowed {
    pub(crate) hosts: Hosts,
    pub(crate) shared: Option<PathBuf>,
    pub(crate) temp: bool,
    pub(crate) secrets: Vec<(String, String)>,
    /// Bytes.
    pub(crate) memory: usize,
    pub(crate) time: Duration,
}

impl Allowed {
    /// Checks `task`, and says what it gets.
    pub(crate) fn of(task: &Task, settings: &Settings) -> Result<Self, SandboxError> {
        let invalid = |message: String| Err(SandboxError::InvalidTask(message));
        if task.input.len() > settings.input {
            return invalid(format!("an input of {} bytes, of {} at most", task.input.len(), settings.input));
        }
        if let Err(error) = json(&task.input) {
            return invalid(format!("the input is not JSON: {error}"));
        }
        let size: usize = task.files.iter().map(|(_, bytes)| bytes.len()).sum();
        if task.files.len() > FILES || size > settings.files {
            return invalid(format!(
                "{} files of {size} bytes, of {FILES} and {} at most",
                task.files.len(),
                settings.files
            ));
        }
        if let Some((path, _)) = task.files.iter().find(|(path, _)| !inside(path)) {
            return invalid(format!("{path:?} is not a path in a package"));
        }
        let (declared, granted) = (&task.declared, &task.granted);
        let folder = |name: &str| declared.folders.iter().any(|folder| folder == name);
        let secrets = declared
            .secrets
            .iter()
            .filter_map(|name| granted.secrets.get(name).map(|value| (name.clone(), value.clone())));
        let memory = declared.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB).min(granted.memory_mib).min(MAX_MEMORY_MIB);
        let seconds = declared.seconds.unwrap_or(MAX_SECONDS).min(granted.seconds).min(MAX_SECONDS);
        Ok(Self {
            hosts: Hosts::of(&declared.hosts, &granted.hosts)?,
            shared: granted.shared.clone().filter(|_| folder("/shared")),
            temp: granted.temp && folder("/tmp"),
            secrets: secrets.collect(),
            memory: (memory as usize) << 20,
            time: Duration::from_secs(u64::from(seconds)),
        })
    }
}

/// Whether `text` is JSON.
pub(crate) fn json(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(|_| ())
}

fn inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0'])
        && Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

/// Writes the files of a package into `directory`. They are plain files: a link has no way to be one.
pub(crate) fn unpack(files: &[(String, Bytes)], directory: &Path) -> io::Result<()> {
    for (path, bytes) in files {
        let path = directory.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}
