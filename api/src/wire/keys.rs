//! Keys and what they signed.

use serde::Serialize;
use souk_app::releases::{PublicKey, Record, SignedRecord};
use souk_domain::vendor;
use utoipa::ToSchema;
use uuid::Uuid;

/// A key with which a vendor signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VendorKey {
    /// Which.
    pub id: Uuid,
    /// Ed25519, base64 of 32 bytes.
    #[schema(example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    pub public_key: String,
    /// What the vendor calls it.
    pub label: String,
    /// Whether it signs nothing new any more. What it signed before stays signed.
    pub revoked: bool,
}

impl From<vendor::VendorKey> for VendorKey {
    fn from(key: vendor::VendorKey) -> Self {
        let vendor::VendorKey { id, public_key, label, revoked } = key;
        Self { id: id.uuid(), public_key, label, revoked }
    }
}

/// A key with which Souk signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoukKey {
    /// Names it: the first 16 hex digits of its SHA-256.
    pub id: String,
    /// `Ed25519`
    pub algorithm: &'static str,
    /// Base64 of 32 bytes.
    #[schema(example = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")]
    pub public_key: String,
}

impl From<&PublicKey> for SoukKey {
    fn from(key: &PublicKey) -> Self {
        Self { id: key.id(), algorithm: "Ed25519", public_key: key.to_string() }
    }
}

/// What Souk says of a version that it approved, and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// What is signed.
    pub record: ReleaseRecord,
    /// Which of Souk's keys signed.
    pub key_id: String,
    /// Ed25519, base64 of 64 bytes, over `souk release record v1`, a line feed and the canonical JSON (RFC 8785) of `record`.
    pub signature: String,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseRecord {
    /// Id of the plugin.
    pub plugin: String,
    /// Its name.
    pub name: String,
    /// Semver.
    pub version: String,
    /// SHA-256 of the archive, hex.
    pub digest: String,
    /// SHA-256 of the canonical JSON of the manifest, hex.
    pub manifest_hash: String,
    /// SHA-256 of the validation's report, hex.
    pub report_hash: Option<String>,
    /// Position in the log of the event that approved the version.
    pub position: u64,
    /// When it was approved, RFC 3339 in UTC.
    pub signed_at: String,
    /// The vendor's public key, base64; absent when the vendor did not sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_key: Option<String>,
    /// The vendor's signature over the 32 bytes of the digest, base64; absent when the vendor did not sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_signature: Option<String>,
}

impl From<SignedRecord> for Release {
    fn from(signed: SignedRecord) -> Self {
        let SignedRecord { record, key_id, signature } = signed;
        let Record {
            plugin,
            name,
            version,
            digest,
            manifest_hash,
            report_hash,
            position,
            signed_at,
            vendor_key,
            vendor_signature,
        } = record;
        let record = ReleaseRecord {
            plugin,
            name,
            version,
            digest,
            manifest_hash,
            report_hash,
            position,
            signed_at,
            vendor_key,
            vendor_signature,
        };
        Self { record, key_id, signature }
    }
}
