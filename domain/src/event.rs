//! Every event there is, and how the log keeps them.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    download, execution, installation, license, order, partner, plugin, reservation, review, series, subscription,
    traffic, upcast, user, validation, vendor, webhook,
};

/// An event of any decider.
#[derive(Clone, Debug, PartialEq)]
pub enum DomainEvent {
    /// `user.*`
    User(user::Event),
    /// `vendor.*`
    Vendor(vendor::Event),
    /// `plugin.*`
    Plugin(plugin::Event),
    /// `validation.*`
    Validation(validation::Event),
    /// `installation.*`
    Installation(installation::Event),
    /// `execution.*`
    Execution(execution::Event),
    /// `review.*`
    Review(review::Event),
    /// `order.*` and `payment.*`
    Order(order::Event),
    /// `subscription.*`
    Subscription(subscription::Event),
    /// `license.*`
    License(license::Event),
    /// `download.*`
    Download(download::Event),
    /// `invoice.*`
    Invoice(series::Event),
    /// `webhook.*`
    Webhook(webhook::Event),
    /// `traffic.*`
    Traffic(traffic::Event),
    /// `partner.*`
    Partner(partner::Event),
    /// `name.*`, `slug.*`, `email.*`, `reference.*` and `trial.*`
    Reservation(reservation::Event),
}

/// An event as it is written: its type, the version of its shape, its fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// `category.past_tense`
    pub event_type: String,
    /// The version of the shape, from 1.
    pub schema_version: u16,
    /// The fields. Personal ones are still readable and must be sealed.
    pub data: Value,
}

/// Why stored bytes are no event that this Souk knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No event has this type.
    #[error("event type `{0}` is unknown")]
    UnknownType(String),
    /// Written by a newer Souk.
    #[error("event type `{event_type}` has schema version {found}, but this Souk knows up to {known}")]
    FutureVersion {
        /// Its type.
        event_type: String,
        /// The stored version.
        found: u16,
        /// The newest version that is known.
        known: u16,
    },
    /// The fields do not fit.
    #[error("event of type `{event_type}` cannot be read: {problem}")]
    Malformed {
        /// Its type.
        event_type: String,
        /// What does not fit.
        problem: String,
    },
}

/// Every type of event, in alphabetical order, with the version of its shape that this Souk writes.
pub const EVENT_TYPES: &[(&str, u16)] = &[
    ("download.completed", 1),
    ("download.initiated", 1),
    ("email.released", 1),
    ("email.reserved", 1),
    ("execution.failed", 1),
    ("execution.started", 1),
    ("execution.succeeded", 1),
    ("installation.blocked", 1),
    ("installation.installed", 1),
    ("installation.uninstalled", 1),
    ("installation.upgraded", 1),
    ("invoice.credited", 1),
    ("invoice.issued", 1),
    ("key.released", 1),
    ("key.reserved", 1),
    ("license.activated", 2),
    ("license.deactivated", 1),
    ("license.expired", 1),
    ("license.extended", 1),
    ("license.issued", 2),
    ("license.key_rotated", 1),
    ("license.reinstated", 2),
    ("license.revoked", 2),
    ("license.suspended", 2),
    ("license.used", 1),
    ("name.released", 1),
    ("name.reserved", 1),
    ("order.canceled", 1),
    ("order.checkout_opened", 1),
    ("order.placed", 2),
    ("partner.key_issued", 1),
    ("partner.key_revoked", 1),
    ("partner.registered", 1),
    ("partner.reinstated", 1),
    ("partner.scopes_set", 1),
    ("partner.suspended", 1),
    ("payment.completed", 2),
    ("payment.dispute_lost", 1),
    ("payment.dispute_won", 1),
    ("payment.disputed", 1),
    ("payment.failed", 1),
    ("payment.refund_failed", 1),
    ("payment.refund_requested", 1),
    ("payment.refunded", 2),
    ("payment.unmatched", 1),
    ("payment.unmatched_returned", 1),
    ("plugin.abandoned", 1),
    ("plugin.created", 1),
    ("plugin.deprecated", 1),
    ("plugin.described", 1),
    ("plugin.priced", 1),
    ("plugin.reinstated", 1),
    ("plugin.rolled_back", 1),
    ("plugin.suspended", 1),
    ("plugin.transferred", 1),
    ("plugin.version_approved", 1),
    ("plugin.version_rejected", 1),
    ("plugin.version_submitted", 3),
    ("plugin.version_yanked", 1),
    ("reference.released", 1),
    ("reference.reserved", 1),
    ("review.edited", 1),
    ("review.flagged", 2),
    ("review.hidden", 1),
    ("review.replied", 1),
    ("review.restored", 1),
    ("review.retracted", 1),
    ("review.submitted", 1),
    ("review.unflagged", 1),
    ("slug.released", 1),
    ("slug.reserved", 1),
    ("subscription.canceled", 1),
    ("subscription.lapsed", 1),
    ("subscription.past_due", 1),
    ("subscription.renewed", 1),
    ("subscription.resumed", 1),
    ("subscription.started", 1),
    ("traffic.counted", 1),
    ("trial.released", 1),
    ("trial.reserved", 1),
    ("user.abandoned", 1),
    ("user.api_key_issued", 2),
    ("user.api_key_revoked", 1),
    ("user.erased", 1),
    ("user.erasure_requested", 1),
    ("user.registered", 1),
    ("user.role_granted", 1),
    ("user.role_revoked", 1),
    ("validation.adjudicated", 2),
    ("validation.appealed", 1),
    ("validation.concluded", 1),
    ("validation.cross_checked", 1),
    ("validation.escalated", 1),
    ("validation.requested", 1),
    ("validation.step_completed", 1),
    ("vendor.abandoned", 1),
    ("vendor.commission_set", 1),
    ("vendor.key_registered", 1),
    ("vendor.key_revoked", 1),
    ("vendor.payout_account_set", 1),
    ("vendor.payout_failed", 1),
    ("vendor.payout_paid", 1),
    ("vendor.payout_requested", 1),
    ("vendor.registered", 1),
    ("vendor.suspended", 1),
    ("vendor.verified", 1),
    ("webhook.deferred", 1),
    ("webhook.failed", 1),
    ("webhook.received", 1),
    ("webhook.settled", 1),
];

impl DomainEvent {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::User(event) => event.event_type(),
            Self::Vendor(event) => event.event_type(),
            Self::Plugin(event) => event.event_type(),
            Self::Validation(event) => event.event_type(),
            Self::Installation(event) => event.event_type(),
            Self::Execution(event) => event.event_type(),
            Self::Review(event) => event.event_type(),
            Self::Order(event) => event.event_type(),
            Self::Subscription(event) => event.event_type(),
            Self::License(event) => event.event_type(),
            Self::Download(event) => event.event_type(),
            Self::Invoice(event) => event.event_type(),
            Self::Webhook(event) => event.event_type(),
            Self::Traffic(event) => event.event_type(),
            Self::Partner(event) => event.event_type(),
            Self::Reservation(event) => event.event_type(),
        }
    }

    /// The version of the shape in which it is written: the newest.
    #[must_use]
    pub fn schema_version(&self) -> u16 {
        current_version(self.event_type()).unwrap_or(1)
    }

    /// The event as it is written, in the newest version of its shape.
    #[must_use]
    pub fn encode(&self) -> Encoded {
        let data = match serde_json::to_value(Document(self)) {
            Ok(Value::Object(mut document)) => document.remove("data").unwrap_or_default(),
            // Serialization fails only on keys that are no texts, and events have none: the round trip of each is tested.
            Ok(_) | Err(_) => unreachable!("an event is a JSON object"),
        };
        Encoded { event_type: self.event_type().to_owned(), schema_version: self.schema_version(), data }
    }

    /// The fields as [`encode`](Self::encode) gives them, straight as JSON: no tree is built in between.
    #[must_use]
    pub fn encode_bytes(&self) -> Vec<u8> {
        let document = serde_json::to_vec(&Document(self)).unwrap_or_default();
        let before = [b"{\"type\":\"", self.event_type().as_bytes(), b"\",\"data\":"].concat();
        match document.strip_prefix(before.as_slice()).and_then(|rest| rest.strip_suffix(b"}")) {
            Some(fields) => fields.to_vec(),
            // As above: the bytes of each event are compared with its tree.
            None => unreachable!("a tag comes before what it tags"),
        }
    }

    /// Reads an event whose personal fields were opened, of this or any earlier version of its shape.
    ///
    /// # Errors
    /// The type is unknown, the version is newer than this Souk, or the fields do not fit.
    pub fn decode(event_type: &str, schema_version: u16, data: Value) -> Result<Self, DecodeError> {
        let known = check_version(event_type, schema_version)?;
        let data = upcast::apply(upcast::TABLE, event_type, schema_version, known, data)
            .map_err(|problem| malformed(event_type, problem))?;
        read(event_type, data)
    }

    /// As [`DomainEvent::decode`], straight from the bytes of the log: no tree is built in between unless an older
    /// shape has to be brought up to date.
    ///
    /// # Errors
    /// As [`DomainEvent::decode`]; bytes that are no JSON document are malformed.
    pub fn decode_bytes(event_type: &str, schema_version: u16, data: &[u8]) -> Result<Self, DecodeError> {
        let known = check_version(event_type, schema_version)?;
        if schema_version != known {
            let data = serde_json::from_slice(data).map_err(|error| malformed(event_type, error))?;
            return Self::decode(event_type, schema_version, data);
        }
        // Of a text that is known to be one, no part has to be checked again.
        let data = std::str::from_utf8(data).map_err(|error| malformed(event_type, error))?;
        let mut deserializer = serde_json::Deserializer::from_str(data);
        let event = read(event_type, &mut deserializer)?;
        deserializer.end().map_err(|error| malformed(event_type, error))?;
        Ok(event)
    }
}

/// The document `{"type":…,"data":…}` that an event serializes to.
struct Document<'e>(&'e DomainEvent);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            DomainEvent::User(event) => event.serialize(serializer),
            DomainEvent::Vendor(event) => event.serialize(serializer),
            DomainEvent::Plugin(event) => event.serialize(serializer),
            DomainEvent::Validation(event) => event.serialize(serializer),
            DomainEvent::Installation(event) => event.serialize(serializer),
            DomainEvent::Execution(event) => event.serialize(serializer),
            DomainEvent::Review(event) => event.serialize(serializer),
            DomainEvent::Order(event) => event.serialize(serializer),
            DomainEvent::Subscription(event) => event.serialize(serializer),
            DomainEvent::License(event) => event.serialize(serializer),
            DomainEvent::Download(event) => event.serialize(serializer),
            DomainEvent::Invoice(event) => event.serialize(serializer),
            DomainEvent::Webhook(event) => event.serialize(serializer),
            DomainEvent::Traffic(event) => event.serialize(serializer),
            DomainEvent::Partner(event) => event.serialize(serializer),
            DomainEvent::Reservation(event) => event.serialize(serializer),
        }
    }
}

fn current_version(event_type: &str) -> Option<u16> {
    let index = EVENT_TYPES.binary_search_by(|(known, _)| (*known).cmp(event_type)).ok()?;
    EVENT_TYPES.get(index).map(|(_, version)| *version)
}

fn check_version(event_type: &str, found: u16) -> Result<u16, DecodeError> {
    let known = current_version(event_type).ok_or_else(|| DecodeError::UnknownType(event_type.to_owned()))?;
    match found {
        0 => Err(malformed(event_type, "schema versions begin at 1")),
        _ if found > known => Err(DecodeError::FutureVersion { event_type: event_type.to_owned(), found, known }),
        _ => Ok(known),
    }
}

fn malformed(event_type: &str, problem: impl ToString) -> DecodeError {
    DecodeError::Malformed { event_type: event_type.to_owned(), problem: problem.to_string() }
}

/// Reads the fields in `data` as those of an `event_type`.
fn read<'de, D: Deserializer<'de>>(event_type: &str, data: D) -> Result<DomainEvent, DecodeError> {
    fn of<'de, E, D>(event_type: &str, data: D) -> Result<DomainEvent, DecodeError>
    where
        E: Deserialize<'de> + Into<DomainEvent>,
        D: Deserializer<'de>,
    {
        let tagged = Tagged { event_type, data: Some(data), next: Next::Tag };
        E::deserialize(tagged).map(Into::into).map_err(|error| malformed(event_type, error))
    }
    match event_type.split_once('.').map_or(event_type, |(prefix, _)| prefix) {
        "user" => of::<user::Event, D>(event_type, data),
        "vendor" => of::<vendor::Event, D>(event_type, data),
        "plugin" => of::<plugin::Event, D>(event_type, data),
        "validation" => of::<validation::Event, D>(event_type, data),
        "installation" => of::<installation::Event, D>(event_type, data),
        "execution" => of::<execution::Event, D>(event_type, data),
        "review" => of::<review::Event, D>(event_type, data),
        "order" | "payment" => of::<order::Event, D>(event_type, data),
        "subscription" => of::<subscription::Event, D>(event_type, data),
        "license" => of::<license::Event, D>(event_type, data),
        "download" => of::<download::Event, D>(event_type, data),
        "invoice" => of::<series::Event, D>(event_type, data),
        "webhook" => of::<webhook::Event, D>(event_type, data),
        "traffic" => of::<traffic::Event, D>(event_type, data),
        "partner" => of::<partner::Event, D>(event_type, data),
        "name" | "slug" | "email" | "reference" | "trial" | "key" => of::<reservation::Event, D>(event_type, data),
        _ => Err(DecodeError::UnknownType(event_type.to_owned())),
    }
}

/// The document `{"type":…,"data":…}` around fields that lie elsewhere, tag first: so the fields are read once, in
/// place, as those of the right event.
struct Tagged<'t, D> {
    event_type: &'t str,
    data: Option<D>,
    next: Next,
}

enum Next {
    Tag,
    Data,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tagged<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> MapAccess<'de> for Tagged<'_, D> {
    type Error = D::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, D::Error> {
        let key = match (&self.next, &self.data) {
            (Next::Tag, _) => "type",
            (Next::Data, Some(_)) => "data",
            (Next::Data, None) => return Ok(None),
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, D::Error> {
        if matches!(self.next, Next::Tag) {
            self.next = Next::Data;
            return seed.deserialize(self.event_type.into_deserializer());
        }
        let data = self.data.take().ok_or_else(|| Error::custom("the fields were read already"))?;
        seed.deserialize(data)
    }
}

/// Both ways between [`DomainEvent`] and the events of one decider. The same lines for each, so they are written once.
macro_rules! conversions {
    ($($variant:ident($event:ty)),+ $(,)?) => {$(
        impl From<$event> for DomainEvent {
            fn from(event: $event) -> Self {
                Self::$variant(event)
            }
        }

        impl TryFrom<DomainEvent> for $event {
            type Error = DomainEvent;

            fn try_from(event: DomainEvent) -> Result<Self, DomainEvent> {
                match event {
                    DomainEvent::$variant(event) => Ok(event),
                    other => Err(other),
                }
            }
        }
    )+};
}

conversions! {
    User(user::Event),
    Vendor(vendor::Event),
    Plugin(plugin::Event),
    Validation(validation::Event),
    Installation(installation::Event),
    Execution(execution::Event),
    Review(review::Event),
    Order(order::Event),
    Subscription(subscription::Event),
    License(license::Event),
    Download(download::Event),
    Invoice(series::Event),
    Webhook(webhook::Event),
    Traffic(traffic::Event),
    Partner(partner::Event),
    Reservation(reservation::Event),
}

#[cfg(test)]
mod tests;
