//! Keys with which vendors sign.

use std::{collections::HashSet, time::Duration};

use souk_domain::{
    decider::Decider,
    event::DomainEvent,
    id::{VendorId, VendorKeyId},
    plugin::VendorSignature,
    reservation::{self, PublicKeys},
    stream::{Category, StreamId},
    text::Problems,
    vendor::{Command, Event, State, VendorKey, Vendors},
};
use souk_ports::Position;
use souk_signing::{PublicKey, Signature, artifact_message, sha256};

use crate::{App, AppError, Context, Done, Read, execute::Call, memory::About, vendors};

/// Events in one read.
const PAGE: usize = 500;

/// Lets a key sign for a vendor; its owner only. `public_key` is base64 of 32 bytes, `label` one line of 1 to 100 characters.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`, `Invalid`; conflicts `key_in_use`, `key_was_revoked` and `too_many_keys`.
pub async fn register(
    app: &App,
    ctx: &Context,
    vendor: VendorId,
    public_key: &str,
    label: &str,
) -> Result<Done<VendorKey>, AppError> {
    let known = vendors::get(app, vendor).await?.value;
    // An admin acts for vendors, but nobody else says which key is theirs.
    if ctx.actor.id != Some(known.owner) {
        return Err(ctx.refuse("only the owner of a vendor registers its keys"));
    }
    let ctx = vendors::acting_for(ctx, &known)?;
    let mut problems = Problems::default();
    problems.line("label", label, 100);
    let key = PublicKey::parse(public_key);
    if let Err(error) = &key {
        problems.add("publicKey", error.to_string());
    }
    let Some(key) = problems.finish(key.ok())? else {
        return Err(AppError::Internal("a key was neither taken nor refused".to_owned()));
    };
    let (key, label) = (key.to_string(), label.to_owned());
    let id = VendorKeyId::of(vendor, &key);
    let command = Command::RegisterKey { public_key: key.clone(), label };
    // Whoever registered the key of another could hand in what the other signed.
    let fact = app.fact::<Vendors>(vendor.uuid(), Duration::ZERO).await?;
    if !has(&fact.state, id) {
        // What will be refused anyway keeps the key from nobody.
        Vendors::decide(&fact.state, command.clone())?;
        if !claim(app, &ctx, vendor, &key).await? {
            return Err(AppError::conflict("key_in_use", "another vendor has registered this key"));
        }
    }
    let done = vendors::change(app, &ctx, vendor, command).await?;
    let registered = done.value.keys.iter().find(|key| key.id == id).cloned();
    let registered =
        registered.ok_or_else(|| AppError::Internal("a key was registered and is not there".to_owned()))?;
    Ok(done.map(|_| registered))
}

/// Whether the vendor ever registered the key.
fn has(state: &State, key: VendorKeyId) -> bool {
    matches!(state, State::Registered(vendor) if vendor.keys.iter().any(|known| known.id == key))
}

/// Says that a key is the vendor's, also once it is revoked; false when it is another's.
pub(crate) async fn claim(app: &App, ctx: &Context, vendor: VendorId, key: &str) -> Result<bool, AppError> {
    let call = Call::new(ctx, StreamId::of_key(key).uuid, About::NOTHING);
    app.reserve::<PublicKeys>(call, reservation::Kind::Key, vendor.uuid()).await
}

/// Ends a key: it signs nothing new. Owner or admin.
///
/// # Errors
/// `NotFound`, `Unauthorized`, `Forbidden`.
pub async fn revoke(app: &App, ctx: &Context, vendor: VendorId, key: VendorKeyId) -> Result<Done<()>, AppError> {
    let ctx = vendors::acting_for(ctx, &vendors::get(app, vendor).await?.value)?;
    let done = vendors::change(app, &ctx, vendor, Command::RevokeKey { key }).await?;
    Ok(done.map(|_| ()))
}

/// Every key that a vendor ever registered.
///
/// # Errors
/// `NotFound`.
pub async fn list(app: &App, vendor: VendorId) -> Result<Read<Vec<VendorKey>>, AppError> {
    let Read { value, position, version } = vendors::get(app, vendor).await?;
    Ok(Read { value: value.keys, position, version })
}

/// What is recorded of a signature over `artifact`, which must be one of the vendor's live keys.
pub(crate) async fn signed(
    app: &App,
    vendor: VendorId,
    artifact: &[u8],
    signature: &str,
) -> Result<VendorSignature, AppError> {
    let invalid = |why: &str| AppError::InvalidSignature(format!("the signature {why}"));
    let parsed = Signature::parse(signature).map_err(|error| invalid(&error.to_string()))?;
    // Read anew: a key that was revoked a moment ago may be in wrong hands.
    let vendor = vendors::known(app, vendor, Duration::ZERO).await?.value;
    let Some(message) = artifact_message(&sha256(artifact)) else {
        return Err(AppError::Internal("a digest is none".to_owned()));
    };
    let is_right =
        |key: &&VendorKey| PublicKey::parse(&key.public_key).is_ok_and(|key| key.verifies(&message, &parsed));
    let Some(key) = vendor.live_keys().find(is_right) else {
        return Err(invalid("is not one over the artifact's SHA-256 by a live key of the vendor"));
    };
    Ok(VendorSignature { key_id: key.id, public_key: key.public_key.clone(), signature: parsed.to_string() })
}

/// Keys of a vendor at two places of the log, which never change any more.
#[derive(Default)]
pub(crate) struct Keys {
    /// With which it could sign at the first.
    pub valid: HashSet<VendorKeyId>,
    /// Which of those it had revoked by the second.
    pub revoked_since: HashSet<VendorKeyId>,
}

/// The keys of a vendor at position `then`, and what became of them up to position `now`.
pub(crate) async fn between(app: &App, vendor: VendorId, then: Position, now: Position) -> Result<Keys, AppError> {
    let (stream, mut keys, mut from) = (StreamId::of(Category::Vendor, vendor), Keys::default(), 0);
    loop {
        let page = app.ports.log.read_stream(stream, from, PAGE).await?;
        for recorded in &page {
            if recorded.position > now {
                return Ok(keys);
            }
            let is_before = recorded.position < then;
            match app.open(recorded).await? {
                DomainEvent::Vendor(Event::KeyRegistered { key_id, .. }) if is_before => {
                    keys.valid.insert(key_id);
                }
                DomainEvent::Vendor(Event::KeyRevoked { key_id }) if is_before => {
                    keys.valid.remove(&key_id);
                }
                DomainEvent::Vendor(Event::KeyRevoked { key_id }) if keys.valid.contains(&key_id) => {
                    keys.revoked_since.insert(key_id);
                }
                _ => {}
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.version + 1,
            _ => return Ok(keys),
        }
    }
}
