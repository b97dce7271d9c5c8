//! What Souk says of a version that it approved.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SecretKey, canonical};

/// Says what is signed, so that no signature over one thing passes for one over another.
const PURPOSE: &[u8] = b"souk release record v1\n";

/// A release record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Id of the plugin.
    pub plugin: String,
    /// Its name.
    pub name: String,
    /// Semver.
    pub version: String,
    /// SHA-256 of the archive, 64 lower-case hex digits.
    pub digest: String,
    /// SHA-256 of the [`canonical`] JSON of the manifest, the same way.
    pub manifest_hash: String,
    /// SHA-256 of the validation's report; none when a moderator approved without one.
    pub report_hash: Option<String>,
    /// Position in the log of the event that approved the version.
    pub position: u64,
    /// When it was approved, RFC 3339 in UTC.
    pub signed_at: String,
    /// The vendor's public key, base64; none when the vendor did not sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_key: Option<String>,
    /// The vendor's signature over the 32 bytes of the digest, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_signature: Option<String>,
}

/// A record with Souk's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedRecord {
    /// What is signed.
    pub record: Record,
    /// Which of Souk's keys signed.
    pub key_id: String,
    /// The signature, base64.
    pub signature: String,
}

impl Record {
    /// This record, signed.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn signed(self, key: &SecretKey) -> Result<SignedRecord, serde_json::Error> {
        let message = record_message(&serde_json::to_value(&self)?);
        Ok(SignedRecord { key_id: key.public().id(), signature: key.sign(&message).to_string(), record: self })
    }
}

/// What Souk signs of a record. Takes the record as it was received, so that fields of a later version are signed as well.
#[must_use]
pub fn record_message(record: &Value) -> Vec<u8> {
    [PURPOSE, &canonical(record)].concat()
}
