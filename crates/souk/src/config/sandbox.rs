//! What plugins may have that run here.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use souk_ports::sandbox::{Grants, MAX_MEMORY_MIB, MAX_SECONDS};

/// What plugins may have that run here, of what they declare.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// Hosts, `name` or `name:port`; `*` for all of them.
    pub hosts: Vec<String>,
    /// The folder that is their `/shared`.
    pub shared: Option<PathBuf>,
    /// Whether they may have a `/tmp`.
    pub temp: bool,
    /// Values of secrets by their names.
    pub secrets: BTreeMap<String, String>,
    /// Most memory of a run, MiB.
    pub memory_mib: u32,
    /// Most wall time of a run, seconds.
    pub seconds: u32,
    /// Runs at once.
    pub runs: usize,
    /// Runs that may wait beyond those.
    pub waiting: usize,
    /// Most seconds that compiling one component takes, before its first run.
    pub compile_seconds: u32,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            shared: None,
            temp: true,
            secrets: BTreeMap::new(),
            memory_mib: MAX_MEMORY_MIB,
            seconds: MAX_SECONDS,
            runs: 8,
            waiting: 256,
            compile_seconds: 60,
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sandbox").field(&self.grants()).field(&self.runs).field(&self.waiting).finish()
    }
}

impl Sandbox {
    /// The same in the words of the port.
    pub fn grants(&self) -> Grants {
        // A variable's name reaches the configuration in lower case, and a secret's name is written in capitals.
        let secrets = self.secrets.iter().map(|(name, value)| (name.to_ascii_uppercase(), value.clone())).collect();
        Grants {
            hosts: self.hosts.clone(),
            shared: self.shared.clone(),
            temp: self.temp,
            secrets,
            memory_mib: self.memory_mib,
            seconds: self.seconds,
        }
    }

    /// What its values break, one line each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, value, most) in
            [("memory_mib", self.memory_mib, MAX_MEMORY_MIB), ("seconds", self.seconds, MAX_SECONDS)]
        {
            if value == 0 || value > most {
                problems.push(format!("  sandbox.{key}: {value}: expected 1 to {most}"));
            }
        }
        if self.runs == 0 || self.runs > 64 {
            problems.push(format!("  sandbox.runs: {}: expected 1 to 64", self.runs));
        }
        if self.compile_seconds == 0 || self.compile_seconds > 3_600 {
            problems.push(format!("  sandbox.compile_seconds: {}: expected 1 to 3600", self.compile_seconds));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_granted_by_their_names_and_never_shown() {
        let secrets = BTreeMap::from([("weather_key".to_owned(), "s3cret".to_owned())]);
        let sandbox = Sandbox { secrets, ..Sandbox::default() };
        assert_eq!(sandbox.grants().secrets["WEATHER_KEY"], "s3cret");
        assert!(!format!("{sandbox:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_beyond_the_sandbox_is_named() {
        assert!(Sandbox::default().problems().is_empty());
        let beyond = Sandbox { memory_mib: 513, seconds: 0, runs: 65, compile_seconds: 0, ..Sandbox::default() };
        assert_eq!(beyond.problems().len(), 4);
    }
}
