use proptest::prelude::*;

use super::*;
use crate::{
    examples::{id, key_id, personal, registered, user_id},
    testing::{decides_nothing_twice, given, state_after},
};

fn register() -> Command {
    Command::Register { id: user_id(), email: personal("ada@example.org"), display_name: personal("Ada") }
}

fn issue(key: ApiKeyId) -> Command {
    Command::IssueApiKey { key, label: personal("build") }
}

fn key_issued() -> Event {
    Event::ApiKeyIssued { key_id: key_id(), label: personal("build") }
}

#[test]
fn registering_opens_the_account_once() {
    given::<Users>([]).when(register()).then(registered());
    given::<Users>([registered()]).when(register()).then_nothing();
    let other = Command::Register { id: id(99), email: personal("a@example.org"), display_name: personal("A") };
    given::<Users>([registered()]).when(other).then_refused(Error::AlreadyRegistered);
}

#[test]
fn a_registered_account_is_a_customer_without_keys() {
    let State::Registered(user) = state_after::<Users>([registered()]) else { panic!("not registered") };
    assert_eq!(user.id, user_id());
    assert_eq!(user.email.text(), Some("ada@example.org"));
    assert_eq!(user.display_name.text(), Some("Ada"));
    assert_eq!(user.roles, BTreeSet::from([Role::Customer]));
    assert!(user.api_keys.is_empty());
}

#[test]
fn an_abandoned_registration_stays_closed() {
    given::<Users>([]).when(Command::Abandon).then(Event::Abandoned {});
    given::<Users>([Event::Abandoned {}]).when(Command::Abandon).then_nothing();
    given::<Users>([Event::Abandoned {}]).when(register()).then_refused(Error::Abandoned);
    given::<Users>([Event::Abandoned {}, registered()]).when(register()).then_refused(Error::Abandoned);
}

#[test]
fn an_account_that_came_to_be_is_not_abandoned() {
    given::<Users>([registered()]).when(Command::Abandon).then_nothing();
    given::<Users>([registered(), Event::Abandoned {}]).when(register()).then_nothing();
}

#[test]
fn nothing_can_be_asked_of_an_account_that_does_not_exist() {
    given::<Users>([]).when(Command::GrantRole { role: Role::Admin }).then_refused(Error::NotRegistered);
    given::<Users>([]).when(issue(key_id())).then_refused(Error::NotRegistered);
}

#[test]
fn roles_come_and_go_but_customer_stays() {
    let granted = || Event::RoleGranted { role: Role::Moderator };
    let grant = || Command::GrantRole { role: Role::Moderator };
    let revoke = || Command::RevokeRole { role: Role::Moderator };
    given::<Users>([registered()]).when(grant()).then(granted());
    given::<Users>([registered(), granted()]).when(grant()).then_nothing();
    given::<Users>([registered(), granted()]).when(revoke()).then(Event::RoleRevoked { role: Role::Moderator });
    given::<Users>([registered()]).when(revoke()).then_nothing();
    given::<Users>([registered()]).when(Command::GrantRole { role: Role::Customer }).then_nothing();
    given::<Users>([registered()])
        .when(Command::RevokeRole { role: Role::Customer })
        .then_refused(Error::RoleNotRevocable);
}

#[test]
fn api_keys_are_issued_and_revoked() {
    let revoke = || Command::RevokeApiKey { key: key_id() };
    let revoked = || Event::ApiKeyRevoked { key_id: key_id() };
    given::<Users>([registered()]).when(issue(key_id())).then(key_issued());
    given::<Users>([registered(), key_issued()]).when(issue(key_id())).then_nothing();
    given::<Users>([registered(), key_issued()]).when(revoke()).then(revoked());
    given::<Users>([registered(), key_issued(), revoked()]).when(revoke()).then_refused(Error::UnknownApiKey);
}

#[test]
fn an_account_has_no_more_keys_than_allowed() {
    let keys = |count: usize| {
        let issued =
            (0..count).map(|n| Event::ApiKeyIssued { key_id: id(1_000 + n as u128), label: personal(&n.to_string()) });
        std::iter::once(registered()).chain(issued)
    };
    given::<Users>(keys(Users::MAX_API_KEYS - 1)).when(issue(key_id())).then(key_issued());
    given::<Users>(keys(Users::MAX_API_KEYS))
        .when(issue(key_id()))
        .then_refused(Error::TooManyApiKeys(Users::MAX_API_KEYS));
}

#[test]
fn who_asks_to_be_erased_is_erased_and_does_nothing_any_more() {
    let at = |second: u32| crate::examples::time(&format!("2026-11-21T09:00:{second:02}Z"));
    let (request, erase) = (Command::RequestErasure { now: at(1) }, Command::Erase { now: at(2) });
    let (requested, erased) = (Event::ErasureRequested { requested_at: at(1) }, Event::Erased { erased_at: at(2) });
    given::<Users>([]).when(request.clone()).then_refused(Error::NotRegistered);
    given::<Users>([registered()]).when(erase.clone()).then_refused(Error::ErasureNotRequested);
    given::<Users>([registered()]).when(request.clone()).then(requested.clone());
    given::<Users>([registered(), requested.clone()]).when(request.clone()).then_nothing();
    given::<Users>([registered(), requested.clone()]).when(issue(key_id())).then_refused(Error::Erased);
    given::<Users>([registered(), requested.clone()]).when(erase.clone()).then(erased.clone());
    for again in [request, erase] {
        given::<Users>([registered(), requested.clone(), erased.clone()]).when(again).then_nothing();
    }
    given::<Users>([registered(), requested, erased]).when(register()).then_refused(Error::Erased);
}

fn command() -> impl Strategy<Value = Command> {
    let role = || prop::sample::select(vec![Role::Customer, Role::Vendor, Role::Moderator, Role::Admin]);
    let key = || (0_u128..3).prop_map(id);
    prop_oneof![
        Just(register()),
        Just(Command::RequestErasure { now: crate::examples::time("2026-11-21T09:00:01Z") }),
        Just(Command::Erase { now: crate::examples::time("2026-11-21T09:00:02Z") }),
        role().prop_map(|role| Command::GrantRole { role }),
        role().prop_map(|role| Command::RevokeRole { role }),
        key().prop_map(issue),
        key().prop_map(|key| Command::RevokeApiKey { key }),
        Just(Command::Abandon),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Users>(commands, |_| true)?;
    }
}
