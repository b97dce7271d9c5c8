use proptest::prelude::*;

use super::*;
use crate::{
    examples::{
        basis_points, id, key_registered, payout_requested, public_key, time, usd, user_id, vendor_id, vendor_key_id,
        vendor_registered,
    },
    money::Money,
    testing::{decides_nothing_twice, given, state_after},
};

fn register_as(id: VendorId) -> Command {
    Command::Register { id, owner: user_id(), name: "Engines".to_owned(), slug: "engines".to_owned() }
}

fn register() -> Command {
    register_as(vendor_id())
}

fn suspend() -> Command {
    Command::Suspend { reason: "Complaints.".to_owned() }
}

fn suspended() -> Event {
    Event::Suspended { reason: "Complaints.".to_owned() }
}

fn may_publish(events: Vec<Event>) -> bool {
    let State::Registered(vendor) = state_after::<Vendors>(events) else { panic!("not registered") };
    vendor.may_publish()
}

#[test]
fn registering_opens_the_vendor_once() {
    given::<Vendors>([]).when(register()).then(vendor_registered());
    given::<Vendors>([vendor_registered()]).when(register()).then_nothing();
    given::<Vendors>([vendor_registered()]).when(register_as(id(9))).then_refused(Error::AlreadyRegistered);
}

#[test]
fn an_abandoned_registration_stays_closed() {
    given::<Vendors>([]).when(Command::Abandon).then(Event::Abandoned {});
    given::<Vendors>([Event::Abandoned {}]).when(Command::Abandon).then_nothing();
    given::<Vendors>([Event::Abandoned {}]).when(register()).then_refused(Error::Abandoned);
    given::<Vendors>([Event::Abandoned {}, vendor_registered()]).when(Command::Verify).then_refused(Error::Abandoned);
    given::<Vendors>([vendor_registered()]).when(Command::Abandon).then_nothing();
    given::<Vendors>([vendor_registered(), Event::Abandoned {}]).when(register()).then_nothing();
}

#[test]
fn nothing_can_be_asked_of_a_vendor_that_does_not_exist() {
    given::<Vendors>([]).when(Command::Verify).then_refused(Error::NotRegistered);
    given::<Vendors>([]).when(suspend()).then_refused(Error::NotRegistered);
}

#[test]
fn only_a_verified_vendor_that_is_not_suspended_may_publish() {
    assert!(!may_publish(vec![vendor_registered()]));
    assert!(may_publish(vec![vendor_registered(), Event::Verified {}]));
    assert!(!may_publish(vec![vendor_registered(), Event::Verified {}, suspended()]));
    assert!(may_publish(vec![vendor_registered(), Event::Verified {}, suspended(), Event::Verified {}]));
}

fn register_key(public_key: &str) -> Command {
    Command::RegisterKey { public_key: public_key.to_owned(), label: "Build server".to_owned() }
}

fn revoke_key() -> Command {
    Command::RevokeKey { key: vendor_key_id() }
}

fn key_revoked() -> Event {
    Event::KeyRevoked { key_id: vendor_key_id() }
}

#[test]
fn a_key_is_registered_once_and_revoked_for_good() {
    let with_key = || vec![vendor_registered(), key_registered()];
    let without = || vec![vendor_registered(), key_registered(), key_revoked()];
    given::<Vendors>([vendor_registered()]).when(register_key(&public_key())).then(key_registered());
    given::<Vendors>(with_key()).when(register_key(&public_key())).then_nothing();
    given::<Vendors>(with_key()).when(revoke_key()).then(key_revoked());
    given::<Vendors>(without()).when(revoke_key()).then_nothing();
    given::<Vendors>(without()).when(register_key(&public_key())).then_refused(Error::KeyWasRevoked);
    given::<Vendors>([vendor_registered()]).when(revoke_key()).then_refused(Error::UnknownKey);
}

#[test]
fn only_live_keys_count_and_they_are_few() {
    let key = |number: usize| {
        let public_key = number.to_string();
        let key_id = VendorKeyId::of(vendor_id(), &public_key);
        Event::KeyRegistered { key_id, public_key, label: "Build server".to_owned() }
    };
    let mut events = vec![vendor_registered()];
    events.extend((1..Vendor::MAX_KEYS).map(key));
    events.push(key_registered());
    given::<Vendors>(events.clone()).when(register_key("one more")).then_refused(Error::TooManyKeys(20));
    events.push(key_revoked());
    let State::Registered(vendor) = state_after::<Vendors>(events.clone()) else { panic!("not registered") };
    assert_eq!((vendor.keys.len(), vendor.live_keys().count()), (20, 19));
    given::<Vendors>(events).when(register_key("0")).then(key(0));
}

#[test]
fn verifying_happens_once_and_again_after_a_suspension() {
    given::<Vendors>([vendor_registered()]).when(Command::Verify).then(Event::Verified {});
    given::<Vendors>([vendor_registered(), Event::Verified {}]).when(Command::Verify).then_nothing();
    given::<Vendors>([vendor_registered(), Event::Verified {}, suspended()])
        .when(Command::Verify)
        .then(Event::Verified {});
}

#[test]
fn suspending_happens_once() {
    given::<Vendors>([vendor_registered()]).when(suspend()).then(suspended());
    given::<Vendors>([vendor_registered(), suspended()]).when(suspend()).then_nothing();
}

#[test]
fn another_commission_names_the_one_before() {
    let set = |points| Command::SetCommission { commission: basis_points(points) };
    let event = |points, previous| Event::CommissionSet {
        basis_points: basis_points(points),
        previous_basis_points: basis_points(previous),
    };
    given::<Vendors>([vendor_registered()]).when(set(1_500)).then_nothing();
    given::<Vendors>([vendor_registered()]).when(set(1_000)).then(event(1_000, 1_500));
    given::<Vendors>([vendor_registered(), event(1_000, 1_500)]).when(set(800)).then(event(800, 1_000));
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(register()),
        Just(Command::Verify),
        Just(suspend()),
        (0_u16..3).prop_map(|n| Command::SetCommission { commission: basis_points(n) }),
        Just(register_key(&public_key())),
        Just(revoke_key()),
        Just(Command::Abandon),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Vendors>(commands, |_| true)?;
    }
}

fn payout(n: u128, amount: Option<i64>, earned: i64) -> Command {
    Command::RequestPayout(Request {
        payout: id(n),
        amount,
        earned: Money { amount: earned, currency: usd() },
        minimum: 1_000,
        batch: Some(Uuid::from_u128(99)),
        now: time("2026-12-01T00:00:00Z"),
    })
}

#[test]
fn a_vendor_is_paid_no_more_than_it_earned() {
    let history = || vec![vendor_registered()];
    given::<Vendors>(history()).when(payout(31, None, 5_000)).then(payout_requested(31, 5_000));
    given::<Vendors>(history()).when(payout(31, Some(2_000), 5_000)).then(payout_requested(31, 2_000));
    let one = || [history(), vec![payout_requested(31, 4_000)]].concat();
    given::<Vendors>(one()).when(payout(31, None, 5_000)).then_nothing();
    given::<Vendors>(one()).when(payout(32, None, 5_000)).then(payout_requested(32, 1_000));
    let too_large = Error::PayoutTooLarge { wanted: 1_500, available: 1_000, currency: usd() };
    given::<Vendors>(one()).when(payout(32, Some(1_500), 5_000)).then_refused(too_large);
    let too_small = || Error::PayoutTooSmall { minimum: 1_000, currency: usd() };
    given::<Vendors>(one()).when(payout(32, None, 4_999)).then_refused(too_small());
    // Money that went back since makes less than nothing of what is left.
    given::<Vendors>(one()).when(payout(32, None, 1_000)).then_refused(too_small());
}

#[test]
fn a_payout_that_failed_can_be_asked_for_again_and_is_settled_itself() {
    let failed = || Event::PayoutFailed {
        payout_id: id(31),
        amount: 4_000,
        currency: usd(),
        reason: "Account closed.".to_owned(),
    };
    let history = || vec![vendor_registered(), payout_requested(31, 4_000)];
    let fail = || Command::FailPayout { payout: id(31), reason: "Account closed.".to_owned() };
    let pay = || Command::PayOut { payout: id(31), reference: "bank-1".to_owned(), now: time("2026-12-02T00:00:00Z") };
    given::<Vendors>(history()).when(fail()).then(failed());
    let failed_one = || [history(), vec![failed()]].concat();
    given::<Vendors>(failed_one()).when(fail()).then_nothing();
    given::<Vendors>(failed_one()).when(pay()).then_refused(Error::PayoutSettled(PayoutStatus::Failed));
    given::<Vendors>(failed_one()).when(payout(32, None, 4_000)).then(payout_requested(32, 4_000));
    given::<Vendors>([vendor_registered()]).when(pay()).then_refused(Error::UnknownPayout);
}
