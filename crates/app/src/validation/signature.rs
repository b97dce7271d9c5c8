//! The step `signature`: whether the vendor signed this very archive, with a key that was its own.

use serde_json::{Value, json};
use souk_domain::{
    id::VendorKeyId,
    validation::{Finding, Severity},
};
use souk_package::finding;
use souk_signing::{PublicKey, Signature, artifact_message};

use super::{CheckStep, Gathered, Input};

/// What is known of the vendor's signature, looked up before the steps run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signed {
    /// Nobody knows who the vendor is, and there is no signature to look at.
    #[default]
    Unknown,
    /// It is not signed.
    No {
        /// Whether the vendor had a key to sign with when the version was handed in.
        could_be: bool,
    },
    /// It came with a signature.
    By(Signing),
}

/// A signature and the key that is said to have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// Which of the vendor's keys; none where no vendor is known.
    pub key_id: Option<VendorKeyId>,
    /// That key: Ed25519, base64 of 32 bytes.
    pub public_key: String,
    /// Base64 of 64 bytes.
    pub signature: String,
    /// How the key stood.
    pub key: KeyStanding,
}

/// How a key stood with its vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// Nobody knows whose it is.
    Unknown,
    /// One of the vendor's when the version was handed in, and when its validation began.
    Valid,
    /// One of the vendor's when the version was handed in, and revoked before its validation began.
    RevokedSince,
    /// None of the vendor's when the version was handed in: unknown to it, or revoked.
    NotValid,
}

impl Signing {
    fn verifies(&self, digest: &str) -> bool {
        match (PublicKey::parse(&self.public_key), Signature::parse(&self.signature), artifact_message(digest)) {
            (Ok(key), Ok(signature), Some(message)) => key.verifies(&message, &signature),
            _ => false,
        }
    }
}

/// What the report keeps of the signature, so that who reads it can check it again; none where there is none.
pub(super) fn evidence(input: &Input) -> Option<Value> {
    let Signed::By(signing) = &input.signature else { return None };
    let key = match signing.key {
        KeyStanding::Unknown => "unknown",
        KeyStanding::Valid => "valid",
        KeyStanding::RevokedSince => "revoked_since",
        KeyStanding::NotValid => "not_valid",
    };
    Some(json!({
        "algorithm": "Ed25519",
        "keyId": signing.key_id,
        "publicKey": signing.public_key,
        "signature": signing.signature,
        "key": key,
        "verifies": signing.verifies(&input.digest),
    }))
}

pub(super) struct SignatureStep;

impl CheckStep for SignatureStep {
    fn name(&self) -> &'static str {
        "signature"
    }

    fn run(&self, input: &Input, _: &mut Gathered) -> Option<Vec<Finding>> {
        let found = |rule: &str, severity, message: String| finding(rule, severity, None, message);
        let signing = match &input.signature {
            Signed::Unknown => return None,
            Signed::No { could_be: false } => {
                let message = "the version is not signed; its vendor has no key to sign with";
                return Some(vec![found("signature.unsigned", Severity::Info, message.to_owned())]);
            }
            Signed::No { could_be: true } => {
                let message = "the version is not signed, although its vendor has keys to sign with";
                return Some(vec![found("signature.missing", Severity::Low, message.to_owned())]);
            }
            Signed::By(signing) => signing,
        };
        let mut findings = Vec::new();
        let key = &signing.public_key;
        if !signing.verifies(&input.digest) {
            let message = format!("the signature is not one over the digest {} by the key {key}", input.digest);
            findings.push(found("signature.invalid", Severity::Critical, message));
        }
        match signing.key {
            KeyStanding::Unknown | KeyStanding::Valid => {}
            KeyStanding::RevokedSince => {
                let message = format!("the vendor revoked the key {key} since the version was handed in");
                findings.push(found("signature.key_revoked", Severity::High, message));
            }
            KeyStanding::NotValid => {
                let message = format!("the key {key} was none of the vendor's when the version was handed in");
                findings.push(found("signature.key_not_valid", Severity::Critical, message));
            }
        }
        Some(findings)
    }

    fn why_skipped(&self) -> Option<&'static str> {
        Some("there is no signature to look at")
    }
}

#[cfg(test)]
mod tests {
    use souk_package::sha256;
    use souk_signing::SecretKey;

    use super::*;
    use crate::validation::tests::skill;

    fn signing(over: &[u8], key: KeyStanding) -> Signing {
        let secret = SecretKey::from_seed([7; 32]);
        let signature = secret.sign(&artifact_message(&sha256(over)).unwrap()).to_string();
        Signing { key_id: None, public_key: secret.public().to_string(), signature, key }
    }

    fn rules(signature: Signed) -> Option<Vec<(String, Severity)>> {
        let input = Input { signature, ..skill() };
        let found = SignatureStep.run(&input, &mut Gathered::default())?;
        Some(found.into_iter().map(|finding| (finding.rule, finding.severity)).collect())
    }

    fn found(rule: &str, severity: Severity) -> (String, Severity) {
        (format!("signature.{rule}"), severity)
    }

    #[test]
    fn each_way_of_not_being_signed_well_is_told_apart() {
        let archive = skill().archive;
        let by = |over: &[u8], key| rules(Signed::By(signing(over, key)));
        assert_eq!(rules(Signed::Unknown), None);
        assert_eq!(rules(Signed::No { could_be: false }), Some(vec![found("unsigned", Severity::Info)]));
        assert_eq!(rules(Signed::No { could_be: true }), Some(vec![found("missing", Severity::Low)]));
        assert_eq!(by(&archive, KeyStanding::Valid), Some(vec![]));
        assert_eq!(by(&archive, KeyStanding::Unknown), Some(vec![]));
        assert_eq!(by(&archive, KeyStanding::RevokedSince), Some(vec![found("key_revoked", Severity::High)]));
        assert_eq!(by(&archive, KeyStanding::NotValid), Some(vec![found("key_not_valid", Severity::Critical)]));
        assert_eq!(by(b"another", KeyStanding::Valid), Some(vec![found("invalid", Severity::Critical)]));
        let both = vec![found("invalid", Severity::Critical), found("key_not_valid", Severity::Critical)];
        assert_eq!(by(b"another", KeyStanding::NotValid), Some(both));
    }

    #[test]
    fn what_is_no_key_or_signature_does_not_verify() {
        let good = signing(&skill().archive, KeyStanding::Valid);
        for bad in [
            Signing { public_key: String::new(), ..good.clone() },
            Signing { signature: "AAAA".to_owned(), ..good.clone() },
        ] {
            assert_eq!(rules(Signed::By(bad)), Some(vec![found("invalid", Severity::Critical)]));
        }
        let mut input = Input { signature: Signed::By(good), ..skill() };
        assert_eq!(evidence(&input).unwrap()["verifies"], true);
        input.digest = "no digest".to_owned();
        assert_eq!(evidence(&input).unwrap()["verifies"], false);
    }
}
