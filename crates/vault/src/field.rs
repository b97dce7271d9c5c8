//! Marked fields inside the JSON of an event: finding them, and their two written forms.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use souk_domain::{
    id::UserId,
    personal::{CLEAR_MARKER, ERASED_MARKER, SEALED_MARKER},
    stream::StreamId,
};
use uuid::Uuid;

use crate::person::{NONCE, SealedText};

/// The sealing that this program writes and reads.
const VERSION: u64 = 1;

/// A readable field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearField {
    pub(crate) subject: UserId,
    pub(crate) text: String,
}

/// A sealed field.
pub(crate) struct SealedField {
    pub(crate) subject: UserId,
    pub(crate) sealed: SealedText,
}

/// What a JSON object is to the vault.
pub(crate) enum Mark {
    None,
    Clear,
    Sealed,
    Erased,
}

impl Mark {
    pub(crate) fn of(object: &Map<String, Value>) -> Self {
        if object.contains_key(CLEAR_MARKER) {
            Self::Clear
        } else if object.contains_key(SEALED_MARKER) {
            Self::Sealed
        } else if object.contains_key(ERASED_MARKER) {
            Self::Erased
        } else {
            Self::None
        }
    }
}

pub(crate) fn erased() -> Value {
    json!({ ERASED_MARKER: true })
}

impl ClearField {
    pub(crate) fn read(object: &Map<String, Value>) -> Result<Self, String> {
        match object.get(CLEAR_MARKER) {
            Some(field) if object.len() == 1 => {
                Self::deserialize(field).map_err(|_| format!("{CLEAR_MARKER} does not hold a subject and a text"))
            }
            _ => Err(format!("{CLEAR_MARKER} stands beside other fields")),
        }
    }

    pub(crate) fn write(self) -> Value {
        json!({ CLEAR_MARKER: { "subject": self.subject, "text": self.text } })
    }
}

impl SealedField {
    pub(crate) fn read(object: &Map<String, Value>) -> Result<Self, String> {
        if object.get(SEALED_MARKER).and_then(Value::as_u64) != Some(VERSION) {
            return Err("its sealing has an unknown version".to_owned());
        }
        if object.len() != 5 {
            return Err("it has other members than a sealed field".to_owned());
        }
        let text = |member: &str| {
            object.get(member).and_then(Value::as_str).ok_or_else(|| format!("its member `{member}` is not a text"))
        };
        let bytes = |member: &str| {
            BASE64URL_NOPAD
                .decode(text(member)?.as_bytes())
                .map_err(|_| format!("its member `{member}` is not unpadded base64url"))
        };
        let length = |member: &str| format!("its member `{member}` has the wrong length");
        let kid = text("kid")?;
        let subject: UserId = kid.parse().map_err(|_| "its member `kid` is not a user id".to_owned())?;
        if subject.to_string() != kid {
            return Err("its member `kid` is not in canonical form".to_owned());
        }
        let nonce = <[u8; NONCE]>::try_from(bytes("n")?).map_err(|_| length("n"))?;
        let commitment = <[u8; 32]>::try_from(bytes("kc")?).map_err(|_| length("kc"))?;
        Ok(Self { subject, sealed: SealedText { nonce, ciphertext: bytes("ct")?, commitment } })
    }

    pub(crate) fn write(&self) -> Value {
        json!({
            SEALED_MARKER: VERSION,
            "kid": self.subject,
            "n": BASE64URL_NOPAD.encode(&self.sealed.nonce),
            "ct": BASE64URL_NOPAD.encode(&self.sealed.ciphertext),
            "kc": BASE64URL_NOPAD.encode(&self.sealed.commitment),
        })
    }
}

/// Where a field stands, in the form that is authenticated: no two places have the same.
pub(crate) fn place(event: Uuid, stream: StreamId, subject: UserId, path: &str) -> Vec<u8> {
    let stream = stream.to_string();
    let mut place = b"souk/field/1".to_vec();
    for part in [event.as_bytes(), subject.uuid().as_bytes(), stream.as_bytes(), path.as_bytes()] {
        place.extend_from_slice(&(part.len() as u64).to_be_bytes());
        place.extend_from_slice(part);
    }
    place
}

/// What is wrong with a field, and where it stands (a JSON Pointer).
pub(crate) struct FieldProblem {
    pub(crate) path: String,
    pub(crate) problem: String,
}

/// What to do with a marked object.
pub(crate) trait Marked {
    /// What takes the place of `object`; nothing to keep it.
    fn replace(&mut self, mark: Mark, object: &Map<String, Value>, path: &str) -> Result<Option<Value>, String>;
}

/// Shows every marked object of `value` to `marked`. What is inside a marked object belongs to it and is not looked at.
pub(crate) fn walk(value: &mut Value, path: &mut String, marked: &mut dyn Marked) -> Result<(), FieldProblem> {
    let length = path.len();
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push('/');
                path.push_str(&index.to_string());
                walk(item, path, marked)?;
                path.truncate(length);
            }
        }
        Value::Object(object) => {
            let mark = Mark::of(object);
            if matches!(mark, Mark::None) {
                for (name, item) in object.iter_mut() {
                    path.push('/');
                    push_name(path, name);
                    walk(item, path, marked)?;
                    path.truncate(length);
                }
            } else {
                let replacement = marked
                    .replace(mark, object, path)
                    .map_err(|problem| FieldProblem { path: path.clone(), problem })?;
                if let Some(replacement) = replacement {
                    *value = replacement;
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

/// As a JSON Pointer writes it (RFC 6901).
fn push_name(path: &mut String, name: &str) {
    for character in name.chars() {
        match character {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            other => path.push(other),
        }
    }
}

/// Collects whose keys are needed, and refuses what must not be there.
pub(crate) struct Subjects {
    pub(crate) found: BTreeSet<UserId>,
    pub(crate) sealing: bool,
}

impl Marked for Subjects {
    fn replace(&mut self, mark: Mark, object: &Map<String, Value>, _path: &str) -> Result<Option<Value>, String> {
        match mark {
            Mark::Clear if self.sealing => {
                self.found.insert(ClearField::read(object)?.subject);
            }
            // A sealed field is bound to its event: in another one it would never open, and an event that does not open
            // stops whoever reads the log. It can only come from a copy, or from somebody who plants it.
            Mark::Sealed if self.sealing => return Err(format!("{SEALED_MARKER} is there before sealing")),
            Mark::Sealed => {
                self.found.insert(SealedField::read(object)?.subject);
            }
            Mark::Clear => return Err(format!("{CLEAR_MARKER} is in a stored event: it was never sealed")),
            Mark::Erased | Mark::None => {}
        }
        Ok(None)
    }
}
