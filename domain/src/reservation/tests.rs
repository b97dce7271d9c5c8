use proptest::prelude::*;

use super::*;
use crate::testing::{decides_nothing_twice, given, state_after};

fn holder(n: u128) -> Holder {
    Holder { holder_id: Uuid::from_u128(n) }
}

fn reserve(kind: Kind, n: u128) -> Command {
    Command::Reserve { kind, holder: Uuid::from_u128(n) }
}

fn release(kind: Kind, n: u128) -> Command {
    Command::Release { kind, holder: Uuid::from_u128(n) }
}

/// What is true of each kind of key.
fn is_held_by_one<D>(kind: Kind, reserved: fn(Holder) -> Event, released: fn(Holder) -> Event)
where
    D: Decider<State = State, Command = Command, Event = Event, Error = Error>,
{
    given::<D>([]).when(reserve(kind, 1)).then(reserved(holder(1)));
    given::<D>([reserved(holder(1))]).when(reserve(kind, 1)).then_nothing();
    given::<D>([reserved(holder(1))]).when(reserve(kind, 2)).then_refused(Error::Taken { holder: Uuid::from_u128(1) });

    given::<D>([reserved(holder(1))]).when(release(kind, 1)).then(released(holder(1)));
    given::<D>([reserved(holder(1))]).when(release(kind, 2)).then_nothing();
    given::<D>([]).when(release(kind, 1)).then_nothing();
    given::<D>([reserved(holder(1)), released(holder(1))]).when(reserve(kind, 2)).then(reserved(holder(2)));

    // A release by another, which was never decided, changes nothing.
    assert_eq!(state_after::<D>([reserved(holder(1)), released(holder(2))]), State::Held(Uuid::from_u128(1)));
}

#[test]
fn a_name_is_held_by_one_plugin() {
    is_held_by_one::<Names>(Kind::Name, Event::NameReserved, Event::NameReleased);
    assert_eq!(Names::CATEGORY, Category::Name);
}

#[test]
fn a_slug_is_held_by_one_vendor() {
    is_held_by_one::<Slugs>(Kind::Slug, Event::SlugReserved, Event::SlugReleased);
    assert_eq!(Slugs::CATEGORY, Category::Slug);
}

#[test]
fn an_address_is_held_by_one_user() {
    is_held_by_one::<Emails>(Kind::Email, Event::EmailReserved, Event::EmailReleased);
    assert_eq!(Emails::CATEGORY, Category::Email);
}

#[test]
fn a_public_key_is_held_by_one_vendor() {
    is_held_by_one::<PublicKeys>(Kind::Key, Event::KeyReserved, Event::KeyReleased);
    assert_eq!(PublicKeys::CATEGORY, Category::Key);
}

fn command() -> impl Strategy<Value = Command> {
    (any::<bool>(), 1_u128..3).prop_map(|(take, n)| if take { reserve(Kind::Name, n) } else { release(Kind::Name, n) })
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Names>(commands, |_| true)?;
    }
}
