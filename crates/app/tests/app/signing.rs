//! Keys of vendors, what they sign, and release records.

use souk_app::{
    AppError,
    plugins::{self, PluginRef, SubmitVersion},
    releases, vendor_keys,
};
use souk_domain::listing::Pricing;
use souk_signing::{Outcome, SecretKey, artifact_message, canonical, check, sha256};

use crate::support::{World, submission};

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
