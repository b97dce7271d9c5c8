//! What goes wrong, on demand.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// It is not applied, and the connection breaks.
    LostBefore,
    /// It is applied, and the connection breaks before the answer.
    LostAfter,
    /// It is applied after so long.
    SlowBefore(Duration),
    /// It is applied, and answered after so long.
    SlowAfter(Duration),
    /// It is applied, and the answer says that the server is not there: as [`Self::LostAfter`], but only this call learns of it.
    FailedAfter,
    /// It is refused as by a server that shuts down.
    Unavailable,
    /// It is refused as by a follower, which says that the leader is on this port of 127.0.0.1.
    NotLeader(u16),
}

#[derive(Default)]
struct Plan {
    next: VecDeque<Fault>,
    every: Option<(u64, Fault)>,
    unavailable: bool,
    silent: bool,
    cut: Option<usize>,
    cuts: VecDeque<usize>,
    forgetful: bool,
    calls: Calls,
}

/// What was asked for so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Appends.
    pub appends: u64,
    /// Reads of all events.
    pub reads: u64,
    /// Records that those reads looked at, whether a filter let them through or not.
    pub records: u64,
}

/// What goes wrong with the calls of one stand-in.
#[derive(Default)]
pub struct Faults {
    plan: Mutex<Plan>,
}

impl Faults {
    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next appends meet, in order, behind what is planned already.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.plan().next.extend(faults);
    }

    /// What every `n`-th append meets from now on; `None` ends it.
    pub fn every(&self, every: Option<(u64, Fault)>) {
        self.plan().every = every;
    }

    /// Whether every call is refused as unavailable.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.plan().unavailable = unavailable;
    }

    /// Whether calls are taken and never answered.
    pub fn set_silent(&self, silent: bool) {
        self.plan().silent = silent;
    }

    /// Behind how many parts the answer to every read ends, as if it were complete: so does a proxy that cancels it. `None` ends it.
    pub fn set_cut(&self, parts: Option<usize>) {
        self.plan().cut = parts;
    }

    /// Behind how many parts the answers to the next reads end in that way, in order.
    pub fn cut_next(&self, parts: impl IntoIterator<Item = usize>) {
        self.plan().cuts.extend(parts);
    }

    /// Whether a repeated append is refused as if the events had not been there before: so does a server whose own comparison does not
    /// reach so far back any more.
    pub fn set_forgetful(&self, forgetful: bool) {
        self.plan().forgetful = forgetful;
    }

    /// What was asked for so far.
    pub fn calls(&self) -> Calls {
        self.plan().calls
    }

    /// What the append that comes now meets.
    pub(crate) fn of_append(&self) -> Fault {
        let mut plan = self.plan();
        plan.calls.appends += 1;
        let planned = plan.next.pop_front();
        let regular = plan.every.filter(|(every, _)| plan.calls.appends.is_multiple_of(*every)).map(|(_, fault)| fault);
        planned.or(regular).unwrap_or(Fault::Pass)
    }

    pub(crate) fn count_read(&self, records: u64) {
        let mut plan = self.plan();
        plan.calls.reads += 1;
        plan.calls.records += records;
    }

    /// Behind how many parts the answer to the read that comes now ends.
    pub(crate) fn cut(&self) -> Option<usize> {
        let mut plan = self.plan();
        plan.cuts.pop_front().or(plan.cut)
    }

    pub(crate) fn is_forgetful(&self) -> bool {
        self.plan().forgetful
    }

    pub(crate) fn is_unavailable(&self) -> bool {
        self.plan().unavailable
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.plan().silent
    }
}
