//! Gathers the appends of all callers into batches, and writes them.

use std::{sync::Arc, time::Duration};

use souk_domain::stream::StreamId;
use souk_ports::{Expected, LogError, NewEvent};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use tracing::{debug, warn};

use crate::{
    batch::{self, Answer, Entry},
    error::{lost_connection, meaning, out_of_place},
    hub::Publisher,
    written::Written,
};

/// While one lane's batch is being written, the other one gathers and sends the next, so that the server never waits for
/// this process. More lanes only make smaller batches.
const LANES: usize = 2;
/// How often the callers whose batch was just answered may run before the next one is gathered: they are about to queue their
/// next append, and few large batches cost the server less than many small ones.
const TURNS: usize = 3;
/// Callers beyond this many wait for their turn to be queued.
const QUEUE: usize = 4096;
/// A batch has at most so many entries,
const BATCH_ENTRIES: usize = 512;
/// and takes no further one once it has so many bytes.
const BATCH_BYTES: usize = 4 << 20;
/// A server that accepts no connection in this time makes the log unavailable.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
const RECONNECT: Duration = Duration::from_millis(50);
/// Batches of a lane that are looked at before they are written, after one that was rolled back because a stream was not as
/// expected: where writers compete, that costs less.
const CAREFUL: u32 = 32;
/// What a batch did that takes longer than this is unknown.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);

struct Pending {
    entry: Entry,
    reply: oneshot::Sender<Answer>,
}

/// Takes appends. Its lanes end when it is dropped, after what was queued.
pub struct Appender {
    queue: mpsc::Sender<Pending>,
}

impl Appender {
    pub fn start(options: &PgConnectOptions, head: Publisher) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(Queue { receiver, held: None }));
        let written = Arc::new(Written::default());
        for _ in 0..LANES {
            let lane = Lane {
                queue: Arc::clone(&queue),
                options: options.clone().application_name("souk log appender"),
                connection: None,
                head: head.clone(),
                written: Arc::clone(&written),
                careful: 0,
            };
            tokio::spawn(lane.run());
        }
        Self { queue: sender }
    }

    /// Appends with whatever else is waiting. A caller who gives up leaves the append to happen or not.
    pub async fn append(&self, stream: StreamId, expected: Expected, events: Vec<NewEvent>) -> Answer {
        let stopped = || LogError::Unavailable("the log was shut down".to_owned());
        let (reply, answer) = oneshot::channel();
        let entry = Entry { stream, expected, events };
        self.queue.send(Pending { entry, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

struct Queue {
    receiver: mpsc::Receiver<Pending>,
    /// Did not fit into the last batch.
    held: Option<Pending>,
}

impl Queue {
    /// Everything that waits, up to the size of a batch; waits until there is something. None when all callers are gone.
    async fn next(&mut self) -> Option<Vec<Pending>> {
        let first = match self.held.take() {
            Some(held) => held,
            None => self.receiver.recv().await?,
        };
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
        let mut size = first.entry.size();
        let mut batch = vec![first];
        while batch.len() < BATCH_ENTRIES {
            let Ok(next) = self.receiver.try_recv() else { break };
            if next.reply.is_closed() {
                continue;
            }
            size += next.entry.size();
            if size > BATCH_BYTES {
                self.held = Some(next);
                break;
            }
            batch.push(next);
        }
        Some(batch)
    }

    /// Fails everything that waits: a server that could not be reached for these three seconds is down for them as well.
    fn fail(&mut self, error: &LogError) {
        let held = self.held.take();
        let waiting = std::iter::from_fn(|| self.receiver.try_recv().ok());
        for pending in held.into_iter().chain(waiting) {
            let _ = pending.reply.send(Err(error.clone()));
        }
    }
}

struct Lane {
    queue: Arc<Mutex<Queue>>,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    head: Publisher,
    written: Arc<Written>,
    /// How many batches more are looked at first.
    careful: u32,
}

impl Lane {
    async fn run(mut self) {
        loop {
            // The lock is let go before writing.
            let next = self.queue.lock().await.next().await;
            let Some(batch) = next else { return };
            let (entries, replies): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|pending| (pending.entry, pending.reply)).unzip();
            for (reply, answer) in replies.into_iter().zip(self.write(&entries).await) {
                // A caller who has given up does not listen.
                let _ = reply.send(answer);
            }
        }
    }

    async fn write(&mut self, entries: &[Entry]) -> Vec<Answer> {
        let all: Vec<&Entry> = entries.iter().collect();
        match self.attempt(&all).await {
            Ok(answers) => answers,
            Err(LogError::Refused(why)) if all.len() > 1 => {
                debug!(why, entries = all.len(), "a batch was refused; writing its entries one by one");
                self.write_singly(&all).await
            }
            Err(error) => vec![Err(error); all.len()],
        }
    }

    async fn write_singly(&mut self, entries: &[&Entry]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            let answer = match self.attempt(&[*entry]).await {
                Ok(mut answer) => answer.remove(0),
                Err(error) => Err(error),
            };
            let unavailable = matches!(answer, Err(LogError::Unavailable(_)));
            answers.push(answer.clone());
            if unavailable {
                answers.resize(entries.len(), answer);
                break;
            }
        }
        answers
    }

    /// Writes `entries` in one transaction. When the connection is lost, tries once more: what the first try has written is
    /// recognized by its event ids.
    async fn attempt(&mut self, entries: &[&Entry]) -> Result<Vec<Answer>, LogError> {
        match self.attempt_once(entries).await {
            Err(Failure::Lost(why)) => {
                debug!(why, "the connection for appends was lost; connecting again");
                self.attempt_once(entries).await.map_err(Failure::into_error)
            }
            outcome => outcome.map_err(Failure::into_error),
        }
    }

    async fn attempt_once(&mut self, entries: &[&Entry]) -> Result<Vec<Answer>, Failure> {
        let mut connection = self.connect().await?;
        // Until the answer is here the connection is in use; giving up in between must lose it.
        match timeout(WRITE_PATIENCE, self.append(&mut connection, entries)).await {
            Ok(Ok(answers)) => {
                self.connection = Some(connection);
                if let Some(head) = batch::reached(entries, &answers, &self.written) {
                    self.head.reached(head);
                }
                Ok(answers)
            }
            Ok(Err(error)) if lost_connection(&error) => Err(Failure::Lost(error.to_string())),
            Ok(Err(error)) => {
                self.connection = Some(connection);
                Err(Failure::Other(meaning(&error)))
            }
            Err(_) => Err(Failure::Other(LogError::Unavailable("the database did not answer in time".to_owned()))),
        }
    }

    /// All at once where that is possible, else entry by entry.
    async fn append(&mut self, connection: &mut PgConnection, entries: &[&Entry]) -> Result<Vec<Answer>, sqlx::Error> {
        if batch::apart(entries) {
            let careful = self.careful > 0;
            self.careful = self.careful.saturating_sub(1);
            match batch::append_apart(connection, entries, &self.written, careful).await {
                Ok(Some(answers)) => return Ok(answers),
                Ok(None) => {}
                Err(error) if out_of_place(&error) => self.careful = CAREFUL,
                Err(error) => return Err(error),
            }
        }
        batch::append(connection, entries).await
    }

    async fn connect(&mut self) -> Result<PgConnection, Failure> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let deadline = Instant::now() + CONNECT_PATIENCE;
        loop {
            let error = match timeout_at(deadline, PgConnection::connect_with(&self.options)).await {
                Ok(Ok(connection)) => {
                    // Behind a lost connection there may be an older copy of the database.
                    self.written.forget();
                    return Ok(connection);
                }
                Ok(Err(error)) => meaning(&error),
                Err(_) => LogError::Unavailable("no connection to the database in time".to_owned()),
            };
            if Instant::now() + RECONNECT >= deadline {
                warn!(%error, "cannot connect for appends");
                // Another lane that waits for a first entry holds the lock, and then there is nothing to fail.
                if let Ok(mut queue) = self.queue.try_lock() {
                    queue.fail(&error);
                }
                return Err(Failure::Other(error));
            }
            sleep(RECONNECT).await;
        }
    }
}

enum Failure {
    /// The connection was lost; what happened is unknown.
    Lost(String),
    Other(LogError),
}

impl Failure {
    fn into_error(self) -> LogError {
        match self {
            Self::Lost(why) => LogError::Unavailable(why),
            Self::Other(error) => error,
        }
    }
}
