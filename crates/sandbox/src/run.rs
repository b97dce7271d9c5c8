//! One run from its task to its report.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustls::ClientConfig;
use souk_ports::{
    SandboxError,
    sandbox::{ANY_HOST, Capabilities, Report, Task, Usage},
};
use tempfile::TempDir;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap, UpdateDeadline, component::ResourceTableError};
use wasmtime_wasi::I32Exit;

use crate::{
    code::Code,
    disk::private,
    hosts::Hosts,
    inspect::check_imports,
    limits::{Cpu, Memory, Metered},
    outbound::{Outbound, Refused},
    output::Captured,
    settings::{HttpSettings, Settings},
    state::{Linkers, State, Surroundings},
    task::{Allowed, json, unpack},
};

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "plugin", exports: { default: async } });
}

use bindings::{Failure, PluginPre};

/// Handles of the component model that are open at once.
const COMPONENT_HANDLES: usize = 10_000;

/// What one call hands over beside what it may be long.
const CALL_SPARE: usize = 64 << 10;

/// A folder of a run that is as old as this was left by a process that ended in the middle of it.
const LEFT_BEHIND: Duration = Duration::from_secs(3_600);

/// Everything that runs share.
pub(crate) struct Runs {
    pub(crate) settings: Arc<Settings>,
    pub(crate) http: Arc<HttpSettings>,
    pub(crate) engine: Engine,
    pub(crate) code: Code,
    pub(crate) linkers: Arc<Linkers>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) lookups: Arc<Semaphore>,
    pub(crate) queue: Semaphore,
    pub(crate) slots: Semaphore,
}

/// The report of a run that never began.
pub(crate) fn nothing(error: SandboxError) -> Report {
    Report {
        outcome: Err(error),
        usage: Usage::default(),
        stdout: String::new(),
        stderr: String::new(),
        refused: Vec::new(),
    }
}

impl Runs {
    pub(crate) async fn run(&self, task: Task) -> Report {
        self.admit(task).await.unwrap_or_else(nothing)
    }

    async fn admit(&self, task: Task) -> Result<Report, SandboxError> {
        let _queued = self.queue.try_acquire().map_err(|_| SandboxError::QueueFull)?;
        let allowed = Allowed::of(&task, &self.settings)?;
        let plugin = self.ready(&task.component, &task.digest, !allowed.hosts.is_empty()).await?;
        let _slot = self.slots.acquire().await.map_err(|error| SandboxError::Unavailable(error.to_string()))?;
        let folders = Folders::make(&self.settings, &task, &allowed).await?;
        let report = self.execute(&task, allowed, &plugin, &folders).await;
        folders.remove().await;
        Ok(report)
    }

    pub(crate) async fn prepare(
        &self,
        bytes: &Bytes,
        digest: &str,
        declared: &Capabilities,
    ) -> Result<(), SandboxError> {
        let _queued = self.queue.try_acquire().map_err(|_| SandboxError::QueueFull)?;
        let hosts = Hosts::of(&declared.hosts, &[ANY_HOST.to_owned()])?;
        self.ready(bytes, digest, !hosts.is_empty()).await.map(|_| ())
    }

    /// A component that is compiled, imports nothing that it may not, and is a plugin.
    async fn ready(&self, bytes: &Bytes, digest: &str, http: bool) -> Result<PluginPre<State>, SandboxError> {
        let component = self.code.get(bytes, digest).await?;
        check_imports(&self.engine, &component, http)?;
        let incompatible = |error: wasmtime::Error| SandboxError::Incompatible(format!("{error:#}"));
        let pre = self.linkers.of(http).instantiate_pre(&component).map_err(incompatible)?;
        PluginPre::new(pre).map_err(incompatible)
    }

    async fn execute(&self, task: &Task, allowed: Allowed, plugin: &PluginPre<State>, folders: &Folders) -> Report {
        let (stdout, stderr) = (Captured::new(self.settings.log), Captured::new(self.settings.log));
        let (refused, cpu) = (Refused::default(), Cpu::default());
        let outbound = Outbound {
            settings: Arc::clone(&self.http),
            tls: Arc::clone(&self.tls),
            hosts: Arc::new(allowed.hosts),
            lookups: Arc::clone(&self.lookups),
            refused: refused.clone(),
            sent: 0,
        };
        let surroundings = Surroundings {
            plugin: folders.plugin(),
            shared: allowed.shared.as_deref(),
            temp: folders.temp(),
            secrets: &allowed.secrets,
            seed: task.seed,
            stdout: stdout.clone(),
            stderr: stderr.clone(),
        };
        let state = match State::new(&self.settings, Memory::new(allowed.memory), outbound, &surroundings) {
            Ok(state) => state,
            Err(error) => return nothing(SandboxError::Unavailable(format!("{error:#}"))),
        };
        let mut store = self.store(state, &cpu);
        let begun = Instant::now();
        let call = Metered { future: Box::pin(call(plugin, &mut store, &task.input)), cpu: cpu.clone() };
        let outcome = match timeout(allowed.time, call).await {
            Err(_) => Err(SandboxError::TimeExceeded),
            Ok(Err(error)) => Err(verdict(&error)),
            Ok(Ok(Err(Failure { code, message }))) => {
                Err(SandboxError::Plugin { code: cut(code, 64), message: cut(message, 4_096) })
            }
            Ok(Ok(Ok(output))) => self.checked(output),
        };
        let usage = Usage {
            memory_bytes: store.data().memory.most(),
            cpu_ms: millis(cpu.spent()),
            duration_ms: millis(begun.elapsed()),
        };
        drop(store);
        Report { outcome, usage, stdout: stdout.text(), stderr: stderr.text(), refused: refused.all() }
    }

    fn store(&self, state: State, cpu: &Cpu) -> Store<State> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(self.settings.output.saturating_add(CALL_SPARE));
        store.set_max_component_handles(COMPONENT_HANDLES);
        store.set_epoch_deadline(1);
        let (cpu, most) = (cpu.clone(), self.settings.cpu);
        store.epoch_deadline_callback(move |_| {
            if cpu.spent() > most { Err(SandboxError::CpuExceeded.into()) } else { Ok(UpdateDeadline::Yield(1)) }
        });
        store
    }

    fn checked(&self, output: String) -> Result<String, SandboxError> {
        if output.len() > self.settings.output {
            return Err(SandboxError::OutputExceeded);
        }
        json(&output).map_err(|error| SandboxError::InvalidOutput(error.to_string()))?;
        Ok(output)
    }
}

async fn call(
    plugin: &PluginPre<State>,
    store: &mut Store<State>,
    input: &str,
) -> wasmtime::Result<Result<String, Failure>> {
    let instance = plugin.instantiate_async(&mut *store).await?;
    instance.call_run(&mut *store, input).await
}

/// What an error of the engine means.
fn verdict(error: &wasmtime::Error) -> SandboxError {
    if let Some(own) = error.downcast_ref::<SandboxError>() {
        return own.clone();
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return SandboxError::Exited(*status);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        return SandboxError::HandlesExceeded;
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return SandboxError::Unavailable("the pool of instances is full".into());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => SandboxError::StackExhausted,
        Some(trap) => SandboxError::Trapped(trap.to_string()),
        None => match format!("{error:#}") {
            // Its type is wasmtime's own; a test sees to it that the words are still these.
            text if text.contains("fuel allocated for hostcalls") => SandboxError::CallTooLarge,
            text => SandboxError::Trapped(cut(text, 1_024)),
        },
    }
}

fn cut(mut text: String, length: usize) -> String {
    text.truncate(text.floor_char_boundary(length));
    text
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The folders of one run on this machine.
struct Folders {
    own: Option<TempDir>,
    plugin: Option<PathBuf>,
    temp: Option<PathBuf>,
}

impl Folders {
    async fn make(settings: &Settings, task: &Task, allowed: &Allowed) -> Result<Self, SandboxError> {
        if task.files.is_empty() && !allowed.temp {
            return Ok(Self { own: None, plugin: None, temp: None });
        }
        let (base, files, temp) = (settings.directory.join("runs"), Arc::clone(&task.files), allowed.temp);
        let work = spawn_blocking(move || -> io::Result<Self> {
            let own = TempDir::new_in(base)?;
            let plugin = (!files.is_empty()).then(|| own.path().join("plugin"));
            let temp = temp.then(|| own.path().join("tmp"));
            for folder in plugin.iter().chain(&temp) {
                fs::create_dir(folder)?;
            }
            if let Some(plugin) = &plugin {
                unpack(&files, plugin)?;
            }
            Ok(Self { own: Some(own), plugin, temp })
        });
        let made = work.await.map_err(io::Error::other).flatten();
        made.map_err(|error| SandboxError::Unavailable(format!("the folders of the run: {error}")))
    }

    fn plugin(&self) -> Option<&Path> {
        self.plugin.as_deref()
    }

    fn temp(&self) -> Option<&Path> {
        self.temp.as_deref()
    }

    async fn remove(self) {
        if let Some(own) = self.own {
            let removed = spawn_blocking(move || own.close()).await;
            if let Err(error) = removed.map_err(io::Error::other).flatten() {
                tracing::warn!(%error, "the folders of a run are not removed");
            }
        }
    }
}

/// Makes the place for folders of runs, and removes what ended processes have left there.
pub(crate) fn sweep(directory: &Path) -> io::Result<()> {
    let runs = directory.join("runs");
    private(&runs)?;
    for entry in fs::read_dir(&runs)? {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if age > LEFT_BEHIND {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
