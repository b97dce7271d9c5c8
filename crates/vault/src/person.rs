//! The key of one person: how it is wrapped, and how it seals a text.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hmac::Mac;
use sha2::Sha256;
use souk_domain::id::UserId;
use souk_ports::Random;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::keys::{KeyEncryptionKey, expand, hmac};

/// The length of a nonce of XChaCha20-Poly1305.
pub(crate) const NONCE: usize = 24;

/// The first byte of a wrapped key.
const WRAPPING: u8 = 1;
/// The format, the id of the key-encryption key, the nonce, the key and its tag.
const WRAPPED: usize = 1 + 8 + NONCE + 32 + 16;

/// Why a person's key does not unwrap.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnwrapError {
    #[error("it has an unknown form")]
    Form,
    #[error("it was wrapped by another key-encryption key than the one in use")]
    OtherKey,
    #[error("it was altered, or belongs to somebody else")]
    Altered,
}

/// A text that could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("it was sealed under another key, or its nonce was altered")]
    Commitment,
    #[error("it was altered, or sealed for another place")]
    Altered,
    #[error("it is not text")]
    NotText,
}

/// A sealed text.
pub(crate) struct SealedText {
    pub(crate) nonce: [u8; NONCE],
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) commitment: [u8; 32],
}

/// Wraps and unwraps the keys of persons.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Wrapping {
    id: [u8; 8],
    key: [u8; 32],
}

impl Wrapping {
    pub(crate) fn new(kek: &KeyEncryptionKey) -> Self {
        Self { id: kek.id(), key: kek.derive("souk/kek/wrap/1", "") }
    }

    /// A new key for `subject`, wrapped; nothing when it cannot be encrypted.
    pub(crate) fn fresh(&self, subject: UserId, random: &dyn Random) -> Option<Vec<u8>> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(key.as_mut_slice());
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let associated = self.associated(subject);
        let payload = Payload { msg: key.as_slice(), aad: &associated };
        let sealed = XChaCha20Poly1305::new(&self.key.into()).encrypt(&nonce.into(), payload).ok()?;
        let mut wrapped = Vec::with_capacity(WRAPPED);
        wrapped.push(WRAPPING);
        wrapped.extend_from_slice(&self.id);
        wrapped.extend_from_slice(&nonce);
        wrapped.extend_from_slice(&sealed);
        Some(wrapped)
    }

    pub(crate) fn unwrap(&self, subject: UserId, wrapped: &[u8]) -> Result<PersonKey, UnwrapError> {
        if wrapped.len() != WRAPPED {
            return Err(UnwrapError::Form);
        }
        let (format, rest) = wrapped.split_first().ok_or(UnwrapError::Form)?;
        let (id, rest) = rest.split_first_chunk::<8>().ok_or(UnwrapError::Form)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(UnwrapError::Form)?;
        if *format != WRAPPING {
            return Err(UnwrapError::Form);
        }
        if *id != self.id {
            return Err(UnwrapError::OtherKey);
        }
        let associated = self.associated(subject);
        let key = XChaCha20Poly1305::new(&self.key.into())
            .decrypt(&(*nonce).into(), Payload { msg: sealed, aad: &associated })
            .map_err(|_| UnwrapError::Altered)?;
        Ok(PersonKey::new(&Zeroizing::new(key)))
    }

    fn associated(&self, subject: UserId) -> Vec<u8> {
        [b"souk/person-key/1".as_slice(), &self.id, subject.uuid().as_bytes()].concat()
    }
}

/// What is derived from a person's random key.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct PersonKey {
    nonces: [u8; 32],
    texts: [u8; 32],
}

impl PersonKey {
    fn new(secret: &[u8]) -> Self {
        let key = Hkdf::<Sha256>::new(None, secret);
        Self { nonces: expand(&key, &[b"souk/person/nonce/1"]), texts: expand(&key, &[b"souk/person/text/1"]) }
    }

    /// Seals `text` for `place`, an unambiguous description of where it stands; nothing when it is too long to encrypt.
    pub(crate) fn seal(&self, place: &[u8], text: &str) -> Option<SealedText> {
        let nonce = self.nonce(place, text);
        let (key, commitment) = self.text_key(&nonce);
        let ciphertext = XChaCha20Poly1305::new(&(*key).into())
            .encrypt(&nonce.into(), Payload { msg: text.as_bytes(), aad: place })
            .ok()?;
        Some(SealedText { nonce, ciphertext, commitment })
    }

    pub(crate) fn open(&self, place: &[u8], sealed: &SealedText) -> Result<String, OpenError> {
        let (key, commitment) = self.text_key(&sealed.nonce);
        if !bool::from(commitment.ct_eq(&sealed.commitment)) {
            return Err(OpenError::Commitment);
        }
        let text = XChaCha20Poly1305::new(&(*key).into())
            .decrypt(&sealed.nonce.into(), Payload { msg: &sealed.ciphertext, aad: place })
            .map_err(|_| OpenError::Altered)?;
        String::from_utf8(text).map_err(|_| OpenError::NotText)
    }

    /// Two texts never share a nonce, since the text is hashed too; the same text at the same place always has the same.
    fn nonce(&self, place: &[u8], text: &str) -> [u8; NONCE] {
        let hash = hmac(&self.nonces)
            .chain_update((place.len() as u64).to_be_bytes())
            .chain_update(place)
            .chain_update(text.as_bytes())
            .finalize()
            .into_bytes();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&hash[..NONCE]);
        nonce
    }

    /// The key of one text, and the commitment to it: both from one derivation, so that no second key has the same.
    fn text_key(&self, nonce: &[u8; NONCE]) -> (Zeroizing<[u8; 32]>, [u8; 32]) {
        let both: Zeroizing<[u8; 64]> =
            Zeroizing::new(expand(&Hkdf::new(None, &self.texts), &[b"souk/text/1".as_slice(), nonce]));
        let (mut key, mut commitment) = (Zeroizing::new([0; 32]), [0; 32]);
        key.copy_from_slice(&both[..32]);
        commitment.copy_from_slice(&both[32..]);
        (key, commitment)
    }
}
