//! Tokens that mean nothing by themselves: 32 random bytes that are looked up by their hash.

use std::{fmt, marker::PhantomData};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use souk_ports::Random;
use zeroize::Zeroizing;

/// Which tokens there are.
pub mod kind {
    /// Exchanged for new tokens, once.
    pub enum Refresh {}
    /// Used instead of an access token by programs.
    pub enum ApiKey {}
    /// Opens what a partner may see.
    pub enum Partner {}
}

/// A kind of token.
pub trait Kind {
    /// What the token's text starts with: it says what a token that turns up somewhere is, and lets leak scanners find it.
    const PREFIX: &'static str;
}

impl Kind for kind::Refresh {
    const PREFIX: &'static str = "souk_rt_";
}

impl Kind for kind::ApiKey {
    const PREFIX: &'static str = "souk_key_";
}

impl Kind for kind::Partner {
    const PREFIX: &'static str = "souk_pk_";
}

/// A refresh token: `souk_rt_` and 43 characters of base64url.
pub type RefreshToken = Opaque<kind::Refresh>;
/// An API key: `souk_key_` and 43 characters of base64url.
pub type ApiKey = Opaque<kind::ApiKey>;
/// A key of a partner: `souk_pk_` and 43 characters of base64url.
pub type PartnerKey = Opaque<kind::Partner>;

/// A token: shown to its holder once, stored as [`Opaque::hash`].
pub struct Opaque<K>(Zeroizing<String>, PhantomData<fn() -> K>);

impl<K: Kind> Opaque<K> {
    /// A new token.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        let digits = Zeroizing::new(BASE64URL_NOPAD.encode(bytes.as_slice()));
        Self(Zeroizing::new([K::PREFIX, digits.as_str()].concat()), PhantomData)
    }

    /// The token that `text` is, when it has the form of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(K::PREFIX)?;
        if digits.len() != 43 {
            return None;
        }
        let bytes = Zeroizing::new(BASE64URL_NOPAD.decode(digits.as_bytes()).ok()?);
        (bytes.len() == 32).then(|| Self(Zeroizing::new(text.to_owned()), PhantomData))
    }

    /// The text that its holder keeps.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the text: what is stored. A token has 256 random bits, so that nothing slower is needed.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl<K: Kind> fmt::Debug for Opaque<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[secret]", K::PREFIX)
    }
}
