//! Gathers the reads of streams of all callers: what is asked for while others are answered is asked for together.
//!
//! A stream is a few rows, and a way to the server costs more than they do.

use std::sync::Arc;

use souk_domain::stream::StreamId;
use souk_ports::{LogError, RecordedEvent};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::yield_now,
};

use crate::read::{Part, Reader};

/// Statements that run at once. One that waits for a disk holds up those who came with it and nobody else.
const LANES: usize = 4;
/// As many streams as one statement reads.
const TOGETHER: usize = 64;
/// Callers beyond this many wait for their turn to be queued.
const QUEUE: usize = 4096;
/// How often callers who were just answered may run before the next statement: they are about to ask again.
const TURNS: usize = 2;

type Answer = Result<Vec<RecordedEvent>, LogError>;

struct Pending {
    part: Part,
    reply: oneshot::Sender<Answer>,
}

/// Takes reads. Its lanes end when it is dropped, after what was queued.
pub struct Gatherer {
    queue: mpsc::Sender<Pending>,
}

impl Gatherer {
    pub fn start(reader: &Reader) -> Self {
        let (queue, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..LANES {
            tokio::spawn(run(reader.clone(), Arc::clone(&receiver)));
        }
        Self { queue }
    }

    /// At most `limit` events of `stream` from version `from` on, read with whatever else is wanted.
    pub async fn stream(&self, stream: StreamId, from: u64, limit: usize) -> Answer {
        // No stream is so long that its versions leave the column's range.
        let Ok(from) = i32::try_from(from) else { return Ok(Vec::new()) };
        let stopped = || LogError::Unavailable("the log was shut down".to_owned());
        let (reply, answer) = oneshot::channel();
        let part = Part { stream, from, limit };
        self.queue.send(Pending { part, reply }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn run(reader: Reader, queue: Arc<Mutex<mpsc::Receiver<Pending>>>) {
    let mut taken = Vec::with_capacity(TOGETHER);
    // The lock is let go before reading.
    while next(&queue, &mut taken).await {
        let (parts, replies): (Vec<_>, Vec<_>) = taken.drain(..).map(|pending| (pending.part, pending.reply)).unzip();
        let answers = match reader.streams(&parts).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(error); parts.len()],
        };
        for (reply, answer) in replies.into_iter().zip(answers) {
            // A caller who has given up does not listen.
            let _ = reply.send(answer);
        }
    }
}

/// Takes what waits, once there is something that somebody still wants. False when all callers are gone.
async fn next(queue: &Mutex<mpsc::Receiver<Pending>>, taken: &mut Vec<Pending>) -> bool {
    let mut queue = queue.lock().await;
    while taken.is_empty() {
        if queue.recv_many(taken, TOGETHER).await == 0 {
            return false;
        }
        for _ in 0..TURNS {
            yield_now().await;
        }
        while taken.len() < TOGETHER {
            let Ok(pending) = queue.try_recv() else { break };
            taken.push(pending);
        }
        taken.retain(|pending| !pending.reply.is_closed());
    }
    true
}
