//! One run of one version of a plugin, asked for by one user.

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{
    decider::Decider,
    id::{LicenseId, PluginId, UserId, VendorId},
    stream::Category,
};

/// An execution as its events tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// Never asked for.
    #[default]
    Absent,
    /// Under way, or left behind by a process that died.
    Running(Execution),
    /// Over, and it answered.
    Succeeded(Execution, Success),
    /// Over, and it did not.
    Failed(Execution, Failure),
}

impl State {
    /// What runs or ran; none when it was never asked for.
    #[must_use]
    pub const fn execution(&self) -> Option<&Execution> {
        match self {
            Self::Absent => None,
            Self::Running(execution) | Self::Succeeded(execution, _) | Self::Failed(execution, _) => Some(execution),
        }
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// By whom.
    pub user_id: UserId,
    /// Of which plugin.
    pub plugin_id: PluginId,
    /// Whose.
    pub vendor_id: VendorId,
    /// Of which version.
    pub version: Version,
    /// SHA-256 of its archive.
    pub digest: String,
    /// Whether the caller waits.
    pub mode: Mode,
    /// Where its randomness comes from.
    pub seed: u64,
    /// By which right; none for a free plugin.
    pub license_id: Option<LicenseId>,
}

/// Whether the caller waits for the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The caller waits.
    #[default]
    Sync,
    /// The caller asks again later.
    Async,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Wall time, ms.
    pub duration_ms: u64,
    /// Time on a processor, ms.
    pub cpu_ms: u64,
    /// Most memory at any time, bytes.
    pub memory_bytes: u64,
}

/// How it answered. The answer itself may be personal, so the log holds its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Success {
    /// SHA-256 of the output, JSON text; 64 lower-case hex digits.
    pub output_digest: String,
    /// Bytes of the output.
    pub output_size: u64,
    /// What it took.
    #[serde(flatten)]
    pub usage: Usage,
}

/// Why it did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Stable, snake case.
    pub code: String,
    /// Whose fault it is.
    pub fault: Fault,
    /// What it took.
    #[serde(flatten)]
    pub usage: Usage,
}

/// Whose fault a failure is. Only the plugin's moves its reliability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The plugin broke off, answered nonsense or took too much.
    Plugin,
    /// What it was asked makes no sense to it.
    Caller,
    /// Souk could not run it, or died meanwhile.
    Platform,
}

/// What other streams said when the command was given; stale the moment it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether the plugin is suspended.
    pub plugin_suspended: bool,
    /// Whether the version is approved; a yanked one runs on where it is installed.
    pub version_runs: bool,
    /// Whether the user has the plugin installed.
    pub installed: bool,
    /// Whether the plugin costs something.
    pub paid: bool,
    /// At which versions the streams were.
    pub checked: Checked,
}

/// At which versions other streams were when an execution was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// The plugin's stream.
    pub plugin_version: u64,
    /// The installation's stream.
    pub installation_version: u64,
    /// The license's stream, where one was needed.
    pub license_version: Option<u64>,
}

/// What can be asked of an execution.
#[derive(Clone, Debug)]
pub enum Command {
    /// Begin.
    Start {
        /// What.
        execution: Execution,
        /// What other streams said.
        facts: Facts,
    },
    /// It answered.
    Succeed(Success),
    /// It did not.
    Fail(Failure),
}

/// What happens to an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was begun.
    #[serde(rename = "execution.started", rename_all = "camelCase")]
    Started {
        /// What.
        #[serde(flatten)]
        execution: Execution,
        /// What was checked.
        checked: Checked,
    },
    /// It answered.
    #[serde(rename = "execution.succeeded", rename_all = "camelCase")]
    Succeeded {
        /// Which version.
        version: Version,
        /// How.
        #[serde(flatten)]
        success: Success,
    },
    /// It did not answer.
    #[serde(rename = "execution.failed", rename_all = "camelCase")]
    Failed {
        /// Which version.
        version: Version,
        /// Why.
        #[serde(flatten)]
        failure: Failure,
    },
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::Started { .. } => "execution.started",
            Self::Succeeded { .. } => "execution.succeeded",
            Self::Failed { .. } => "execution.failed",
        }
    }
}

/// Why an execution refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The plugin is out of the shop.
    #[error("this plugin is suspended")]
    PluginSuspended,
    /// The version is neither approved nor, though yanked, the one that is installed.
    #[error("version {0} is not approved")]
    VersionNotApproved(Version),
    /// Only who installed a plugin runs it.
    #[error("this plugin is not installed")]
    NotInstalled,
    /// A paid plugin needs an active license.
    #[error("this plugin needs an active license")]
    NotEntitled,
    /// It was never begun.
    #[error("there is no such execution")]
    NotStarted,
}

/// Decides about executions, on streams `execution-`.
pub struct Executions;

impl Decider for Executions {
    type State = State;
    type Command = Command;
    type Event = Event;
    type Error = Error;

    const CATEGORY: Category = Category::Execution;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
        match (state, command) {
            (State::Absent, Command::Start { execution, facts }) => {
                may_run(&execution, &facts)?;
                Ok(vec![Event::Started { execution, checked: facts.checked }])
            }
            (State::Absent, Command::Succeed(_) | Command::Fail(_)) => Err(Error::NotStarted),
            (State::Running(execution), Command::Succeed(success)) => {
                Ok(vec![Event::Succeeded { version: execution.version.clone(), success }])
            }
            (State::Running(execution), Command::Fail(failure)) => {
                Ok(vec![Event::Failed { version: execution.version.clone(), failure }])
            }
            // Begun already, or over: whoever comes second changes nothing.
            (State::Running(_) | State::Succeeded(..) | State::Failed(..), _) => Ok(vec![]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (State::Absent, Event::Started { execution, .. }) => State::Running(execution.clone()),
            (State::Running(execution), Event::Succeeded { success, .. }) => {
                State::Succeeded(execution, success.clone())
            }
            (State::Running(execution), Event::Failed { failure, .. }) => State::Failed(execution, failure.clone()),
            (state, _) => state,
        }
    }
}

fn may_run(execution: &Execution, facts: &Facts) -> Result<(), Error> {
    if facts.plugin_suspended {
        return Err(Error::PluginSuspended);
    }
    if !facts.installed {
        return Err(Error::NotInstalled);
    }
    if !facts.version_runs {
        return Err(Error::VersionNotApproved(execution.version.clone()));
    }
    if facts.paid && execution.license_id.is_none() {
        return Err(Error::NotEntitled);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
