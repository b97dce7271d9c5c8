//! Streams of server-sent events: how many there are, and how each is fed.
//!
//! A stream is fed from the log by position and holds a few small pieces at most: a client that takes its time is waited for, alone, and one
//! that takes nothing for too long is cut and resumes where it was.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::stream;
use souk_app::{
    AppError, partners,
    public::{Filter, PublicEvent, Subscription},
};
use souk_domain::{
    id::{PartnerId, PartnerKeyId},
    partner::Partner,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::Api;

/// Pieces that wait for a client at most,
const PIECES: usize = 4;
/// and about how many bytes each has.
const PIECE: usize = 32 * 1024;

/// How long a stream rests after each batch: what comes meanwhile travels together, so that many streams do not wake for every event.
const REST: Duration = Duration::from_millis(50);
/// As much of what was not sent while nobody wanted it may be sent at once.
const BURST: Duration = Duration::from_millis(250);

/// A share of the line, for all streams together.
struct Bandwidth {
    bytes_per_second: u32,
    /// When what was allowed so far is over.
    free: Mutex<Instant>,
}

impl Bandwidth {
    /// Waits until `bytes` may be sent; first come, first served.
    async fn take(&self, bytes: usize) {
        let now = Instant::now();
        let cost = Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_per_second.max(1)));
        let wait = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let begins = now.checked_sub(BURST).map_or(*free, |earliest| earliest.max(*free));
            *free = begins + cost;
            begins.saturating_duration_since(now)
        };
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

/// How many streams there are, and what they share.
pub struct Streams {
    most: usize,
    bandwidth: Bandwidth,
    open: Arc<Mutex<HashMap<PartnerId, usize>>>,
}

/// One stream that is counted as long as this is kept.
pub struct Counted {
    partner: PartnerId,
    open: Arc<Mutex<HashMap<PartnerId, usize>>>,
}

impl Streams {
    /// None yet, `most` at once, which send so much together.
    pub fn new(most: usize, bytes_per_second: u32) -> Self {
        let bandwidth = Bandwidth { bytes_per_second, free: Mutex::new(Instant::now()) };
        Self { most, bandwidth, open: Arc::default() }
    }

    /// Leave for one more stream of `partner`; in words why there is none.
    pub fn open(&self, partner: &Partner) -> Result<Counted, String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= self.most {
            return Err("this process has as many streams as it may".to_owned());
        }
        let own = open.entry(partner.id).or_default();
        let quota = partner.quotas.streams;
        if *own >= quota as usize {
            return Err(format!("this partner has at most {quota} streams at once"));
        }
        *own += 1;
        metrics::gauge!("souk_partner_streams").increment(1.0);
        Ok(Counted { partner: partner.id, open: Arc::clone(&self.open) })
    }

    /// Streams of `partner` in this process.
    pub fn of(&self, partner: PartnerId) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&partner).copied().unwrap_or_default()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("souk_partner_streams").decrement(1.0);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.partner) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                open.remove(&self.partner);
            }
        }
    }
}

/// Who follows what.
pub struct Follower {
    partner: Arc<Partner>,
    key: PartnerKeyId,
    filter: Filter,
    events: Subscription,
    /// Given back with the rest.
    _counted: Counted,
}

impl Follower {
    pub const fn new(
        partner: Arc<Partner>,
        key: PartnerKeyId,
        filter: Filter,
        events: Subscription,
        counted: Counted,
    ) -> Self {
        Self { partner, key, filter, events, _counted: counted }
    }
}

/// Why a stream ended; what its client is told last.
#[derive(Clone, Copy)]
enum Ending {
    Shutdown,
    Stalled,
    Changed,
    Failed,
}

impl Ending {
    const fn comment(self) -> &'static [u8] {
        match self {
            Self::Shutdown => b": shutdown: this process ends; resume with Last-Event-ID\n\n",
            Self::Stalled => b": stalled: nothing was taken for too long; resume with Last-Event-ID\n\n",
            Self::Changed => b": changed: what this partner may see changed; ask again with Last-Event-ID\n\n",
            Self::Failed => b": failed: the log does not answer; resume with Last-Event-ID\n\n",
        }
    }
}

/// The body of a stream.
pub fn body(api: &Api, follower: Follower) -> Body {
    let (sender, receiver) = mpsc::channel(PIECES);
    let ending = Arc::new(OnceLock::new());
    let (told, api) = (Arc::clone(&ending), api.clone());
    tokio::spawn(async move {
        if let Some(ending) = feed(&api, follower, &sender).await {
            let _ = told.set(ending);
        }
    });
    // The last word comes behind what still waits, whenever that is taken.
    let pieces = stream::unfold((receiver, Some(ending)), |(mut receiver, ending)| async move {
        if let Some(piece) = receiver.recv().await {
            return Some((Ok::<_, std::convert::Infallible>(piece), (receiver, ending)));
        }
        let last = ending.and_then(|ending| ending.get().copied())?;
        Some((Ok(Bytes::from_static(last.comment())), (receiver, None)))
    });
    Body::from_stream(pieces)
}

/// Feeds a stream until it ends; none when its client is gone.
async fn feed(api: &Api, mut follower: Follower, sender: &mpsc::Sender<Bytes>) -> Option<Ending> {
    let mut beats = interval(api.settings.heartbeat);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beats.reset();
    let mut pieces = vec![Bytes::from_static(b": souk\nretry: 2000\n\n")];
    loop {
        let told = !pieces.is_empty();
        for piece in pieces.drain(..) {
            api.streams.bandwidth.take(piece.len()).await;
            let sent = tokio::select! {
                sent = timeout(api.settings.stream_stall, sender.send(piece)) => sent,
                () = api.shutdown.cancelled() => return Some(Ending::Shutdown),
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => {
                    metrics::counter!("souk_partner_streams_stalled_total").increment(1);
                    return Some(Ending::Stalled);
                }
            }
        }
        if told {
            sleep(REST).await;
        }
        pieces = tokio::select! {
            batch = follower.events.next() => match batch {
                Ok(batch) => frames(batch.events.iter().filter(|event| follower.filter.passes(event))),
                Err(AppError::Unavailable(_)) => {
                    sleep(Duration::from_secs(1)).await;
                    Vec::new()
                }
                Err(_) => return Some(Ending::Failed),
            },
            _ = beats.tick() => {
                match beat(api, &follower).await {
                    Ok(true) => vec![Bytes::from_static(b": heartbeat\n\n")],
                    Ok(false) => return Some(Ending::Changed),
                    // What cannot be asked now is asked with the next beat.
                    Err(_) => vec![Bytes::from_static(b": heartbeat\n\n")],
                }
            }
            () = sender.closed() => return None,
            () = api.shutdown.cancelled() => return Some(Ending::Shutdown),
        };
    }
}

/// Whether the partner may see the same as before; also notes how far it is.
async fn beat(api: &Api, follower: &Follower) -> Result<bool, AppError> {
    let known = &follower.partner;
    let now = partners::get(&api.app, known.id).await?;
    api.app.ports().partners.read_up_to(known.id, follower.events.position()).await?;
    Ok(now.suspended.is_none() && now.scopes == known.scopes && now.keys.contains_key(&follower.key))
}

/// Events as server-sent ones, in pieces.
fn frames<'a>(events: impl Iterator<Item = &'a Arc<PublicEvent>>) -> Vec<Bytes> {
    let (mut pieces, mut piece) = (Vec::new(), BytesMut::new());
    for event in events {
        let head = format!("id: {}\nevent: {}\ndata: ", event.position, event.public.full_name());
        if !piece.is_empty() && piece.len() + head.len() + event.json.len() > PIECE {
            pieces.push(piece.split().freeze());
        }
        piece.extend_from_slice(head.as_bytes());
        piece.extend_from_slice(&event.json);
        piece.extend_from_slice(b"\n\n");
    }
    if !piece.is_empty() {
        pieces.push(piece.freeze());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn streams_share_a_line_and_may_catch_up_a_little() {
        let begun = Instant::now();
        let bandwidth = Bandwidth { bytes_per_second: 1_000, free: Mutex::new(begun) };
        for _ in 0..4 {
            bandwidth.take(500).await;
        }
        assert_eq!(begun.elapsed().as_millis() / 100, 15, "the fourth waits for three");
        tokio::time::advance(Duration::from_secs(60)).await;
        let rested = Instant::now();
        bandwidth.take(250).await;
        bandwidth.take(250).await;
        assert!(rested.elapsed() < Duration::from_millis(10), "a quarter of a second's worth goes at once");
        bandwidth.take(500).await;
        assert_eq!(rested.elapsed().as_millis() / 100, 2);
    }
}
