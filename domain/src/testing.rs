//! How the tests of deciders read: given what happened, when this is asked, then that happens.

use std::fmt::Debug;

use proptest::test_runner::TestCaseError;

use crate::decider::Decider;

pub struct Given<D: Decider>(D::State);

pub struct Then<D: Decider>(Result<Vec<D::Event>, D::Error>);

pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(state_after::<D>(events))
}

pub fn state_after<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> D::State {
    events.into_iter().fold(D::State::default(), |state, event| D::evolve(state, &event))
}

impl<D: Decider> Given<D> {
    pub fn when(self, command: D::Command) -> Then<D> {
        Then(D::decide(&self.0, command))
    }
}

impl<D: Decider> Then<D>
where
    D::Event: Debug + PartialEq,
    D::Error: PartialEq,
{
    #[track_caller]
    pub fn then(self, event: D::Event) {
        assert_eq!(self.0, Ok(vec![event]));
    }

    #[track_caller]
    pub fn then_nothing(self) {
        assert_eq!(self.0, Ok(vec![]));
    }

    #[track_caller]
    pub fn then_refused(self, error: D::Error) {
        assert_eq!(self.0, Err(error));
    }
}

/// Gives `commands` one after the other; each that `is_idempotent` is given twice, and must decide nothing the second
/// time.
pub fn decides_nothing_twice<D: Decider>(
    commands: Vec<D::Command>,
    is_idempotent: impl Fn(&D::Command) -> bool,
) -> Result<D::State, TestCaseError>
where
    D::Command: Debug,
    D::Event: Debug,
{
    let mut state = D::State::default();
    for command in commands {
        let Ok(events) = D::decide(&state, command.clone()) else { continue };
        state = events.iter().fold(state, D::evolve);
        if !is_idempotent(&command) {
            continue;
        }
        if let Ok(again) = D::decide(&state, command.clone()) {
            proptest::prop_assert!(again.is_empty(), "{command:?} again decided {again:?}");
        }
    }
    Ok(state)
}
