use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    decider::Decider,
    examples::{
        approved, created, details, digest, id, one_time, plugin_id, rejected, rolled_back, signature, signed,
        submitted, terms, validation_id, vendor_id, version, yanked,
    },
    listing::Kind,
    testing::{decides_nothing_twice, given, state_after},
};

fn create_for(vendor: VendorId) -> Command {
    Command::Create {
        id: plugin_id(),
        vendor,
        name: "Log_Reader".to_owned(),
        details: Box::new(details()),
        pricing: Pricing::Free,
        terms: terms(),
    }
}

fn create() -> Command {
    create_for(vendor_id())
}

fn submit(text: &str, letter: char) -> Command {
    Command::SubmitVersion {
        version: version(text),
        digest: digest(letter),
        size: 1_024,
        manifest: json!({ "name": "Log_Reader", "version": text, "nested": { "list": [1, 2.5, null] } }),
        signature: None,
        stripped: None,
        vendor_may_publish: true,
    }
}

fn approve(text: &str) -> Command {
    Command::ApproveVersion {
        version: version(text),
        validation: ValidationId::of(plugin_id(), &version(text)),
        confidence: Some(96),
        by: DecidedBy::Validation,
        overturns: false,
    }
}

/// A moderator overturns a rejection.
fn overturn(text: &str) -> Command {
    Command::ApproveVersion {
        version: version(text),
        validation: ValidationId::of(plugin_id(), &version(text)),
        confidence: Some(40),
        by: DecidedBy::Moderator,
        overturns: true,
    }
}

fn overturned(text: &str, previous: Option<&str>) -> Event {
    Event::VersionApproved {
        version: version(text),
        digest: digest('a'),
        validation_id: ValidationId::of(plugin_id(), &version(text)),
        confidence: Some(40),
        by: DecidedBy::Moderator,
        previous_version: previous.map(version),
    }
}

fn reject(text: &str) -> Command {
    Command::RejectVersion {
        version: version(text),
        confidence: None,
        by: DecidedBy::Moderator,
        reason: "It does not do what it says.".to_owned(),
    }
}

fn yank(text: &str) -> Command {
    Command::YankVersion { version: version(text), reason: "It loses lines.".to_owned() }
}

fn roll_back(text: &str) -> Command {
    Command::RollBack { version: version(text), reason: "It loses lines.".to_owned() }
}

fn wrong(text: &str, status: ReleaseStatus, wanted: &'static str) -> Error {
    Error::WrongStatus { version: version(text), status, wanted }
}

fn plugin_after(events: Vec<Event>) -> Plugin {
    let State::Created(plugin) = state_after::<Plugins>(events) else { panic!("not created") };
    *plugin
}

#[test]
fn creating_happens_once() {
    given::<Plugins>([]).when(create()).then(created());
    given::<Plugins>([created()]).when(create()).then_nothing();
    given::<Plugins>([created()]).when(create_for(id(77))).then_refused(Error::AlreadyCreated);
}

#[test]
fn an_abandoned_creation_stays_closed() {
    given::<Plugins>([]).when(Command::Abandon).then(Event::Abandoned {});
    given::<Plugins>([Event::Abandoned {}]).when(Command::Abandon).then_nothing();
    given::<Plugins>([Event::Abandoned {}]).when(create()).then_refused(Error::Abandoned);
    given::<Plugins>([Event::Abandoned {}, created()]).when(create()).then_refused(Error::Abandoned);
}

#[test]
fn a_plugin_that_came_to_be_is_never_abandoned_so_its_name_is_never_released() {
    given::<Plugins>([created()]).when(Command::Abandon).then_nothing();
    given::<Plugins>([created(), Event::Abandoned {}]).when(create()).then_nothing();
}

#[test]
fn nothing_can_be_asked_of_a_plugin_that_does_not_exist() {
    given::<Plugins>([]).when(submit("1.0.0", 'a')).then_refused(Error::NotCreated);
    given::<Plugins>([]).when(Command::Reinstate).then_refused(Error::NotCreated);
}

#[test]
fn describing_says_only_what_changed_and_never_another_kind() {
    let other = || Details { summary: "Reads every log.".to_owned(), ..details() };
    let describe = |details| Command::Describe { details: Box::new(details) };
    let described = || Event::Described { details: Box::new(other()) };
    given::<Plugins>([created()]).when(describe(details())).then_nothing();
    given::<Plugins>([created()]).when(describe(other())).then(described());
    given::<Plugins>([created(), described()]).when(describe(other())).then_nothing();
    let another_kind = Details { kind: Kind::Agent, ..details() };
    given::<Plugins>([created()]).when(describe(another_kind)).then_refused(Error::KindChanged);
}

#[test]
fn pricing_names_what_was_before() {
    let price = |pricing, terms| Command::Price { pricing, terms };
    let priced = Event::Priced {
        pricing: one_time(4_900),
        terms: Terms::default(),
        previous_pricing: Pricing::Free,
        previous_terms: terms(),
    };
    given::<Plugins>([created()]).when(price(Pricing::Free, terms())).then_nothing();
    given::<Plugins>([created()]).when(price(one_time(4_900), Terms::default())).then(priced.clone());
    given::<Plugins>([created(), priced]).when(price(one_time(4_900), Terms::default())).then_nothing();
}

#[test]
fn only_a_verified_vendor_publishes() {
    let mut unverified = submit("1.0.0", 'a');
    if let Command::SubmitVersion { vendor_may_publish, .. } = &mut unverified {
        *vendor_may_publish = false;
    }
    given::<Plugins>([created()]).when(unverified).then_refused(Error::VendorMayNotPublish);
    given::<Plugins>([created()]).when(submit("1.0.0", 'a')).then(submitted("1.0.0"));
}

#[test]
fn a_signature_is_kept_with_its_version() {
    let mut with_signature = submit("1.0.0", 'a');
    if let Command::SubmitVersion { signature: slot, .. } = &mut with_signature {
        *slot = Some(signature());
    }
    given::<Plugins>([created()]).when(with_signature).then(signed("1.0.0"));
    let signature_of = |event| plugin_after(vec![created(), event]).versions[&version("1.0.0")].signature.clone();
    assert_eq!(signature_of(signed("1.0.0")), Some(signature()));
    assert_eq!(signature_of(submitted("1.0.0")), None);
}

#[test]
fn what_was_taken_out_of_an_archive_is_told() {
    let what = Stripped { credentials: 2, webhook_ids: 1 };
    let (mut stripped, mut told) = (submit("1.0.0", 'a'), submitted("1.0.0"));
    if let Command::SubmitVersion { stripped: slot, .. } = &mut stripped {
        *slot = Some(what);
    }
    if let Event::VersionSubmitted { stripped: slot, .. } = &mut told {
        *slot = Some(what);
    }
    given::<Plugins>([created()]).when(stripped).then(told);
}

#[test]
fn the_digest_of_a_version_never_changes() {
    let history = || [created(), submitted("1.0.0")];
    given::<Plugins>(history()).when(submit("1.0.0", 'a')).then_nothing();
    given::<Plugins>(history()).when(submit("1.0.0", 'b')).then_refused(Error::DigestChanged(version("1.0.0")));
    let over = [created(), submitted("1.0.0"), rejected("1.0.0")];
    given::<Plugins>(over).when(submit("1.0.0", 'b')).then_refused(Error::DigestChanged(version("1.0.0")));
}

#[test]
fn versions_strictly_increase_by_precedence() {
    let refused =
        |text, greatest: &str| Error::VersionNotIncreasing { submitted: version(text), greatest: version(greatest) };
    let history = || [created(), submitted("1.0.0"), submitted("1.2.0+build.1")];
    for lower in ["0.9.0", "1.1.9", "1.2.0-rc.1", "1.2.0", "1.2.0+build.2"] {
        given::<Plugins>(history()).when(submit(lower, 'a')).then_refused(refused(lower, "1.2.0+build.1"));
    }
    for higher in ["1.2.1-alpha", "1.2.1", "2.0.0-rc.1"] {
        given::<Plugins>(history()).when(submit(higher, 'a')).then(submitted(higher));
    }
    // Also a version that was refused is used up.
    given::<Plugins>([created(), submitted("2.0.0"), rejected("2.0.0")])
        .when(submit("1.9.0", 'a'))
        .then_refused(refused("1.9.0", "2.0.0"));
}

#[test]
fn a_submitted_version_is_approved_once_and_names_the_one_before() {
    let first = [created(), submitted("1.0.0")];
    given::<Plugins>(first).when(approve("1.0.0")).then(approved("1.0.0", None));
    let second = || vec![created(), submitted("1.0.0"), approved("1.0.0", None), submitted("1.1.0")];
    given::<Plugins>(second()).when(approve("1.1.0")).then(approved("1.1.0", Some("1.0.0")));
    given::<Plugins>(second()).when(approve("1.0.0")).then_nothing();
}

#[test]
fn a_version_is_approved_only_after_a_concluded_validation_or_by_a_person() {
    let history = || [created(), submitted("1.0.0")];
    let approve = |validation, confidence, by| {
        let version = version("1.0.0");
        Command::ApproveVersion { version, validation, confidence, by, overturns: false }
    };
    let refused = || Error::NotValidated(version("1.0.0"));
    given::<Plugins>(history()).when(approve(validation_id(), None, DecidedBy::Validation)).then_refused(refused());
    given::<Plugins>(history()).when(approve(id(9), Some(99), DecidedBy::Validation)).then_refused(refused());
    given::<Plugins>(history()).when(approve(validation_id(), None, DecidedBy::Moderator)).then(
        Event::VersionApproved {
            version: version("1.0.0"),
            digest: digest('a'),
            validation_id: validation_id(),
            confidence: None,
            by: DecidedBy::Moderator,
            previous_version: None,
        },
    );
}

#[test]
fn rejected_and_yanked_are_final_but_for_an_appeal() {
    let with = |event| vec![created(), submitted("1.0.0"), event];
    let was_yanked = || vec![created(), submitted("1.0.0"), approved("1.0.0", None), yanked("1.0.0")];
    let rejected_status = ReleaseStatus::Rejected;

    given::<Plugins>([created(), submitted("1.0.0")]).when(reject("1.0.0")).then(rejected("1.0.0"));
    given::<Plugins>(with(rejected("1.0.0"))).when(reject("1.0.0")).then_nothing();
    given::<Plugins>(with(rejected("1.0.0"))).when(approve("1.0.0")).then_refused(wrong(
        "1.0.0",
        rejected_status,
        "approved",
    ));
    given::<Plugins>(with(approved("1.0.0", None))).when(reject("1.0.0")).then_refused(wrong(
        "1.0.0",
        ReleaseStatus::Approved,
        "rejected",
    ));

    given::<Plugins>(with(approved("1.0.0", None))).when(yank("1.0.0")).then(yanked("1.0.0"));
    given::<Plugins>(was_yanked()).when(yank("1.0.0")).then_nothing();
    given::<Plugins>(was_yanked()).when(approve("1.0.0")).then_refused(wrong(
        "1.0.0",
        ReleaseStatus::Yanked,
        "approved",
    ));
    given::<Plugins>([created(), submitted("1.0.0")]).when(yank("1.0.0")).then_refused(wrong(
        "1.0.0",
        ReleaseStatus::Submitted,
        "yanked",
    ));
}

#[test]
fn only_a_moderator_overturns_a_rejection_and_nothing_else() {
    let refused = || vec![created(), submitted("1.0.0"), rejected("1.0.0")];
    given::<Plugins>(refused()).when(overturn("1.0.0")).then(overturned("1.0.0", None));
    let again = refused().into_iter().chain([overturned("1.0.0", None)]);
    given::<Plugins>(again).when(overturn("1.0.0")).then_nothing();
    let mut by_itself = overturn("1.0.0");
    if let Command::ApproveVersion { by, .. } = &mut by_itself {
        *by = DecidedBy::Validation;
    }
    let wanted = "approved";
    given::<Plugins>(refused()).when(by_itself).then_refused(wrong("1.0.0", ReleaseStatus::Rejected, wanted));
    let was_yanked = [created(), submitted("1.0.0"), approved("1.0.0", None), yanked("1.0.0")];
    given::<Plugins>(was_yanked).when(overturn("1.0.0")).then_refused(wrong("1.0.0", ReleaseStatus::Yanked, wanted));
}

#[test]
fn an_older_version_that_comes_back_does_not_become_the_latest() {
    let mut events =
        vec![created(), submitted("1.0.0"), rejected("1.0.0"), submitted("1.1.0"), approved("1.1.0", None)];
    given::<Plugins>(events.clone()).when(overturn("1.0.0")).then(overturned("1.0.0", Some("1.1.0")));
    events.push(overturned("1.0.0", Some("1.1.0")));
    let plugin = plugin_after(events);
    assert_eq!(plugin.versions[&version("1.0.0")].status, ReleaseStatus::Approved);
    assert_eq!(plugin.latest(), Some(&version("1.1.0")));
}

#[test]
fn an_unknown_version_is_named() {
    for command in [approve("3.0.0"), reject("3.0.0"), yank("3.0.0"), roll_back("3.0.0")] {
        given::<Plugins>([created()]).when(command).then_refused(Error::UnknownVersion(version("3.0.0")));
    }
}

#[test]
fn the_latest_version_is_the_highest_approved_a_release_before_a_pre_release() {
    let mut events = vec![created()];
    assert_eq!(plugin_after(events.clone()).latest(), None);
    events.extend([submitted("1.0.0-rc.1"), approved("1.0.0-rc.1", None)]);
    assert_eq!(plugin_after(events.clone()).latest(), Some(&version("1.0.0-rc.1")));
    events.extend([submitted("1.0.0"), approved("1.0.0", Some("1.0.0-rc.1"))]);
    events.extend([submitted("2.0.0-rc.1"), approved("2.0.0-rc.1", Some("1.0.0")), submitted("2.0.0")]);
    assert_eq!(plugin_after(events.clone()).latest(), Some(&version("1.0.0")));
    events.push(yanked("1.0.0"));
    assert_eq!(plugin_after(events.clone()).latest(), Some(&version("2.0.0-rc.1")));
    events.push(rejected("2.0.0"));
    assert_eq!(plugin_after(events).latest(), Some(&version("2.0.0-rc.1")));
}

/// Three approved releases and an approved pre-release of the next.
fn three() -> Vec<Event> {
    let mut events = vec![created()];
    for text in ["1.0.0", "1.1.0", "1.2.0", "2.0.0-rc.1"] {
        events.extend([submitted(text), approved(text, None)]);
    }
    events
}

fn latest_after(more: &[Event]) -> Option<String> {
    plugin_after(three().into_iter().chain(more.iter().cloned()).collect()).latest().map(ToString::to_string)
}

#[test]
fn rolling_back_names_both_versions_and_why() {
    given::<Plugins>(three()).when(roll_back("1.0.0")).then(rolled_back("1.0.0", Some("1.2.0")));
    given::<Plugins>(three()).when(roll_back("1.2.0")).then_refused(Error::AlreadyCurrent(version("1.2.0")));
    given::<Plugins>(three()).when(roll_back("9.0.0")).then_refused(Error::UnknownVersion(version("9.0.0")));
    let after = |event| three().into_iter().chain([event]).collect::<Vec<_>>();
    let refused = |status| wrong("1.0.0", status, "rolled back to");
    given::<Plugins>(after(yanked("1.0.0"))).when(roll_back("1.0.0")).then_refused(refused(ReleaseStatus::Yanked));
    let rejected = [created(), submitted("1.0.0"), rejected("1.0.0")];
    given::<Plugins>(rejected).when(roll_back("1.0.0")).then_refused(refused(ReleaseStatus::Rejected));
    let waits = [created(), submitted("1.0.0")];
    given::<Plugins>(waits).when(roll_back("1.0.0")).then_refused(refused(ReleaseStatus::Submitted));
    given::<Plugins>(after(rolled_back("1.0.0", Some("1.2.0"))))
        .when(roll_back("1.0.0"))
        .then_refused(Error::AlreadyCurrent(version("1.0.0")));
    // Too far back: a version between, or the one before, is an approved version like any other.
    given::<Plugins>(after(rolled_back("1.0.0", Some("1.2.0"))))
        .when(roll_back("1.1.0"))
        .then(rolled_back("1.1.0", Some("1.0.0")));
}

#[test]
fn what_was_rolled_back_stays_so_until_a_higher_version_is_approved() {
    assert_eq!(latest_after(&[]).as_deref(), Some("1.2.0"));
    let back = || rolled_back("1.1.0", Some("1.2.0"));
    assert_eq!(latest_after(&[back()]).as_deref(), Some("1.1.0"));
    assert_eq!(latest_after(&[back(), yanked("1.2.0")]).as_deref(), Some("1.1.0"));
    assert_eq!(latest_after(&[back(), yanked("1.1.0")]).as_deref(), Some("1.0.0"), "never forward by itself");
    assert_eq!(latest_after(&[back(), submitted("1.3.0")]).as_deref(), Some("1.1.0"));
    let approved_later = [back(), submitted("1.3.0"), approved("1.3.0", Some("1.1.0"))];
    assert_eq!(latest_after(&approved_later).as_deref(), Some("1.3.0"));
    let submitted_before = [submitted("1.3.0"), back(), approved("1.3.0", Some("1.1.0"))];
    assert_eq!(latest_after(&submitted_before).as_deref(), Some("1.3.0"));
    let only_a_pre_release = [back(), submitted("2.0.0-rc.2"), approved("2.0.0-rc.2", Some("1.1.0"))];
    assert_eq!(latest_after(&only_a_pre_release).as_deref(), Some("1.1.0"), "a release comes before any pre-release");
    let forward = [back(), rolled_back("1.2.0", Some("1.1.0"))];
    assert_eq!(latest_after(&forward).as_deref(), Some("1.2.0"));
}

#[test]
fn a_version_that_was_rolled_back_still_installs() {
    let plugin = plugin_after(three().into_iter().chain([rolled_back("1.0.0", Some("1.2.0"))]).collect());
    assert_eq!(plugin.versions[&version("1.2.0")].status, ReleaseStatus::Approved);
    assert!(plugin.versions[&version("1.2.0")].rolled_back && !plugin.versions[&version("1.0.0")].rolled_back);
}

#[test]
fn suspending_and_reinstating_happen_once_each() {
    let suspend = || Command::Suspend { reason: "Under review.".to_owned() };
    let suspended = || Event::Suspended { reason: "Under review.".to_owned() };
    given::<Plugins>([created()]).when(suspend()).then(suspended());
    given::<Plugins>([created(), suspended()]).when(suspend()).then_nothing();
    given::<Plugins>([created(), suspended()]).when(Command::Reinstate).then(Event::Reinstated {});
    given::<Plugins>([created(), suspended(), Event::Reinstated {}]).when(Command::Reinstate).then_nothing();
}

#[test]
fn an_end_is_announced_and_can_be_worded_anew() {
    let deprecate = |message: &str| Command::Deprecate { message: message.to_owned() };
    let deprecated = |message: &str| Event::Deprecated { message: message.to_owned() };
    given::<Plugins>([created()]).when(deprecate("Use A.")).then(deprecated("Use A."));
    given::<Plugins>([created(), deprecated("Use A.")]).when(deprecate("Use A.")).then_nothing();
    given::<Plugins>([created(), deprecated("Use A.")]).when(deprecate("Use B.")).then(deprecated("Use B."));
}

#[test]
fn a_transfer_names_both_vendors() {
    let transferred = Event::Transferred { from_vendor_id: vendor_id(), to_vendor_id: id(12) };
    let transfer = |vendor| Command::Transfer { vendor };
    given::<Plugins>([created()]).when(transfer(vendor_id())).then_nothing();
    given::<Plugins>([created()]).when(transfer(id(12))).then(transferred.clone());
    given::<Plugins>([created(), transferred]).when(transfer(id(12))).then_nothing();
}

#[test]
fn an_event_of_an_unknown_version_changes_nothing() {
    assert!(plugin_after(vec![created(), approved("1.0.0", None)]).versions.is_empty());
}

fn command() -> impl Strategy<Value = Command> {
    let text = || prop::sample::select(vec!["1.0.0-rc.1", "1.0.0", "1.0.1+a", "1.0.1+b", "2.0.0"]);
    prop_oneof![
        2 => Just(create()),
        1 => Just(Command::Abandon),
        1 => (0_u32..3).prop_map(|n| Command::Describe {
            details: Box::new(Details { setup_minutes: Some(n), ..details() })
        }),
        1 => (1_i64..3).prop_map(|n| Command::Price { pricing: one_time(n), terms: terms() }),
        4 => (text(), prop::sample::select(vec!['a', 'b'])).prop_map(|(text, letter)| submit(text, letter)),
        3 => text().prop_map(approve),
        1 => text().prop_map(reject),
        1 => text().prop_map(overturn),
        1 => text().prop_map(yank),
        2 => text().prop_map(roll_back),
        1 => Just(Command::Suspend { reason: "Under review.".to_owned() }),
        1 => Just(Command::Reinstate),
        1 => (0_u8..2).prop_map(|n| Command::Deprecate { message: n.to_string() }),
        1 => (2_u128..4).prop_map(|n| Command::Transfer { vendor: id(n) }),
    ]
}

proptest! {
    #[test]
    fn the_same_command_again_decides_nothing(commands in prop::collection::vec(command(), 0..40)) {
        decides_nothing_twice::<Plugins>(commands, |_| true)?;
    }

    #[test]
    fn no_two_versions_have_the_same_precedence(commands in prop::collection::vec(command(), 0..40)) {
        if let State::Created(plugin) = decides_nothing_twice::<Plugins>(commands, |_| true)? {
            let versions: Vec<_> = plugin.versions.keys().collect();
            prop_assert!(versions.windows(2).all(|pair| pair[0].cmp_precedence(pair[1]).is_lt()));
        }
    }
}

proptest! {
    #[test]
    fn whoever_rolled_back_last_decides(commands in prop::collection::vec(command(), 0..40), text in prop::sample::select(vec!["1.0.0", "1.0.1+a", "2.0.0"])) {
        if let State::Created(plugin) = decides_nothing_twice::<Plugins>(commands, |_| true)? {
            let state = State::Created(plugin);
            if let Ok(events) = Plugins::decide(&state, roll_back(text)) {
                let State::Created(plugin) = events.iter().fold(state, Plugins::evolve) else { return Ok(()) };
                prop_assert_eq!(plugin.latest(), Some(&version(text)));
            }
        }
    }
}

#[test]
fn a_refusal_says_where_the_version_stands() {
    for (status, message) in [
        (ReleaseStatus::Submitted, "version 1.0.0 is submitted and cannot be yanked"),
        (ReleaseStatus::Approved, "version 1.0.0 is approved and cannot be yanked"),
        (ReleaseStatus::Rejected, "version 1.0.0 is rejected and cannot be yanked"),
        (ReleaseStatus::Yanked, "version 1.0.0 is yanked and cannot be yanked"),
    ] {
        assert_eq!(wrong("1.0.0", status, "yanked").to_string(), message);
    }
}
