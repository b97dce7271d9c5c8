use proptest::prelude::*;

use super::*;
use crate::{
    examples::{
        activated, id, issued, issued_as, license_id, order_id, personal, plugin_id, terms, time, user_id, vendor_id,
    },
    order::Loss,
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
        subscription: None,
        kind: LicenseKind::Perpetual,
        terms: terms(),
        expires_at: None,
    }
}

fn issue() -> Command {
    issue_for(order_id())
}

fn issued_until(end: &str) -> Event {
    issued_as(LicenseKind::Subscription, Some(time(end)))
}

fn activate(fingerprint: &str) -> Command {
    Command::Activate { fingerprint: fingerprint.to_owned(), label: personal("Desk"), now: time(NOW) }
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
    Event::Suspended { reason: "Disputed.".to_owned(), status: Status::Suspended, payment: None }
}

fn reinstated() -> Event {
    Event::Reinstated { status: Status::Active, payment: None }
}

#[test]
fn what_is_over_for_good_ends_no_later_than_it_was_paid_for() {
    let end = |at: &str| Command::End { at: time(at) };
    let over = |at: &str| Event::Expired { expired_at: time(at), for_good: true };
    let until = issued_until("2026-12-21T09:00:00Z");
    let (first, later) = ("2026-12-01T09:00:00Z", "2026-12-11T09:00:00Z");
    given::<Licenses>([until.clone()]).when(end(first)).then(over(first));
    given::<Licenses>([until.clone(), over(first)]).when(end(first)).then_nothing();
    given::<Licenses>([until.clone(), over(first)]).when(end(later)).then(over(later));
    given::<Licenses>([until.clone(), over(later)]).when(end(first)).then_nothing();
    let extend = Command::Extend { until: time("2027-01-21T09:00:00Z"), kind: LicenseKind::Subscription };
    given::<Licenses>([until, over(first)]).when(extend).then_nothing();
}

fn settle(order: u128, order_version: u64, right: Right) -> Command {
    Command::Settle { cause: PaymentCause { order_id: id(order), order_version }, right }
}

fn download() -> Command {
    Command::Use { purpose: Purpose::Download, amount: 1, now: time(NOW) }
}

fn after(commands: Vec<Command>) -> License {
    let mut state = state_after::<Licenses>([issued_until("2026-12-21T09:00:00Z")]);
    for command in commands {
        let events = Licenses::decide(&state, command).unwrap_or_else(|error| panic!("{error}"));
        state = events.iter().fold(state, Licenses::evolve);
    }
    let State::Issued(license) = state else { panic!("not issued") };
    *license
}

fn revoke() -> Command {
    Command::Revoke { reason: "Refunded.".to_owned() }
}

fn revoked() -> Event {
    Event::Revoked { reason: "Refunded.".to_owned(), status: Status::Revoked, payment: None }
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
    given::<Licenses>([issued(), suspended()]).when(Command::Reinstate).then(reinstated());
    given::<Licenses>([issued(), suspended(), reinstated()]).when(Command::Reinstate).then_nothing();
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
    assert_eq!(validity(vec![issued(), suspended(), reinstated()], None), Validity::Valid);
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

fn right() -> impl Strategy<Value = Right> {
    prop::sample::select(vec![Right::Good, Right::OnHold, Right::Over(Loss::Refunded), Right::Over(Loss::DisputeLost)])
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
        4 => (1_u128..3, 1_u64..5, right()).prop_map(|(order, version, right)| settle(order, version, right)),
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

#[test]
fn a_payment_that_is_contested_holds_the_license_until_that_is_decided() {
    let status = |commands| after(commands).status();
    assert_eq!(status(vec![settle(1, 2, Right::OnHold)]), Status::Suspended);
    assert_eq!(status(vec![settle(1, 2, Right::OnHold), settle(1, 3, Right::Good)]), Status::Active);
    assert_eq!(
        status(vec![settle(1, 2, Right::OnHold), settle(1, 3, Right::Over(Loss::DisputeLost))]),
        Status::Revoked
    );
    // A refund can fail later.
    assert_eq!(status(vec![settle(1, 2, Right::Over(Loss::Refunded)), settle(1, 3, Right::Good)]), Status::Active);
}

#[test]
fn an_older_state_of_an_order_changes_nothing() {
    let license = after(vec![settle(1, 5, Right::OnHold), settle(1, 4, Right::Good)]);
    assert_eq!(license.status(), Status::Suspended);
    // Each order counts for itself.
    let license = after(vec![settle(1, 5, Right::OnHold), settle(2, 4, Right::Good)]);
    assert_eq!(license.status(), Status::Suspended);
}

#[test]
fn what_a_payment_holds_nobody_else_lifts_and_the_other_way_round() {
    let held = state_after::<Licenses>([issued()]);
    let held = Licenses::decide(&held, settle(4, 1, Right::OnHold)).unwrap().iter().fold(held, Licenses::evolve);
    assert_eq!(Licenses::decide(&held, Command::Reinstate), Err(Error::HeldByPayment(Status::Suspended)));
    let both = after(vec![suspend(), settle(1, 1, Right::OnHold), settle(1, 2, Right::Good)]);
    assert_eq!(both.status(), Status::Suspended);
    let decided = after(vec![revoke(), settle(1, 1, Right::OnHold), settle(1, 2, Right::Good)]);
    assert_eq!(decided.status(), Status::Revoked);
}

#[test]
fn what_holds_a_license_says_where_it_stands_with_everything_else() {
    let state = state_after::<Licenses>([issued(), suspended()]);
    let events = Licenses::decide(&state, settle(4, 1, Right::Over(Loss::Refunded))).unwrap();
    assert!(matches!(events[..], [Event::Revoked { status: Status::Revoked, .. }]), "{events:?}");
    let state = events.iter().fold(state, Licenses::evolve);
    let events = Licenses::decide(&state, settle(4, 2, Right::Good)).unwrap();
    assert!(matches!(events[..], [Event::Reinstated { status: Status::Suspended, .. }]), "{events:?}");
}

#[test]
fn a_license_expires_once_and_is_good_again_when_it_is_extended() {
    let late = time("2026-12-21T09:00:00Z");
    let expire = || Command::Expire { now: late };
    let expired = || Event::Expired { expired_at: late, for_good: false };
    let until = || issued_until("2026-12-21T09:00:00Z");
    given::<Licenses>([until()]).when(Command::Expire { now: time(NOW) }).then_nothing();
    given::<Licenses>([until()]).when(expire()).then(expired());
    given::<Licenses>([until(), expired()]).when(expire()).then_nothing();
    given::<Licenses>([issued()]).when(expire()).then_nothing();
    let extend = |end: &str| Command::Extend { until: time(end), kind: LicenseKind::Subscription };
    let extended = Event::Extended {
        expires_at: Some(time("2027-01-21T09:00:00Z")),
        previous_expires_at: Some(late),
        kind: LicenseKind::Subscription,
    };
    given::<Licenses>([until(), expired()]).when(extend("2027-01-21T09:00:00Z")).then(extended.clone());
    given::<Licenses>([until(), extended]).when(extend("2027-01-01T09:00:00Z")).then_nothing();
}

#[test]
fn a_trial_that_is_paid_is_none_any_more() {
    let end = time("2026-12-21T09:00:00Z");
    let trial = issued_as(LicenseKind::Trial, Some(end));
    let command = Command::Extend { until: end, kind: LicenseKind::Subscription };
    let extended =
        Event::Extended { expires_at: Some(end), previous_expires_at: Some(end), kind: LicenseKind::Subscription };
    given::<Licenses>([trial]).when(command).then(extended);
}

#[test]
fn downloads_and_uses_never_exceed_what_the_terms_allow() {
    let used = |purpose, total| Event::Used { purpose, amount: 1, total, used_at: time(NOW) };
    given::<Licenses>([issued(), used(Purpose::Download, 9)]).when(download()).then(used(Purpose::Download, 10));
    given::<Licenses>([issued(), used(Purpose::Download, 10)])
        .when(download())
        .then_refused(Error::DownloadsExhausted(10));
    given::<Licenses>([issued_until(NOW)]).when(download()).then_refused(Error::Expired);
    given::<Licenses>([issued(), suspended()]).when(download()).then_refused(Error::NotActive(Status::Suspended));
    // Without a limit they are counted only.
    let usage = Command::Use { purpose: Purpose::Usage, amount: 5, now: time(NOW) };
    let counted = Event::Used { purpose: Purpose::Usage, amount: 5, total: 12, used_at: time(NOW) };
    given::<Licenses>([issued(), used(Purpose::Usage, 7)]).when(usage).then(counted);
}

#[test]
fn the_key_changes_once_a_generation_and_never_of_a_revoked_license() {
    let rotate = |generation| Command::RotateKey { generation };
    given::<Licenses>([issued()]).when(rotate(1)).then(Event::KeyRotated { generation: 1 });
    given::<Licenses>([issued(), Event::KeyRotated { generation: 1 }]).when(rotate(1)).then_nothing();
    let skipped = Error::KeyNotRotated("it was changed meanwhile");
    given::<Licenses>([issued()]).when(rotate(2)).then_refused(skipped);
    let revoked_one = Error::KeyNotRotated("a revoked license never gets another");
    given::<Licenses>([issued(), revoked()]).when(rotate(1)).then_refused(revoked_one);
}
