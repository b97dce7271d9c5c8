//! Names, slugs and addresses that were reserved for what never came.

use std::time::Duration;

use souk_app::{
    AppError, plugins,
    users::{self, Register},
    vendors,
};
use souk_domain::listing::Pricing;
use souk_ports::{Expected, store::Credentials};

use super::{dying, pay, settle};
use crate::support::{World, listing, paid, reason};

#[tokio::test(start_paused = true)]
async fn an_orphaned_name_is_closed_and_then_given_back() {
    let world = World::new();
    let app = world.app_with(|settings| settings.orphan_grace = Duration::from_secs(30));
    let (owner, _) = world.vendor(&app, "acme").await;
    let ctx = world.as_user(owner);
    let crashed = plugins::create(&dying(&world, 1), &ctx, listing("tool", Pricing::Free)).await.unwrap_err();
    assert!(matches!(crashed, AppError::Unavailable(_)));
    assert_eq!((world.count("name.reserved"), world.count("plugin.created")), (1, 0));
    let taken = world.create(&app, owner, "TOOL", Pricing::Free).await.unwrap_err();
    assert_eq!(reason(&taken), "name_taken");

    let running = world.react(&app);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.count("name.released"), 0, "its creator may only be slow");
    world.clock.advance(Duration::from_secs(31));
    running.settle(&world).await;
    running.stop().await;
    assert_eq!((world.count("plugin.abandoned"), world.count("name.released")), (1, 1));
    let late = plugins::create(&app, &ctx, listing("tool", Pricing::Free)).await.unwrap_err();
    assert_eq!(reason(&late), "abandoned");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_given_back_can_be_taken() {
    let world = World::new();
    let app = world.app();
    let (owner, vendor) = world.vendor(&app, "acme").await;
    let input = listing("tool", Pricing::Free);
    plugins::create(&dying(&world, 1), &world.as_user(owner), input).await.unwrap_err();
    settle(&world, &app).await;
    assert_eq!(world.create(&app, owner, "TOOL", Pricing::Free).await.unwrap().value.vendor, vendor.id);
}

/// Reserves without ever creating, as a process does that dies in between.
async fn reserve(world: &World, category: souk_domain::stream::Category, key: uuid::Uuid, holder: uuid::Uuid) {
    use souk_domain::{
        event::DomainEvent,
        reservation::{Event, Holder},
        stream::{Category, StreamId},
    };
    use souk_ports::EventLog;
    let holder = Holder { holder_id: holder };
    let event = match category {
        Category::Name => Event::NameReserved(holder),
        Category::Slug => Event::SlugReserved(holder),
        _ => Event::EmailReserved(holder),
    };
    let encoded = DomainEvent::from(event).encode();
    let metadata = serde_json::json!({
        "actor": { "kind": "anonymous", "id": null, "role": null },
        "commandId": world.command(), "$correlationId": holder_of(1), "$causationId": holder_of(1),
    });
    let event = souk_ports::NewEvent {
        id: world.command().uuid(),
        event_type: encoded.event_type,
        schema_version: 1,
        data: encoded.data.to_string().into(),
        metadata: metadata.to_string().into(),
    };
    world.memory.append(StreamId::new(category, key), Expected::NoStream, vec![event]).await.unwrap();
}

fn holder_of(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(0xdead_0000 + number)
}

#[tokio::test]
async fn every_kind_of_orphan_is_given_back_and_holders_that_came_keep_theirs() {
    use souk_domain::stream::{Category, StreamId};
    use souk_ports::Vault;
    let world = World::new();
    let app = world.app();
    let (_, acme) = world.vendor(&app, "acme").await;
    let email = world.vault.email_stream("lost@people.example");
    reserve(&world, Category::Name, StreamId::of_name("lost").uuid, holder_of(1)).await;
    reserve(&world, Category::Slug, StreamId::of_slug("lost").uuid, holder_of(2)).await;
    reserve(&world, Category::Email, email.uuid, holder_of(3)).await;
    world.credentials.set_password(holder_of(3).into(), "weak:x").await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    settle(&world, &app).await;
    for (abandoned, released) in [
        ("plugin.abandoned", "name.released"),
        ("vendor.abandoned", "slug.released"),
        ("user.abandoned", "email.released"),
    ] {
        assert_eq!((world.count(abandoned), world.count(released)), (1, 1), "{abandoned}");
    }
    assert_eq!(world.credentials.password(holder_of(3).into()).await.unwrap(), None);
    assert_eq!(vendors::by_slug(&app, "acme").await.unwrap(), acme.id);
    let input = Register {
        email: "lost@people.example".into(),
        password: "correct horse".into(),
        display_name: "Found".into(),
    };
    users::register(&app, &world.anonymous(), input).await.unwrap();
}

#[tokio::test]
async fn waiting_for_one_orphan_holds_up_no_other_reaction() {
    let world = World::new();
    let app = world.app_with(|settings| settings.orphan_grace = Duration::from_secs(30));
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", paid()).await;
    let buyer = world.user(&app, "ann").await;
    let running = world.react(&app);
    pay(&world, &app, buyer, plugin.id).await;
    for _ in 0..1_000 {
        if world.count("license.issued") == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(world.count("license.issued"), 1);
    let orphans = running.runner.status().into_iter().find(|status| status.name == "orphans").unwrap();
    assert!(orphans.position < world.memory.events().len() as u64, "it waits for the first reservation to come of age");
    running.stop().await;
}
