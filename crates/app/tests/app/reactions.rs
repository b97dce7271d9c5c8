//! Process managers, also across crashes.

mod orphans;

use std::{sync::Arc, time::Duration};

use souk_app::{
    App, AppError, installs, licenses,
    orders::{self, RecordPayment},
    plugins::{self, PluginRef, SubmitVersion},
    reactions, users, vendors,
};
use souk_domain::{
    id::{LicenseId, PluginId, UserId},
    license::Status,
    listing::{Interval, Pricing},
    order::{Gateway, Order},
    plugin::ReleaseStatus,
    validation::Verdict,
};
use souk_ports::{Expected, store::ReactionStore};
use souk_testkit::Fault;

use crate::support::{World, paid, ruling};

async fn pay(world: &World, app: &App, buyer: UserId, plugin: PluginId) -> Order {
    let order = orders::place(app, &world.as_user(buyer), &plugin.into(), Gateway::Manual).await.unwrap().value;
    let input = RecordPayment { reference: "t".into(), amount: None, currency: None };
    orders::record_payment(app, &world.operator(), order.id, input).await.unwrap().value
}

async fn settle(world: &World, app: &Arc<App>) {
    let running = world.react(app);
    running.settle(world).await;
    running.stop().await;
}

fn zip(files: &[(&str, &str)]) -> bytes::Bytes {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    souk_package::pack::pack(files).unwrap().into()
}

fn version(name: &str, version: &str, license: &str, artifact: bytes::Bytes) -> SubmitVersion {
    let manifest = serde_json::json!({
        "name": name, "version": version, "kind": "asset", "summary": "Does things.", "license": license,
    });
    SubmitVersion { manifest, artifact, signature: None }
}

#[tokio::test]
async fn a_payment_issues_one_license_and_a_full_refund_ends_it_and_what_rests_on_it() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let buyer = world.user(&app, "ann").await;
    let order = pay(&world, &app, buyer, plugin.id).await;
    settle(&world, &app).await;
    settle(&world, &world.app()).await;
    assert_eq!(world.count("license.issued"), 1);
    let id = LicenseId::of(order.id);
    let license = licenses::get(&app, &world.as_user(buyer), id).await.unwrap().value;
    assert_eq!((license.holder, license.plugin, license.expires_at), (buyer, plugin.id, None));
    installs::install(&app, &world.as_user(buyer), &plugin.id.into(), None).await.unwrap();

    orders::refund(&app, &world.operator(), order.id, Some(1), "part").await.unwrap();
    settle(&world, &app).await;
    assert_eq!(world.count("license.revoked"), 0);
    orders::refund(&app, &world.operator(), order.id, None, "rest").await.unwrap();
    settle(&world, &app).await;
    assert_eq!((world.count("license.revoked"), world.count("installation.blocked")), (1, 1));
    let refused = installs::install(&app, &world.as_user(buyer), &plugin.id.into(), None).await.unwrap_err();
    assert_eq!(refused.code(), "not_entitled");

    // What a reaction writes names the event that it answers and the request that began it.
    let (paid, issued) = (world.events_of("payment.completed"), world.events_of("license.issued"));
    let metadata = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let (paid, issued) = ((paid[0].id, metadata(&paid[0].metadata)), metadata(&issued[0].metadata));
    assert_eq!(issued["$causationId"], paid.0.to_string());
    assert_eq!(issued["$correlationId"], paid.1["$correlationId"]);
    assert_eq!(issued["actor"]["kind"], "system");
    assert_eq!(issued["pluginId"], plugin.id.to_string());
}

#[tokio::test]
async fn an_order_that_was_refunded_before_its_license_came_gets_one_that_is_over() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let buyer = world.user(&app, "ann").await;
    let order = pay(&world, &app, buyer, plugin.id).await;
    orders::refund(&app, &world.operator(), order.id, None, "changed my mind").await.unwrap();
    settle(&world, &app).await;
    let license = licenses::get(&app, &world.operator(), LicenseId::of(order.id)).await.unwrap().value;
    assert_eq!((world.count("license.issued"), license.status()), (1, Status::Revoked));
    assert!(world.store.parked(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_subscription_pays_for_one_interval() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let pricing = Pricing::Subscription {
        amount: 900,
        currency: "USD".parse().unwrap(),
        interval: Interval::Monthly,
        trial_days: None,
    };
    let plugin = world.published(&app, owner, "tool", pricing).await;
    let buyer = world.user(&app, "ann").await;
    let order = pay(&world, &app, buyer, plugin.id).await;
    settle(&world, &app).await;
    let key = licenses::key(&app, LicenseId::of(order.id), 0);
    assert!(licenses::validate(&app, &key, None).await.unwrap().valid);
    world.clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(licenses::validate(&app, &key, None).await.unwrap().code, "EXPIRED");
}

#[tokio::test]
async fn an_installation_that_raced_a_revocation_is_blocked() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let buyer = world.user(&app, "ann").await;
    let order = pay(&world, &app, buyer, plugin.id).await;
    settle(&world, &app).await;
    let license = LicenseId::of(order.id);
    // The revocation is answered before the installation lands that had found the license good.
    licenses::revoke(&app, &world.as_user(owner), license, "fraud").await.unwrap();
    settle(&world, &app).await;
    assert_eq!(world.count("installation.blocked"), 0);
    append_installation(&world, buyer, &plugin, license).await;
    settle(&world, &app).await;
    assert_eq!(world.count("installation.blocked"), 1);
}

async fn append_installation(world: &World, user: UserId, plugin: &souk_domain::plugin::Plugin, license: LicenseId) {
    use souk_domain::{
        event::DomainEvent,
        id::InstallationId,
        installation::{Checked, Event},
        stream::{Category, StreamId},
    };
    use souk_ports::EventLog;
    let event = DomainEvent::from(Event::Installed {
        user_id: user,
        plugin_id: plugin.id,
        vendor_id: plugin.vendor,
        version: "1.0.0".parse().unwrap(),
        license_id: Some(license),
        first: true,
        checked: Checked { plugin_version: 0, license_version: Some(0) },
    });
    let encoded = event.encode();
    let event = souk_ports::NewEvent {
        id: world.command().uuid(),
        event_type: encoded.event_type,
        schema_version: encoded.schema_version,
        data: encoded.data.to_string().into(),
        metadata: world.memory.events()[0].metadata.clone(),
    };
    let stream = StreamId::of(Category::Installation, InstallationId::of(user, plugin.id));
    world.memory.append(stream, Expected::NoStream, vec![event]).await.unwrap();
}

#[tokio::test]
async fn versions_are_validated_and_approved_or_rejected() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let id = PluginRef::Id(plugin.id);
    let good = version("tool", "1.0.0", "MIT", zip(&[("README.md", "It does things.\n")]));
    plugins::submit_version(&app, &world.as_user(owner), &id, good).await.unwrap();
    let broken = version("tool", "1.1.0", "MIT", bytes::Bytes::from_static(b"no archive at all"));
    plugins::submit_version(&app, &world.as_user(owner), &id, broken).await.unwrap();
    settle(&world, &app).await;
    let plugin = plugins::get(&app, &id).await.unwrap().value;
    let statuses: Vec<_> = plugin.versions.values().map(|release| release.status).collect();
    assert_eq!(statuses, [ReleaseStatus::Approved, ReleaseStatus::Rejected]);
    assert_eq!((world.count("validation.requested"), world.count("validation.concluded")), (2, 2));
    // The report is kept where the event says.
    let concluded = world.events_of("validation.concluded");
    let data: serde_json::Value = serde_json::from_slice(&concluded[0].data).unwrap();
    souk_ports::ArtifactStore::get(&*world.artifacts, data["report"].as_str().unwrap()).await.unwrap();
    assert!(world.store.parked(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_rule_cannot_judge_goes_to_a_human() {
    let world = World::new();
    // With these thresholds nothing is good or bad enough.
    let app = world.app_with(|settings| {
        settings.thresholds = souk_domain::validation::Thresholds { approve: 101, escalate: 0 };
    });
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let id = PluginRef::Id(plugin.id);
    let good = version("tool", "1.0.0", "MIT", zip(&[("README.md", "It does things.\n")]));
    plugins::submit_version(&app, &world.as_user(owner), &id, good).await.unwrap();
    settle(&world, &app).await;
    assert_eq!((world.count("validation.escalated"), world.count("plugin.version_approved")), (1, 0));
    let no = ruling(Verdict::Reject);
    plugins::judge(&app, &world.operator(), &id, &"1.0.0".parse().unwrap(), &no).await.unwrap();
    settle(&world, &app).await;
    assert_eq!((world.count("validation.adjudicated"), world.count("plugin.version_rejected")), (1, 1));
}

#[tokio::test]
async fn reactions_go_on_where_any_crash_left_them() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let id = PluginRef::Id(plugin.id);
    let good = version("tool", "1.0.0", "MIT", zip(&[("README.md", "It does things.\n")]));
    plugins::submit_version(&app, &world.as_user(owner), &id, good).await.unwrap();
    let before = world.memory.events();
    // A run without crashes says what there is to do.
    settle(&world, &app).await;
    let after: Vec<_> = world.types().split_off(before.len());
    assert!(after.len() >= 5, "{after:?}");
    for crash_after in 0..after.len() {
        let world = World::new();
        let app = world.app();
        let (owner, _) = world.vendor(&app, "acme").await;
        let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
        let good = version("tool", "1.0.0", "MIT", zip(&[("README.md", "It does things.\n")]));
        plugins::submit_version(&app, &world.as_user(owner), &plugin.id.into(), good).await.unwrap();
        let running = world.react(&app);
        while world.memory.events().len() < before.len() + crash_after {
            tokio::task::yield_now().await;
        }
        // Dropping the runner aborts its tasks wherever they are; the checkpoints stay as they were.
        drop(running);
        world.clock.advance(Duration::from_secs(11));
        settle(&world, &world.app()).await;
        assert_eq!(world.types().split_off(before.len()), after, "after a crash behind {crash_after} events");
    }
}

#[tokio::test(start_paused = true)]
async fn positions_are_stored_every_second_also_without_an_orderly_end() {
    let world = World::new();
    let app = world.app();
    world.vendor(&app, "acme").await;
    let running = world.react(&app);
    running.settle(&world).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    drop(running);
    let head = world.memory.events().len() as u64;
    for reaction in souk_app::reactions::names() {
        assert_eq!(world.store.checkpoint(reaction, 0).await.unwrap().position, head, "{reaction}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reaction_does_not_go_on_in_another_log_until_it_is_set_back() {
    let world = World::new();
    let app = world.app();
    world.vendor(&app, "acme").await;
    settle(&world, &app).await;

    let mut restored = World::new();
    restored.store = world.store.clone();
    for _ in 0..1_000 {
        restored.command();
    }
    let app = restored.app();
    let (owner, _) = restored.vendor(&app, "acme").await;
    restored.plugin(&app, owner, "tool", Pricing::Free).await;
    assert!(restored.memory.events().len() > world.memory.events().len(), "the head alone does not tell");
    let running = restored.react(&app);
    tokio::time::sleep(Duration::from_secs(30)).await;
    for status in running.runner.status() {
        assert!(status.waiting.as_ref().is_some_and(|why| why.starts_with("other_log: ")), "{status:?}");
    }
    for reaction in souk_app::reactions::names() {
        assert!(restored.store.rewind(reaction, 0).await.unwrap());
    }
    // The store goes by the clock of the world that it was made in.
    world.clock.advance(Duration::from_secs(31));
    tokio::time::sleep(Duration::from_secs(30)).await;
    running.settle(&restored).await;
    running.stop().await;
}

/// A process whose connection breaks for good behind its first `appends`.
fn dying(world: &World, appends: usize) -> Arc<App> {
    let log = souk_testkit::FaultyLog::new(Arc::new(world.memory.clone()));
    log.plan(std::iter::repeat_n(Fault::Pass, appends).chain(std::iter::repeat_n(Fault::LostBefore, 1_000)));
    world.app_on(Arc::new(log))
}

#[tokio::test]
async fn a_log_that_is_away_is_waited_for_and_nothing_is_parked() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let buyer = world.user(&app, "ann").await;
    world.clock.advance(Duration::from_secs(60));
    let running = world.react(&app);
    running.settle(&world).await;
    world.log.plan([Fault::LostBefore, Fault::LostAfter]);
    // Placed and paid by a process whose connection works.
    let order = pay(&world, &world.app_on(Arc::new(world.memory.clone())), buyer, plugin.id).await;
    running.settle(&world).await;
    running.stop().await;
    assert_eq!(world.count("license.issued"), 1);
    assert!(world.store.parked(None).await.unwrap().is_empty());
    assert_eq!(order.plugin, plugin.id);
}

#[tokio::test]
async fn an_event_that_cannot_be_answered_is_parked_and_an_operator_tries_it_again() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let good = zip(&[("README.md", "It does things.\n")]);
    let submitted = plugins::submit_version(
        &app,
        &world.as_user(owner),
        &plugin.id.into(),
        version("tool", "1.0.0", "MIT", good.clone()),
    )
    .await
    .unwrap();
    let digest = submitted.value.release.digest;
    world.artifacts.damage(&digest, bytes::Bytes::from_static(b"rot"));
    settle(&world, &app).await;
    let parked = world.store.parked(Some("validation")).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert!(parked[0].reason.contains(&digest), "{}", parked[0].reason);
    assert_eq!(parked[0].attempts, 3);

    let failed = reactions::retry_parked(&app, &*world.store, "validation", parked[0].position).await.unwrap_err();
    assert!(matches!(failed, AppError::Internal(_)));
    assert_eq!(world.store.parked(None).await.unwrap()[0].attempts, 4);
    world.artifacts.damage(&digest, good);
    reactions::retry_parked(&app, &*world.store, "validation", parked[0].position).await.unwrap();
    assert!(world.store.parked(None).await.unwrap().is_empty());
    settle(&world, &app).await;
    assert_eq!(world.count("plugin.version_approved"), 1);
    let unknown = reactions::retry_parked(&app, &*world.store, "validation", parked[0].position).await.unwrap_err();
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn of_several_processes_one_runs_each_reaction_and_another_takes_over() {
    let world = World::new();
    let (one, two) = (world.app(), world.app());
    let (owner, _) = world.vendor(&one, "acme").await;
    let plugin = world.published(&one, owner, "tool", paid()).await;
    let buyer = world.user(&one, "ann").await;
    world.clock.advance(Duration::from_secs(60));
    let first = world.react(&one);
    first.settle(&world).await;
    let second = world.react(&two);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(second.runner.status().iter().all(|status| !status.leading));
    first.stop().await;
    let order = pay(&world, &one, buyer, plugin.id).await;
    second.settle(&world).await;
    second.stop().await;
    let license = licenses::get(&two, &world.as_user(buyer), LicenseId::of(order.id)).await.unwrap().value;
    assert_eq!(license.status(), Status::Active);
    assert_eq!(world.count("license.issued"), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_owns_a_vendor_gets_the_role_also_after_a_crash() {
    use souk_domain::user::Role;
    let world = World::new();
    let app = world.app();
    let owner = world.user(&app, "ann").await;
    let input = vendors::RegisterVendor { name: "Acme".into(), slug: "acme".into(), owner: None };
    vendors::register(&dying(&world, 2), &world.as_user(owner), input).await.unwrap_err();
    assert_eq!((world.count("vendor.registered"), world.count("user.role_granted")), (1, 0));
    settle(&world, &app).await;
    assert!(users::roles(&app, owner).await.unwrap().contains(&Role::Vendor));
}
