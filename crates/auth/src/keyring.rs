//! Everything that clients hold, behind one port.

use std::{collections::BTreeSet, sync::Arc};

use souk_domain::{id::UserId, user::Role};
use souk_ports::{Bearer, IssuedToken, Keyring, Random, SecretKind, store::StoreError};

use crate::{ApiKey, PartnerKey, RefreshToken, Tokens};

/// The [`Keyring`] of signed access tokens and random opaque ones.
pub struct Keys {
    tokens: Tokens,
    random: Arc<dyn Random>,
}

impl Keys {
    /// Access tokens by `tokens`, opaque ones from `random`.
    #[must_use]
    pub fn new(tokens: Tokens, random: Arc<dyn Random>) -> Self {
        Self { tokens, random }
    }
}

impl Keyring for Keys {
    fn issue(&self, user: UserId, roles: &BTreeSet<Role>) -> Result<IssuedToken, StoreError> {
        let issued = self.tokens.issue(user, roles).map_err(|error| StoreError(error.to_string()))?;
        Ok(IssuedToken { text: issued.token, expires_in: issued.expires_in })
    }

    fn verify(&self, token: &str) -> Option<Bearer> {
        self.tokens.verify(token).ok().map(|claims| Bearer { user: claims.user, roles: claims.roles })
    }

    fn generate(&self, kind: SecretKind) -> String {
        match kind {
            SecretKind::Refresh => RefreshToken::generate(self.random.as_ref()).text().to_owned(),
            SecretKind::ApiKey => ApiKey::generate(self.random.as_ref()).text().to_owned(),
            SecretKind::Partner => PartnerKey::generate(self.random.as_ref()).text().to_owned(),
        }
    }

    fn hash(&self, kind: SecretKind, text: &str) -> Option<[u8; 32]> {
        match kind {
            SecretKind::Refresh => RefreshToken::parse(text).map(|token| token.hash()),
            SecretKind::ApiKey => ApiKey::parse(text).map(|key| key.hash()),
            SecretKind::Partner => PartnerKey::parse(text).map(|key| key.hash()),
        }
    }
}

#[cfg(test)]
mod tests {
    use souk_testkit::{ManualClock, SeededRandom};

    use super::*;

    fn keys() -> Keys {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let tokens = Tokens::new([7; 32], "souk", Arc::new(ManualClock::default()), Arc::clone(&random));
        Keys::new(tokens, random)
    }

    #[test]
    fn an_access_token_says_who_and_what() {
        let (keys, user) = (keys(), UserId::derived(&["user"]));
        let roles = BTreeSet::from([Role::Customer, Role::Vendor]);
        let issued = keys.issue(user, &roles).unwrap();
        assert_eq!(keys.verify(&issued.text), Some(Bearer { user, roles }));
        assert_eq!(keys.verify("nonsense"), None);
    }

    #[test]
    fn an_opaque_token_is_of_one_kind() {
        let keys = keys();
        let refresh = keys.generate(SecretKind::Refresh);
        assert!(keys.hash(SecretKind::Refresh, &refresh).is_some());
        assert_eq!(keys.hash(SecretKind::ApiKey, &refresh), None);
        assert_ne!(
            keys.hash(SecretKind::Refresh, &refresh),
            keys.hash(SecretKind::Refresh, &keys.generate(SecretKind::Refresh))
        );
    }
}
