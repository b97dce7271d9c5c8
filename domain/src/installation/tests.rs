use proptest::prelude::*;

use super::*;
use crate::{
    examples::{checked, id, installed, license_id, plugin_id, user_id, vendor_id, version},
    testing::{decides_nothing_twice, given, state_after},
};

fn free() -> Facts {
    Facts { plugin_suspended: false, version_approved: true, paid: false, license: None, checked: checked() }
}

fn licensed(license: LicenseId) -> Facts {
    Facts { paid: true, license: Some(license), ..free() }
}

fn install(text: &str, facts: Facts) -> Command {
    Command::Install { user: user_id(), plugin: plugin_id(), vendor: vendor_id(), version: version(text), facts }
}

fn upgraded(from: &str, to: &str, license_id: Option<LicenseId>) -> Event {
    Event::Upgraded { from_version: version(from), to_version: version(to), license_id, checked: checked() }
}

fn uninstalled() -> Event {
    Event::Uninstalled { version: version("1.0.0") }
}

fn block(license: LicenseId) -> Command {
    Command::Block { license, reason: "Revoked.".to_owned() }
}

fn blocked() -> Event {
    Event::Blocked { version: version("1.0.0"), license_id: license_id(), reason: "Revoked.".to_owned() }
}

#[test]
fn a_free_plugin_is_installed_once_and_needs_no_right() {
    given::<Installations>([]).when(install("1.0.0", free())).then(installed("1.0.0", None, true));
    given::<Installations>([installed("1.0.0", None, true)]).when(install("1.0.0", free())).then_nothing();
    let with_license = Facts { license: Some(license_id()), ..free() };
    given::<Installations>([]).when(install("1.0.0", with_license)).then(installed("1.0.0", None, true));
}

#[test]
fn only_approved_versions_of_plugins_in_the_shop_install() {
    let refused = Error::VersionNotApproved(version("1.0.0"));
    given::<Installations>([])
        .when(install("1.0.0", Facts { version_approved: false, ..free() }))
        .then_refused(refused);
    given::<Installations>([])
        .when(install("1.0.0", Facts { plugin_suspended: true, ..free() }))
        .then_refused(Error::PluginSuspended);
}

#[test]
fn a_paid_plugin_needs_an_active_license() {
    given::<Installations>([]).when(install("1.0.0", Facts { paid: true, ..free() })).then_refused(Error::NotEntitled);
    given::<Installations>([]).when(install("1.0.0", licensed(license_id()))).then(installed(
        "1.0.0",
        Some(license_id()),
        true,
    ));
}

#[test]
fn another_version_or_another_right_is_an_upgrade() {
    let history = || [installed("1.0.0", None, true)];
    given::<Installations>(history()).when(install("1.1.0", free())).then(upgraded("1.0.0", "1.1.0", None));
    given::<Installations>(history()).when(install("0.9.0", free())).then(upgraded("1.0.0", "0.9.0", None));
    given::<Installations>(history()).when(install("1.0.0", licensed(license_id()))).then(upgraded(
        "1.0.0",
        "1.0.0",
        Some(license_id()),
    ));
    let moved = [installed("1.0.0", None, true), upgraded("1.0.0", "1.1.0", None)];
    given::<Installations>(moved).when(install("1.1.0", free())).then_nothing();
}

#[test]
fn what_was_taken_off_or_blocked_is_installed_again_but_not_for_the_first_time() {
    let first = || installed("1.0.0", Some(license_id()), true);
    for gone in [uninstalled(), blocked()] {
        given::<Installations>([first(), gone]).when(install("1.0.0", licensed(license_id()))).then(installed(
            "1.0.0",
            Some(license_id()),
            false,
        ));
    }
}

#[test]
fn taking_off_happens_once() {
    given::<Installations>([]).when(Command::Uninstall).then_refused(Error::NotInstalled);
    given::<Installations>([installed("1.0.0", None, true)]).when(Command::Uninstall).then(uninstalled());
    given::<Installations>([installed("1.0.0", None, true), uninstalled()]).when(Command::Uninstall).then_nothing();
    given::<Installations>([installed("1.0.0", Some(license_id()), true), blocked()])
        .when(Command::Uninstall)
        .then_nothing();
}

#[test]
fn the_end_of_a_license_blocks_only_what_was_installed_by_it() {
    let by_license = || installed("1.0.0", Some(license_id()), true);
    given::<Installations>([by_license()]).when(block(license_id())).then(blocked());
    given::<Installations>([by_license()]).when(block(id(8))).then_nothing();
    given::<Installations>([by_license(), blocked()]).when(block(license_id())).then_nothing();
    given::<Installations>([installed("1.0.0", None, true)]).when(block(license_id())).then_nothing();
    given::<Installations>([]).when(block(license_id())).then_nothing();
    given::<Installations>([by_license(), upgraded("1.0.0", "1.1.0", Some(id(8)))])
        .when(block(license_id()))
        .then_nothing();
}

#[test]
fn an_event_that_makes_no_sense_changes_nothing() {
    assert_eq!(state_after::<Installations>([uninstalled()]), State::Absent);
    assert_eq!(state_after::<Installations>([upgraded("1.0.0", "1.1.0", None)]), State::Absent);
}

fn command() -> impl Strategy<Value = Command> {
    let facts = (any::<bool>(), prop::option::of((7_u128..9).prop_map(id))).prop_map(|(paid, license)| Facts {
        paid,
        license,
        ..free()
    });
    prop_oneof![
        3 => (prop::sample::select(vec!["1.0.0", "1.1.0"]), facts).prop_map(|(text, facts)| install(text, facts)),
        1 => Just(Command::Uninstall),
        1 => (7_u128..9).prop_map(|n| block(id(n))),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Installations>(commands, |_| true)?;
    }
}
