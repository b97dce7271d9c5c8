//! Fields of an event that stand beside those of a struct, in one document.
//!
//! `#[serde(flatten)]` keeps a whole document before it hands fields on, which takes more than reading them. Events that a log has
//! hundreds of thousands of are read as they come instead.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// The fields that stand beside those of a struct.
pub(crate) trait Beside: Default {
    /// Their names.
    const NAMES: &'static [&'static str];

    /// Takes in the value of the field that is called `NAMES[place]`.
    fn take<'de, M: MapAccess<'de>>(&mut self, place: usize, map: &mut M) -> Result<(), M::Error>;
}

/// Reads a document that has the fields of `B` and those of `T`.
pub(crate) fn read<'de, B: Beside, T: Deserialize<'de>, D: Deserializer<'de>>(document: D) -> Result<(B, T), D::Error> {
    document.deserialize_map(Document(PhantomData))
}

/// Takes in the value of the field `name`, which comes once.
pub(crate) fn once<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    map: &mut M,
) -> Result<(), M::Error> {
    if field.is_some() {
        return Err(M::Error::duplicate_field(name));
    }
    *field = Some(map.next_value()?);
    Ok(())
}

/// The value of the field `name`, which must have come.
pub(crate) fn required<T, E: Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

struct Document<B, T>(PhantomData<(B, T)>);

impl<'de, B: Beside, T: Deserialize<'de>> Visitor<'de> for Document<B, T> {
    type Value = (B, T);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Self::Value, M::Error> {
        let mut beside = B::default();
        let inner = T::deserialize(MapAccessDeserializer::new(Rest { map, beside: &mut beside }))?;
        Ok((beside, inner))
    }
}

/// What `map` has besides the fields of `beside`, which are taken in on the way.
struct Rest<'b, M, B> {
    map: M,
    beside: &'b mut B,
}

impl<'de, M: MapAccess<'de>, B: Beside> MapAccess<'de> for Rest<'_, M, B> {
    type Error = M::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, mut seed: K) -> Result<Option<K::Value>, M::Error> {
        loop {
            match self.map.next_key_seed(Name { names: B::NAMES, seed })? {
                None => return Ok(None),
                Some(Named::Inner(key)) => return Ok(Some(key)),
                Some(Named::Beside(place, same)) => {
                    seed = same;
                    self.beside.take(place, &mut self.map)?;
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, M::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads a name, for `seed` unless it is one of `names`.
struct Name<K> {
    names: &'static [&'static str],
    seed: K,
}

enum Named<K, V> {
    /// The place of the name, and the seed that was not needed.
    Beside(usize, K),
    Inner(V),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<K> {
    type Value = Named<K, K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Name<K> {
    type Value = Named<K, K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        match self.names.iter().position(|known| *known == name) {
            Some(place) => Ok(Named::Beside(place, self.seed)),
            None => self.seed.deserialize(Cow::Borrowed(name).into_deserializer()).map(Named::Inner),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Error;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Outer {
        id: Option<u8>,
    }

    impl Beside for Outer {
        const NAMES: &'static [&'static str] = &["id"];

        fn take<'de, M: MapAccess<'de>>(&mut self, _place: usize, map: &mut M) -> Result<(), M::Error> {
            once(&mut self.id, "id", map)
        }
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        name: String,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn of(document: &str) -> Result<(Option<u8>, Inner), Error> {
        let (Outer { id }, inner) = read(&mut serde_json::Deserializer::from_str(document))?;
        Ok((id, inner))
    }

    #[test]
    fn fields_come_in_any_order_and_what_nobody_knows_is_passed_over() {
        let inner = Inner { name: "a".to_owned(), tags: vec!["x".to_owned()] };
        for document in [
            r#"{"id":7,"name":"a","tags":["x"]}"#,
            r#"{"tags":["x"],"name":"a","id":7}"#,
            r#"{"tags":["x"],"new":{"id":8},"id":7,"n\u0061me":"a"}"#,
        ] {
            assert_eq!(of(document).unwrap(), (Some(7), Inner { name: inner.name.clone(), tags: inner.tags.clone() }));
        }
        assert_eq!(of(r#"{"name":"a"}"#).unwrap(), (None, Inner { name: "a".to_owned(), tags: vec![] }));
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_named() {
        let missing = of(r#"{"id":7}"#).unwrap_err();
        assert!(missing.to_string().contains("missing field `name`"), "{missing}");
        let twice = of(r#"{"id":7,"name":"a","id":8}"#).unwrap_err();
        assert!(twice.to_string().contains("duplicate field `id`"), "{twice}");
        assert!(of(r#"[7]"#).unwrap_err().to_string().contains("expected an object"));
        assert!(required::<u8, Error>(None, "id").unwrap_err().to_string().contains("missing field `id`"));
    }
}
