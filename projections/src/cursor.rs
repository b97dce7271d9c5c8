//! Places in ordered lists, as opaque texts.

use serde::Serialize;
use souk_domain::id::derive;
use uuid::Uuid;

use crate::QueryError;

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next one begins; none at the end.
    pub next_cursor: Option<String>,
}

/// The place behind an item: its sort key, and its id among items of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub key: i64,
    pub id: Uuid,
}

/// Bytes of the sign that ties a cursor to its list.
const SIGN: usize = 6;

impl Cursor {
    /// `context` names the list with everything that selects and orders it: a cursor is good for that list only.
    pub fn encode(self, context: &str) -> String {
        let mut bytes = Vec::with_capacity(24 + SIGN);
        bytes.extend_from_slice(&self.key.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        let sign = sign(context, &bytes);
        bytes.extend_from_slice(&sign);
        hex::encode(bytes)
    }

    pub fn decode(context: &str, text: &str) -> Result<Self, QueryError> {
        let bytes = hex::decode(text).map_err(|_| QueryError::InvalidCursor)?;
        let Some((place, given)) = bytes.split_last_chunk::<SIGN>() else { return Err(QueryError::InvalidCursor) };
        let Some((key, id)) = place.split_first_chunk::<8>() else { return Err(QueryError::InvalidCursor) };
        if *given != sign(context, place) {
            return Err(QueryError::InvalidCursor);
        }
        let id = Uuid::from_slice(id).map_err(|_| QueryError::InvalidCursor)?;
        Ok(Self { key: i64::from_be_bytes(*key), id })
    }

    /// The cursor of an optional text.
    pub fn decode_optional(context: &str, text: Option<&str>) -> Result<Option<Self>, QueryError> {
        text.map(|text| Self::decode(context, text)).transpose()
    }
}

/// Not a secret: it catches mistakes and tampering that would silently show another place.
fn sign(context: &str, place: &[u8]) -> [u8; SIGN] {
    let digest = derive(&["cursor", context, &hex::encode(place)]);
    let mut sign = [0; SIGN];
    sign.copy_from_slice(&digest.as_bytes()[..SIGN]);
    sign
}

/// Turns up to `limit + 1` rows into a page of `limit`.
pub(crate) fn page<R, T>(
    mut rows: Vec<R>,
    limit: usize,
    context: &str,
    place: impl Fn(&R) -> Cursor,
    into: impl Fn(R) -> T,
) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = if more { rows.last().map(|row| place(row).encode(context)) } else { None };
    Page { items: rows.into_iter().map(into).collect(), next_cursor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_finds_its_place_again_and_belongs_to_one_list() {
        let cursor = Cursor { key: -7, id: Uuid::from_u128(9) };
        let text = cursor.encode("newest");
        assert_eq!(Cursor::decode("newest", &text).unwrap(), cursor);
        assert!(Cursor::decode("rating", &text).is_err());
    }

    #[test]
    fn a_cursor_with_any_altered_character_is_refused() {
        let text = Cursor { key: 5, id: Uuid::from_u128(1) }.encode("list");
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
            assert!(Cursor::decode("list", std::str::from_utf8(&altered).unwrap()).is_err(), "altered at {at}");
        }
        for nonsense in ["", "zz", "00", "é", &text[2..]] {
            assert!(Cursor::decode("list", nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let place = |n: &i64| Cursor { key: *n, id: Uuid::nil() };
        assert_eq!(page(vec![3, 2], 2, "list", place, |n| n).next_cursor, None);
        let first = page(vec![3, 2, 1], 2, "list", place, |n| n);
        assert_eq!(first.items, [3, 2]);
        assert_eq!(Cursor::decode("list", &first.next_cursor.unwrap()).unwrap().key, 2);
    }
}
