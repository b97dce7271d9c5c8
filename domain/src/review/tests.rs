use proptest::prelude::*;

use super::*;
use crate::{
    examples::{personal, plugin_id, rating, review_submitted, user_id, vendor_id, version},
    testing::{decides_nothing_twice, given, state_after},
};

fn write_as(stars: u8, title: &str, installed: Option<Version>, own_plugin: bool) -> Command {
    Command::Write {
        user: user_id(),
        plugin: plugin_id(),
        vendor: vendor_id(),
        rating: rating(stars),
        title: personal(title),
        body: personal("It reads logs."),
        installed,
        own_plugin,
    }
}

fn write(stars: u8, title: &str) -> Command {
    write_as(stars, title, Some(version("1.0.0")), false)
}

fn edited(stars: u8, title: &str, hidden: bool) -> Event {
    Event::Edited {
        rating: rating(stars),
        previous_rating: rating(4),
        title: personal(title),
        body: personal("It reads logs."),
        hidden,
    }
}

fn retracted() -> Event {
    Event::Retracted { rating: rating(4), hidden: false }
}

fn hide() -> Command {
    Command::Hide { reason: "Advertising.".to_owned() }
}

fn hidden() -> Event {
    Event::Hidden { rating: rating(4), reason: "Advertising.".to_owned() }
}

fn flag() -> Command {
    Command::Flag { reason: personal("Advertising.") }
}

fn flagged() -> Event {
    Event::Flagged { reason: personal("Advertising.") }
}

fn reply(body: &str) -> Command {
    Command::Reply { body: body.to_owned() }
}

fn replied(body: &str) -> Event {
    Event::Replied { body: body.to_owned() }
}

fn live(events: Vec<Event>) -> Review {
    let State::Live(review) = state_after::<Reviews>(events) else { panic!("not live") };
    review
}

#[test]
fn who_has_it_installed_reviews_once() {
    given::<Reviews>([]).when(write(4, "Good")).then(review_submitted());
    given::<Reviews>([review_submitted()]).when(write(4, "Good")).then_nothing();
}

#[test]
fn only_who_has_or_had_it_installed_reviews() {
    given::<Reviews>([]).when(write_as(4, "Good", None, false)).then_refused(Error::NotInstalled);
    given::<Reviews>([review_submitted()]).when(write_as(5, "Good", None, false)).then_refused(Error::NotInstalled);
}

#[test]
fn a_vendor_never_reviews_its_own_plugin() {
    let own = || write_as(5, "Good", Some(version("1.0.0")), true);
    given::<Reviews>([]).when(own()).then_refused(Error::OwnPlugin);
    given::<Reviews>([review_submitted()]).when(own()).then_refused(Error::OwnPlugin);
}

#[test]
fn writing_anew_names_the_stars_before() {
    given::<Reviews>([review_submitted()]).when(write(5, "Good")).then(edited(5, "Good", false));
    given::<Reviews>([review_submitted()]).when(write(4, "Better")).then(edited(4, "Better", false));
    given::<Reviews>([review_submitted(), hidden()]).when(write(5, "Good")).then(edited(5, "Good", true));
    assert!(live(vec![review_submitted(), hidden(), edited(5, "Good", true)]).hidden);
}

#[test]
fn a_text_that_cannot_be_read_counts_as_another() {
    let Event::Submitted { user_id, plugin_id, vendor_id, rating, body, installed_version, .. } = review_submitted()
    else {
        panic!("not submitted")
    };
    let title = Personal::Erased;
    let erased = Event::Submitted { user_id, plugin_id, vendor_id, rating, title, body, installed_version };
    given::<Reviews>([erased]).when(write(4, "Good")).then(edited(4, "Good", false));
}

#[test]
fn taking_back_happens_once_and_leaves_room_for_another() {
    given::<Reviews>([]).when(Command::Retract).then_refused(Error::NotFound);
    given::<Reviews>([review_submitted()]).when(Command::Retract).then(retracted());
    given::<Reviews>([review_submitted(), hidden()])
        .when(Command::Retract)
        .then(Event::Retracted { rating: rating(4), hidden: true });
    given::<Reviews>([review_submitted(), retracted()]).when(Command::Retract).then_nothing();
    given::<Reviews>([review_submitted(), retracted()]).when(write(4, "Good")).then(review_submitted());
    let again = live(vec![review_submitted(), replied("Thanks"), hidden(), retracted(), review_submitted()]);
    assert_eq!(again, live(vec![review_submitted()]));
}

#[test]
fn what_is_not_there_is_not_moderated() {
    for command in [hide(), flag(), Command::Unflag, Command::Restore, reply("Thanks")] {
        given::<Reviews>([]).when(command.clone()).then_refused(Error::NotFound);
        given::<Reviews>([review_submitted(), retracted()]).when(command).then_refused(Error::NotFound);
    }
    given::<Reviews>([hidden()]).when(hide()).then_refused(Error::NotFound);
}

#[test]
fn hiding_and_restoring_happen_once_each() {
    given::<Reviews>([review_submitted()]).when(hide()).then(hidden());
    given::<Reviews>([review_submitted(), hidden()]).when(hide()).then_nothing();
    given::<Reviews>([review_submitted(), hidden()]).when(Command::Restore).then(Event::Restored { rating: rating(4) });
    given::<Reviews>([review_submitted()]).when(Command::Restore).then_nothing();
}

#[test]
fn every_report_counts_until_the_review_is_edited_or_restored() {
    given::<Reviews>([review_submitted(), flagged()]).when(flag()).then(flagged());
    given::<Reviews>([review_submitted(), hidden()]).when(flag()).then_nothing();
    let reported = vec![review_submitted(), flagged(), flagged()];
    assert_eq!(live(reported.clone()).flags, 2);
    assert_eq!(live([reported.clone(), vec![edited(5, "Good", false)]].concat()).flags, 0);
    assert_eq!(live([reported, vec![hidden(), Event::Restored { rating: rating(4) }]].concat()).flags, 0);
}

#[test]
fn a_moderator_lets_a_reported_review_stand() {
    let unflagged = |flags| Event::Unflagged { flags };
    let reported = || vec![review_submitted(), flagged(), flagged()];
    given::<Reviews>(reported()).when(Command::Unflag).then(unflagged(2));
    given::<Reviews>([review_submitted()]).when(Command::Unflag).then_nothing();
    given::<Reviews>([reported(), vec![unflagged(2)]].concat()).when(Command::Unflag).then_nothing();
    given::<Reviews>([reported(), vec![hidden()]].concat()).when(Command::Unflag).then_nothing();
    given::<Reviews>([reported(), vec![unflagged(2), flagged()]].concat()).when(Command::Unflag).then(unflagged(1));
}

#[test]
fn the_vendor_answers_and_answers_anew() {
    given::<Reviews>([review_submitted()]).when(reply("Thanks")).then(replied("Thanks"));
    given::<Reviews>([review_submitted(), replied("Thanks")]).when(reply("Thanks")).then_nothing();
    given::<Reviews>([review_submitted(), replied("Thanks")]).when(reply("Fixed")).then(replied("Fixed"));
}

#[test]
fn ratings_are_1_to_5() {
    for stars in 1..=5 {
        assert_eq!(Rating::try_from(stars).map(Rating::stars), Ok(stars));
    }
    assert!(Rating::try_from(0).is_err());
    assert!(Rating::try_from(6).is_err());
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => (1_u8..4, prop::sample::select(vec!["Good", "Bad"])).prop_map(|(stars, title)| write(stars, title)),
        1 => Just(Command::Retract),
        1 => Just(flag()),
        1 => Just(Command::Unflag),
        1 => Just(hide()),
        1 => Just(Command::Restore),
        1 => prop::sample::select(vec!["Thanks", "Fixed"]).prop_map(reply),
    ]
}

proptest! {
    // Two people who report it for one reason say two things, so a report is no command that is given again.
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..30)) {
        decides_nothing_twice::<Reviews>(commands, |command| !matches!(command, Command::Flag { .. }))?;
    }
}
