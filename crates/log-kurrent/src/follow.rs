//! Following the log: reads, one behind the other. The client library has subscriptions, but one that ends without an error
//! spins inside it, and takes a thread of the runtime for ever.

use std::{sync::Arc, time::Duration};

use futures::stream::{self, BoxStream, StreamExt};
use souk_ports::{LogError, Position, RecordedEvent};
use tokio::time::sleep;

use crate::{client::Supervisor, read::streams_of};

/// Events in one batch.
const BATCH: usize = 500;
/// The pause behind the first read in a row that finds nothing; doubled for each further one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(2);
/// The longest pause between two reads.
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Where one follower is.
struct Follower {
    supervisor: Arc<Supervisor>,
    /// The last record that was looked at, Souk's or not.
    after: Position,
    /// Whether the server leaves out what is not Souk's.
    filtered: bool,
    pause: Duration,
}

/// Batches of events behind `after`, for ever; an error ends it.
pub fn follow(
    supervisor: Arc<Supervisor>,
    after: Position,
) -> BoxStream<'static, Result<Vec<RecordedEvent>, LogError>> {
    let follower = Follower { supervisor, after, filtered: true, pause: SHORTEST_PAUSE };
    stream::try_unfold(follower, |mut follower| async move { Ok(Some((follower.batch().await?, follower))) }).boxed()
}

impl Follower {
    /// The next events; waits for them.
    ///
    /// Nobody tells how far a filtered read looked, so each would begin at the last event that passed and look at what is
    /// behind it once more; and one that was cut off reads like one that found nothing. So the server filters only while
    /// full pages come. At the end of the log every record is read once, and seen is what counts.
    async fn batch(&mut self) -> Result<Vec<RecordedEvent>, LogError> {
        loop {
            let filter = self.filtered.then(|| streams_of(&[]));
            let page = self.supervisor.forwards(self.after, filter, BATCH).await?;
            self.after = page.last.unwrap_or(self.after).max(self.after);
            self.filtered = page.more && !page.events.is_empty();
            if !page.events.is_empty() {
                self.pause = SHORTEST_PAUSE;
                return Ok(page.events);
            }
            if !page.more {
                sleep(self.pause).await;
                self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}
