//! License files: what a license allows, signed, so that a program checks it without asking anybody.
//!
//! The format is that of Keygen's license files, which clients in many languages read: between two lines that say the kind, the base64 of
//! `{"enc","sig","alg":"base64+ed25519"}`, where `enc` is the base64 of a JSON:API document and `sig` an Ed25519 signature over
//! `license/ENC` or `machine/ENC`. The kind is within what is signed: a file for any machine never passes for one of a certain one.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PublicKey, SecretKey, Signature};

const ALGORITHM: &str = "base64+ed25519";
/// As long as a line of the encoded part gets.
const LINE: usize = 64;
/// A file is a few kilobytes; larger ones are not looked at.
const MAX_FILE: usize = 256 * 1024;

/// What a file is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Any machine that the license allows.
    License,
    /// The one machine that it names.
    Machine,
}

impl FileKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::License => "license/",
            Self::Machine => "machine/",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::License => "LICENSE FILE",
            Self::Machine => "MACHINE FILE",
        }
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseDocument {
    /// The license, as a JSON:API resource.
    pub data: LicenseResource,
    /// The machines that it is bound to; of a machine file the one.
    pub included: Vec<MachineResource>,
    /// The file itself.
    pub meta: FileMeta,
}

/// A license as a JSON:API resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseResource {
    /// Its id, a UUID.
    pub id: String,
    /// `licenses`
    #[serde(rename = "type")]
    pub kind: String,
    /// The rest.
    pub attributes: LicenseAttributes,
}

/// What a license allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LicenseAttributes {
    /// `perpetual`, `subscription` or `trial`.
    pub kind: String,
    /// `ACTIVE`, `SUSPENDED`, `REVOKED` or `EXPIRED` when the file was made.
    pub status: String,
    /// Until when the license is good; for ever when null.
    pub expiry: Option<DateTime<Utc>>,
    /// On how many machines at once.
    pub max_machines: u32,
    /// How many downloads; null without a limit.
    pub max_downloads: Option<u32>,
    /// How many uses; null without a limit.
    pub max_uses: Option<u64>,
    /// What else the holder may do: `download`, `commercialUse`, `redistribution`, `modification`.
    pub permissions: Value,
    /// To which plugin: its id, a UUID.
    pub plugin: String,
    /// Its name when the file was made.
    pub plugin_name: String,
}

/// A machine as a JSON:API resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineResource {
    /// `machines`
    #[serde(rename = "type")]
    pub kind: String,
    /// The rest.
    pub attributes: MachineAttributes,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineAttributes {
    /// Its fingerprint, as it was given when it was activated.
    pub fingerprint: String,
}

impl MachineResource {
    /// The machine of this fingerprint.
    #[must_use]
    pub fn new(fingerprint: String) -> Self {
        Self { kind: "machines".to_owned(), attributes: MachineAttributes { fingerprint } }
    }
}

/// Since and until when a file is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// When it was made.
    pub issued: DateTime<Utc>,
    /// Until when it is good, whatever the license is.
    pub expiry: DateTime<Utc>,
    /// The difference in seconds.
    pub ttl: i64,
}

/// What a check found, in the words that clients of license servers know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileVerdict {
    /// Good.
    Valid,
    /// The license is over.
    Expired,
    /// The file is too old: get another.
    FileExpired,
    /// The clock stands before the file was made, or before it was last checked: somebody set it back.
    ClockTampered,
    /// The license was not good for now when the file was made.
    Suspended,
    /// The license was ended.
    Revoked,
    /// It is for a machine, and none was named.
    FingerprintScopeRequired,
    /// It is for other machines.
    FingerprintScopeMismatch,
}

/// Why a text is no license file of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Not the format.
    #[error("this is no license file: {0}")]
    Malformed(&'static str),
    /// Signed with another algorithm, or encrypted.
    #[error("this file is signed as `{0}`, and only {ALGORITHM} is read")]
    Algorithm(String),
    /// None of the keys signed it, or it was altered.
    #[error("none of the keys signed this file as it is")]
    BadSignature,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    enc: String,
    sig: String,
    alg: String,
}

/// The file of `kind` that says `document`, signed with `key`; ends with a line feed.
///
/// # Errors
/// The document is no JSON, which it always is.
pub fn write(kind: FileKind, document: &LicenseDocument, key: &SecretKey) -> Result<String, serde_json::Error> {
    let enc = BASE64.encode(&serde_json::to_vec(document)?);
    let sig = key.sign(format!("{}{enc}", kind.prefix()).as_bytes()).to_string();
    let envelope = Envelope { enc, sig, alg: ALGORITHM.to_owned() };
    let encoded = BASE64.encode(&serde_json::to_vec(&envelope)?);
    let title = kind.title();
    let mut file = format!("-----BEGIN {title}-----\n");
    for (index, character) in encoded.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            file.push('\n');
        }
        file.push(character);
    }
    file.push_str(&format!("\n-----END {title}-----\n"));
    Ok(file)
}

/// What a file says that one of `keys` signed.
///
/// # Errors
/// See [`FileError`].
pub fn read(text: &str, keys: &[PublicKey]) -> Result<(FileKind, LicenseDocument), FileError> {
    if text.len() > MAX_FILE {
        return Err(FileError::Malformed("it is too long"));
    }
    let text = text.trim();
    let kind = [FileKind::License, FileKind::Machine]
        .into_iter()
        .find(|kind| text.starts_with(&format!("-----BEGIN {}-----", kind.title())))
        .ok_or(FileError::Malformed("its first line is not that of one"))?;
    let inner = text
        .strip_prefix(&format!("-----BEGIN {}-----", kind.title()))
        .and_then(|rest| rest.strip_suffix(&format!("-----END {}-----", kind.title())))
        .ok_or(FileError::Malformed("its last line does not fit its first"))?;
    let encoded: String = inner.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let envelope = BASE64.decode(encoded.as_bytes()).map_err(|_| FileError::Malformed("it is not base64"))?;
    let Envelope { enc, sig, alg } = serde_json::from_slice(&envelope)
        .map_err(|_| FileError::Malformed("its envelope has not `enc`, `sig`, `alg`"))?;
    if alg != ALGORITHM {
        return Err(FileError::Algorithm(alg));
    }
    let signature = Signature::parse(&sig).map_err(|_| FileError::BadSignature)?;
    let message = format!("{}{enc}", kind.prefix());
    if !keys.iter().any(|key| key.verifies(message.as_bytes(), &signature)) {
        return Err(FileError::BadSignature);
    }
    let document = BASE64.decode(enc.as_bytes()).map_err(|_| FileError::Malformed("`enc` is not base64"))?;
    let document = serde_json::from_slice(&document).map_err(|_| FileError::Malformed("it says something else"))?;
    Ok((kind, document))
}

impl LicenseDocument {
    /// Whether the file is good at `now`, on the machine `fingerprint` where one is given. `seen` is the latest time at which it was
    /// checked before: no honest clock is earlier.
    #[must_use]
    pub fn verdict(
        &self,
        kind: FileKind,
        now: DateTime<Utc>,
        seen: Option<DateTime<Utc>>,
        fingerprint: Option<&str>,
    ) -> FileVerdict {
        let attributes = &self.data.attributes;
        let known = |wanted: &str| self.included.iter().any(|machine| machine.attributes.fingerprint == wanted);
        if now < self.meta.issued || seen.is_some_and(|seen| now < seen) {
            return FileVerdict::ClockTampered;
        }
        match (attributes.status.as_str(), kind, fingerprint) {
            _ if self.meta.expiry <= now => FileVerdict::FileExpired,
            ("REVOKED", ..) => FileVerdict::Revoked,
            ("SUSPENDED", ..) => FileVerdict::Suspended,
            _ if attributes.expiry.is_some_and(|end| end <= now) => FileVerdict::Expired,
            (_, FileKind::Machine, None) => FileVerdict::FingerprintScopeRequired,
            (_, _, Some(wanted)) if !known(wanted) => FileVerdict::FingerprintScopeMismatch,
            _ => FileVerdict::Valid,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn key() -> SecretKey {
        SecretKey::from_seed([9; 32])
    }

    fn document() -> LicenseDocument {
        LicenseDocument {
            data: LicenseResource {
                id: "a5e2e73b-b77e-5a5d-9e6e-13ec640e36b4".to_owned(),
                kind: "licenses".to_owned(),
                attributes: LicenseAttributes {
                    kind: "subscription".to_owned(),
                    status: "ACTIVE".to_owned(),
                    expiry: Some(time("2026-03-01T00:00:00Z")),
                    max_machines: 3,
                    max_downloads: None,
                    max_uses: Some(5),
                    permissions: json!({ "download": true }),
                    plugin: "00000000-0000-0000-0000-000000000003".to_owned(),
                    plugin_name: "log-reader".to_owned(),
                },
            },
            included: vec![MachineResource::new("machine-1".to_owned())],
            meta: FileMeta {
                issued: time("2026-01-01T00:00:00Z"),
                expiry: time("2026-02-01T00:00:00Z"),
                ttl: 31 * 86_400,
            },
        }
    }

    #[test]
    fn a_file_reads_back_and_its_kind_is_signed() {
        let keys = [key().public()];
        for kind in [FileKind::License, FileKind::Machine] {
            let file = write(kind, &document(), &key()).unwrap();
            assert_eq!(read(&file, &keys), Ok((kind, document())));
            assert_eq!(read(&file.replace('\n', "\r\n"), &keys), Ok((kind, document())));
            assert!(file.lines().all(|line| line.len() <= LINE));
            let other = if kind == FileKind::License { FileKind::Machine } else { FileKind::License };
            assert_eq!(read(&file.replace(kind.title(), other.title()), &keys), Err(FileError::BadSignature));
            assert_eq!(read(&file, &[SecretKey::from_seed([1; 32]).public()]), Err(FileError::BadSignature));
            assert_eq!(read(&file, &[]), Err(FileError::BadSignature));
        }
    }

    #[test]
    fn one_bit_changed_is_refused_wherever_it_is() {
        let (file, keys) = (write(FileKind::License, &document(), &key()).unwrap(), [key().public()]);
        for index in 0..file.len() {
            for bit in 0..7 {
                let mut bytes = file.clone().into_bytes();
                bytes[index] ^= 1 << bit;
                let altered = String::from_utf8(bytes).unwrap();
                if let Ok(found) = read(&altered, &keys) {
                    // White space between the lines says nothing.
                    assert!(file.as_bytes()[index].is_ascii_whitespace(), "byte {index}, bit {bit}");
                    assert_eq!(found, (FileKind::License, document()));
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_is_named() {
        let keys = [key().public()];
        let wrap = |inner: &str| format!("-----BEGIN LICENSE FILE-----\n{inner}\n-----END LICENSE FILE-----\n");
        let envelope = |value: Value| wrap(&BASE64.encode(value.to_string().as_bytes()));
        for text in [String::new(), "x".repeat(MAX_FILE + 1), wrap("!"), wrap("AA=="), envelope(json!({}))] {
            assert!(matches!(read(&text, &keys), Err(FileError::Malformed(_))));
        }
        let encrypted = envelope(json!({ "enc": "", "sig": "", "alg": "aes-256-gcm+ed25519" }));
        assert_eq!(read(&encrypted, &keys), Err(FileError::Algorithm("aes-256-gcm+ed25519".to_owned())));
    }

    #[test]
    fn the_worst_is_said_first() {
        let say = |change: &dyn Fn(&mut LicenseDocument), kind, now: &str, seen: Option<&str>, machine| {
            let mut document = document();
            change(&mut document);
            document.verdict(kind, time(now), seen.map(time), machine)
        };
        let (license, machine, now) = (FileKind::License, FileKind::Machine, "2026-01-15T00:00:00Z");
        let nothing: &dyn Fn(&mut LicenseDocument) = &|_| {};
        assert_eq!(say(nothing, license, now, None, None), FileVerdict::Valid);
        assert_eq!(say(nothing, machine, now, Some(now), Some("machine-1")), FileVerdict::Valid);
        assert_eq!(say(nothing, machine, now, None, None), FileVerdict::FingerprintScopeRequired);
        assert_eq!(say(nothing, license, now, None, Some("machine-2")), FileVerdict::FingerprintScopeMismatch);
        assert_eq!(say(nothing, license, "2025-12-31T00:00:00Z", None, None), FileVerdict::ClockTampered);
        assert_eq!(say(nothing, license, now, Some("2026-01-16T00:00:00Z"), None), FileVerdict::ClockTampered);
        assert_eq!(say(nothing, license, "2026-02-01T00:00:00Z", None, None), FileVerdict::FileExpired);
        let ended: &dyn Fn(&mut LicenseDocument) = &|d| d.data.attributes.expiry = Some(time(now));
        assert_eq!(say(ended, license, now, None, None), FileVerdict::Expired);
        for (status, verdict) in [("SUSPENDED", FileVerdict::Suspended), ("REVOKED", FileVerdict::Revoked)] {
            let change: &dyn Fn(&mut LicenseDocument) = &|d| status.clone_into(&mut d.data.attributes.status);
            assert_eq!(say(change, license, now, None, None), verdict);
        }
    }
}
