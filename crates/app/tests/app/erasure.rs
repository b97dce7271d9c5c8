//! Who asks to be forgotten is forgotten.

use souk_app::{
    AppError, orders, subscriptions,
    users::{self, Who},
};
use souk_domain::{
    id::SubscriptionId,
    listing::{Interval, Pricing},
    order::Gateway,
    subscription::Standing,
    user::Role,
};
use souk_ports::{Vault as _, store::Credentials as _};

use crate::support::World;

fn monthly() -> Pricing {
    let (currency, interval) = ("USD".parse().unwrap(), Interval::Monthly);
    Pricing::Subscription { amount: 900, currency, interval, trial_days: None }
}

#[tokio::test]
async fn everything_of_a_person_ends_and_the_key_is_gone_last() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = world.published(&app, owner, "tool", monthly()).await;
    let ann = world.user(&app, "ann").await;
    let running = world.react(&app);
    let order = orders::place(&app, &world.as_user(ann), &plugin.id.into(), Gateway::Manual).await.unwrap().value;
    let paid = orders::RecordPayment { reference: "bank-1".into(), amount: None, currency: None };
    orders::record_payment(&app, &world.operator(), order.id, paid).await.unwrap();
    running.settle(&world).await;

    let other = users::request_erasure(&app, &world.as_user(owner), &Who::Id(ann)).await.unwrap_err();
    assert_eq!(other.code(), "forbidden");
    let admin = world.as_role(owner, Role::Admin);
    let (first, again) = (
        users::request_erasure(&app, &admin, &Who::Id(ann)).await.unwrap(),
        users::request_erasure(&app, &world.as_role(owner, Role::Admin), &Who::Id(ann)).await.unwrap(),
    );
    assert!(first.changed && !again.changed);
    assert!(app.is_gone(ann));
    assert!(matches!(users::profile(&app, ann).await, Err(AppError::NotFound(_))));
    running.settle(&world).await;

    let id = SubscriptionId::of(order.id);
    let known = subscriptions::get(&app, &world.operator(), id).await.unwrap().value;
    assert_eq!(known.standing, Standing::Lapsed);
    assert_eq!(world.count("user.erased"), 1);
    let erased = world.events_of("user.erased").pop().unwrap();
    let freed = world.events_of("email.released").pop().unwrap();
    assert!(freed.position < erased.position);
    assert_eq!(world.credentials.password(ann).await.unwrap(), None);
    assert!(world.store_is_clean().await);
    // The address is anybody's.
    assert_ne!(world.user(&app, "ann").await, ann);
}

#[tokio::test]
async fn another_process_forgets_as_soon_as_it_hears_of_it() {
    let world = World::new();
    let (app, other) = (world.app(), world.app());
    let ann = world.user(&app, "ann").await;
    assert!(users::profile(&other, ann).await.unwrap().email.is_some());
    let following =
        tokio::spawn((*other).clone().follow(std::sync::Arc::new(souk_testkit::LogFeed(world.log.clone()))));
    let running = world.react(&app);
    // It has to have begun.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    users::request_erasure(&app, &world.as_user(ann), &Who::Id(ann)).await.unwrap();
    running.settle(&world).await;
    for _ in 0..1_000 {
        if other.is_gone(ann) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(other.is_gone(ann));
    following.abort();
}

#[tokio::test]
async fn a_crash_in_between_is_gone_on_from() {
    let world = World::new();
    let app = world.app();
    let ann = world.user(&app, "ann").await;
    users::request_erasure(&app, &world.as_user(ann), &Who::Id(ann)).await.unwrap();
    // The key was destroyed, and then nothing was recorded any more.
    world.vault.destroy(ann).await.unwrap();
    let restarted = world.app();
    let running = world.react(&restarted);
    running.settle(&world).await;
    assert_eq!(world.count("user.erased"), 1);
    assert!(world.store_is_clean().await);
}
