//! The history of a plugin with proofs, as one document that is checked without asking anybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use souk_domain::stream::Category;

/// The only format there is so far.
pub const FORMAT: &str = "souk-audit/1";

/// The document. Its bytes are the JSON of exactly these members in this order, nothing blank, and perhaps a line break at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle<E = AuditedEvent> {
    /// [`FORMAT`].
    pub format: String,
    /// Whose history: the id that the name of the stream `plugin-…` ends with.
    pub plugin: String,
    /// Who signed. Whoever checks has it from elsewhere; this only says which one is meant.
    pub verifier_key: String,
    /// The signed head of the tree that all proofs are of.
    pub checkpoint: String,
    /// In the order of the tree.
    pub events: Vec<E>,
}

/// A [`Bundle`] whose events are not read yet.
pub type UnreadBundle = Bundle<Box<RawValue>>;

/// One event and its proof. Bytes are base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditedEvent {
    /// Its place in the log.
    pub position: u64,
    /// Its place in the tree.
    pub index: u64,
    /// Its leaf.
    pub leaf: String,
    /// Hashes in the order of RFC 6962, section 2.1.1.
    pub inclusion_proof: Vec<String>,
    /// What the leaf has hashes of, as far as whoever asked may see it.
    pub opened: BTreeMap<Part, OpenedPart>,
}

/// What a leaf has a hash of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// The data.
    Data,
    /// The metadata.
    Metadata,
    /// The name of the stream; only where the leaf has a pseudonym.
    Stream,
}

/// Streams that belong to one plugin alone: a history has them from their first event on, without a gap.
#[must_use]
pub const fn belongs_to_one_plugin(category: Category) -> bool {
    matches!(
        category,
        Category::Plugin
            | Category::Validation
            | Category::Installation
            | Category::Execution
            | Category::Review
            | Category::Order
            | Category::Subscription
            | Category::License
            | Category::Download
            | Category::Trial
    )
}

/// Bytes and what went before them when they were hashed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenedPart {
    /// The exact bytes.
    pub bytes: String,
    /// The salt, 32 bytes.
    pub salt: String,
}
