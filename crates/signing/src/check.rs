//! Checking an archive against its release record, with nothing but keys at hand.

use serde::Serialize;
use serde_json::Value;

use crate::{PublicKey, Record, Signature, artifact_message, record_message};

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Right,
    /// It does not hold.
    Wrong,
    /// There is nothing to check, and that is no fault: the vendor did not sign.
    Absent,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `digest`, `vendor` or `souk`.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What that means, in a sentence.
    pub says: String,
}

impl Check {
    fn new(name: &'static str, outcome: Outcome, says: impl Into<String>) -> Self {
        Self { name, outcome, says: says.into() }
    }
}

/// Checks the digest of an archive, the vendor's signature and Souk's, all of them whatever the others came to.
///
/// `release` is what `GET /plugins/{plugin}/versions/{version}/release` answers, `keys` what `GET /keys` answers.
///
/// # Errors
/// What is no release record or no list of keys, and why: then nothing was checked.
pub fn check(digest: &str, release: &Value, keys: &Value) -> Result<Vec<Check>, String> {
    let written = release.get("record").ok_or("the release has no `record`")?;
    let record: Record =
        serde_json::from_value(written.clone()).map_err(|error| format!("the release record: {error}"))?;
    let signature = release.get("signature").and_then(Value::as_str).ok_or("the release has no `signature`")?;
    let keys = keys_of(keys)?;
    Ok(vec![digest_of(&record, digest), vendor(&record, digest), souk(written, signature, &keys)])
}

/// The keys of what `GET /keys` answers.
///
/// # Errors
/// What is no list of keys, and why.
pub fn keys_of(keys: &Value) -> Result<Vec<PublicKey>, String> {
    let items = keys.get("items").and_then(Value::as_array).ok_or("the keys have no list `items`")?;
    let parsed = items.iter().enumerate().map(|(index, item)| {
        let text = item.get("publicKey").and_then(Value::as_str).unwrap_or_default();
        PublicKey::parse(text).map_err(|error| format!("items[{index}].publicKey of the keys: {error}"))
    });
    parsed.collect()
}

fn digest_of(record: &Record, digest: &str) -> Check {
    if record.digest == digest {
        Check::new("digest", Outcome::Right, format!("the file is {} {}", record.name, record.version))
    } else {
        let says = format!("the file has the digest {digest}, and the record is about {}", record.digest);
        Check::new("digest", Outcome::Wrong, says)
    }
}

fn vendor(record: &Record, digest: &str) -> Check {
    let (Some(key), Some(signature)) = (&record.vendor_key, &record.vendor_signature) else {
        if record.vendor_key.is_some() || record.vendor_signature.is_some() {
            return Check::new("vendor", Outcome::Wrong, "the record has only half of the vendor's signature");
        }
        return Check::new("vendor", Outcome::Absent, "the vendor did not sign this version");
    };
    let right = PublicKey::parse(key).is_ok_and(|key| {
        let message = artifact_message(digest);
        let signature = Signature::parse(signature);
        matches!((message, signature), (Some(message), Ok(signature)) if key.verifies(&message, &signature))
    });
    if right {
        Check::new("vendor", Outcome::Right, format!("the vendor signed this file with the key {key}"))
    } else {
        Check::new(
            "vendor",
            Outcome::Wrong,
            format!("the vendor's signature is not one over this file by the key {key}"),
        )
    }
}

fn souk(written: &Value, signature: &str, keys: &[PublicKey]) -> Check {
    let message = record_message(written);
    let signer = Signature::parse(signature).ok().and_then(|signature| {
        let mut keys = keys.iter();
        keys.find(|key| key.verifies(&message, &signature))
    });
    match signer {
        Some(key) => Check::new("souk", Outcome::Right, format!("Souk signed the record with the key {}", key.id())),
        None => Check::new("souk", Outcome::Wrong, "none of the keys signed this record"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{SecretKey, sha256};

    const FILE: &[u8] = b"archive";

    fn keys() -> (SecretKey, SecretKey) {
        (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]))
    }

    fn record(signed: bool) -> Record {
        let (vendor, digest) = (keys().0, sha256(FILE));
        let signature = vendor.sign(&artifact_message(&digest).unwrap());
        Record {
            plugin: "00000000-0000-0000-0000-000000000003".to_owned(),
            name: "log-reader".to_owned(),
            version: "1.0.0".to_owned(),
            digest,
            manifest_hash: sha256(b"{}"),
            report_hash: None,
            position: 17,
            signed_at: "2026-01-01T00:00:00.000000Z".to_owned(),
            vendor_key: signed.then(|| vendor.public().to_string()),
            vendor_signature: signed.then(|| signature.to_string()),
        }
    }

    fn release(signed: bool) -> Value {
        serde_json::to_value(record(signed).signed(&keys().1).unwrap()).unwrap()
    }

    fn list(key: &SecretKey) -> Value {
        json!({ "items": [{ "publicKey": SecretKey::from_seed([9; 32]).public().to_string() },
            { "publicKey": key.public().to_string() }] })
    }

    fn outcomes(file: &[u8], release: &Value) -> [Outcome; 3] {
        let checks = check(&sha256(file), release, &list(&keys().1)).unwrap();
        assert_eq!(checks.iter().map(|check| check.name).collect::<Vec<_>>(), ["digest", "vendor", "souk"]);
        [checks[0].outcome, checks[1].outcome, checks[2].outcome]
    }

    #[test]
    fn what_is_right_is_right() {
        use Outcome::{Absent, Right};
        assert_eq!(outcomes(FILE, &release(true)), [Right; 3]);
        assert_eq!(outcomes(FILE, &release(false)), [Right, Absent, Right]);
    }

    #[test]
    fn each_thing_that_is_wrong_is_told_apart() {
        use Outcome::{Right, Wrong};
        assert_eq!(outcomes(b"other", &release(true)), [Wrong, Wrong, Right]);
        let mut forged = release(true);
        forged["record"]["vendorSignature"] = json!(keys().1.sign(b"x").to_string());
        assert_eq!(outcomes(FILE, &forged), [Right, Wrong, Wrong]);
        let mut half = release(true);
        half["record"].as_object_mut().unwrap().remove("vendorKey");
        assert_eq!(outcomes(FILE, &half), [Right, Wrong, Wrong]);
        let strangers = check(&sha256(FILE), &release(true), &list(&keys().0)).unwrap();
        assert_eq!(strangers[2].outcome, Wrong);
    }

    #[test]
    fn every_field_of_the_record_is_signed_also_one_that_is_not_known() {
        let fields: Vec<_> = release(true)["record"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields.len(), 10);
        for field in fields.iter().filter(|field| *field != "position") {
            let mut changed = release(true);
            changed["record"][field] = json!("0");
            assert_eq!(outcomes(FILE, &changed)[2], Outcome::Wrong, "{field}");
        }
        let mut moved = release(true);
        moved["record"]["position"] = json!(18);
        assert_eq!(outcomes(FILE, &moved)[2], Outcome::Wrong);
        let mut more = release(true);
        more["record"]["more"] = json!(1);
        assert_eq!(outcomes(FILE, &more)[2], Outcome::Wrong);
    }

    #[test]
    fn a_signature_over_a_digest_is_none_over_a_record() {
        let mut release = release(true);
        let bare = keys().1.sign(&crate::canonical(&release["record"]));
        release["signature"] = json!(bare.to_string());
        assert_eq!(outcomes(FILE, &release)[2], Outcome::Wrong, "the purpose is signed too");
    }

    #[test]
    fn what_cannot_be_checked_is_said() {
        let good = list(&keys().1);
        for (release, keys) in [
            (json!({}), good.clone()),
            (json!({ "record": {}, "signature": "" }), good.clone()),
            (json!({ "record": release(true)["record"] }), good),
            (release(true), json!([])),
            (release(true), json!({ "items": [{ "publicKey": "AA==" }] })),
        ] {
            assert!(check(&sha256(FILE), &release, &keys).is_err(), "{release} {keys}");
        }
    }
}
