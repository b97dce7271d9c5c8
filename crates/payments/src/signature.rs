//! Signatures of gateways: HMAC-SHA256 in lower-case hexadecimal.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The signature of `parts`, one after the other.
pub fn sign(secret: &str, parts: &[&[u8]]) -> String {
    mac(secret, parts).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// Whether one of `signatures` is that of `parts` with one of `secrets`. Takes as long wherever a signature differs, and whichever
/// secret is right. Empty secrets are none: anybody could sign with them.
pub fn fits(secrets: &[String], signatures: &[&str], parts: &[&[u8]]) -> bool {
    let signatures: Vec<Vec<u8>> = signatures.iter().filter_map(|text| hex::decode(text).ok()).collect();
    let mut fits = false;
    for mac in usable(secrets).filter_map(|secret| mac(secret, parts)) {
        for signature in &signatures {
            fits |= mac.clone().verify_slice(signature).is_ok();
        }
    }
    fits
}

/// The secrets that somebody can sign with.
pub fn usable(secrets: &[String]) -> impl Iterator<Item = &String> {
    secrets.iter().filter(|secret| !secret.trim().is_empty())
}

fn mac(secret: &str, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}
