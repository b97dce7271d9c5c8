//! Bytes that are kept outside the log: a random nonce, then XChaCha20-Poly1305 with the name they are kept under authenticated.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use souk_ports::Random;

const NONCE: usize = 24;

pub(crate) fn seal(key: &[u8; 32], random: &dyn Random, name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let cipher = XChaCha20Poly1305::new(key.into());
    let payload = Payload { msg: bytes, aad: name.as_bytes() };
    match cipher.encrypt(&XNonce::from(nonce), payload) {
        Ok(sealed) => [nonce.as_slice(), &sealed].concat(),
        Err(_) => unreachable!("no record is as long as 256 GiB"),
    }
}

pub(crate) fn open(key: &[u8; 32], name: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(&nonce, Payload { msg: text, aad: name.as_bytes() }).ok()
}
