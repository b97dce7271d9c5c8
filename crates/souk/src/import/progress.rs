//! Progress of long work: a bar on a terminal, a line now and then where there is none.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// How far some work is.
pub struct Progress {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    bar: Option<ProgressBar>,
    said: Mutex<Instant>,
}

impl Progress {
    /// Begins work of `total` steps; `what` is being done to them, e.g. `importing`.
    pub fn begin(what: &'static str, total: usize) -> Self {
        let total = total as u64;
        let bar = output::on_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{msg} [{bar:40}] {pos}/{len} {per_sec} {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
            bar.set_message(what);
            bar
        });
        Self { what, total, done: AtomicU64::new(0), bar, said: Mutex::new(Instant::now()) }
    }

    /// One step more is done.
    pub fn step(&self) {
        self.reach(self.done.load(Ordering::Relaxed) + 1);
    }

    /// So many steps are done.
    pub fn reach(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                if said.elapsed() >= EVERY {
                    *said = Instant::now();
                    output::note(format!("{}: {done} of {}", self.what, self.total));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
