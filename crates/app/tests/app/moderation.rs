//! Moderators' rulings and vendors' appeals.

use std::sync::Arc;

use souk_app::{
    App, AppError, export,
    history::{self, Entry},
    installs,
    plugins::{self, PluginRef},
    reviews::{self, WriteReview},
    vendors,
};
use souk_domain::{
    id::UserId,
    listing::Pricing,
    plugin::{Plugin, ReleaseStatus},
    stream::{Category, StreamId},
    user::Role,
    validation::{Ruling, Verdict},
};
use souk_ports::store::ReactionStore;
use souk_testkit::{Fault, FaultyLog};

use crate::support::{World, answer, reason, ruling};

/// A version that the pipeline left to a human.
struct Case {
    world: World,
    app: Arc<App>,
    owner: UserId,
    moderator: UserId,
    plugin: Plugin,
}

impl Case {
    async fn new() -> Self {
        let world = World::new();
        let app = world.app();
        let (owner, _) = world.vendor(&app, "acme").await;
        let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
        let submitted = world.submit(&app, owner, plugin.id, "1.0.0").await;
        world.conclude(plugin.id, &submitted.value.version, &submitted.value.release.digest).await;
        let moderator = world.user(&app, "mo").await;
        Self { world, app, owner, moderator, plugin }
    }

    fn version() -> semver::Version {
        semver::Version::new(1, 0, 0)
    }

    fn id(&self) -> PluginRef {
        PluginRef::Id(self.plugin.id)
    }

    async fn judge_on(&self, app: &App, ruling: &Ruling) -> Result<bool, AppError> {
        let ctx = self.world.as_role(self.moderator, Role::Moderator);
        plugins::judge(app, &ctx, &self.id(), &Self::version(), ruling).await.map(|done| done.changed)
    }

    async fn judge(&self, ruling: &Ruling) -> Result<bool, AppError> {
        self.judge_on(&self.app, ruling).await
    }

    async fn appeal(&self, reason: &str) -> Result<bool, AppError> {
        let ctx = self.world.as_user(self.owner);
        plugins::appeal(&self.app, &ctx, &self.id(), &Self::version(), reason).await.map(|done| done.changed)
    }

    async fn status(&self) -> ReleaseStatus {
        plugins::get(&self.app, &self.id()).await.unwrap().value.versions[&Self::version()].status
    }

    async fn settle(&self) {
        let running = self.world.react(&self.app);
        running.settle(&self.world).await;
        running.stop().await;
        assert!(self.world.store.parked(None).await.unwrap().is_empty());
    }

    /// Rules through a process that dies behind the ruling, before the plugin hears of it.
    async fn judge_and_die(&self, ruling: &Ruling) {
        let log = FaultyLog::new(Arc::new(self.world.memory.clone()));
        log.plan([Fault::Pass].into_iter().chain(std::iter::repeat_n(Fault::LostBefore, 1_000)));
        let dying = self.world.app_on(Arc::new(log));
        let lost = self.judge_on(&dying, ruling).await.unwrap_err();
        assert_eq!(lost.code(), "unavailable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ruling_that_was_cut_short_is_completed() {
    for (verdict, status) in [(Verdict::Approve, ReleaseStatus::Approved), (Verdict::Reject, ReleaseStatus::Rejected)] {
        let case = Case::new().await;
        case.judge_and_die(&ruling(verdict)).await;
        assert_eq!((case.world.count("validation.adjudicated"), case.status().await), (1, ReleaseStatus::Submitted));
        case.settle().await;
        assert_eq!(case.status().await, status);
        assert!(!case.judge(&ruling(verdict)).await.unwrap(), "the same again changes nothing");
        case.settle().await;
        let decided = case.world.count("plugin.version_approved") + case.world.count("plugin.version_rejected");
        assert_eq!((case.world.count("validation.adjudicated"), decided), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_overturned_rejection_that_was_cut_short_is_completed() {
    let case = Case::new().await;
    case.judge(&ruling(Verdict::Reject)).await.unwrap();
    case.appeal("It is harmless.").await.unwrap();
    case.judge_and_die(&answer(Verdict::Approve)).await;
    assert_eq!(case.status().await, ReleaseStatus::Rejected);
    // Also the first ruling is answered now, and must not undo the second.
    case.settle().await;
    assert_eq!(case.status().await, ReleaseStatus::Approved);
    assert_eq!(case.world.count("plugin.version_approved"), 1);
}

#[tokio::test]
async fn an_appeal_overturns_or_upholds_and_its_answer_is_final() {
    for (verdict, status) in [(Verdict::Approve, ReleaseStatus::Approved), (Verdict::Reject, ReleaseStatus::Rejected)] {
        let case = Case::new().await;
        assert_eq!(reason(&case.appeal("It is harmless.").await.unwrap_err()), "not_rejected");
        assert_eq!(reason(&case.judge(&answer(verdict)).await.unwrap_err()), "not_appealed");
        case.judge(&ruling(Verdict::Reject)).await.unwrap();
        assert_eq!(case.status().await, ReleaseStatus::Rejected);
        assert!(case.appeal("It is harmless.").await.unwrap());
        assert!(!case.appeal("It is harmless.").await.unwrap());
        assert_eq!(reason(&case.appeal("Look again.").await.unwrap_err()), "already_appealed");
        assert_eq!(case.status().await, ReleaseStatus::Rejected, "an appeal alone changes nothing");
        assert_eq!(reason(&case.judge(&ruling(Verdict::Approve)).await.unwrap_err()), "appeal_open");

        assert!(case.judge(&answer(verdict)).await.unwrap());
        assert_eq!(case.status().await, status);
        assert!(!case.judge(&answer(verdict)).await.unwrap());
        let other = if verdict == Verdict::Approve { Verdict::Reject } else { Verdict::Approve };
        assert_eq!(reason(&case.judge(&answer(other)).await.unwrap_err()), "already_adjudicated");
        let user = case.world.user(&case.app, "ann").await;
        let installed = installs::install(&case.app, &case.world.as_user(user), &case.id(), None).await;
        assert_eq!(installed.is_ok(), verdict == Verdict::Approve, "{installed:?}");
    }
}

#[tokio::test]
async fn what_the_pipeline_rejected_is_appealed_as_well() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    // It is no archive at all.
    world.submit(&app, owner, plugin.id, "1.0.0").await;
    let running = world.react(&app);
    running.settle(&world).await;
    running.stop().await;
    let (id, version) = (PluginRef::Id(plugin.id), "1.0.0".parse().unwrap());
    assert_eq!((world.count("validation.escalated"), world.count("plugin.version_rejected")), (0, 1));
    let unheard = plugins::judge(&app, &world.operator(), &id, &version, &ruling(Verdict::Approve)).await;
    assert_eq!(reason(&unheard.unwrap_err()), "validation_state");
    plugins::appeal(&app, &world.as_user(owner), &id, &version, "It is one.").await.unwrap();
    plugins::judge(&app, &world.operator(), &id, &version, &answer(Verdict::Approve)).await.unwrap();
    let latest = plugins::get(&app, &id).await.unwrap().value.latest().cloned();
    assert_eq!(latest, Some(version));
}

#[tokio::test]
async fn only_the_vendor_appeals_and_no_moderator_decides_about_their_own() {
    let case = Case::new().await;
    let (app, world, id, version) = (&case.app, &case.world, case.id(), Case::version());
    let owner = world.as_role(case.owner, Role::Moderator);
    let refused = plugins::judge(app, &owner, &id, &version, &ruling(Verdict::Approve)).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    assert_eq!(world.count("validation.adjudicated"), 0);
    case.judge(&ruling(Verdict::Reject)).await.unwrap();
    let stranger = world.as_role(case.moderator, Role::Moderator);
    let refused = plugins::appeal(app, &stranger, &id, &version, "Why?").await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let unknown = plugins::appeal(app, &world.as_user(case.owner), &id, &"9.0.0".parse().unwrap(), "Why?").await;
    assert_eq!(unknown.unwrap_err(), AppError::NotFound("this version"));
    for reason in [" ", &"x".repeat(5_001)] {
        assert_eq!(case.appeal(reason).await.unwrap_err().code(), "validation_failed");
    }
    assert!(case.appeal(&"x".repeat(5_000)).await.unwrap());
    // Who runs a marketplace may be alone in it.
    let alone = world.as_role(case.owner, Role::Admin);
    plugins::judge(app, &alone, &id, &version, &answer(Verdict::Approve)).await.unwrap();
}

#[tokio::test]
async fn nothing_of_a_suspended_vendor_is_approved() {
    let case = Case::new().await;
    let (app, vendor) = (&case.app, case.plugin.vendor);
    vendors::suspend(app, &case.world.operator(), vendor, "It sells what is not its own.").await.unwrap();
    assert_eq!(reason(&case.judge(&ruling(Verdict::Approve)).await.unwrap_err()), "vendor_not_verified");
    assert_eq!(case.world.count("validation.adjudicated"), 0);
    assert!(case.judge(&ruling(Verdict::Reject)).await.unwrap());
}

#[tokio::test]
async fn why_a_vendor_appeals_is_not_for_everyone() {
    let case = Case::new().await;
    case.judge(&ruling(Verdict::Reject)).await.unwrap();
    case.appeal("Our customers at Example need it.").await.unwrap();
    let (app, world) = (&case.app, &case.world);
    let read = async |viewer| {
        let page = history::page(app, &viewer, &case.id(), 0, 100, 0).await.unwrap();
        let appealed = |entry: &Entry| entry.event_type == "validation.appealed";
        page.items.into_iter().find(appealed).unwrap().data
    };
    assert_eq!(read(world.anonymous()).await, serde_json::json!({ "version": "1.0.0" }));
    let vendor = read(world.as_user(case.owner)).await;
    assert_eq!(vendor["reason"], "Our customers at Example need it.");
    assert!(plugins::reads_appeals(app, &world.as_user(case.owner), &case.id()).await.unwrap());
    assert!(plugins::reads_appeals(app, &world.as_role(case.moderator, Role::Moderator), &case.id()).await.unwrap());
    assert!(!plugins::reads_appeals(app, &world.as_user(case.moderator), &case.id()).await.unwrap());
    assert!(!plugins::reads_appeals(app, &world.anonymous(), &case.id()).await.unwrap());
}

#[tokio::test]
async fn a_reported_review_is_let_stand_once() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", Pricing::Free).await;
    let (id, user) = (PluginRef::Id(plugin.id), world.user(&app, "ann").await);
    installs::install(&app, &world.as_user(user), &id, None).await.unwrap();
    let review = WriteReview { rating: 1, title: "Bad".into(), body: "It is bad.".into() };
    let review = reviews::put(&app, &world.as_user(user), &id, review).await.unwrap().value.id;
    reviews::flag(&app, &world.as_user(owner), &id, review, "I do not like it.").await.unwrap();
    // The author is given everything about the review but why somebody reported it.
    for (who, types) in [(user, vec!["review.submitted"]), (owner, vec!["review.submitted", "review.flagged"])] {
        let events = export::events_of(&app, &world.as_user(who), &[StreamId::of(Category::Review, review)]).await;
        assert_eq!(events.unwrap().iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>(), types);
    }
    let own = reviews::unflag(&app, &world.as_role(owner, Role::Moderator), &id, review).await.unwrap_err();
    assert_eq!(own.code(), "forbidden");
    let own = reviews::hide(&app, &world.as_role(owner, Role::Moderator), &id, review, "No.").await.unwrap_err();
    assert_eq!(own.code(), "forbidden");
    assert!(reviews::unflag(&app, &world.operator(), &id, review).await.unwrap().changed);
    assert!(!reviews::unflag(&app, &world.operator(), &id, review).await.unwrap().changed);
}
