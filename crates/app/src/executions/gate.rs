//! Who runs next: nobody keeps others waiting by asking for much.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use souk_domain::id::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Users whose queues are remembered before those that are empty are dropped.
const REMEMBERED: usize = 1_000;

/// Lets so many executions run at once, and of one user half of that, so that half of it is always for others. Samples of versions do
/// not come through here: what the sandbox runs beyond is for them.
pub struct Gate {
    all: Arc<Semaphore>,
    each: usize,
    users: Mutex<HashMap<UserId, Arc<Semaphore>>>,
}

/// Leave to run.
pub struct Pass {
    _own: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Gate {
    /// For `at_once` executions, at least one.
    pub fn new(at_once: usize) -> Self {
        let all = at_once.max(1);
        Self { all: Arc::new(Semaphore::new(all)), each: all.div_ceil(2), users: Mutex::default() }
    }

    /// Waits for `user`'s turn, and then for everybody's; both in the order in which they came.
    pub async fn enter(&self, user: UserId) -> Pass {
        let own = self.queue(user);
        // Neither is ever closed.
        Pass { _own: own.acquire_owned().await.ok(), _of_all: Arc::clone(&self.all).acquire_owned().await.ok() }
    }

    fn queue(&self, user: UserId) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= REMEMBERED {
            users.retain(|_, queue| Arc::strong_count(queue) > 1);
        }
        Arc::clone(users.entry(user).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::new(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn who_asks_for_much_waits_for_their_own_and_not_others_for_them() {
        let gate = Gate::new(4);
        let held = [gate.enter(user(1)).await, gate.enter(user(1)).await];
        assert!(gate.enter(user(1)).now_or_never().is_none());
        let other = gate.enter(user(2)).now_or_never();
        assert!(other.is_some());
        drop(held);
        assert!(gate.enter(user(1)).now_or_never().is_some());
    }

    #[tokio::test]
    async fn no_more_run_than_may_and_empty_queues_are_dropped() {
        let gate = Gate::new(2);
        let _held = [gate.enter(user(1)).await, gate.enter(user(2)).await];
        assert!(gate.enter(user(3)).now_or_never().is_none());
        for number in 0..3_000 {
            drop(gate.queue(user(number)));
        }
        assert!(gate.users.lock().unwrap().len() <= REMEMBERED);
    }
}
