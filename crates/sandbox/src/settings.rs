//! What an operator sets.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// Limits and places. Every size is in bytes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// A directory of the sandbox's own: compiled code and the folders of runs. Nobody else may write to it.
    pub directory: PathBuf,
    /// Runs at once, at least 1. Each may take as much memory as it is granted.
    pub runs: usize,
    /// Runs that wait beyond those; the next one is refused.
    pub waiting: usize,
    /// Processor time of one run.
    pub cpu: Duration,
    /// Time for compiling one component.
    pub compile: Duration,
    /// Size of a component.
    pub component: usize,
    /// Functions in a component, all its modules together.
    pub functions: u32,
    /// Size of one function.
    pub function: usize,
    /// Compiled code kept in memory.
    pub code_in_memory: u64,
    /// Compiled code kept on disk.
    pub code_on_disk: u64,
    /// Input.
    pub input: usize,
    /// Result.
    pub output: usize,
    /// Standard output, and the same again for standard error.
    pub log: usize,
    /// What a run writes to `/tmp`, whether it keeps it or not.
    pub temp: u64,
    /// Files of a package, all together.
    pub files: usize,
    /// What holds for requests to other hosts.
    pub http: HttpSettings,
}

/// What holds for the requests that a run sends to other hosts.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Requests of one run.
    pub requests: u32,
    /// Body of a request.
    pub request: u64,
    /// Body of an answer.
    pub response: u64,
    /// Headers of a request or an answer.
    pub headers: usize,
    /// Time to find and reach a host, and to agree on TLS.
    pub connect: Duration,
    /// Time until an answer begins, and then between its parts.
    pub wait: Duration,
    /// Addresses that are reached although they are private, port and all.
    pub exempt: Vec<SocketAddr>,
    /// Addresses of names that are not looked up.
    pub names: BTreeMap<String, Vec<IpAddr>>,
}

impl Settings {
    /// The defaults, in `directory`.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            runs: 8,
            waiting: 256,
            cpu: Duration::from_secs(20),
            compile: Duration::from_secs(60),
            component: 24 << 20,
            functions: 100_000,
            function: 1 << 20,
            code_in_memory: 256 << 20,
            code_on_disk: 2 << 30,
            input: 1 << 20,
            output: 1 << 20,
            log: 64 << 10,
            temp: 64 << 20,
            files: 100 << 20,
            http: HttpSettings::default(),
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            requests: 100,
            request: 1 << 20,
            response: 8 << 20,
            headers: 16 << 10,
            connect: Duration::from_secs(5),
            wait: Duration::from_secs(10),
            exempt: Vec::new(),
            names: BTreeMap::new(),
        }
    }
}
