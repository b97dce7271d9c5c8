//! Reads what a gateway wrote, and says which field does not fit.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// An object, and where it stands.
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Fields<'a> {
    /// The whole of `value`.
    ///
    /// # Errors
    /// It is no object.
    pub fn of(value: &'a Value) -> Result<Self, String> {
        Self::at(value, String::new())
    }

    fn at(value: &'a Value, path: String) -> Result<Self, String> {
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            _ if path.is_empty() => Err("the body is no object".to_owned()),
            _ => Err(format!("{path} is no object")),
        }
    }

    /// Where `name` stands, as errors call it.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn some(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, String> {
        value.ok_or_else(|| format!("{} is missing", self.path(name)))
    }

    /// Whether there is such a field, be it null.
    pub fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// # Errors
    /// It is missing, or no object.
    pub fn object(&self, name: &str) -> Result<Self, String> {
        self.needed(name, self.object_opt(name)?)
    }

    /// # Errors
    /// It is there and no object.
    pub fn object_opt(&self, name: &str) -> Result<Option<Self>, String> {
        self.some(name).map(|value| Self::at(value, self.path(name))).transpose()
    }

    /// # Errors
    /// It is missing, empty, or no text.
    pub fn text(&self, name: &str) -> Result<&'a str, String> {
        self.needed(name, self.text_opt(name)?)
    }

    /// An empty text is none.
    ///
    /// # Errors
    /// It is there and no text.
    pub fn text_opt(&self, name: &str) -> Result<Option<&'a str>, String> {
        let Some(value) = self.some(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| format!("{} is no text", self.path(name)))?;
        Ok((!text.is_empty()).then_some(text))
    }

    /// # Errors
    /// It is missing, or no whole number.
    pub fn int(&self, name: &str) -> Result<i64, String> {
        self.needed(name, self.int_opt(name)?)
    }

    /// # Errors
    /// It is there and no whole number.
    pub fn int_opt(&self, name: &str) -> Result<Option<i64>, String> {
        let whole = |value: &Value| value.as_i64().ok_or_else(|| format!("{} is no whole number", self.path(name)));
        self.some(name).map(whole).transpose()
    }

    /// # Errors
    /// It is there and neither true nor false.
    pub fn flag(&self, name: &str) -> Result<bool, String> {
        let flag = |value: &Value| value.as_bool().ok_or_else(|| format!("{} is no boolean", self.path(name)));
        Ok(self.some(name).map(flag).transpose()?.unwrap_or(false))
    }

    /// Unix seconds.
    ///
    /// # Errors
    /// It is missing, or no time.
    pub fn time(&self, name: &str) -> Result<DateTime<Utc>, String> {
        self.needed(name, self.time_opt(name)?)
    }

    /// Unix seconds.
    ///
    /// # Errors
    /// It is there and no time.
    pub fn time_opt(&self, name: &str) -> Result<Option<DateTime<Utc>>, String> {
        let time =
            |seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(|| format!("{} is no time", self.path(name)));
        self.int_opt(name)?.map(time).transpose()
    }

    /// Another object's name: the name alone or, where a gateway was asked to expand it, the object with its `id`.
    ///
    /// # Errors
    /// It is there and neither.
    pub fn name_opt(&self, name: &str) -> Result<Option<&'a str>, String> {
        if self.some(name).is_some_and(Value::is_object) {
            self.object(name)?.text("id").map(Some)
        } else {
            self.text_opt(name)
        }
    }

    /// Another object's name, as [`Self::name_opt`] reads it.
    ///
    /// # Errors
    /// It is missing or no name.
    pub fn needed_name(&self, name: &str) -> Result<&'a str, String> {
        self.needed(name, self.name_opt(name)?)
    }

    /// The objects of a list; none when there is no list.
    ///
    /// # Errors
    /// It is there and no list, or holds anything but objects.
    pub fn list(&self, name: &str) -> Result<Vec<Self>, String> {
        let Some(value) = self.some(name) else { return Ok(Vec::new()) };
        let list = value.as_array().ok_or_else(|| format!("{} is no list", self.path(name)))?;
        list.iter().enumerate().map(|(at, value)| Self::at(value, format!("{}[{at}]", self.path(name)))).collect()
    }

    /// What `name` is set to in the free map `map`. Anybody may write there, so whatever else stands there is no error. Razorpay writes an
    /// empty map as an empty list.
    pub fn tag(&self, map: &str, name: &str) -> Option<&'a str> {
        self.some(map)?.get(name)?.as_str()
    }
}

/// Every name that is there, each once, in this order.
pub fn names<'a>(all: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in all.into_iter().flatten().filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let value = json!({"a": {"n": "x", "l": [{}, 1], "o": {"id": 3}, "e": "", "z": null, "t": i64::MAX}});
        let fields = Fields::of(&value).unwrap().object("a").unwrap();
        let said = [
            fields.int("n").unwrap_err(),
            fields.int("z").unwrap_err(),
            fields.text("e").unwrap_err(),
            fields.flag("n").unwrap_err(),
            fields.time("t").unwrap_err(),
            fields.list("l").map(|_| ()).unwrap_err(),
            fields.list("n").map(|_| ()).unwrap_err(),
            fields.name_opt("o").unwrap_err(),
            fields.object("n").map(|_| ()).unwrap_err(),
            Fields::of(&json!([])).map(|_| ()).unwrap_err(),
        ];
        let expected = [
            "a.n is no whole number",
            "a.z is missing",
            "a.e is missing",
            "a.n is no boolean",
            "a.t is no time",
            "a.l[1] is no object",
            "a.n is no list",
            "a.o.id is no text",
            "a.n is no object",
            "the body is no object",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn names_stand_once_and_in_order() {
        assert_eq!(names([Some("b"), None, Some(""), Some("a"), Some("b")]), ["b", "a"]);
    }

    #[test]
    fn free_maps_may_hold_anything() {
        for notes in [json!([]), json!({}), json!(null), json!(3), json!({"order_id": 3}), json!(["order_id"])] {
            assert_eq!(Fields::of(&json!({ "notes": notes })).unwrap().tag("notes", "order_id"), None);
        }
        assert_eq!(Fields::of(&json!({"notes": {"order_id": "x"}})).unwrap().tag("notes", "order_id"), Some("x"));
    }
}
