//! Uniqueness across aggregates: a stream a key, free or held by one id.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{decider::Decider, stream::Category};

/// Whether the key is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody has it.
    #[default]
    Free,
    /// This plugin, vendor, user, order or subscription has it.
    Held(Uuid),
}

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A plugin's name.
    Name,
    /// A vendor's slug.
    Slug,
    /// An e-mail address, as a keyed hash.
    Email,
    /// A payment gateway's name of something.
    Reference,
    /// The one trial of a plugin by a user.
    Trial,
    /// A public key that a vendor signs with.
    Key,
}

/// What can be asked of a key.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take it.
    Reserve {
        /// What it is.
        kind: Kind,
        /// For whom.
        holder: Uuid,
    },
    /// Give it back; nothing happens when another holds it.
    Release {
        /// What it is.
        kind: Kind,
        /// Who held it.
        holder: Uuid,
    },
}

/// Who a reservation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The plugin, vendor, user, order or subscription.
    pub holder_id: Uuid,
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// A plugin's name was taken.
    #[serde(rename = "name.reserved")]
    NameReserved(Holder),
    /// A plugin's name was given back.
    #[serde(rename = "name.released")]
    NameReleased(Holder),
    /// A vendor's slug was taken.
    #[serde(rename = "slug.reserved")]
    SlugReserved(Holder),
    /// A vendor's slug was given back.
    #[serde(rename = "slug.released")]
    SlugReleased(Holder),
    /// An e-mail address was taken.
    #[serde(rename = "email.reserved")]
    EmailReserved(Holder),
    /// An e-mail address was given back.
    #[serde(rename = "email.released")]
    EmailReleased(Holder),
    /// A payment gateway's name belongs to an order or a subscription.
    #[serde(rename = "reference.reserved")]
    ReferenceReserved(Holder),
    /// It does not any more.
    #[serde(rename = "reference.released")]
    ReferenceReleased(Holder),
    /// A trial was begun by an order.
    #[serde(rename = "trial.reserved")]
    TrialReserved(Holder),
    /// It never came to be.
    #[serde(rename = "trial.released")]
    TrialReleased(Holder),
    /// A public key belongs to a vendor, also once it is revoked.
    #[serde(rename = "key.reserved")]
    KeyReserved(Holder),
    /// It does not any more.
    #[serde(rename = "key.released")]
    KeyReleased(Holder),
}

impl Event {
    /// The type under which the log keeps it.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::NameReserved(_) => "name.reserved",
            Self::NameReleased(_) => "name.released",
            Self::SlugReserved(_) => "slug.reserved",
            Self::SlugReleased(_) => "slug.released",
            Self::EmailReserved(_) => "email.reserved",
            Self::EmailReleased(_) => "email.released",
            Self::ReferenceReserved(_) => "reference.reserved",
            Self::ReferenceReleased(_) => "reference.released",
            Self::TrialReserved(_) => "trial.reserved",
            Self::TrialReleased(_) => "trial.released",
            Self::KeyReserved(_) => "key.reserved",
            Self::KeyReleased(_) => "key.released",
        }
    }
}

/// Why a key refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another id has it.
    #[error("this is taken")]
    Taken {
        /// Who has it.
        holder: Uuid,
    },
}

fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
    Ok(match (state, command) {
        (State::Free, Command::Reserve { kind, holder }) => {
            let holder = Holder { holder_id: holder };
            vec![match kind {
                Kind::Name => Event::NameReserved(holder),
                Kind::Slug => Event::SlugReserved(holder),
                Kind::Email => Event::EmailReserved(holder),
                Kind::Reference => Event::ReferenceReserved(holder),
                Kind::Trial => Event::TrialReserved(holder),
                Kind::Key => Event::KeyReserved(holder),
            }]
        }
        (State::Held(by), Command::Reserve { holder, .. }) if *by != holder => {
            return Err(Error::Taken { holder: *by });
        }
        (State::Held(by), Command::Release { kind, holder }) if *by == holder => {
            let holder = Holder { holder_id: holder };
            vec![match kind {
                Kind::Name => Event::NameReleased(holder),
                Kind::Slug => Event::SlugReleased(holder),
                Kind::Email => Event::EmailReleased(holder),
                Kind::Reference => Event::ReferenceReleased(holder),
                Kind::Trial => Event::TrialReleased(holder),
                Kind::Key => Event::KeyReleased(holder),
            }]
        }
        (State::Held(_), Command::Reserve { .. }) | (_, Command::Release { .. }) => vec![],
    })
}

fn evolve(state: &State, event: &Event) -> State {
    match (state, event) {
        (
            State::Free,
            Event::NameReserved(Holder { holder_id })
            | Event::SlugReserved(Holder { holder_id })
            | Event::EmailReserved(Holder { holder_id })
            | Event::ReferenceReserved(Holder { holder_id })
            | Event::TrialReserved(Holder { holder_id })
            | Event::KeyReserved(Holder { holder_id }),
        ) => State::Held(*holder_id),
        (
            State::Held(by),
            Event::NameReleased(Holder { holder_id })
            | Event::SlugReleased(Holder { holder_id })
            | Event::EmailReleased(Holder { holder_id })
            | Event::ReferenceReleased(Holder { holder_id })
            | Event::TrialReleased(Holder { holder_id })
            | Event::KeyReleased(Holder { holder_id }),
        ) if by == holder_id => State::Free,
        (state, _) => state.clone(),
    }
}

/// Names the decider of one kind of reservation; all that tells them apart is the category of their streams.
macro_rules! reservations {
    ($($(#[$doc:meta])* $decider:ident: $category:ident;)+) => {$(
        $(#[$doc])*
        pub struct $decider;

        impl Decider for $decider {
            type State = State;
            type Command = Command;
            type Event = Event;
            type Error = Error;

            const CATEGORY: Category = Category::$category;

            fn decide(state: &State, command: Command) -> Result<Vec<Event>, Error> {
                decide(state, command)
            }

            fn evolve(state: State, event: &Event) -> State {
                evolve(&state, event)
            }
        }
    )+};
}

reservations! {
    /// Decides about names of plugins, on streams `name-`.
    Names: Name;
    /// Decides about slugs of vendors, on streams `slug-`.
    Slugs: Slug;
    /// Decides about e-mail addresses, on streams `email-`.
    Emails: Email;
    /// Decides about the names that payment gateways have, on streams `reference-`.
    References: Reference;
    /// Decides about trials, on streams `trial-`.
    Trials: Trial;
    /// Decides about public keys of vendors, on streams `key-`.
    PublicKeys: Key;
}

#[cfg(test)]
mod tests;
