//! Personal texts: tables keep them as the log does, and they are opened for whoever reads them.

use serde::Deserialize;
use serde_json::{Map, Value};
use souk_domain::{id::UserId, personal::Personal, stream::StreamId};
use souk_ports::{Vault, VaultError};
use uuid::Uuid;

use crate::QueryError;

/// How a table keeps `text`.
pub(crate) fn kept(text: &Personal) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Gets the keys of `subjects` at once.
pub(crate) async fn prepare(vault: &dyn Vault, subjects: impl Iterator<Item = Uuid>) -> Result<(), QueryError> {
    let mut subjects: Vec<UserId> = subjects.map(UserId::new).collect();
    subjects.sort_unstable();
    subjects.dedup();
    vault.prepare(&subjects).await.map_err(failed)
}

/// Opens texts that `event` of `stream` has in fields of these names; none for those that were erased, and those that there are not.
pub(crate) async fn open<const N: usize>(
    vault: &dyn Vault,
    event: Option<Uuid>,
    stream: StreamId,
    fields: [(&str, Option<String>); N],
) -> Result<[Option<String>; N], QueryError> {
    let corrupt =
        |problem: &dyn std::fmt::Display| QueryError::Corrupt(format!("a personal text of {stream}: {problem}"));
    let mut sealed = Map::new();
    let mut opened = [const { None }; N];
    for (text, (name, kept)) in opened.iter_mut().zip(&fields) {
        let Some(kept) = kept else { continue };
        let value: Value = serde_json::from_str(kept).map_err(|error| corrupt(&error))?;
        match Personal::deserialize(&value).map_err(|error| corrupt(&error))? {
            Personal::Sealed(_) => {
                sealed.insert((*name).to_owned(), value);
            }
            // Written before this field was sealed.
            Personal::Clear { text: readable, .. } => *text = Some(readable),
            Personal::Erased => {}
        }
    }
    let (Some(event), false) = (event, sealed.is_empty()) else { return Ok(opened) };
    let mut readable = vault.open(event, stream, Value::Object(sealed)).await.map_err(failed)?;
    for (text, (name, _)) in opened.iter_mut().zip(&fields) {
        if let Some(value) = readable.get_mut(*name) {
            let personal = Personal::deserialize(value.take()).map_err(|error| corrupt(&error))?;
            *text = personal.text().map(str::to_owned);
        }
    }
    Ok(opened)
}

fn failed(error: VaultError) -> QueryError {
    match error {
        VaultError::Unavailable(_) => QueryError::Unavailable(error.to_string()),
        VaultError::Forged { .. } | VaultError::Invalid { .. } => QueryError::Corrupt(error.to_string()),
    }
}
