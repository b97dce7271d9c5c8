//! Inboxes and mails in memory.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use souk_domain::id::UserId;
use souk_ports::{
    Clock, Notice,
    notice::{Behind, Claimed, Delivery, MailState, Mailing, Notices, Outbox, Preferences, Read, Settled},
    store::StoreError,
};
use uuid::Uuid;

use crate::lock;

/// [`Notices`] and [`Outbox`] in memory, by a clock.
pub struct MemoryNotices {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    notices: HashMap<Uuid, (Notice, bool)>,
    mails: HashMap<Uuid, Row>,
    chosen: BTreeMap<UserId, Preferences>,
    rounds: HashMap<Uuid, UserId>,
}

#[derive(Clone)]
struct Row {
    state: MailState,
    attempts: u32,
    queued_at: DateTime<Utc>,
    waits_since: DateTime<Utc>,
    due_at: DateTime<Utc>,
    claim: Option<(Uuid, DateTime<Utc>)>,
    problem: Option<String>,
}

impl MemoryNotices {
    /// Nothing yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Every notice, shown or not, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Notice> {
        let mut all: Vec<_> = lock(&self.state).notices.values().map(|(notice, _)| notice.clone()).collect();
        all.sort_by_key(|notice| (notice.at, notice.id));
        all
    }
}

fn is_behind(behind: Behind, place: (DateTime<Utc>, Uuid)) -> bool {
    behind.is_none_or(|behind| place < behind)
}

#[async_trait]
impl Notices for MemoryNotices {
    async fn deliver(&self, batch: &[Delivery], round: Option<(Uuid, UserId)>) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let mut new = 0;
        for Delivery { notice, in_app, mail } in batch {
            if state.notices.contains_key(&notice.id) {
                continue;
            }
            new += 1;
            state.notices.insert(notice.id, (notice.clone(), *in_app));
            if *mail {
                let row = Row {
                    state: MailState::Waiting,
                    attempts: 0,
                    queued_at: now,
                    waits_since: now,
                    due_at: now,
                    claim: None,
                    problem: None,
                };
                state.mails.insert(notice.id, row);
            }
        }
        if let Some((event, user)) = round {
            state.rounds.insert(event, user);
        }
        Ok(new)
    }

    async fn round(&self, event: Uuid) -> Result<Option<UserId>, StoreError> {
        Ok(lock(&self.state).rounds.get(&event).copied())
    }

    async fn preferences(&self, users: &[UserId]) -> Result<BTreeMap<UserId, Preferences>, StoreError> {
        let state = lock(&self.state);
        Ok(users.iter().filter_map(|user| Some((*user, state.chosen.get(user)?.clone()))).collect())
    }

    async fn choose(&self, user: UserId, choices: &Preferences) -> Result<(), StoreError> {
        lock(&self.state).chosen.entry(user).or_default().0.extend(choices.0.clone());
        Ok(())
    }

    async fn inbox(&self, user: UserId, unread: bool, behind: Behind, limit: u32) -> Result<Vec<Notice>, StoreError> {
        let shown = |(notice, in_app): &(Notice, bool)| {
            let wanted = *in_app && notice.user == user && !(unread && notice.read);
            (wanted && is_behind(behind, (notice.at, notice.id))).then(|| notice.clone())
        };
        let mut found: Vec<_> = lock(&self.state).notices.values().filter_map(shown).collect();
        found.sort_by_key(|notice| std::cmp::Reverse((notice.at, notice.id)));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn unread(&self, user: UserId) -> Result<u64, StoreError> {
        Ok(self.inbox(user, true, None, u32::MAX).await?.len() as u64)
    }

    async fn notice(&self, user: UserId, id: Uuid) -> Result<Option<Notice>, StoreError> {
        let state = lock(&self.state);
        let found = state.notices.get(&id).filter(|(notice, in_app)| *in_app && notice.user == user);
        Ok(found.map(|(notice, _)| notice.clone()))
    }

    async fn read(&self, user: UserId, what: Read) -> Result<u64, StoreError> {
        let mut changed = 0;
        for (notice, in_app) in lock(&self.state).notices.values_mut() {
            let meant = match what {
                Read::One(id) => notice.id == id,
                Read::UpTo(at) => notice.at <= at,
            };
            if *in_app && meant && notice.user == user && !notice.read {
                notice.read = true;
                changed += 1;
            }
        }
        Ok(changed)
    }

    async fn forget_person(&self, user: UserId) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        let State { notices, mails, chosen, .. } = &mut *state;
        notices.retain(|_, (notice, _)| notice.user != user);
        mails.retain(|id, _| notices.contains_key(id));
        chosen.remove(&user);
        Ok(())
    }

    async fn forget_notices(&self, age: Duration) -> Result<u64, StoreError> {
        let limit = self.clock.now() - age;
        let mut state = lock(&self.state);
        let State { notices, mails, .. } = &mut *state;
        let before = notices.len();
        notices.retain(|_, (notice, _)| notice.at >= limit);
        mails.retain(|id, _| notices.contains_key(id));
        Ok((before - notices.len()) as u64)
    }
}

impl State {
    fn mailing(&self, id: Uuid) -> Option<Mailing> {
        let (row, (notice, _)) = (self.mails.get(&id)?, self.notices.get(&id)?);
        Some(Mailing {
            id,
            user: notice.user,
            kind: notice.kind,
            state: row.state,
            attempts: row.attempts,
            queued_at: row.queued_at,
            due_at: row.due_at,
            problem: row.problem.clone(),
        })
    }
}

#[async_trait]
impl Outbox for MemoryNotices {
    async fn claim_mails(&self, claim: Uuid, limit: u32, lease: Duration) -> Result<Vec<Claimed>, StoreError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let State { notices, mails, .. } = &mut *state;
        let free = |row: &Row| {
            row.state == MailState::Waiting && row.due_at <= now && row.claim.is_none_or(|(_, until)| until <= now)
        };
        let mut due: Vec<_> = mails.iter().filter(|(_, row)| free(row)).map(|(id, row)| (row.due_at, *id)).collect();
        due.sort();
        let mut claimed = Vec::new();
        for (_, id) in due.into_iter().take(limit as usize) {
            let (Some(row), Some((notice, _))) = (mails.get_mut(&id), notices.get(&id)) else { continue };
            row.attempts += 1;
            row.claim = Some((claim, now + lease));
            let waited = (now - row.waits_since).to_std().unwrap_or_default();
            claimed.push(Claimed { notice: notice.clone(), attempts: row.attempts, waited });
        }
        Ok(claimed)
    }

    async fn settle(&self, id: Uuid, claim: Uuid, settled: Settled) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let Some(row) = state.mails.get_mut(&id) else { return Ok(false) };
        if row.state != MailState::Waiting || row.claim.is_none_or(|(holder, _)| holder != claim) {
            return Ok(false);
        }
        row.claim = None;
        (row.state, row.problem) = match settled {
            Settled::Sent => (MailState::Sent, None),
            Settled::Later(after, why) => {
                row.due_at = now + after;
                (MailState::Waiting, Some(why))
            }
            Settled::Failed(why) => (MailState::Failed, Some(why)),
            Settled::Dropped(why) => (MailState::Dropped, Some(why)),
        };
        Ok(true)
    }

    async fn mails(&self, wanted: Option<MailState>, behind: Behind, limit: u32) -> Result<Vec<Mailing>, StoreError> {
        let state = lock(&self.state);
        let ids = state.mails.keys().copied();
        let mut found: Vec<_> = ids
            .filter_map(|id| state.mailing(id))
            .filter(|mail| wanted.is_none_or(|wanted| mail.state == wanted))
            .filter(|mail| is_behind(behind, (mail.queued_at, mail.id)))
            .collect();
        found.sort_by_key(|mail| std::cmp::Reverse((mail.queued_at, mail.id)));
        found.truncate(limit as usize);
        Ok(found)
    }

    async fn mail(&self, id: Uuid) -> Result<Option<Mailing>, StoreError> {
        Ok(lock(&self.state).mailing(id))
    }

    async fn retry(&self, id: Uuid) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let Some(row) = state.mails.get_mut(&id).filter(|row| row.state == MailState::Failed) else { return Ok(false) };
        row.state = MailState::Waiting;
        (row.attempts, row.waits_since, row.due_at) = (0, now, now);
        Ok(true)
    }
}
