//! What was decoded lately.
//!
//! Several read models take the same event, one soon after the other. Reading its JSON costs more than folding it, so that is done once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use souk_ports::RecordedEvent;

use crate::{Decoder, Envelope};

/// As many events as are remembered: more than come while a read model lets them gather.
const EVENTS: usize = 4_096;
/// Events with more bytes of data than this are not remembered.
const MOST: usize = 4 << 10;

/// Events that are applied at once.
pub(crate) type Envelopes = Arc<[Arc<Envelope>]>;

type Slot = Mutex<Option<Arc<Envelope>>>;

/// The events that were decoded last, by their position.
pub(crate) struct Memo(Box<[Slot]>);

impl Memo {
    /// Nothing decoded yet.
    pub fn new() -> Self {
        Self((0..EVENTS).map(|_| Slot::default()).collect())
    }

    /// The envelope of `event`: one that is known, or what `decoder` makes of it.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`].
    pub fn decode(&self, decoder: &mut Decoder, event: &RecordedEvent) -> Result<Arc<Envelope>, String> {
        let place = usize::try_from(event.position % EVENTS as u64).unwrap_or_default();
        let Some(slot) = self.0.get(place).filter(|_| event.data.len() <= MOST) else {
            return decoder.decode(event).map(Arc::new);
        };
        let known = lock(slot).clone();
        // After a backup was restored another event may be at the same position.
        if let Some(known) = known.filter(|known| known.position == event.position && known.id == event.id) {
            return Ok(known);
        }
        let decoded = Arc::new(decoder.decode(event)?);
        *lock(slot) = Some(Arc::clone(&decoded));
        Ok(decoded)
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Arc<Envelope>>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chrono::DateTime;
    use souk_domain::stream::{Category, StreamId};
    use uuid::Uuid;

    use super::*;

    fn event(position: u64, id: u128, data: &str) -> RecordedEvent {
        RecordedEvent {
            id: Uuid::from_u128(id),
            stream: StreamId { category: Category::User, uuid: Uuid::from_u128(1) },
            version: 0,
            position,
            recorded_at: DateTime::UNIX_EPOCH,
            event_type: "user.role_granted".to_owned(),
            schema_version: 1,
            data: Bytes::from(data.to_owned()),
            metadata: Bytes::from_static(b"{}"),
        }
    }

    #[test]
    fn an_event_is_decoded_once_and_never_taken_for_another() {
        let (memo, mut decoder) = (Memo::new(), Decoder::default());
        let mut decode = |event: &RecordedEvent| memo.decode(&mut decoder, event).unwrap();
        let role = |role: &str| format!(r#"{{"role":"{role}"}}"#);
        let first = decode(&event(7, 1, &role("admin")));
        assert!(Arc::ptr_eq(&first, &decode(&event(7, 1, &role("admin")))));
        let restored = decode(&event(7, 2, &role("moderator")));
        assert_ne!(restored.event, first.event);
        let later = decode(&event(7 + EVENTS as u64, 1, &role("admin")));
        assert_eq!((later.position, restored.position), (7 + EVENTS as u64, 7));
        assert!(memo.decode(&mut Decoder::default(), &event(8, 3, "{")).is_err());
    }
}
