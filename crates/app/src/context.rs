//! Who asks, and under which names it is recorded.

use std::collections::BTreeSet;

use souk_domain::{
    id::{CommandId, UserId, derive},
    user::Role,
};
use souk_ports::{Actor, ActorKind, Position};
use uuid::Uuid;

use crate::error::AppError;

/// One command: who gives it and what its events have in common.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who. The role is set by the use case to the one that allowed it.
    pub actor: Actor,
    /// What the actor may do, as read from the actor's stream.
    pub roles: BTreeSet<Role>,
    /// Names this command; the same for all events that it leads to in any stream.
    pub command: CommandId,
    /// What all events of one request, and of what it led to, have in common.
    pub correlation: Uuid,
    /// The event that is answered, else the command itself.
    pub causation: Uuid,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// Whether `command` was drawn at random for this call, so that no earlier try can have used it. Saves a look into
    /// streams that probably do not exist yet.
    pub first_try: bool,
}

impl Context {
    /// A command of a signed-in user. Set `first_try` yourself when the command id is random.
    #[must_use]
    pub fn user(id: UserId, roles: BTreeSet<Role>, command: CommandId) -> Self {
        Self { roles, ..Self::of(Actor::user(id, Role::Customer), command) }
    }

    /// A command of somebody without an account.
    #[must_use]
    pub fn anonymous(command: CommandId) -> Self {
        Self::of(Actor::ANONYMOUS, command)
    }

    /// A command given at the server's command line; everything is allowed.
    #[must_use]
    pub fn operator(command: CommandId) -> Self {
        Self::of(Actor::OPERATOR, command)
    }

    /// A command of Souk itself; everything is allowed.
    #[must_use]
    pub fn system(command: CommandId) -> Self {
        Self::of(Actor::SYSTEM, command)
    }

    fn of(actor: Actor, command: CommandId) -> Self {
        Self {
            actor,
            roles: BTreeSet::new(),
            command,
            correlation: command.uuid(),
            causation: command.uuid(),
            traceparent: None,
            first_try: false,
        }
    }

    /// The same call's next command on a stream that an earlier command of it writes to as well: streams remember command
    /// ids, so each needs its own.
    #[must_use]
    pub fn step(&self, name: &str) -> Self {
        let command = CommandId::new(derive(&["step", &self.command.to_string(), name]));
        Self { command, ..self.clone() }
    }

    /// The user who asks.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub fn require_user(&self) -> Result<UserId, AppError> {
        self.actor.id.ok_or(AppError::Unauthorized("sign in first"))
    }

    /// Whether this is an admin, the operator or Souk itself.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.is_trusted() || self.roles.contains(&Role::Admin)
    }

    /// Whether this is a moderator or anyone who is more than that.
    #[must_use]
    pub fn is_moderator(&self) -> bool {
        self.is_admin() || self.roles.contains(&Role::Moderator)
    }

    pub(crate) const fn is_trusted(&self) -> bool {
        matches!(self.actor.kind, ActorKind::System | ActorKind::Operator)
    }

    /// The same command, recorded as given in `role`.
    #[must_use]
    pub(crate) fn acting(&self, role: Role) -> Self {
        let mut context = self.clone();
        if context.actor.kind == ActorKind::User {
            context.actor.role = Some(role);
        }
        context
    }

    pub(crate) fn require_admin(&self) -> Result<Self, AppError> {
        if self.is_admin() { Ok(self.acting(Role::Admin)) } else { Err(self.refuse("only an admin does this")) }
    }

    /// The same command, recorded as given by a moderator or an admin.
    ///
    /// # Errors
    /// Nobody is signed in, or whoever is, is neither.
    pub fn require_moderator(&self) -> Result<Self, AppError> {
        if !self.is_moderator() {
            return Err(self.refuse("only a moderator does this"));
        }
        Ok(self.acting(if self.is_admin() { Role::Admin } else { Role::Moderator }))
    }

    /// What a caller hears who may not do something: to sign in, where that could help.
    pub(crate) fn refuse(&self, message: &'static str) -> AppError {
        if self.actor.kind == ActorKind::Anonymous {
            AppError::Unauthorized("sign in first")
        } else {
            AppError::Forbidden(message)
        }
    }
}

/// What a write came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Done<T> {
    /// What is there now.
    pub value: T,
    /// For `Souk-Position`: the last event of this command; when nothing changed, the last event of the stream.
    pub position: Position,
    /// Whether this command changed something, now or in an earlier try.
    pub changed: bool,
    /// Type of the first event that this command wrote on its main stream, e.g. `review.submitted`.
    pub wrote: Option<String>,
}

impl<T> Done<T> {
    /// The same of another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Done<U> {
        Done { value: change(self.value), position: self.position, changed: self.changed, wrote: self.wrote }
    }

    /// With what an earlier command of the same call came to.
    pub(crate) fn after<U>(mut self, earlier: Done<U>) -> Self {
        self.position = self.position.max(earlier.position);
        self.changed |= earlier.changed;
        self.wrote = earlier.wrote.or(self.wrote);
        self
    }
}

/// What a stream says now.
#[derive(Clone, Debug, PartialEq)]
pub struct Read<T> {
    /// What is there.
    pub value: T,
    /// Position of the stream's last event.
    pub position: Position,
    /// Version of the stream's last event.
    pub version: u64,
}
