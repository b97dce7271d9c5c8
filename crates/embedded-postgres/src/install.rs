//! Installing PostgreSQL by the system's package manager.

use std::time::Duration;

use crate::account::is_root;
use crate::cluster::Progress;
use crate::process::{command, run, which};

const LIMIT: Duration = Duration::from_secs(900);
const QUICK: Duration = Duration::from_secs(10);

struct Manager {
    program: &'static str,
    /// What a shell runs to install the server and its additional modules.
    script: &'static str,
    /// What a person types for it.
    hint: Hint,
    /// Homebrew belongs to a person and refuses root; the others need root.
    wants_root: bool,
}

/// What to type on this system to install what is missing.
#[derive(Clone, Copy)]
pub(crate) struct Hint {
    pub server: &'static str,
    pub modules: &'static str,
}

const MANAGERS: [Manager; 4] = [
    Manager {
        program: "apt-get",
        script: include_str!("install/apt.sh"),
        hint: Hint { server: "apt-get install postgresql", modules: "apt-get install postgresql-contrib" },
        wants_root: true,
    },
    Manager {
        program: "dnf",
        script: "dnf install -y -q postgresql-server postgresql-contrib",
        hint: Hint {
            server: "dnf install postgresql-server postgresql-contrib",
            modules: "dnf install postgresql-contrib",
        },
        wants_root: true,
    },
    Manager {
        program: "apk",
        script: "apk add --no-cache postgresql postgresql-contrib",
        hint: Hint { server: "apk add postgresql postgresql-contrib", modules: "apk add postgresql-contrib" },
        wants_root: true,
    },
    Manager {
        program: "brew",
        script: "brew install --quiet postgresql@17",
        hint: Hint { server: "brew install postgresql@17", modules: "brew reinstall postgresql@17" },
        wants_root: false,
    },
];

fn manager() -> Option<&'static Manager> {
    MANAGERS.iter().find(|manager| which(manager.program).is_some())
}

/// What a person types on this system to install PostgreSQL.
pub(crate) fn hint() -> Hint {
    manager().map_or(
        Hint {
            server: "the package postgresql of your system",
            modules: "the package postgresql-contrib of your system",
        },
        |manager| manager.hint,
    )
}

/// Installs PostgreSQL when that can be done without asking anybody. The answer says what came of it when it failed.
pub(crate) async fn install(progress: &Progress) -> Option<String> {
    let manager = manager()?;
    let mut shell = if manager.wants_root == is_root() {
        command("/bin/sh")
    } else if manager.wants_root && sudo_without_password().await {
        let mut sudo = command("sudo");
        sudo.args(["-n", "/bin/sh"]);
        sudo
    } else {
        return Some(format!("{} is for another user", manager.program));
    };
    progress(&format!("no PostgreSQL was found; installing it now with {} ({})", manager.program, manager.hint.server));
    shell.arg("-c").arg(manager.script);
    match run(shell, LIMIT).await {
        Ok(done) if done.success => None,
        Ok(done) => Some(format!("{} failed: {}", manager.program, done.tail(3))),
        Err(error) => Some(error.to_string()),
    }
}

async fn sudo_without_password() -> bool {
    if which("sudo").is_none() {
        return false;
    }
    let mut sudo = command("sudo");
    sudo.args(["-n", "true"]);
    run(sudo, QUICK).await.is_ok_and(|done| done.success)
}
