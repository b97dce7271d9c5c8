//! Keys and signatures as text and back.

use std::fmt;

use data_encoding::BASE64;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use zeroize::{Zeroize, Zeroizing};

/// How a secret key's text begins, so that nobody takes it for a public one.
const SECRET: &str = "souk-ed25519-secret:";

/// Why a text is no key or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64, or not of the right length.
    #[error("must be base64 of {0} bytes")]
    Encoding(usize),
    /// No point of the curve, or one of small order, for which anyone can sign.
    #[error("must be a public key of Ed25519 that is not weak")]
    Weak,
    /// Another way to write a key, whose coordinate is not reduced: one key would have two texts, and two ids.
    #[error("must be a public key of Ed25519 in its canonical encoding")]
    NotCanonical,
    /// No file that `souk keygen` wrote.
    #[error("must be a secret key as `souk keygen` writes it")]
    NoSecret,
}

/// A key that checks.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads base64 of 32 bytes.
    ///
    /// # Errors
    /// It is none, or nothing good.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = bytes::<32>(text)?;
        if !is_reduced(&bytes) {
            return Err(KeyError::NotCanonical);
        }
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::Weak)?;
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self(key)) }
    }

    /// Names the key: the first 16 hex digits of its SHA-256.
    #[must_use]
    pub fn id(&self) -> String {
        crate::sha256(self.0.as_bytes()).chars().take(16).collect()
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(&signature.0)).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A key that signs. Wiped when dropped, and never shown.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a seed of 32 random bytes.
    #[must_use]
    pub fn from_seed(mut seed: [u8; 32]) -> Self {
        let key = Self(SigningKey::from_bytes(&seed));
        seed.zeroize();
        key
    }

    /// How its text begins.
    pub const PREFIX: &str = SECRET;

    /// Reads what [`SecretKey::text`] wrote.
    ///
    /// # Errors
    /// It is nothing such.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let encoded = text.trim().strip_prefix(SECRET).ok_or(KeyError::NoSecret)?;
        bytes::<32>(encoded).map(Self::from_seed).map_err(|_| KeyError::NoSecret)
    }

    /// The key as a line of text, for a file that only its owner reads.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(BASE64.encode(self.0.as_bytes()));
        Zeroizing::new(format!("{SECRET}{}\n", encoded.as_str()))
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs. The same message always gives the same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public())
    }
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Reads base64 of 64 bytes.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        bytes::<64>(text).map(Self)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

/// Whether y is below p = 2^255 - 19, as RFC 8032 (5.1.3) demands and the curve's library does not. The two points with x = 0, for
/// which a set sign bit is not canonical either, are weak.
fn is_reduced(key: &[u8; 32]) -> bool {
    let [lowest, middle @ .., highest] = key;
    *lowest < 0xed || middle.iter().any(|byte| *byte != 0xff) || highest & 0x7f != 0x7f
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], KeyError> {
    let decoded = Zeroizing::new(BASE64.decode(text.trim().as_bytes()).map_err(|_| KeyError::Encoding(N))?);
    <[u8; N]>::try_from(decoded.as_slice()).map_err(|_| KeyError::Encoding(N))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_seed([7; 32])
    }

    #[test]
    fn a_signature_is_the_one_of_rfc_8032() {
        // Section 7.1, test 2: the message is the one byte 0x72.
        let bytes = |text: &str| hex::decode(text).unwrap();
        let seed = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let key = SecretKey::from_seed(seed.try_into().unwrap());
        let public = bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        assert_eq!(key.public().to_string(), BASE64.encode(&public));
        let signature = bytes(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        );
        assert_eq!(key.sign(&[0x72]).to_string(), BASE64.encode(&signature));
    }

    #[test]
    fn keys_and_signatures_read_back() {
        let key = key();
        let again = SecretKey::parse(&key.text()).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(PublicKey::parse(&key.public().to_string()), Ok(key.public()));
        let signature = key.sign(b"x");
        assert_eq!(Signature::parse(&format!(" {signature}\n")), Ok(signature));
        assert_eq!(key.public().id().len(), 16);
        assert!(!format!("{key:?}").contains(&BASE64.encode(&[7; 32])), "a secret is never shown");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "AA==", "not base64!", &BASE64.encode(&[1; 33]), &key().text()] {
            assert_eq!(PublicKey::parse(text), Err(KeyError::Encoding(32)), "{text}");
        }
        // The neutral element, a point of order 8, and no point at all.
        let neutral = {
            let mut bytes = [0; 32];
            bytes[0] = 1;
            bytes
        };
        let order_8 = hex::decode("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a").unwrap();
        for weak in [neutral.to_vec(), order_8, vec![2; 32]] {
            assert_eq!(PublicKey::parse(&BASE64.encode(&weak)), Err(KeyError::Weak), "{weak:?}");
        }
        assert_eq!(Signature::parse("AA=="), Err(KeyError::Encoding(64)));
        for text in [key().public().to_string(), SECRET.to_owned(), format!("{SECRET}AA==")] {
            assert!(SecretKey::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_encoding_that_is_not_canonical_is_refused() {
        // Every y from p to 2^255 - 1, with either sign.
        for (low, high) in (0xed..=0xff_u8).flat_map(|low| [(low, 0x7f), (low, 0xff_u8)]) {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            assert_eq!(PublicKey::parse(&BASE64.encode(&bytes)), Err(KeyError::NotCanonical), "{low:x} {high:x}");
        }
        let parse = |hex: &str| PublicKey::parse(&BASE64.encode(&hex::decode(hex).unwrap()));
        for sign in ["7f", "ff"] {
            let greatest = format!("ec{}{sign}", "ff".repeat(30));
            assert_eq!(parse(&greatest), Err(KeyError::Weak), "p - 1 is reduced, and the y of a point of order 2");
        }
        // y = 3, and the same point as y = 3 + p, which the library takes for a key like any other.
        let (reduced, other) = (format!("03{}", "00".repeat(31)), format!("f0{}7f", "ff".repeat(30)));
        assert!(parse(&reduced).is_ok());
        let taken = VerifyingKey::from_bytes(&hex::decode(&other).unwrap().try_into().unwrap()).unwrap();
        assert!(!taken.is_weak());
        assert_eq!(parse(&other), Err(KeyError::NotCanonical));
    }

    #[test]
    fn a_signature_that_was_shifted_by_the_order_is_refused() {
        // s + L signs the same to whoever does not check that s is reduced.
        const L: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut signature = key().sign(b"x");
        assert!(key().public().verifies(b"x", &signature));
        let mut carry = 0_u16;
        for (byte, add) in signature.0[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!key().public().verifies(b"x", &signature));
    }

    proptest! {
        #[test]
        fn only_the_right_message_and_key_verify(seed: [u8; 32], message: Vec<u8>, flip in 0_usize..512) {
            let key = SecretKey::from_seed(seed);
            let signature = key.sign(&message);
            prop_assert!(key.public().verifies(&message, &signature));
            let mut longer = message.clone();
            longer.push(0);
            prop_assert!(!key.public().verifies(&longer, &signature));
            let mut broken = signature.clone();
            broken.0[flip / 8] ^= 1 << (flip % 8);
            prop_assert!(!key.public().verifies(&message, &broken));
            let other = SecretKey::from_seed([seed[0].wrapping_add(1); 32]);
            prop_assume!(other.public() != key.public());
            prop_assert!(!other.public().verifies(&message, &signature));
        }
    }
}
