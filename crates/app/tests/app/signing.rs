//! Keys of vendors, what they sign, and release records.

use std::sync::Arc;

use souk_app::{
    App, AppError,
    plugins::{self, PluginRef, SubmitVersion},
    releases, vendor_keys,
};
use souk_domain::{
    id::{UserId, VendorId, VendorKeyId},
    listing::Pricing,
    stream::{Category, StreamId},
    vendor::{Event, Vendor},
};
use souk_signing::{Outcome, SecretKey, artifact_message, canonical, check, sha256};
use souk_testkit::{Fault, FaultyLog};

use crate::support::{World, reason, submission};

fn key() -> SecretKey {
    SecretKey::from_seed([3; 32])
}

fn signed(version: &str) -> SubmitVersion {
    let input = submission(version);
    let signature = key().sign(&artifact_message(&sha256(&input.artifact)).unwrap());
    SubmitVersion { signature: Some(signature.to_string()), ..input }
}

#[tokio::test]
async fn a_record_says_what_the_log_says() {
    let world = World::new();
    let app = world.app();
    let (owner, vendor) = world.vendor(&app, "acme").await;
    vendor_keys::register(&app, &world.as_user(owner), vendor.id, &key().public().to_string(), "ci").await.unwrap();
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let (id, version) = (PluginRef::Id(plugin.id), "1.0.0".parse().unwrap());
    plugins::submit_version(&app, &world.as_user(owner), &id, signed("1.0.0")).await.unwrap();
    let early = releases::get(&app, &id, &version).await.unwrap_err();
    assert_eq!(early, AppError::NotFound("a release of this version"));
    world.approve(&app, plugin.id, "1.0.0").await;

    let release = releases::get(&app, &id, &version).await.unwrap();
    let approved = world.events_of("plugin.version_approved").pop().unwrap();
    assert_eq!(release.record.position, approved.position);
    assert_eq!(release.record.manifest_hash, sha256(&canonical(&submission("1.0.0").manifest)));
    assert_eq!(release.record.vendor_key, Some(key().public().to_string()));
    assert_eq!(release.record.report_hash.as_ref().map(String::len), Some(64));

    // Another process of the same Souk says the same, and so does this one after the key is gone.
    assert_eq!(releases::get(&world.app(), &PluginRef::from("TOOL"), &version).await.unwrap(), release);
    let known = vendor_keys::list(&app, vendor.id).await.unwrap().value.pop().unwrap();
    vendor_keys::revoke(&app, &world.as_user(owner), vendor.id, known.id).await.unwrap();
    assert_eq!(releases::get(&app, &id, &version).await.unwrap(), release);

    let keys = serde_json::json!({ "items": [{ "publicKey": releases::keys(&app)[0].to_string() }] });
    let release = serde_json::to_value(&release).unwrap();
    let checks = check(&sha256(&submission("1.0.0").artifact), &release, &keys).unwrap();
    assert!(checks.iter().all(|check| check.outcome == Outcome::Right), "{checks:?}");
}

#[tokio::test]
async fn a_key_that_another_process_revoked_signs_nothing() {
    let world = World::new();
    let (app, other) = (world.app(), world.app());
    let (owner, vendor) = world.vendor(&app, "acme").await;
    let public = key().public().to_string();
    let known = vendor_keys::register(&app, &world.as_user(owner), vendor.id, &public, "ci").await.unwrap().value;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let submit =
        async |input| plugins::submit_version(&app, &world.as_user(owner), &PluginRef::Id(plugin.id), input).await;
    assert!(submit(signed("1.0.0")).await.unwrap().value.release.signature.is_some());
    vendor_keys::revoke(&other, &world.as_user(owner), vendor.id, known.id).await.unwrap();
    assert_eq!(submit(signed("1.1.0")).await.unwrap_err().code(), "invalid_signature");
    let digest = sha256(&submission("1.1.0").artifact);
    assert!(app.ports().artifacts.get(&digest).await.is_err(), "nothing is kept of what is refused");
    assert!(submit(submission("1.1.0")).await.unwrap().value.release.signature.is_none(), "unsigned is allowed");
}

/// Two vendors, of which the second one would like to have the key of the first.
struct Two {
    world: World,
    app: Arc<App>,
    acme: (UserId, VendorId),
    other: (UserId, VendorId),
}

impl Two {
    async fn new() -> Self {
        let world = World::new();
        let app = world.app();
        let (owner, vendor) = world.vendor(&app, "acme").await;
        let (second, thief) = world.vendor(&app, "acme-too").await;
        Self { world, app, acme: (owner, vendor.id), other: (second, thief.id) }
    }

    async fn register_on(&self, app: &App, (owner, vendor): (UserId, VendorId)) -> Result<bool, AppError> {
        let (ctx, public) = (self.world.as_user(owner), key().public().to_string());
        vendor_keys::register(app, &ctx, vendor, &public, "ci").await.map(|done| done.changed)
    }

    async fn register(&self, who: (UserId, VendorId)) -> Result<bool, AppError> {
        self.register_on(&self.app, who).await
    }
}

#[tokio::test]
async fn a_key_belongs_to_one_vendor_for_good() {
    let two = Two::new().await;
    assert!(two.register(two.acme).await.unwrap());
    assert!(!two.register(two.acme).await.unwrap(), "the same again changes nothing");
    assert_eq!(reason(&two.register(two.other).await.unwrap_err()), "key_in_use");
    let (owner, vendor) = two.acme;
    let known = vendor_keys::list(&two.app, vendor).await.unwrap().value.pop().unwrap();
    vendor_keys::revoke(&two.app, &two.world.as_user(owner), vendor, known.id).await.unwrap();
    assert_eq!(reason(&two.register(two.acme).await.unwrap_err()), "key_was_revoked");
    assert_eq!(reason(&two.register(two.other).await.unwrap_err()), "key_in_use", "what it signed stays signed");
    assert_eq!((two.world.count("key.reserved"), two.world.count("vendor.key_registered")), (1, 1));
}

#[tokio::test]
async fn a_registration_that_was_cut_short_can_be_made_again() {
    let two = Two::new().await;
    let log = FaultyLog::new(Arc::new(two.world.memory.clone()));
    log.plan([Fault::Pass].into_iter().chain(std::iter::repeat_n(Fault::LostBefore, 1_000)));
    let lost = two.register_on(&two.world.app_on(Arc::new(log)), two.acme).await.unwrap_err();
    assert_eq!(lost.code(), "unavailable");
    assert_eq!((two.world.count("key.reserved"), two.world.count("vendor.key_registered")), (1, 0));
    assert_eq!(reason(&two.register(two.other).await.unwrap_err()), "key_in_use");
    assert!(two.register(two.acme).await.unwrap());
}

#[tokio::test]
async fn a_refused_registration_keeps_the_key_from_nobody() {
    let two = Two::new().await;
    let (owner, vendor) = two.other;
    for seed in 100..100 + u8::try_from(Vendor::MAX_KEYS).unwrap() {
        let public = SecretKey::from_seed([seed; 32]).public().to_string();
        vendor_keys::register(&two.app, &two.world.as_user(owner), vendor, &public, "ci").await.unwrap();
    }
    assert_eq!(reason(&two.register(two.other).await.unwrap_err()), "too_many_keys");
    assert!(two.register(two.acme).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_key_of_the_time_before_reservations_signs_and_is_reserved_afterwards() {
    let two = Two::new().await;
    let (owner, vendor) = two.acme;
    let (stream, public) = (StreamId::of(Category::Vendor, vendor), key().public().to_string());
    let registered =
        Event::KeyRegistered { key_id: VendorKeyId::of(vendor, &public), public_key: public, label: "ci".into() };
    two.world.append(stream, None, [registered.into()]).await;
    assert!(!two.register(two.acme).await.unwrap());
    let plugin = two.world.plugin(&two.app, owner, "tool", Pricing::Free).await;
    let (ctx, id) = (two.world.as_user(owner), PluginRef::Id(plugin.id));
    let submitted = plugins::submit_version(&two.app, &ctx, &id, signed("1.0.0")).await.unwrap();
    assert!(submitted.value.release.signature.is_some());
    let running = two.world.react(&two.app);
    running.settle(&two.world).await;
    running.stop().await;
    assert_eq!(two.world.count("key.reserved"), 1);
    assert_eq!(reason(&two.register(two.other).await.unwrap_err()), "key_in_use");
}
