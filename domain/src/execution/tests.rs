use proptest::prelude::*;

use super::*;
use crate::{
    examples::{
        execution, execution_failed, execution_started, execution_succeeded, failure, license_id, success, version,
    },
    testing::{decides_nothing_twice, given},
};

fn facts() -> Facts {
    Facts {
        plugin_suspended: false,
        version_runs: true,
        installed: true,
        paid: false,
        checked: Checked { plugin_version: 7, installation_version: 0, license_version: None },
    }
}

fn start(facts: Facts) -> Command {
    Command::Start { execution: execution(), facts }
}

#[test]
fn whoever_installed_it_runs_it() {
    given::<Executions>([]).when(start(facts())).then(execution_started());
    given::<Executions>([execution_started()]).when(start(facts())).then_nothing();
}

#[test]
fn what_may_not_run_is_refused() {
    let refused = |facts, error| given::<Executions>([]).when(start(facts)).then_refused(error);
    refused(Facts { installed: false, ..facts() }, Error::NotInstalled);
    refused(Facts { plugin_suspended: true, ..facts() }, Error::PluginSuspended);
    refused(Facts { version_runs: false, ..facts() }, Error::VersionNotApproved(version("1.0.0")));
    refused(Facts { paid: true, ..facts() }, Error::NotEntitled);
}

#[test]
fn a_license_pays() {
    let paid = Execution { license_id: Some(license_id()), ..execution() };
    let command = Command::Start { execution: paid.clone(), facts: Facts { paid: true, ..facts() } };
    given::<Executions>([]).when(command).then(Event::Started { execution: paid, checked: facts().checked });
}

#[test]
fn it_ends_once() {
    let running = || given::<Executions>([execution_started()]);
    running().when(Command::Succeed(success())).then(execution_succeeded());
    running().when(Command::Fail(failure())).then(execution_failed());
    for ended in [execution_succeeded(), execution_failed()] {
        for command in [Command::Succeed(success()), Command::Fail(failure()), start(facts())] {
            given::<Executions>([execution_started(), ended.clone()]).when(command).then_nothing();
        }
    }
    given::<Executions>([]).when(Command::Succeed(success())).then_refused(Error::NotStarted);
    given::<Executions>([]).when(Command::Fail(failure())).then_refused(Error::NotStarted);
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(installed, paid, licensed)| Command::Start {
            execution: Execution { license_id: licensed.then(license_id), ..execution() },
            facts: Facts { installed, paid, ..facts() },
        }),
        Just(Command::Succeed(success())),
        Just(Command::Fail(failure())),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(any_command(), 0..8)) {
        decides_nothing_twice::<Executions>(commands, |_| true)?;
    }
}
