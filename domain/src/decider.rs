//! What every decider is.

use crate::{event::DomainEvent, stream::Category};

/// A consistency boundary: one stream, folded to a state that commands are decided against.
pub trait Decider: Send + Sync + 'static {
    /// What the events so far amount to; the default is the state before the first event.
    type State: Default + Clone + Send + Sync;
    /// What is asked. Time, ids and facts of other streams arrive inside.
    type Command: Clone + Send + Sync;
    /// What happened.
    type Event: Into<DomainEvent> + TryFrom<DomainEvent, Error = DomainEvent> + Send + Sync;
    /// Why a command is refused, as a sentence of the domain.
    type Error: std::error::Error + Send + Sync;

    /// The category of its streams.
    const CATEGORY: Category;

    /// Decides what happens when `command` is given in `state`; an empty list means that it already holds.
    ///
    /// # Errors
    /// The command breaks an invariant.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// The state after `event`. Total: an event that makes no sense leaves the state as it is.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;
}
