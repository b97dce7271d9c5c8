//! Who runs next: nobody keeps others waiting by asking for much.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use souk_domain::id::UserId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Users whose queues are remembered before those that are empty are dropped.
const REMEMBERED: usize = 1_000;

/// Lets so many executions run at once, and of one user half of that, so that half of it is always for others. Samples of versions do
/// not come through here: what the sandbox runs beyond is for them.
pub struct Gate {
    all: Arc<Semaphore>,
    each: usize,
    users: Mutex<HashMap<UserId, Arc<Semaphore>>>,
    /// Seen by every execution that is under way: when nobody looks any more, none is.
    under_way: watch::Sender<()>,
}

/// Leave to run.
pub struct Pass {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// An execution that has not ended yet.
pub struct UnderWay(#[expect(dead_code, reason = "that it is there is what counts")] watch::Receiver<()>);

impl Gate {
    /// For `at_once` executions, at least one.
    pub fn new(at_once: usize) -> Self {
        let all = at_once.max(1);
        Self {
            all: Arc::new(Semaphore::new(all)),
            each: all.div_ceil(2),
            users: Mutex::default(),
            under_way: watch::Sender::new(()),
        }
    }

    /// Waits for `user`'s turn, and then for everybody's; both in the order in which they came. None once the gate is closed.
    pub async fn enter(&self, user: UserId) -> Option<Pass> {
        let own = self.queue(user).acquire_owned().await.ok()?;
        Some(Pass { _own: own, _of_all: Arc::clone(&self.all).acquire_owned().await.ok()? })
    }

    /// Lets nobody in any more, also of those who wait already.
    pub fn close(&self) {
        self.all.close();
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.values().for_each(|queue| queue.close());
    }

    /// Counts an execution until what is answered is dropped.
    pub fn begin(&self) -> UnderWay {
        UnderWay(self.under_way.subscribe())
    }

    /// Waits until no execution is under way.
    pub async fn over(&self) {
        self.under_way.closed().await;
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
        let held = [gate.enter(user(1)).await.unwrap(), gate.enter(user(1)).await.unwrap()];
        assert!(gate.enter(user(1)).now_or_never().is_none());
        let other = gate.enter(user(2)).now_or_never();
        assert!(other.flatten().is_some());
        drop(held);
        assert!(gate.enter(user(1)).now_or_never().flatten().is_some());
    }

    #[tokio::test]
    async fn a_closed_gate_turns_away_who_waits_and_who_comes() {
        let gate = Gate::new(2);
        let begun = gate.begin();
        let held = [gate.enter(user(1)).await.unwrap(), gate.enter(user(2)).await.unwrap()];
        let waiting = async { tokio::join!(gate.enter(user(1)), gate.enter(user(3)), async { gate.close() }) };
        let (of_their_own, of_all, ()) = waiting.await;
        assert!(of_their_own.is_none() && of_all.is_none());
        assert!(gate.enter(user(4)).await.is_none());
        drop(held);
        assert!(gate.enter(user(1)).await.is_none(), "a place that becomes free is for nobody");
        assert!(gate.over().now_or_never().is_none());
        drop(begun);
        assert!(gate.over().now_or_never().is_some());
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
