//! What is recorded beside an event's data. Never personal.

use serde::{Deserialize, Serialize};
use souk_domain::{
    id::{CommandId, PluginId, UserId, VendorId},
    user::Role,
};
use uuid::Uuid;

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// What sort of actor.
    pub kind: ActorKind,
    /// Which user, where it is one.
    pub id: Option<UserId>,
    /// In which role a user acted.
    pub role: Option<Role>,
}

/// What sort of actor caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Somebody with an account.
    User,
    /// Somebody without one, such as a person who registers.
    Anonymous,
    /// Souk itself: a reaction.
    System,
    /// Somebody at the command line of the server.
    Operator,
}

impl Actor {
    /// Souk itself.
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None, role: None };
    /// Somebody at the server's command line.
    pub const OPERATOR: Self = Self { kind: ActorKind::Operator, id: None, role: None };
    /// Somebody without an account.
    pub const ANONYMOUS: Self = Self { kind: ActorKind::Anonymous, id: None, role: None };

    /// A user, acting in `role`.
    #[must_use]
    pub const fn user(id: UserId, role: Role) -> Self {
        Self { kind: ActorKind::User, id: Some(id), role: Some(role) }
    }
}

/// What an event concerns, and who caused it: the part of its [`Metadata`] that folds and feeds go by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Concerned {
    /// The plugin.
    pub plugin_id: Option<PluginId>,
    /// The vendor.
    pub vendor_id: Option<VendorId>,
    /// Who caused it.
    pub actor: Option<Actor>,
}

/// The metadata of an event, as JSON. KurrentDB's own names are used for correlation and causation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Who caused it.
    pub actor: Actor,
    /// The command that caused it.
    pub command_id: CommandId,
    /// What all events of one request, and of what it led to, have in common.
    #[serde(rename = "$correlationId")]
    pub correlation_id: Uuid,
    /// The event that a reaction answered, else the command.
    #[serde(rename = "$causationId")]
    pub causation_id: Uuid,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The plugin it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_id: Option<PluginId>,
    /// The vendor it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<VendorId>,
}
