//! Where plugins run, made when the first one does.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use souk_ports::{
    Random,
    sandbox::{Capabilities, Report, Sandbox, SandboxError, Task, Usage},
};
use souk_sandbox::{Settings, WasmSandbox};
use tokio::sync::OnceCell;

use crate::{config, system::SystemRandom};

/// The sandbox of a process. Most commands and most processes never run a plugin, and need neither its threads nor its memory.
pub struct LazySandbox {
    settings: Settings,
    opened: OnceCell<WasmSandbox>,
}

impl LazySandbox {
    /// Will be in `directory`, as `config` says.
    pub fn new(directory: PathBuf, config: &config::Sandbox) -> Self {
        let compile = Duration::from_secs(config.compile_seconds.into());
        let settings = Settings { runs: config.runs, waiting: config.waiting, compile, ..Settings::new(directory) };
        Self { settings, opened: OnceCell::new() }
    }

    /// Will be in the cache of whoever types a command, so that a component is compiled once and a folder that is only looked at stays as it is.
    pub fn of_user(config: &config::Sandbox) -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
        let souk = variable("SOUK_CACHE_DIR").or_else(|| Some(base?.join("souk")));
        Self::new(souk.unwrap_or_else(|| std::env::temp_dir().join("souk")).join("sandbox"), config)
    }

    async fn opened(&self) -> Result<&WasmSandbox, SandboxError> {
        let open = async || {
            let settings = self.settings.clone();
            let random: Arc<dyn Random> = Arc::new(SystemRandom);
            let opened = tokio::task::spawn_blocking(move || WasmSandbox::open(settings, &*random)).await;
            opened.unwrap_or_else(|error| Err(SandboxError::Unavailable(error.to_string())))
        };
        self.opened.get_or_try_init(open).await
    }
}

#[async_trait]
impl Sandbox for LazySandbox {
    async fn prepare(&self, component: Bytes, digest: &str, declared: &Capabilities) -> Result<(), SandboxError> {
        self.opened().await?.prepare(component, digest, declared).await
    }

    async fn run(&self, task: Task) -> Report {
        match self.opened().await {
            Ok(sandbox) => sandbox.run(task).await,
            Err(error) => Report {
                outcome: Err(error),
                usage: Usage::default(),
                stdout: String::new(),
                stderr: String::new(),
                refused: Vec::new(),
            },
        }
    }
}
