//! Ctrl-C and SIGTERM for commands that end by themselves: what was begun is let go of in order, Souk's own PostgreSQL
//! included, instead of being left running.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = 130;

/// Is told by SIGINT or SIGTERM. A second one ends the process at once.
#[derive(Clone)]
pub struct Interrupt(CancellationToken);

impl Interrupt {
    /// Begins to listen; from now on a signal does not end the process by itself.
    ///
    /// # Errors
    /// The system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
        let token = CancellationToken::new();
        let told = token.clone();
        tokio::spawn(async move {
            for _ in 0..2 {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if told.is_cancelled() {
                    std::process::exit(i32::from(INTERRUPTED));
                }
                told.cancel();
            }
        });
        Ok(Self(token))
    }

    /// Is cancelled by the signal.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }

    /// `work`, unless the signal comes first.
    ///
    /// # Errors
    /// Those of `work`, and the interruption.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            () = self.0.cancelled() => Err(Failure::new("interrupted").with_code(INTERRUPTED)),
            done = work => done,
        }
    }
}
