use proptest::prelude::*;

use super::*;
use crate::{
    examples::{activated, id, issued, license_id, order_id, plugin_id, terms, time, user_id, vendor_id},
    testing::{decides_nothing_twice, given, state_after},
};

const NOW: &str = "2026-11-21T09:00:00Z";

fn issue_for(order: OrderId) -> Command {
    Command::Issue {
        id: license_id(),
        order,
        holder: user_id(),
        plugin: plugin_id(),
        vendor: vendor_id(),
        kind: LicenseKind::Perpetual,
        terms: terms(),
        expires_at: None,
    }
}

fn issue() -> Command {
    issue_for(order_id())
}

fn issued_until(end: &str) -> Event {
    Event::Issued {
        license_id: license_id(),
        order_id: order_id(),
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        kind: LicenseKind::Subscription,
        terms: terms(),
        expires_at: Some(time(end)),
    }
}

fn activate(fingerprint: &str) -> Command {
    Command::Activate { fingerprint: fingerprint.to_owned(), label: "Desk".to_owned(), now: time(NOW) }
}

fn deactivate(fingerprint: &str) -> Command {
    Command::Deactivate { fingerprint: fingerprint.to_owned() }
}

fn deactivated(fingerprint: &str, activations: u32) -> Event {
    Event::Deactivated { fingerprint: fingerprint.to_owned(), activations }
}

fn suspend() -> Command {
    Command::Suspend { reason: "Disputed.".to_owned() }
}

fn suspended() -> Event {
    Event::Suspended { reason: "Disputed.".to_owned() }
}

fn revoke() -> Command {
    Command::Revoke { reason: "Refunded.".to_owned() }
}

fn revoked() -> Event {
    Event::Revoked { reason: "Refunded.".to_owned() }
}

fn validity(events: Vec<Event>, fingerprint: Option<&str>) -> Validity {
    let State::Issued(license) = state_after::<Licenses>(events) else { panic!("not issued") };
    license.validity(fingerprint, time(NOW))
}

#[test]
fn one_license_is_issued_for_a_payment() {
    given::<Licenses>([]).when(issue()).then(issued());
    given::<Licenses>([issued()]).when(issue()).then_nothing();
    given::<Licenses>([issued(), revoked()]).when(issue()).then_nothing();
    given::<Licenses>([issued()]).when(issue_for(id(55))).then_refused(Error::AlreadyIssued);
}

#[test]
fn nothing_can_be_asked_of_a_license_that_was_not_issued() {
    for command in [activate("a"), deactivate("a"), suspend(), Command::Reinstate, revoke()] {
        given::<Licenses>([]).when(command).then_refused(Error::NotIssued);
    }
    given::<Licenses>([activated("a", 1)]).when(activate("a")).then_refused(Error::NotIssued);
}

#[test]
fn activations_never_exceed_what_the_terms_allow() {
    let two = || vec![issued(), activated("a", 1), activated("b", 2)];
    given::<Licenses>([issued()]).when(activate("a")).then(activated("a", 1));
    given::<Licenses>([issued(), activated("a", 1)]).when(activate("b")).then(activated("b", 2));
    given::<Licenses>(two()).when(activate("c")).then_refused(Error::TooManyMachines(2));
    given::<Licenses>(two()).when(activate("a")).then_nothing();
    let freed = [two(), vec![deactivated("a", 1)]].concat();
    given::<Licenses>(freed).when(activate("c")).then(activated("c", 2));
}

#[test]
fn only_a_machine_that_is_bound_is_freed() {
    given::<Licenses>([issued(), activated("a", 1)]).when(deactivate("a")).then(deactivated("a", 0));
    given::<Licenses>([issued()]).when(deactivate("a")).then_refused(Error::UnknownMachine);
}

#[test]
fn only_an_active_license_is_activated() {
    given::<Licenses>([issued(), suspended()]).when(activate("a")).then_refused(Error::NotActive(Status::Suspended));
    given::<Licenses>([issued(), revoked()]).when(activate("a")).then_refused(Error::NotActive(Status::Revoked));
    given::<Licenses>([issued_until(NOW)]).when(activate("a")).then_refused(Error::Expired);
    given::<Licenses>([issued_until("2026-11-21T09:00:01Z")]).when(activate("a")).then(activated("a", 1));
}

#[test]
fn suspending_and_reinstating_happen_once_each() {
    given::<Licenses>([issued()]).when(suspend()).then(suspended());
    given::<Licenses>([issued(), suspended()]).when(suspend()).then_nothing();
    given::<Licenses>([issued(), suspended()]).when(Command::Reinstate).then(Event::Reinstated {});
    given::<Licenses>([issued(), suspended(), Event::Reinstated {}]).when(Command::Reinstate).then_nothing();
}

#[test]
fn a_revocation_is_final() {
    given::<Licenses>([issued()]).when(revoke()).then(revoked());
    given::<Licenses>([issued(), suspended()]).when(revoke()).then(revoked());
    given::<Licenses>([issued(), revoked()]).when(revoke()).then_nothing();
    for command in [suspend(), Command::Reinstate] {
        given::<Licenses>([issued(), revoked()]).when(command).then_refused(Error::NotActive(Status::Revoked));
    }
}

#[test]
fn a_license_that_is_not_good_says_so_at_once_and_the_worst_first() {
    let expired = || issued_until(NOW);
    assert_eq!(validity(vec![issued()], None), Validity::Valid);
    assert_eq!(validity(vec![issued_until("2026-11-21T09:00:01Z")], None), Validity::Valid);
    assert_eq!(validity(vec![expired()], None), Validity::Expired);
    assert_eq!(validity(vec![expired(), suspended()], None), Validity::Suspended);
    assert_eq!(validity(vec![expired(), suspended(), revoked()], Some("a")), Validity::Revoked);
    assert_eq!(validity(vec![issued(), suspended(), Event::Reinstated {}], None), Validity::Valid);
}

#[test]
fn a_machine_is_checked_where_one_is_named() {
    let bound = || vec![issued(), activated("a", 1)];
    assert_eq!(validity(vec![issued()], Some("a")), Validity::NoMachine);
    assert_eq!(validity(bound(), Some("a")), Validity::Valid);
    assert_eq!(validity(bound(), Some("b")), Validity::FingerprintScopeMismatch);
    assert_eq!(validity(bound(), None), Validity::Valid);
    assert_eq!(validity(vec![issued_until(NOW)], Some("a")), Validity::Expired);
}

#[test]
fn codes_are_those_that_clients_know() {
    for (validity, code) in [
        (Validity::Valid, "VALID"),
        (Validity::Suspended, "SUSPENDED"),
        (Validity::Expired, "EXPIRED"),
        (Validity::Revoked, "REVOKED"),
        (Validity::NoMachine, "NO_MACHINE"),
        (Validity::FingerprintScopeMismatch, "FINGERPRINT_SCOPE_MISMATCH"),
    ] {
        assert_eq!(validity.code(), code);
        assert_eq!(serde_json::to_value(validity).unwrap(), code);
        assert_eq!(validity.is_valid(), code == "VALID");
    }
}

fn command() -> impl Strategy<Value = Command> {
    let machine = || prop::sample::select(vec!["a", "b", "c"]);
    prop_oneof![
        2 => Just(issue()),
        4 => machine().prop_map(activate),
        2 => machine().prop_map(deactivate),
        1 => Just(suspend()),
        2 => Just(Command::Reinstate),
        1 => Just(revoke()),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        if let State::Issued(license) = decides_nothing_twice::<Licenses>(commands, |_| true)? {
            prop_assert!(license.machines() <= license.terms.max_devices);
        }
    }
}

#[test]
fn a_refusal_says_where_the_license_stands() {
    for (status, message) in [
        (Status::Active, "this license is active"),
        (Status::Suspended, "this license is suspended"),
        (Status::Revoked, "this license is revoked"),
    ] {
        assert_eq!(Error::NotActive(status).to_string(), message);
    }
}
