use super::*;
use crate::{
    examples::{contract, id, started, time},
    testing::{decides_nothing_twice, given, state_after},
};
use proptest::prelude::*;

fn at(day: u32) -> DateTime<Utc> {
    time(&format!("2026-12-{day:02}T09:00:00Z"))
}

fn start() -> Command {
    Command::Start {
        contract: Box::new(contract()),
        trial: false,
        since: time("2026-11-21T09:00:00Z"),
        period_end: time("2026-12-21T09:00:00Z"),
    }
}

fn renew(month: u32, as_of: DateTime<Utc>) -> Command {
    let period_end = time(&format!("2027-{month:02}-21T09:00:00Z"));
    Command::Renew { order: Some(id(u128::from(month))), period_end, as_of }
}

fn fall_behind(as_of: DateTime<Utc>) -> Command {
    Command::FallBehind { code: "card_declined".to_owned(), as_of }
}

fn after(commands: &[Command]) -> Subscription {
    let mut state = state_after::<Subscriptions>([started()]);
    for command in commands {
        let Ok(events) = Subscriptions::decide(&state, command.clone()) else { continue };
        state = events.iter().fold(state, Subscriptions::evolve);
    }
    let State::Started(subscription) = state else { panic!("not started") };
    *subscription
}

#[test]
fn a_subscription_starts_once_and_by_one_order() {
    given::<Subscriptions>([]).when(start()).then(started());
    given::<Subscriptions>([started()]).when(start()).then_nothing();
    let other = Contract { order_id: id(77), ..contract() };
    let other = Command::Start { contract: Box::new(other), trial: false, since: at(1), period_end: at(2) };
    given::<Subscriptions>([started()]).when(other).then_refused(Error::AlreadyStarted);
    given::<Subscriptions>([]).when(renew(1, at(21))).then_refused(Error::NotStarted);
}

#[test]
fn a_trial_that_is_paid_is_active() {
    let trial = Event::Started { contract: Box::new(contract()), trial: true, started_at: at(1), period_end: at(15) };
    let State::Started(known) = state_after::<Subscriptions>([trial.clone()]) else { panic!("not started") };
    assert_eq!(known.standing, Standing::Trialing);
    let events = Subscriptions::decide(&state_after::<Subscriptions>([trial]), renew(1, at(15))).unwrap();
    assert!(matches!(events[..], [Event::Renewed { standing: Standing::Active, .. }]), "{events:?}");
}

#[test]
fn who_pays_late_is_behind_until_the_payment_and_an_old_word_of_it_changes_nothing() {
    assert_eq!(after(&[fall_behind(at(21))]).standing, Standing::PastDue);
    assert_eq!(after(&[fall_behind(at(21)), renew(1, at(23))]).standing, Standing::Active);
    assert_eq!(after(&[renew(1, at(23)), fall_behind(at(21))]).standing, Standing::Active);
    assert_eq!(after(&[fall_behind(at(24)), renew(1, at(23))]).standing, Standing::PastDue);
}

#[test]
fn what_is_over_stays_over() {
    let lapse = Command::Lapse { reason: Reason::Unpaid, at: at(30) };
    let over = after(&[lapse.clone(), renew(2, at(31)), fall_behind(at(31)), lapse]);
    assert_eq!(over.standing, Standing::Lapsed);
    // What was paid meanwhile is known all the same.
    assert_eq!(over.period_end, time("2027-02-21T09:00:00Z"));
    let ended = state_after::<Subscriptions>([started(), Event::Lapsed { reason: Reason::Unpaid, lapsed_at: at(30) }]);
    assert_eq!(Subscriptions::decide(&ended, Command::Resume { as_of: at(31) }), Err(Error::Over));
}

#[test]
fn a_subscription_is_canceled_now_or_when_it_is_used_up() {
    let later = Command::Cancel { at_period_end: true, as_of: at(1) };
    let canceled = Event::Canceled { ends_at: at(21), as_of: at(1) };
    given::<Subscriptions>([started()]).when(later.clone()).then(canceled.clone());
    given::<Subscriptions>([started(), canceled]).when(later).then_nothing();
    let now = after(&[Command::Cancel { at_period_end: false, as_of: at(2) }]);
    assert_eq!(now.standing, Standing::Lapsed);
    let resumed = [Command::Cancel { at_period_end: true, as_of: at(1) }, Command::Resume { as_of: at(2) }];
    assert!(!after(&resumed).ends_then);
    let shuffled = [Command::Resume { as_of: at(2) }, Command::Cancel { at_period_end: true, as_of: at(3) }];
    assert!(after(&shuffled).ends_then);
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (1_u32..6, 1_u32..28).prop_map(|(month, day)| renew(month, at(day))),
        3 => (1_u32..28).prop_map(|day| fall_behind(at(day))),
        1 => Just(start()),
        1 => (1_u32..28).prop_map(|day| Command::Lapse { reason: Reason::Unpaid, at: at(day) }),
        1 => (any::<bool>(), 1_u32..28).prop_map(|(at_period_end, day)| Command::Cancel { at_period_end, as_of: at(day) }),
        1 => (1_u32..28).prop_map(|day| Command::Resume { as_of: at(day) }),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..20)) {
        decides_nothing_twice::<Subscriptions>(commands, |_| true)?;
    }

    #[test]
    fn payments_and_failures_come_to_the_same_in_any_order(
        (told, shuffled) in prop::collection::btree_set(1_u32..28, 0..10).prop_flat_map(|days| {
            let told: Vec<Command> = days
                .into_iter()
                .map(|day| if day % 3 == 0 { fall_behind(at(day)) } else { renew(1 + day % 5, at(day)) })
                .collect();
            (Just(told.clone()), Just(told).prop_shuffle())
        }),
    ) {
        let (one, other) = (after(&told), after(&shuffled));
        prop_assert_eq!((one.period_end, one.standing), (other.period_end, other.standing));
    }
}
