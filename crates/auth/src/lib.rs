//! Passwords, access tokens, refresh tokens and API keys.
//!
//! What a client holds and what Souk keeps of it:
//!
//! | client | Souk |
//! |---|---|
//! | password | an Argon2id hash ([`Argon2Passwords`]) |
//! | access token, 15 minutes | nothing: it is signed ([`Tokens`]) |
//! | refresh token `souk_rt_…` | its SHA-256 ([`RefreshToken`]) |
//! | API key `souk_key_…` | its SHA-256 ([`ApiKey`]) |
//! | partner's key `souk_pk_…` | its SHA-256 ([`PartnerKey`]) |

mod jwt;
mod keyring;
mod opaque;
mod password;
mod policy;

pub use jwt::{ACCESS_TOKEN_LIFETIME, AccessToken, Claims, TokenError, Tokens};
pub use keyring::Keys;
pub use opaque::{ApiKey, Kind, Opaque, PartnerKey, RefreshToken, kind};
pub use password::{Argon2Passwords, PasswordError, needs_rehash};
pub use policy::{PasswordRefused, check_password};
