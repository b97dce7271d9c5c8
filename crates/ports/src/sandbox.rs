//! Running what was published, without trusting it.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

/// Memory that a task gets when it asks for none, MiB.
pub const DEFAULT_MEMORY_MIB: u32 = 64;

/// Memory that no task gets more of, MiB.
pub const MAX_MEMORY_MIB: u32 = 512;

/// Wall time that no task gets more of, and that it gets when it asks for none, seconds.
pub const MAX_SECONDS: u32 = 30;

/// The grant of every host that a task declares.
pub const ANY_HOST: &str = "*";

/// Runs a component once per task. A task gets what it declares *and* is granted, and nothing else.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Makes `component` ready to run, so that its first run need not wait for the compiler: at publishing, for example.
    ///
    /// # Errors
    /// Everything that is wrong with the component itself, also with imports for which `declared` would not be enough if all of it were granted.
    async fn prepare(&self, component: Bytes, digest: &str, declared: &Capabilities) -> Result<(), SandboxError>;

    /// Runs `task`. It never fails as such: whatever went wrong is the outcome of the report. Dropping the future ends the run.
    async fn run(&self, task: Task) -> Report;
}

/// One run of one component.
#[derive(Clone, Debug)]
pub struct Task {
    /// The component, in WebAssembly's binary format.
    pub component: Bytes,
    /// SHA-256 of the component, 64 lower-case hex digits.
    pub digest: String,
    /// What it is given, JSON text.
    pub input: String,
    /// What its manifest declares.
    pub declared: Capabilities,
    /// What the operator lets it have.
    pub granted: Grants,
    /// Where its randomness comes from: the same seed, the same numbers.
    pub seed: u64,
    /// The files of its package, found in `/plugin`: path relative to it, with `/`, and contents.
    pub files: Arc<[(String, Bytes)]>,
}

/// What a manifest asks to be allowed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Capabilities {
    /// Hosts it sends HTTP requests to: `name` (the port of the scheme) or `name:port`. An address is a name too, IPv6 in brackets.
    pub hosts: Vec<String>,
    /// Folders beside `/plugin`, which is always there: `/shared`, `/tmp`.
    pub folders: Vec<String>,
    /// Names of secrets; they arrive as environment variables.
    pub secrets: Vec<String>,
    /// Memory, MiB.
    pub memory_mib: Option<u32>,
    /// Wall time, seconds.
    pub seconds: Option<u32>,
}

/// What an operator lets a task have, of what it declares.
#[derive(Clone, Default)]
pub struct Grants {
    /// Hosts as they are declared, or [`ANY_HOST`].
    pub hosts: Vec<String>,
    /// The folder on this machine that is its `/shared`, read-only.
    pub shared: Option<PathBuf>,
    /// Whether it may have a private `/tmp`, which is removed after the run.
    pub temp: bool,
    /// Values of secrets by their names.
    pub secrets: BTreeMap<String, String>,
    /// Most memory, MiB.
    pub memory_mib: u32,
    /// Most wall time, seconds.
    pub seconds: u32,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values of secrets belong in no log.
        f.debug_struct("Grants")
            .field("hosts", &self.hosts)
            .field("shared", &self.shared)
            .field("temp", &self.temp)
            .field("secrets", &self.secrets.keys().collect::<Vec<_>>())
            .field("memory_mib", &self.memory_mib)
            .field("seconds", &self.seconds)
            .finish()
    }
}

/// What became of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// JSON text, or why there is none.
    pub outcome: Result<String, SandboxError>,
    /// What it took.
    pub usage: Usage,
    /// What it wrote to standard output, as far as it is text.
    pub stdout: String,
    /// What it wrote to standard error, as far as it is text.
    pub stderr: String,
    /// What it tried over the network and was refused, oldest first, the first few. The component saw an error and went on.
    pub refused: Vec<Refusal>,
}

/// What a run took. Zero where nothing ran.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// The most memory at any time, linear memories and tables together, bytes.
    pub memory_bytes: u64,
    /// Time on a processor, of the component and of the host on its behalf, but for files and names, ms.
    pub cpu_ms: u64,
    /// Wall time from the start of the run, waiting and compiling excluded, ms.
    pub duration_ms: u64,
}

/// A request that was not sent, or whose answer was not handed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// `host_not_declared`, `address_refused`, `too_many_requests`, `request_too_large`, `response_too_large`.
    pub code: &'static str,
    /// `host:port`.
    pub target: String,
}

/// Every way in which a run comes to nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SandboxError {
    /// Too many runs wait already.
    #[error("too many runs wait already")]
    QueueFull,
    /// The task itself is wrong: input, files, names.
    #[error("the task is invalid: {0}")]
    InvalidTask(String),
    /// The bytes are not those of the digest.
    #[error("the component has another digest than the task says")]
    DigestMismatch,
    /// Compiled code was handed in. It is never loaded: it would run outside the sandbox.
    #[error("this is compiled code, not a WebAssembly component")]
    Precompiled,
    /// Not a component: text, a core module, anything else.
    #[error("this is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// A component, but a damaged or an invalid one.
    #[error("the component is malformed: {0}")]
    Malformed(String),
    /// Larger or more complex than what is compiled here.
    #[error("the component is too large: {0}")]
    TooLarge(String),
    /// Compiling took too long.
    #[error("compiling the component takes too long")]
    CompileTimeExceeded,
    /// It imports what was not declared and granted, or what does not exist.
    #[error("the component imports {0}, which was not declared and granted")]
    UndeclaredImport(String),
    /// It is no plugin of a world that is known here.
    #[error("the component does not fit the world souk:plugin: {0}")]
    Incompatible(String),
    /// It ran longer than it may.
    #[error("the time for the run is over")]
    TimeExceeded,
    /// It computed longer than it may.
    #[error("the processor time for the run is used up")]
    CpuExceeded,
    /// It wanted more memory, or larger tables, than it may have.
    #[error("the memory for the run is used up")]
    MemoryExceeded,
    /// It called itself too deeply.
    #[error("the stack is exhausted")]
    StackExhausted,
    /// It wrote too much to standard output or standard error, or its result is too long.
    #[error("the output is too large")]
    OutputExceeded,
    /// It wrote too much to `/tmp`.
    #[error("the space in /tmp is used up")]
    TempExceeded,
    /// It holds too many things of the host's: open files, streams, requests.
    #[error("too many handles are open")]
    HandlesExceeded,
    /// It handed too much to the host in one call.
    #[error("a call to the host hands over too much")]
    CallTooLarge,
    /// It broke off: `unreachable`, a division by zero, an access beyond its memory.
    #[error("the component trapped: {0}")]
    Trapped(String),
    /// It ended the program instead of answering.
    #[error("the component exited with status {0} instead of answering")]
    Exited(i32),
    /// It answered something that is not JSON.
    #[error("the output is not JSON: {0}")]
    InvalidOutput(String),
    /// It said by itself that it failed.
    #[error("the plugin failed: {code}: {message}")]
    Plugin {
        /// Its own code.
        code: String,
        /// Its own words.
        message: String,
    },
    /// The sandbox itself failed. Trying again may help.
    #[error("the sandbox failed: {0}")]
    Unavailable(String),
}

impl SandboxError {
    /// The error's stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::InvalidTask(_) => "invalid_task",
            Self::DigestMismatch => "digest_mismatch",
            Self::Precompiled => "precompiled",
            Self::NotAComponent(_) => "not_a_component",
            Self::Malformed(_) => "malformed_component",
            Self::TooLarge(_) => "component_too_large",
            Self::CompileTimeExceeded => "compile_time_exceeded",
            Self::UndeclaredImport(_) => "undeclared_import",
            Self::Incompatible(_) => "incompatible_world",
            Self::TimeExceeded => "time_exceeded",
            Self::CpuExceeded => "cpu_exceeded",
            Self::MemoryExceeded => "memory_exceeded",
            Self::StackExhausted => "stack_exhausted",
            Self::OutputExceeded => "output_exceeded",
            Self::TempExceeded => "temp_exceeded",
            Self::HandlesExceeded => "handles_exceeded",
            Self::CallTooLarge => "call_too_large",
            Self::Trapped(_) => "trapped",
            Self::Exited(_) => "exited",
            Self::InvalidOutput(_) => "invalid_output",
            Self::Plugin { .. } => "plugin_failed",
            Self::Unavailable(_) => "sandbox_unavailable",
        }
    }
}
