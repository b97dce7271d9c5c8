//! Plugins, installations, reviews, orders and licenses.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::json;
use souk_app::{
    App, AppError, installs, licenses,
    orders::{self, Checkout, RecordPayment},
    plugins::{self, Amend, PluginRef, SubmitVersion},
    reviews::{self, WriteReview},
    vendors::{self, RegisterVendor},
};
use souk_domain::{
    id::{LicenseId, PluginId, ReviewId, UserId},
    license::License,
    listing::{Kind, Pricing, Terms},
    order::{Gateway, Order},
    plugin::ReleaseStatus,
    user::Role,
    validation::Verdict,
};

use crate::support::{World, listing, paid, reason, ruling, submission};

fn review(rating: u8) -> WriteReview {
    WriteReview { rating, title: "Fine".into(), body: "It is fine.".into() }
}

fn payment(reference: &str) -> RecordPayment {
    RecordPayment { reference: reference.into(), amount: None, currency: None }
}

async fn pay(world: &World, app: &App, buyer: UserId, plugin: PluginId) -> Order {
    let order = orders::place(app, &world.as_user(buyer), &plugin.into(), Gateway::Manual).await.unwrap().value;
    orders::record_payment(app, &world.operator(), order.id, payment("transfer 1")).await.unwrap().value
}

/// A license that the reactions issued.
async fn license(world: &World, app: &std::sync::Arc<App>, buyer: UserId, plugin: PluginId) -> License {
    let order = pay(world, app, buyer, plugin).await;
    let running = world.react(app);
    running.settle(world).await;
    running.stop().await;
    licenses::get(app, &world.as_user(buyer), LicenseId::of(order.id)).await.unwrap().value
}

#[tokio::test]
async fn a_plugin_is_found_by_id_and_by_any_spelling_of_its_name() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "My.Tool", Pricing::Free).await;
    for name in ["My.Tool", "my-tool", "MY_TOOL", &plugin.id.to_string()] {
        assert_eq!(plugins::get(&app, &PluginRef::from(name)).await.unwrap().value.id, plugin.id);
    }
    for name in ["other", "no name at all", "00000000-0000-0000-0000-000000000000", "a\0"] {
        let unknown = plugins::get(&app, &PluginRef::from(name)).await.unwrap_err();
        assert_eq!(unknown, AppError::NotFound("this plugin"));
    }
}

#[tokio::test]
async fn who_has_a_name_is_believed_of_its_own_stream_only() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "My.Tool", Pricing::Free).await.id;
    let other = world.plugin(&app, owner, "other-tool", Pricing::Free).await.id;
    let likely = |name: &str, id| PluginRef::Likely(name.to_owned(), id);
    // A process that remembers nothing reads one stream for what was suggested rightly, instead of two.
    let fresh = world.app();
    let before = world.log.reads();
    assert_eq!(plugins::get(&fresh, &likely("my-tool", plugin)).await.unwrap().value.id, plugin);
    assert_eq!(world.log.reads() - before, 1);
    for wrong in [other, PluginId::new(uuid::Uuid::nil())] {
        assert_eq!(plugins::get(&app, &likely("my-tool", wrong)).await.unwrap().value.id, plugin);
    }
    for id in [plugin, other, PluginId::new(uuid::Uuid::nil())] {
        let unknown = plugins::get(&app, &likely("no-tool", id)).await.unwrap_err();
        assert_eq!(unknown, AppError::NotFound("this plugin"));
    }
}

#[tokio::test]
async fn amending_changes_what_is_given_and_nothing_else() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let amend = Amend { summary: Some("Better.".into()), pricing: Some(paid()), ..Amend::default() };
    let ctx = world.as_user(owner);
    let done = plugins::amend(&app, &ctx, &plugin.id.into(), amend.clone()).await.unwrap();
    assert_eq!(done.value.details.summary, "Better.");
    assert_eq!(done.value.details.description, plugin.details.description);
    assert_eq!((done.value.pricing, done.value.terms), (paid(), plugin.terms));
    assert_eq!(done.position, world.memory.events().len() as u64);
    let again = plugins::amend(&app, &ctx, &plugin.id.into(), amend).await.unwrap();
    assert_eq!((again.position, again.changed), (done.position, true));
    assert_eq!((world.count("plugin.described"), world.count("plugin.priced")), (1, 1));

    let nothing = plugins::amend(&app, &world.as_user(owner), &plugin.id.into(), Amend::default()).await.unwrap();
    assert!(!nothing.changed);
    let wrong = Amend { kind: Some(Kind::Skill), summary: Some(String::new()), ..Amend::default() };
    let Err(AppError::Invalid(fields)) = plugins::amend(&app, &world.as_user(owner), &plugin.id.into(), wrong).await
    else {
        panic!("it was taken")
    };
    assert_eq!(fields.0.iter().map(|field| field.field.as_str()).collect::<Vec<_>>(), ["kind", "summary"]);
}

#[tokio::test]
async fn only_the_owner_and_admins_change_a_plugin() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let (stranger, second) = world.vendor(&app, "other").await;
    let plugin = PluginRef::Id(world.plugin(&app, owner, "tool", Pricing::Free).await.id);
    for (ctx, code) in [
        (world.as_user(stranger), "forbidden"),
        (world.as_role(stranger, Role::Moderator), "forbidden"),
        (world.anonymous(), "unauthorized"),
    ] {
        assert_eq!(plugins::deprecate(&app, &ctx, &plugin, "end").await.unwrap_err().code(), code);
        assert_eq!(plugins::submit_version(&app, &ctx, &plugin, submission("1.0.0")).await.unwrap_err().code(), code);
        assert_eq!(plugins::amend(&app, &ctx, &plugin, Amend::default()).await.unwrap_err().code(), code);
    }
    plugins::deprecate(&app, &world.as_role(stranger, Role::Admin), &plugin, "end").await.unwrap();
    let refused = plugins::transfer(&app, &world.as_user(owner), &plugin, second.id).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let given = plugins::transfer(&app, &world.operator(), &plugin, second.id).await.unwrap().value;
    assert_eq!(given.vendor, second.id);
    plugins::deprecate(&app, &world.as_user(stranger), &plugin, "mine now").await.unwrap();
}

#[tokio::test]
async fn only_verified_vendors_hand_versions_in() {
    let world = World::new();
    let app = world.app();
    let owner = world.user(&app, "ann").await;
    let input = RegisterVendor { name: "Acme".into(), slug: "acme".into(), owner: None };
    let vendor = vendors::register(&app, &world.as_user(owner), input).await.unwrap().value;
    let plugin = PluginRef::Id(world.plugin(&app, owner, "tool", Pricing::Free).await.id);
    let refused = plugins::submit_version(&app, &world.as_user(owner), &plugin, submission("1.0.0")).await.unwrap_err();
    assert_eq!(refused, AppError::Forbidden("only a verified vendor publishes"));
    // Verified by another process, while this one remembers otherwise.
    vendors::verify(&world.app(), &world.operator(), vendor.id).await.unwrap();
    plugins::submit_version(&app, &world.as_user(owner), &plugin, submission("1.0.0")).await.unwrap();
}

#[tokio::test]
async fn versions_grow_and_their_bytes_never_change() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let done = world.submit(&app, owner, plugin.id, "1.1.0").await;
    assert_eq!(done.value.release.status, ReleaseStatus::Submitted);
    assert!(!world.submit(&app, owner, plugin.id, "1.1.0").await.changed);
    let other = SubmitVersion { artifact: Bytes::from_static(b"other"), ..submission("1.1.0") };
    let refused = plugins::submit_version(&app, &world.as_user(owner), &plugin.id.into(), other).await.unwrap_err();
    assert_eq!(reason(&refused), "digest_changed");
    let ctx = world.as_user(owner);
    let refused = plugins::submit_version(&app, &ctx, &plugin.id.into(), submission("1.0.9")).await.unwrap_err();
    assert_eq!(reason(&refused), "version_not_increasing");
}

#[tokio::test]
async fn a_manifest_that_could_hurt_the_log_is_refused() {
    let world = World::new();
    let app = world.app_with(|settings| settings.max_artifact = 10);
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let manifests = [
        json!({ "version": "1.0.0", "x": "a\0b" }),
        json!({ "version": "1.0.0", "a\0b": 1 }),
        json!({ "version": "1.0.0", "x": { "$enc": 1 } }),
        json!({ "version": "1.0.0", "x": [{ "$personal": { "subject": owner, "text": "x" } }] }),
        json!({ "version": "1.0.0", "x": deep }),
        json!({ "version": "1.0.0", "x": "x".repeat(200_000) }),
        json!({ "version": "one" }),
        json!({ "version": 1 }),
        json!("1.0.0"),
    ];
    for manifest in manifests {
        let input = SubmitVersion { manifest, artifact: Bytes::from_static(b"x"), signature: None };
        let refused = plugins::submit_version(&app, &world.as_user(owner), &plugin.id.into(), input).await;
        assert_eq!(refused.unwrap_err().code(), "validation_failed");
    }
    for artifact in [Bytes::new(), Bytes::from_static(b"eleven byte")] {
        let input = SubmitVersion { artifact, ..submission("1.0.0") };
        let refused = plugins::submit_version(&app, &world.as_user(owner), &plugin.id.into(), input).await;
        assert_eq!(refused.unwrap_err().code(), "validation_failed");
    }
    assert_eq!(world.count("plugin.version_submitted"), 0);
}

#[tokio::test]
async fn a_moderator_judges_only_what_was_validated() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    world.submit(&app, owner, plugin.id, "1.0.0").await;
    let (id, version) = (PluginRef::Id(plugin.id), "1.0.0".parse().unwrap());
    let (yes, no) = (ruling(Verdict::Approve), ruling(Verdict::Reject));
    let refused = plugins::judge(&app, &world.as_user(owner), &id, &version, &yes).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let refused = plugins::judge(&app, &world.operator(), &id, &version, &yes).await.unwrap_err();
    assert_eq!(reason(&refused), "validation_not_concluded");
    world.approve(&app, plugin.id, "1.0.0").await;
    assert_eq!((world.count("validation.adjudicated"), world.count("plugin.version_approved")), (1, 1));
    let again = plugins::judge(&app, &world.operator(), &id, &version, &yes).await.unwrap();
    assert!(!again.changed);
    let refused = plugins::judge(&app, &world.operator(), &id, &version, &no).await.unwrap_err();
    assert_eq!(reason(&refused), "wrong_status");
    let unknown = plugins::judge(&app, &world.operator(), &id, &"9.0.0".parse().unwrap(), &yes).await.unwrap_err();
    assert_eq!(unknown, AppError::NotFound("this version"));
}

#[tokio::test]
async fn what_installs_is_approved_unyanked_and_in_the_shop() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", Pricing::Free).await;
    let id = PluginRef::Id(plugin.id);
    let user = world.user(&app, "ann").await;
    world.submit(&app, owner, plugin.id, "2.0.0").await;
    let install = async |version: Option<&str>| {
        installs::install(&app, &world.as_user(user), &id, version.map(|version| version.parse().unwrap())).await
    };
    assert_eq!(reason(&install(Some("2.0.0")).await.unwrap_err()), "version_not_approved");
    assert_eq!(install(Some("3.0.0")).await.unwrap_err(), AppError::NotFound("this version"));
    let done = install(None).await.unwrap();
    assert_eq!(
        (done.value.version.to_string(), done.wrote.as_deref()),
        ("1.0.0".into(), Some("installation.installed"))
    );
    world.approve(&app, plugin.id, "2.0.0").await;
    let done = install(None).await.unwrap();
    assert_eq!(
        (done.value.version.to_string(), done.wrote.as_deref()),
        ("2.0.0".into(), Some("installation.upgraded"))
    );
    assert_eq!(install(None).await.unwrap().wrote, None);

    plugins::yank(&app, &world.as_user(owner), &id, &"2.0.0".parse().unwrap(), "broken").await.unwrap();
    assert_eq!(reason(&install(Some("2.0.0")).await.unwrap_err()), "version_not_approved");
    plugins::suspend(&app, &world.operator(), &id, "stolen").await.unwrap();
    assert_eq!(reason(&install(None).await.unwrap_err()), "plugin_suspended");
    plugins::reinstate(&app, &world.operator(), &id).await.unwrap();

    installs::uninstall(&app, &world.as_user(user), &id).await.unwrap();
    let stranger = installs::uninstall(&app, &world.as_user(owner), &id).await.unwrap_err();
    assert_eq!(stranger.code(), "not_found");
    let nobody = installs::install(&app, &world.anonymous(), &id, None).await.unwrap_err();
    assert_eq!(nobody.code(), "unauthorized");
}

#[tokio::test]
async fn a_review_needs_an_installation_and_another_vendor() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let id = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    let refused = reviews::put(&app, &world.as_user(user), &id, review(5)).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");
    installs::install(&app, &world.as_user(owner), &id, None).await.unwrap();
    let refused = reviews::put(&app, &world.as_user(owner), &id, review(5)).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");

    // Installed by another process, and taken off again: whoever had it may speak.
    let there = world.app();
    installs::install(&there, &world.as_user(user), &id, None).await.unwrap();
    installs::uninstall(&there, &world.as_user(user), &id).await.unwrap();
    let first = reviews::put(&app, &world.as_user(user), &id, review(5)).await.unwrap();
    assert_eq!(first.wrote.as_deref(), Some("review.submitted"));
    // The same words again are nothing new, also for a process that reads them sealed.
    assert!(!reviews::put(&there, &world.as_user(user), &id, review(5)).await.unwrap().changed);
    let edited = reviews::put(&there, &world.as_user(user), &id, review(2)).await.unwrap();
    assert_eq!(edited.wrote.as_deref(), Some("review.edited"));
    for rating in [0, 6] {
        let refused = reviews::put(&app, &world.as_user(user), &id, review(rating)).await.unwrap_err();
        assert_eq!(refused.code(), "validation_failed");
    }
    reviews::retract(&app, &world.as_user(user), &id).await.unwrap();
    let gone = reviews::retract(&app, &world.as_user(owner), &id).await.unwrap_err();
    assert_eq!(gone.code(), "not_found");
    let anew = reviews::put(&app, &world.as_user(user), &id, review(3)).await.unwrap();
    assert_eq!(anew.wrote.as_deref(), Some("review.submitted"));
}

#[tokio::test]
async fn reviews_are_flagged_by_users_hidden_by_moderators_and_answered_by_vendors() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let id = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let other = PluginRef::Id(world.published(&app, owner, "other", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    installs::install(&app, &world.as_user(user), &id, None).await.unwrap();
    let written = reviews::put(&app, &world.as_user(user), &id, review(1)).await.unwrap().value.id;
    reviews::flag(&app, &world.as_user(owner), &id, written, "rude").await.unwrap();
    let elsewhere = reviews::flag(&app, &world.as_user(owner), &other, written, "rude").await.unwrap_err();
    assert_eq!(elsewhere, AppError::NotFound("this review"));
    let refused = reviews::hide(&app, &world.as_user(owner), &id, written, "rude").await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let moderator = world.as_role(user, Role::Moderator);
    assert!(reviews::hide(&app, &moderator, &id, written, "rude").await.unwrap().value.review.hidden);
    let moderator = world.as_role(user, Role::Moderator);
    assert!(!reviews::restore(&app, &moderator, &id, written).await.unwrap().value.review.hidden);
    let refused = reviews::reply(&app, &world.as_user(user), &id, written, "thanks").await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let replied = reviews::reply(&app, &world.as_user(owner), &id, written, "thanks").await.unwrap().value;
    assert_eq!(replied.review.reply.as_deref(), Some("thanks"));
    assert_eq!(replied.review.title.text(), Some("Fine"));
    let nobody = ReviewId::of(owner, PluginId::new(uuid::Uuid::nil()));
    assert_eq!(reviews::reply(&app, &world.as_user(owner), &id, nobody, "x").await.unwrap_err().code(), "not_found");
}

#[tokio::test]
async fn an_order_is_paid_once_at_its_price() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let free = world.published(&app, owner, "free", Pricing::Free).await;
    let draft = world.plugin(&app, owner, "draft", paid()).await;
    let (buyer, stranger) = (world.user(&app, "ann").await, world.user(&app, "bob").await);
    let place =
        async |plugin: PluginId| orders::place(&app, &world.as_user(buyer), &plugin.into(), Gateway::Manual).await;
    assert_eq!(reason(&place(free.id).await.unwrap_err()), "plugin_is_free");
    assert_eq!(reason(&place(draft.id).await.unwrap_err()), "not_available");
    let order = place(plugin.id).await.unwrap().value;
    let next = orders::checkout(&app, &world.as_user(buyer), &order).await.unwrap();
    assert_eq!(next, Some(Checkout::Manual { reference: order.id.uuid() }));
    assert_eq!(orders::get(&app, &world.as_user(stranger), order.id).await.unwrap_err().code(), "forbidden");
    assert_eq!(orders::get(&app, &world.as_user(buyer), order.id).await.unwrap().value.placed_at, order.placed_at);

    let refused = orders::record_payment(&app, &world.as_user(buyer), order.id, payment("t1")).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    let short = RecordPayment { amount: Some(4_899), ..payment("t1") };
    let refused = orders::record_payment(&app, &world.operator(), order.id, short).await.unwrap_err();
    assert_eq!(reason(&refused), "payment_mismatch");
    assert!(orders::record_payment(&app, &world.operator(), order.id, payment("t1")).await.unwrap().changed);
    assert!(!orders::record_payment(&app, &world.operator(), order.id, payment("t1")).await.unwrap().changed);
    let refused = orders::record_payment(&app, &world.operator(), order.id, payment("t2")).await.unwrap_err();
    assert_eq!(reason(&refused), "already_paid");

    assert_eq!(orders::refund(&app, &world.operator(), order.id, Some(900), "part").await.unwrap().value.refunded, 900);
    let refused = orders::refund(&app, &world.operator(), order.id, Some(4_001), "much").await.unwrap_err();
    assert_eq!(reason(&refused), "refund_too_large");
    let refused = orders::refund(&app, &world.operator(), order.id, Some(0), "none").await.unwrap_err();
    assert_eq!(refused.code(), "validation_failed");
    assert_eq!(orders::refund(&app, &world.operator(), order.id, None, "rest").await.unwrap().value.refunded, 4_900);
}

#[tokio::test]
async fn a_paid_plugin_needs_a_license_that_is_good_now() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let id = PluginRef::Id(plugin.id);
    let (buyer, stranger) = (world.user(&app, "ann").await, world.user(&app, "bob").await);
    let refused = installs::install(&app, &world.as_user(buyer), &id, None).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");
    let license = license(&world, &app, buyer, plugin.id).await;
    world.directory.lags.store(true, Ordering::SeqCst);
    let done = installs::install(&app, &world.as_user(buyer), &id, None).await.unwrap();
    assert_eq!(done.value.license, Some(license.id));
    let refused = installs::install(&app, &world.as_user(stranger), &id, None).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");
    // Suspended by another process: as of now.
    installs::uninstall(&app, &world.as_user(buyer), &id).await.unwrap();
    licenses::suspend(&world.app(), &world.as_user(owner), license.id, "unpaid").await.unwrap();
    let refused = installs::install(&app, &world.as_user(buyer), &id, None).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");
    let key = licenses::key(&app, license.id, 0);
    assert_eq!(licenses::validate(&app, &key, None).await.unwrap().code, "SUSPENDED");
    licenses::reinstate(&app, &world.as_user(owner), license.id).await.unwrap();
    installs::install(&app, &world.as_user(buyer), &id, None).await.unwrap();
}

#[tokio::test]
async fn a_license_runs_on_as_many_machines_as_its_terms_say() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    assert_eq!(plugin.terms, Terms { max_devices: 2, ..Terms::default() });
    let (buyer, stranger) = (world.user(&app, "ann").await, world.user(&app, "bob").await);
    let license = license(&world, &app, buyer, plugin.id).await;
    let key = licenses::key(&app, license.id, 0);
    let validate = async |machine: Option<&str>| licenses::validate(&app, &key, machine).await.unwrap();
    assert_eq!((validate(None).await.valid, validate(Some("m1")).await.code), (true, "NO_MACHINE"));
    let activate = async |user: UserId, machine: &str| {
        licenses::activate(&app, &world.as_user(user), license.id, machine, "my machine").await
    };
    assert_eq!(activate(stranger, "m1").await.unwrap_err().code(), "forbidden");
    assert!(activate(buyer, "m1").await.unwrap().changed);
    assert!(!activate(buyer, "m1").await.unwrap().changed);
    assert_eq!(activate(buyer, "m2").await.unwrap().value.activations.len(), 2);
    assert_eq!(reason(&activate(buyer, "m3").await.unwrap_err()), "too_many_machines");
    assert_eq!(validate(Some("m3")).await.code, "FINGERPRINT_SCOPE_MISMATCH");
    licenses::deactivate(&app, &world.as_user(buyer), license.id, "m1").await.unwrap();
    let unknown = licenses::deactivate(&app, &world.as_user(buyer), license.id, "m1").await.unwrap_err();
    assert_eq!(unknown, AppError::NotFound("this activation"));
    activate(buyer, "m3").await.unwrap();
    assert!(validate(Some("m3")).await.valid);
    assert_eq!(licenses::validate(&app, "no key", None).await.unwrap().code, "NOT_FOUND");
    let refused = licenses::revoke(&app, &world.as_user(buyer), license.id, "x").await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    licenses::revoke(&app, &world.as_role(stranger, Role::Admin), license.id, "fraud").await.unwrap();
    assert_eq!(validate(None).await.code, "REVOKED");
    assert_eq!(reason(&activate(buyer, "m4").await.unwrap_err()), "license_not_active");
}

#[tokio::test]
async fn a_listing_is_checked_field_by_field() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let mut input = listing("x", Pricing::OneTime { amount: 0, currency: "USD".parse().unwrap() });
    input.details.summary = String::new();
    input.terms.max_devices = 0;
    let Err(AppError::Invalid(fields)) = plugins::create(&app, &world.as_user(owner), input).await else {
        panic!("it was taken")
    };
    let fields: Vec<_> = fields.0.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["name", "summary", "pricing.amount", "terms.maxDevices"]);
}
