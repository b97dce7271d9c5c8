//! Memory of a run, counted as one sum, and its processor time.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use souk_ports::SandboxError;
use wasmtime::ResourceLimiter;

use crate::engine::TABLE_ELEMENTS;

/// A table's element is a pointer.
const ELEMENT: usize = size_of::<usize>();

/// Counts all linear memories and tables of a store together: a limit for each would be a limit times their number.
pub(crate) struct Memory {
    limit: usize,
    now: usize,
    most: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, now: 0, most: 0 }
    }

    /// The most at any time, bytes.
    pub(crate) fn most(&self) -> u64 {
        self.most as u64
    }

    /// Whether something may grow from `current` to `desired` bytes. Beyond the limit the run ends: a plugin that is told "no" mostly goes on to
    /// something worse, and nobody would learn the reason.
    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<()> {
        let now = self.now.saturating_add(desired.saturating_sub(current));
        if now > self.limit {
            return Err(SandboxError::MemoryExceeded.into());
        }
        self.now = now;
        self.most = self.most.max(now);
        Ok(())
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.limit && maximum.is_some_and(|maximum| desired > maximum) {
            // The module's own maximum: growing fails, as the specification says, and takes nothing.
            return Ok(false);
        }
        self.grow(current, desired).map(|()| true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            return Err(SandboxError::MemoryExceeded.into());
        }
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT)).map(|()| true)
    }
}

/// Processor time of a run so far.
#[derive(Clone, Default)]
pub(crate) struct Cpu(Arc<AtomicU64>);

impl Cpu {
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// Runs a future and counts the time that its thread has a processor for it.
pub(crate) struct Metered<F> {
    pub(crate) future: Pin<Box<F>>,
    pub(crate) cpu: Cpu,
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = thread_time();
        let polled = self.future.as_mut().poll(context);
        let nanos = thread_time().saturating_sub(before).as_nanos();
        self.cpu.0.fetch_add(u64::try_from(nanos).unwrap_or(u64::MAX), Ordering::Relaxed);
        polled
    }
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
