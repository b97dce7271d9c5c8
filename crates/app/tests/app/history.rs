//! The audit of a plugin, and the plugin as it stood.

use std::{collections::BTreeSet, time::Duration};

use souk_app::{
    Context,
    history::{self, Entry},
    installs, licenses,
    orders::{self, RecordPayment},
    plugins::{self, Amend, PluginRef},
    reviews::{self, WriteReview},
};
use souk_domain::{
    id::{LicenseId, UserId},
    order::Gateway,
    plugin::Plugin,
    user::Role,
};
use souk_ports::Clock;

use crate::support::{World, paid};

const PRIVATE: [&str; 6] = ["Dreadful", "machine-7", "my laptop", "transfer 77", "ann@", "Ann"];

struct Story {
    world: World,
    app: std::sync::Arc<souk_app::App>,
    owner: UserId,
    buyer: UserId,
    plugin: Plugin,
}

async fn story() -> Story {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let id = PluginRef::Id(plugin.id);
    let buyer = world.user(&app, "Ann").await;
    let order = orders::place(&app, &world.as_user(buyer), &id, Gateway::Manual).await.unwrap().value;
    let payment = RecordPayment { reference: "transfer 77".into(), amount: None, currency: None };
    orders::record_payment(&app, &world.operator(), order.id, payment).await.unwrap();
    let running = world.react(&app);
    world.clock.advance(Duration::from_secs(60));
    running.settle(&world).await;
    running.stop().await;
    let license = LicenseId::of(order.id);
    licenses::activate(&app, &world.as_user(buyer), license, "machine-7", "my laptop").await.unwrap();
    installs::install(&app, &world.as_user(buyer), &id, None).await.unwrap();
    let review = WriteReview { rating: 1, title: "Dreadful".into(), body: "Dreadful indeed".into() };
    let written = reviews::put(&app, &world.as_user(buyer), &id, review).await.unwrap().value.id;
    reviews::reply(&app, &world.as_user(owner), &id, written, "Sorry").await.unwrap();
    Story { world, app, owner, buyer, plugin }
}

impl Story {
    async fn read(&self, viewer: &Context) -> Vec<Entry> {
        let (mut all, mut after) = (Vec::new(), 0);
        loop {
            let page = history::page(&self.app, viewer, &self.plugin.id.into(), after, 3, 0).await.unwrap();
            assert!(page.items.len() <= 3);
            all.extend(page.items);
            match page.next {
                Some(next) => after = next,
                None => return all,
            }
        }
    }
}

#[tokio::test]
async fn everyone_reads_what_happened_and_nobody_whom_it_happened_to() {
    let story = story().await;
    let entries = story.read(&story.world.anonymous()).await;
    let types: Vec<_> = entries.iter().map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "plugin.created",
            "plugin.version_submitted",
            "validation.requested",
            "validation.step_completed",
            "validation.concluded",
            "validation.adjudicated",
            "plugin.version_approved",
            "order.placed",
            "payment.completed",
            "license.issued",
            "license.activated",
            "installation.installed",
            "review.submitted",
            "review.replied",
        ]
    );
    assert!(entries.is_sorted_by_key(|entry| entry.position));
    let text = serde_json::to_string(&entries).unwrap();
    for private in PRIVATE.into_iter().chain([story.buyer.to_string().as_str(), story.owner.to_string().as_str()]) {
        assert!(!text.contains(private), "{private} is in {text}");
    }
    // The same person has the same name throughout, and another in the history of another plugin.
    let buyer: BTreeSet<_> = ["order.placed", "installation.installed", "review.submitted"]
        .iter()
        .map(|wanted| {
            let entry = entries.iter().find(|entry| entry.event_type == *wanted).unwrap();
            (entry.actor.role, entry.actor.pseudonym.clone().unwrap())
        })
        .collect();
    assert_eq!(buyer.len(), 1, "{buyer:?}");
    let reply = &entries[13];
    assert_eq!((reply.actor.role, &reply.data["body"]), ("vendor", &serde_json::json!("Sorry")));
    assert_eq!(entries[9].actor.role, "system");
    // Ids that follow from the person's are not shown either.
    let installation = story.world.events_of("installation.installed").pop().unwrap().stream.to_string();
    assert!(!text.contains(&installation));
}

#[tokio::test]
async fn pseudonyms_of_one_person_differ_between_plugins() {
    let story = story().await;
    let other = story.world.published(&story.app, story.owner, "other", souk_domain::listing::Pricing::Free).await;
    let nobody = story.world.anonymous();
    let page = history::page(&story.app, &nobody, &other.id.into(), 0, 1, 0).await.unwrap();
    assert_ne!(page.items[0].actor.pseudonym, story.read(&nobody).await[0].actor.pseudonym);
}

#[tokio::test]
async fn the_vendor_sees_the_business_and_admins_see_all() {
    let story = story().await;
    let find =
        |entries: &[Entry], wanted: &str| entries.iter().find(|entry| entry.event_type == wanted).unwrap().data.clone();
    let vendor = story.read(&story.world.as_user(story.owner)).await;
    assert_eq!(find(&vendor, "payment.completed")["commission"], 735);
    assert!(find(&vendor, "plugin.version_submitted")["manifest"].is_object());
    let text = serde_json::to_string(&vendor).unwrap();
    for private in PRIVATE.into_iter().chain([story.buyer.to_string().as_str()]) {
        assert!(!text.contains(private), "{private} is in {text}");
    }
    let stranger = story.read(&story.world.as_user(story.buyer)).await;
    assert_eq!(find(&stranger, "payment.completed").get("commission"), None);

    let admin = story.read(&story.world.as_role(story.buyer, Role::Admin)).await;
    assert_eq!(find(&admin, "review.submitted")["title"], "Dreadful");
    assert_eq!(find(&admin, "license.activated")["fingerprint"], "machine-7");
    souk_ports::Vault::destroy(&*story.world.vault, story.buyer).await.unwrap();
    let admin = story.read(&story.world.operator()).await;
    assert_eq!(find(&admin, "review.submitted")["title"], "[erased]");
}

#[tokio::test]
async fn a_plugin_is_shown_as_it_stood() {
    let story = story().await;
    let (app, world, id) = (&story.app, &story.world, PluginRef::Id(story.plugin.id));
    let before = world.clock.now();
    world.clock.advance(Duration::from_secs(60));
    let amend = Amend { summary: Some("Changed.".into()), ..Amend::default() };
    plugins::amend(app, &world.as_user(story.owner), &id, amend).await.unwrap();
    let review = WriteReview { rating: 4, title: "Better".into(), body: "Better now".into() };
    reviews::put(app, &world.as_user(story.buyer), &id, review).await.unwrap();

    let then = history::as_of(app, &id, before, 0).await.unwrap();
    assert_eq!(then.plugin.details.summary, "Does things.");
    assert_eq!((then.stars, then.installs, then.confidence), ([1, 0, 0, 0, 0], 1, Some(80)));
    assert_eq!(then.vendor.slug, "acme");
    assert!(then.vendor.verified);
    let now = history::as_of(app, &id, world.clock.now(), 0).await.unwrap();
    assert_eq!(now.plugin.details.summary, "Changed.");
    assert_eq!((now.stars, now.installs), ([0, 0, 0, 1, 0], 1));
    assert_eq!(now.created_at, then.created_at);
    assert!(now.updated_at > then.updated_at);
    let early = then.created_at - Duration::from_secs(1);
    assert_eq!(history::as_of(app, &id, early, 0).await.unwrap_err().code(), "not_found");
}
