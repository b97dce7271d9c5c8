//! What an address carries that ends mails: who, which sort, and a seal. It is good for ever, as the mail is that holds it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use souk_domain::id::UserId;
use souk_ports::notice::Category;
use uuid::Uuid;

use crate::App;

/// Bytes of the seal that are kept.
const SEAL: usize = 16;

fn seal(app: &App, user: UserId, category: Category) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(&app.ports.vault.derived_secret("unsubscribe"));
    Hmac::<Sha256>::new(&block.into()).chain_update(format!("{user}\n{}", category.as_str()))
}

/// The token that ends mails of `category` to `user`.
pub(super) fn of(app: &App, user: UserId, category: Category) -> String {
    let sealed = seal(app, user, category).finalize().into_bytes();
    format!("{}.{}.{}", user.uuid().simple(), category.as_str(), hex::encode(&sealed[..SEAL]))
}

/// Whom and what `token` names, if it is one of this Souk.
pub(super) fn open(app: &App, token: &str) -> Option<(UserId, Category)> {
    let mut parts = token.split('.');
    let (user, category, sealed) = (parts.next()?, parts.next()?, parts.next()?);
    let user = UserId::new(Uuid::try_parse(user).ok()?);
    let category = Category::ALL.into_iter().find(|known| known.as_str() == category)?;
    let sealed: [u8; SEAL] = hex::decode(sealed).ok()?.try_into().ok()?;
    seal(app, user, category).verify_truncated_left(&sealed).ok()?;
    parts.next().is_none().then_some((user, category))
}
