//! The written form of license keys: `SOUK-` and nine groups of five, which are the license id and a seal of it. A key that replaced
//! another has ten groups: it also says the how-manieth it is.

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use souk_domain::id::LicenseId;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::keys::hmac_of;

const PREFIX: &str = "SOUK";
const GROUP: usize = 5;
/// Together with the id's 16 bytes this fills the nine groups but for one bit; guessing a key takes 2^96 attempts.
const SEAL: usize = 12;
const DIGITS: usize = 45;
/// Bytes of the number of a later key, and its digits: 31 bytes fill ten groups but for two bits.
const GENERATION: usize = 3;
const LATER_DIGITS: usize = 50;
/// A key that somebody typed with spaces and hyphens of their own; longer texts are not looked at.
const MAX_TYPED: usize = 256;

/// Crockford's base 32: no letters that look like digits, and those that people type are read as the digits.
static DIGITS_32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("OIL");
    specification.translate.to.push_str("011");
    specification.encoding().ok()
});

pub(crate) fn write(secret: &[u8; 32], license: LicenseId, generation: u32) -> String {
    let id = license.uuid();
    let later = &generation.to_be_bytes()[4 - GENERATION..];
    let later = if generation == 0 { &[] } else { later };
    let bytes = [id.as_bytes().as_slice(), later, &seal(secret, id, later)].concat();
    let digits = match &*DIGITS_32 {
        Some(encoding) => encoding.encode(&bytes),
        None => unreachable!("32 different symbols are an encoding"),
    };
    let mut key = String::from(PREFIX);
    for (index, digit) in digits.chars().enumerate() {
        if index % GROUP == 0 {
            key.push('-');
        }
        key.push(digit);
    }
    key
}

pub(crate) fn read(secret: &[u8; 32], typed: &str) -> Option<(LicenseId, u32)> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let compact: String = typed
        .chars()
        .filter(|char| !char.is_whitespace() && *char != '-')
        .map(|char| char.to_ascii_uppercase())
        .collect();
    let digits = compact.strip_prefix(PREFIX).filter(|digits| [DIGITS, LATER_DIGITS].contains(&digits.len()))?;
    let bytes = DIGITS_32.as_ref()?.decode(digits.as_bytes()).ok()?;
    let (id, rest) = bytes.split_first_chunk::<16>()?;
    let id = Uuid::from_bytes(*id);
    let (later, given) = rest.split_at_checked(if digits.len() == DIGITS { 0 } else { GENERATION })?;
    let generation = later.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    bool::from(given.ct_eq(&seal(secret, id, later))).then(|| (LicenseId::new(id), generation))
}

fn seal(secret: &[u8; 32], id: Uuid, later: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    seal.copy_from_slice(&hmac_of(secret, &[id.as_bytes().as_slice(), later].concat())[..SEAL]);
    seal
}
