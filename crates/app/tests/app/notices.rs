//! What persons are told, and the mails of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use souk_app::{
    App, Ports, Post, installs,
    notices::{self, Posted, post_due},
    orders::{self, RecordPayment},
    plugins::PluginRef,
    reviews::{self, WriteReview},
};
use souk_domain::{
    event::{DomainEvent, EVENT_TYPES},
    id::{InstallationId, LicenseId, OrderId, PluginId, ReviewId, SubscriptionId, UserId, ValidationId},
    installation::{Checked, Event as Installation},
    listing::Pricing,
    order::Gateway,
    stream::{Category as Stream, StreamId},
};
use souk_ports::{
    EventLog, MailError, Notice, Notices, Outbox,
    notice::{Behind, Category, Choice, Delivery, Kind, MailState, Preferences, Read},
    store::{ReactionStore, StoreError},
};
use souk_testkit::{MemoryMailer, MemoryNotices, PlainWording};
use uuid::Uuid;

use crate::support::{World, paid};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A world whose processes send mails, and what they were.
fn posting() -> (World, Arc<MemoryMailer>) {
    let (world, mailer) = (World::new(), Arc::new(MemoryMailer::default()));
    let post =
        Post { mailer: mailer.clone(), wording: Arc::new(PlainWording), site: "https://souk.example/".to_owned() };
    assert!(world.post.set(post).is_ok());
    (world, mailer)
}

async fn settle(world: &World, app: &Arc<App>) {
    let running = world.react(app);
    running.settle(world).await;
    running.stop().await;
}

/// Sends until nothing is due.
async fn post(app: &App) -> Posted {
    let mut all = Posted::default();
    loop {
        let Posted { sent, later, failed, dropped, erased, lost } = post_due(app).await.unwrap();
        all.sent += sent;
        all.later += later;
        all.failed += failed;
        all.dropped += dropped;
        all.erased += erased;
        all.lost += lost;
        if sent + later + failed + dropped + erased + lost == 0 {
            return all;
        }
    }
}

/// A buyer who paid, and the order.
async fn bought(world: &World, app: &App, name: &str) -> (UserId, OrderId) {
    let (owner, _) = world.vendor(app, "acme").await;
    let plugin = world.published(app, owner, "tool", paid()).await;
    let buyer = world.user(app, name).await;
    let order = orders::place(app, &world.as_user(buyer), &plugin.id.into(), Gateway::Manual).await.unwrap().value;
    let input = RecordPayment { reference: "t".into(), amount: None, currency: None };
    orders::record_payment(app, &world.operator(), order.id, input).await.unwrap();
    (buyer, order.id)
}

fn told(world: &World, user: UserId) -> Vec<Kind> {
    world.notices.all().into_iter().filter(|notice| notice.user == user).map(|notice| notice.kind).collect()
}

#[tokio::test]
async fn a_payment_is_told_and_mailed_once_also_when_its_event_is_answered_again() {
    let (world, mailer) = posting();
    let app = world.app();
    let (buyer, order) = bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    assert_eq!(told(&world, buyer), [Kind::OrderPaid]);
    post(&app).await;
    assert!(world.store.rewind("notifications", 0).await.unwrap());
    world.clock.advance(Duration::from_secs(60));
    settle(&world, &app).await;
    post(&app).await;
    assert_eq!(told(&world, buyer), [Kind::OrderPaid]);
    let receipts: Vec<_> = mailer.sent().into_iter().filter(|mail| mail.to == "ann@people.example").collect();
    let [receipt] = receipts.as_slice() else { panic!("{receipts:?}") };
    assert_eq!((receipt.text.subject.as_str(), receipt.name.as_deref()), ("orderPaid", Some("ann")));
    assert!(receipt.text.plain.contains(&order.to_string()) && receipt.text.plain.contains("4900"));
    assert_eq!(receipt.unsubscribe, None, "receipts cannot be ended");
    assert!(world.store_is_clean().await);
}

#[tokio::test]
async fn no_row_holds_a_text_about_a_person() {
    let (world, _) = posting();
    let app = world.app();
    bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    let rows = format!("{:?}", world.notices.all());
    assert!(rows.contains("OrderPaid") && !rows.contains("ann"), "{rows}");
}

#[tokio::test]
async fn without_a_mail_server_no_mail_waits_and_the_inbox_works() {
    let world = World::new();
    let app = world.app();
    let (buyer, _) = bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    assert_eq!(notices::inbox(&app, &world.as_user(buyer), true, None, 10).await.unwrap().unread, 1);
    assert_eq!(world.notices.mails(None, None, 100).await.unwrap(), []);
    assert_eq!(post(&app).await, Posted::default());
}

#[tokio::test]
async fn who_wants_no_mails_gets_none_but_what_binds() {
    let (world, mailer) = posting();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let off = Choice { in_app: true, email: false };
    let choices = Preferences(BTreeMap::from([(Category::Publishing, off), (Category::Orders, off)]));
    notices::choose(&app, &world.as_user(owner), &choices).await.unwrap();
    world.published(&app, owner, "tool", Pricing::Free).await;
    let buyer = world.user(&app, "ann").await;
    notices::choose(&app, &world.as_user(buyer), &choices).await.unwrap();
    let plugin = world.published(&app, owner, "other", paid()).await;
    let order = orders::place(&app, &world.as_user(buyer), &plugin.id.into(), Gateway::Manual).await.unwrap().value;
    let input = RecordPayment { reference: "t".into(), amount: None, currency: None };
    orders::record_payment(&app, &world.operator(), order.id, input).await.unwrap();
    settle(&world, &app).await;
    post(&app).await;
    assert!(told(&world, owner).contains(&Kind::VersionApproved), "the inbox has it");
    let sent: Vec<_> = mailer.sent().into_iter().map(|mail| (mail.to, mail.text.subject)).collect();
    assert_eq!(sent, [("ann@people.example".to_owned(), "orderPaid".to_owned())], "a receipt is always mailed");
}

#[tokio::test]
async fn a_mail_that_is_not_wanted_any_more_is_not_sent() {
    let (world, mailer) = posting();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    settle(&world, &app).await;
    let off = Choice { in_app: true, email: false };
    let choices = Preferences(BTreeMap::from([(Category::Publishing, off)]));
    notices::choose(&app, &world.as_user(owner), &choices).await.unwrap();
    assert_eq!(post(&app).await, Posted { dropped: 1, ..Posted::default() });
    assert!(mailer.sent().is_empty());
    assert_eq!(world.notices.mails(Some(MailState::Dropped), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_old_is_not_mailed_and_what_is_very_old_is_not_told() {
    let (world, mailer) = posting();
    let app = world.app();
    let (buyer, _) = bought(&world, &app, "ann").await;
    world.clock.advance(4 * DAY);
    settle(&world, &app).await;
    post(&app).await;
    assert_eq!(told(&world, buyer), [Kind::OrderPaid]);
    assert!(mailer.sent().is_empty());

    let (world, _) = posting();
    let app = world.app();
    bought(&world, &app, "ann").await;
    world.clock.advance(31 * DAY);
    settle(&world, &app).await;
    assert_eq!(world.notices.all(), []);
}

#[tokio::test]
async fn a_mail_is_tried_again_later_and_given_up_after_three_days() {
    let (world, mailer) = posting();
    let app = world.app();
    let (buyer, _) = bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    let busy = || MailError::Unavailable("451 4.7.1".to_owned());
    // The owner's mails fail as well.
    for _ in 0..10 {
        mailer.fail(busy());
    }
    let first = post(&app).await;
    assert!(first.later > 0 && first.sent == 0, "{first:?}");
    assert_eq!(post(&app).await, Posted::default(), "not before its time");
    let receipt = async || {
        let mails = world.notices.mails(None, None, 100).await.unwrap();
        mails.into_iter().find(|mail| mail.user == buyer).unwrap()
    };
    assert_eq!(receipt().await.problem.as_deref(), Some("451 4.7.1"));
    let mut last = Duration::ZERO;
    loop {
        world.clock.advance(Duration::from_secs(2 * 3600));
        for _ in 0..10 {
            mailer.fail(busy());
        }
        last += Duration::from_secs(2 * 3600);
        post(&app).await;
        if receipt().await.state == MailState::Failed {
            break;
        }
        assert!(last < 4 * DAY, "it is never given up");
    }
    assert!(last >= 3 * DAY && receipt().await.problem.is_some_and(|problem| problem.starts_with("given up after")));
    assert!(mailer.sent().is_empty());
}

#[tokio::test]
async fn what_is_refused_for_good_fails_at_once_and_the_rest_goes_on() {
    let (world, mailer) = posting();
    let app = world.app();
    bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    mailer.fail(MailError::Refused("550 5.1.1".to_owned()));
    let posted = post(&app).await;
    assert_eq!(posted.failed, 1);
    assert!(posted.sent > 0 && posted.later == 0, "{posted:?}");
}

#[tokio::test]
async fn who_is_erased_gets_no_mail_and_leaves_nothing() {
    let (world, mailer) = posting();
    let app = world.app();
    let (buyer, _) = bought(&world, &app, "ann").await;
    settle(&world, &app).await;
    souk_ports::Vault::destroy(&*world.vault, buyer).await.unwrap();
    let posted = post(&app).await;
    assert_eq!(posted.erased, 1, "what the process remembers of her does not matter: {posted:?}");
    assert!(mailer.sent().iter().all(|mail| mail.to != "ann@people.example"));
    assert_eq!(told(&world, buyer), []);
    let mails = world.notices.mails(None, None, 100).await.unwrap();
    assert!(mails.iter().all(|mail| mail.user != buyer));
}

/// [`Notices`] that go wrong once, at a delivery to many.
struct Flaky {
    inner: Arc<MemoryNotices>,
    deliveries: AtomicU64,
    fails_at: u64,
}

#[async_trait]
impl Notices for Flaky {
    async fn deliver(&self, batch: &[Delivery], round: Option<(Uuid, UserId)>) -> Result<u64, StoreError> {
        if round.is_some() && self.deliveries.fetch_add(1, Ordering::SeqCst) == self.fails_at {
            return Err(StoreError("gone".to_owned()));
        }
        self.inner.deliver(batch, round).await
    }
    async fn round(&self, event: Uuid) -> Result<Option<UserId>, StoreError> {
        self.inner.round(event).await
    }
    async fn preferences(&self, users: &[UserId]) -> Result<BTreeMap<UserId, Preferences>, StoreError> {
        self.inner.preferences(users).await
    }
    async fn choose(&self, user: UserId, choices: &Preferences) -> Result<(), StoreError> {
        self.inner.choose(user, choices).await
    }
    async fn inbox(&self, user: UserId, unread: bool, behind: Behind, limit: u32) -> Result<Vec<Notice>, StoreError> {
        self.inner.inbox(user, unread, behind, limit).await
    }
    async fn unread(&self, user: UserId) -> Result<u64, StoreError> {
        self.inner.unread(user).await
    }
    async fn notice(&self, user: UserId, id: Uuid) -> Result<Option<Notice>, StoreError> {
        self.inner.notice(user, id).await
    }
    async fn read(&self, user: UserId, what: Read) -> Result<u64, StoreError> {
        self.inner.read(user, what).await
    }
    async fn forget_person(&self, user: UserId) -> Result<(), StoreError> {
        self.inner.forget_person(user).await
    }
    async fn forget_notices(&self, age: Duration) -> Result<u64, StoreError> {
        self.inner.forget_notices(age).await
    }
}

#[tokio::test]
async fn all_who_have_a_plugin_hear_of_its_suspension_once_in_pages_that_survive_a_crash() {
    const MANY: u128 = 1_200;
    let world = World::new();
    let app = world.app();
    let (owner, vendor) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", Pricing::Free).await;
    for number in 1..=MANY {
        let user = UserId::new(Uuid::from_u128(number << 64));
        let installed = Installation::Installed {
            user_id: user,
            plugin_id: plugin.id,
            vendor_id: vendor.id,
            version: "1.0.0".parse().unwrap(),
            license_id: None,
            first: true,
            checked: Checked { plugin_version: 1, license_version: None },
        };
        let stream = StreamId::of(Stream::Installation, InstallationId::of(user, plugin.id));
        world.append(stream, Some(plugin.id), [installed.into()]).await;
    }
    souk_app::plugins::suspend(&app, &world.operator(), &plugin.id.into(), "Dangerous.").await.unwrap();
    let flaky = Arc::new(Flaky { inner: world.notices.clone(), deliveries: AtomicU64::new(0), fails_at: 2 });
    let ports = Ports { notices: flaky.clone(), ..app.ports().clone() };
    settle(&world, &Arc::new(App::new(ports, app.settings().clone()))).await;
    let suspended: Vec<_> =
        world.notices.all().into_iter().filter(|notice| notice.kind == Kind::PluginSuspended).collect();
    assert_eq!(suspended.len(), MANY as usize);
    assert_eq!(suspended.iter().map(|notice| notice.user).collect::<BTreeSet<_>>().len(), MANY as usize);
    assert_eq!(
        flaky.deliveries.load(Ordering::SeqCst),
        4,
        "three pages, one of them twice: what was delivered before the crash is not delivered again"
    );
    assert_eq!(told(&world, owner).iter().filter(|kind| **kind == Kind::ListingSuspended).count(), 1);
}

/// An example of every event, as it was ever stored, with other ids.
fn golden(event_type: &str, ids: &[(&str, String)]) -> DomainEvent {
    let (_, version) = EVENT_TYPES.iter().find(|(known, _)| *known == event_type).unwrap();
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../domain/golden"));
    let mut text = fs::read_to_string(folder.join(format!("{event_type}.v{version}.json"))).unwrap();
    for (from, to) in ids {
        text = text.replace(from, to);
    }
    let mut data: Value = serde_json::from_str(&text).unwrap();
    // Nobody has the key that sealed the examples.
    for field in data.as_object_mut().unwrap().values_mut().filter(|field| field.get("$enc").is_some()) {
        *field = json!({ "$erased": true });
    }
    DomainEvent::decode(event_type, *version, data).unwrap()
}

/// The names of all fields, however deep.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        _ => Value::Null,
    }
}

/// Every event that anybody is told of, as examples of it are stored: all kinds come up, with the details that templates are
/// checked against.
#[tokio::test]
async fn every_kind_comes_of_some_event_with_the_details_of_its_example() {
    let (world, _) = posting();
    let app = world.app();
    let (owner, vendor) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", Pricing::Free).await;
    let buyer = world.user(&app, "ann").await;
    installs::install(&app, &world.as_user(buyer), &PluginRef::Id(plugin.id), None).await.unwrap();
    let review = WriteReview { rating: 4, title: "Fine".into(), body: "It is fine.".into() };
    reviews::put(&app, &world.as_user(buyer), &plugin.id.into(), review).await.unwrap();

    let id = |number: u128| Uuid::from_u128(number).to_string();
    let ids = [
        (&*id(1), buyer.to_string()),
        (&*id(2), vendor.id.to_string()),
        (&*id(3), plugin.id.to_string()),
        ("\"gateway\": \"stripe\"", "\"gateway\": \"manual\"".to_owned()),
        ("\"trial\": false", "\"trial\": true".to_owned()),
        ("\"previousVersion\": null", "\"previousVersion\": \"1.0.0\"".to_owned()),
    ];
    let order = OrderId::new(Uuid::from_u128(4));
    let streams: [(StreamId, &[&str]); 7] = [
        (
            StreamId::of(Stream::Order, order),
            &[
                "order.placed",
                "payment.completed",
                "payment.refunded",
                "payment.refund_failed",
                "payment.disputed",
                "payment.dispute_won",
                "payment.dispute_lost",
            ],
        ),
        (
            StreamId::of(Stream::Subscription, SubscriptionId::of(order)),
            &[
                "subscription.started",
                "subscription.renewed",
                "subscription.past_due",
                "subscription.canceled",
                "subscription.lapsed",
            ],
        ),
        (
            StreamId::of(Stream::License, LicenseId::of(order)),
            &["license.issued", "license.suspended", "license.reinstated", "license.revoked", "license.expired"],
        ),
        (
            StreamId::of(Stream::Vendor, vendor.id),
            &["vendor.payout_requested", "vendor.payout_paid", "vendor.payout_failed", "vendor.suspended"],
        ),
        (
            StreamId::of(Stream::Plugin, plugin.id),
            &[
                "plugin.version_rejected",
                "plugin.version_approved",
                "plugin.suspended",
                "plugin.reinstated",
                "plugin.deprecated",
            ],
        ),
        (StreamId::of(Stream::Review, ReviewId::of(buyer, plugin.id)), &["review.replied"]),
        (
            StreamId::of(Stream::User, buyer),
            &["user.api_key_issued", "user.api_key_revoked", "user.role_granted", "user.role_revoked"],
        ),
    ];
    for (stream, types) in streams {
        for event_type in types {
            world.append(stream, Some(plugin.id), [golden(event_type, &ids)]).await;
        }
    }
    let validation = ValidationId::of(plugin.id, &"1.0.0".parse().unwrap());
    let stream = StreamId::of(Stream::Validation, validation);
    world.append(stream, Some(plugin.id), [golden("validation.escalated", &ids)]).await;

    settle(&world, &app).await;
    let all = world.notices.all();
    for kind in Kind::ALL {
        let of_kind: Vec<_> = all.iter().filter(|notice| notice.kind == kind).collect();
        assert!(!of_kind.is_empty(), "nobody was told {kind:?}");
        for notice in of_kind {
            assert_eq!(shape(&notice.details), shape(&kind.example()), "{kind:?}");
            let wanted = match kind.category() {
                Category::Publishing | Category::Payouts => owner,
                _ if kind == Kind::ReviewReceived => owner,
                _ => buyer,
            };
            assert_eq!(notice.user, wanted, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_role_that_follows_from_opening_a_vendor_is_no_news() {
    let (world, _) = posting();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    settle(&world, &app).await;
    assert!(world.count("user.role_granted") > 0);
    assert_eq!(told(&world, owner), [Kind::VendorVerified]);
}

/// Whoever has no such plugin hears nothing of it.
#[tokio::test]
async fn who_uninstalled_hears_nothing_of_new_versions() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin: PluginId = world.published(&app, owner, "tool", Pricing::Free).await.id;
    let (ann, ben) = (world.user(&app, "ann").await, world.user(&app, "ben").await);
    for user in [ann, ben] {
        installs::install(&app, &world.as_user(user), &plugin.into(), None).await.unwrap();
    }
    installs::uninstall(&app, &world.as_user(ben), &plugin.into()).await.unwrap();
    world.submit(&app, owner, plugin, "1.1.0").await;
    world.approve(&app, plugin, "1.1.0").await;
    settle(&world, &app).await;
    assert_eq!((told(&world, ann), told(&world, ben)), (vec![Kind::VersionAvailable], vec![]));
    assert!(world.log.head().await.unwrap() > 0);
}
