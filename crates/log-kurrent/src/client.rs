//! The client library under supervision: one that is dead is replaced, and calls are tried again where that is safe.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kurrentdb::Client;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info};

use crate::{Options, error::Trouble, settings::Settings};

/// The wait before the second try; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// A client that failed so often in a row for one call is replaced, dead or not: the library never leaves a node that it
/// once chose unless that node names another.
const TRIES_A_CLIENT: u32 = 4;

/// A client, and how many there were before it.
#[derive(Clone)]
pub struct Current {
    pub client: Client,
    generation: u64,
}

/// Hands out clients and replaces dead ones.
pub struct Supervisor {
    pub settings: Settings,
    pub options: Options,
    current: Mutex<Option<Current>>,
    /// Held while a client is made: of all callers that see one die, one replaces it.
    making: tokio::sync::Mutex<u64>,
}

impl Supervisor {
    pub fn new(settings: Settings, options: Options) -> Self {
        Self { settings, options, current: Mutex::new(None), making: tokio::sync::Mutex::new(0) }
    }

    fn current(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client in use; makes one when there is none.
    pub async fn client(&self) -> Result<Current, Trouble> {
        if let Some(current) = self.current().clone() {
            return Ok(current);
        }
        let mut generation = self.making.lock().await;
        if let Some(current) = self.current().clone() {
            return Ok(current);
        }
        let (settings, runtime) = (self.settings.client.clone(), tokio::runtime::Handle::current());
        // Reads the certificates of the system.
        let made = tokio::task::spawn_blocking(move || {
            Client::with_runtime_handle(runtime, settings).map_err(|error| error.to_string())
        });
        let client = made.await.map_err(|error| Trouble::Refused(error.to_string()))?.map_err(Trouble::Refused)?;
        *generation += 1;
        let current = Current { client, generation: *generation };
        *self.current() = Some(current.clone());
        Ok(current)
    }

    /// Lets go of a client, unless another one did and there is a newer one.
    pub fn replace(&self, failed: &Current) {
        let mut current = self.current();
        if current.as_ref().is_some_and(|current| current.generation == failed.generation) {
            info!(generation = failed.generation, "the client of the event log is replaced");
            *current = None;
        }
    }

    /// How long to wait before try `tries + 1`: longer each time, and never as long as somebody else.
    pub fn wait(&self, tries: u32) -> Duration {
        let full = FIRST_WAIT.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT);
        let mut byte = [0];
        self.options.random.fill(&mut byte);
        full.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
    }

    /// Calls until there is an answer or the patience of the options is over. What is called must be safe to repeat, and must
    /// end by itself when the server is silent: see [`in_time`].
    pub async fn call<T, Answer>(&self, what: &str, call: impl Fn(Client) -> Answer) -> Result<T, Trouble>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let end = Instant::now() + self.options.patience;
        let mut tries: u32 = 0;
        loop {
            let current = self.client().await?;
            let (why, dead) = match call(current.client.clone()).await {
                Err(Trouble::Lost { why, dead }) => (why, dead),
                outcome => return outcome,
            };
            tries += 1;
            if dead || tries.is_multiple_of(TRIES_A_CLIENT) {
                self.replace(&current);
            }
            let wait = self.wait(tries - 1);
            if Instant::now() + wait >= end {
                return Err(Trouble::Lost { why: format!("{what}: {why}{}", self.hint()), dead });
            }
            debug!(what, why, tries, "the event log is asked again");
            sleep(wait).await;
        }
    }

    /// What is worth a look when nothing answers.
    fn hint(&self) -> &'static str {
        if self.settings.client.is_secure_mode_enabled() {
            " (over TLS; a server without it needs ?tls=false in the connection string)"
        } else {
            ""
        }
    }
}

/// The time that a call whose answer comes in parts may let pass between two of them.
pub async fn in_time<T>(deadline: Duration, part: impl Future<Output = kurrentdb::Result<T>>) -> Result<T, Trouble> {
    match timeout(deadline, part).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Trouble::Lost { why: format!("no answer within {deadline:?}"), dead: false }),
    }
}
