//! What a field of a public event holds: its schema, and what of a recorded value fits it.

use serde_json::{Map, Value, json};

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A text.
    Text,
    /// Texts.
    Texts,
    /// A UUID.
    Uuid,
    /// A semantic version.
    Version,
    /// SHA-256, hex.
    Digest,
    /// RFC 3339, UTC.
    Time,
    /// A whole number.
    Integer,
    /// Stars, 1 to 5.
    Rating,
    /// Yes or no.
    Boolean,
    /// ISO 4217.
    Currency,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// What a plugin costs.
    Pricing,
}

const INTERVALS: [&str; 2] = ["monthly", "yearly"];
const MODELS: [&str; 3] = ["free", "one_time", "subscription"];

impl Shape {
    /// Its JSON Schema.
    #[must_use]
    pub fn schema(self) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Uuid => json!({ "type": "string", "format": "uuid" }),
            Self::Version => json!({ "type": "string", "description": "A semantic version" }),
            Self::Digest => json!({ "type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256, hex" }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Integer => json!({ "type": "integer" }),
            Self::Rating => json!({ "type": "integer", "minimum": 1, "maximum": 5 }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Currency => json!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217" }),
            Self::OneOf(values) => json!({ "type": "string", "enum": values }),
            Self::Pricing => json!({
                "type": "object",
                "required": ["model"],
                "properties": {
                    "model": { "type": "string", "enum": MODELS },
                    "amount": { "type": "integer", "description": "Minor units, once or each interval" },
                    "currency": Self::Currency.schema(),
                    "interval": { "type": "string", "enum": INTERVALS },
                    "trialDays": { "type": "integer" },
                },
            }),
        }
    }

    /// What of `value` is of this shape; none when it does not fit.
    #[must_use]
    pub fn of(self, value: Value) -> Option<Value> {
        let fits = match self {
            Self::Text | Self::Uuid | Self::Version | Self::Digest | Self::Time | Self::Currency => value.is_string(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Rating => value.as_u64().is_some_and(|stars| (1..=5).contains(&stars)),
            Self::Boolean => value.is_boolean(),
            Self::OneOf(values) => value.as_str().is_some_and(|text| values.contains(&text)),
            Self::Pricing => return pricing(value),
        };
        fits.then_some(value)
    }
}

fn pricing(value: Value) -> Option<Value> {
    let Value::Object(mut fields) = value else { return None };
    let mut shown = Map::new();
    shown.insert("model".to_owned(), Shape::OneOf(&MODELS).of(fields.remove("model")?)?);
    for (name, shape) in [
        ("amount", Shape::Integer),
        ("currency", Shape::Currency),
        ("interval", Shape::OneOf(&INTERVALS)),
        ("trialDays", Shape::Integer),
    ] {
        if let Some(value) = fields.remove(name).filter(|value| !value.is_null()) {
            shown.insert(name.to_owned(), shape.of(value)?);
        }
    }
    Some(Value::Object(shown))
}
