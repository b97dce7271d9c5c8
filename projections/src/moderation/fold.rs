//! What events change in moderation.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{
    event::DomainEvent,
    review,
    validation::{self, CrossCheck, Ruling, Verdict},
};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use super::query::{Decision, Subject, Why};
use crate::{
    rows::{self, held},
    sealed,
};

const ITEMS: &str = "moderation_item";

/// Changes of moderation, by key.
#[derive(Default)]
pub(super) struct ModerationChanges {
    items: BTreeMap<Uuid, Patch>,
    decisions: Vec<Decided>,
    cross_checks: BTreeMap<Uuid, Check>,
    /// Bytes of reasons.
    texts: usize,
}

/// What happens to an item: perhaps it is closed, if it is open; then perhaps it is opened, or asked for again; then perhaps
/// what was opened is closed.
#[derive(Default)]
struct Patch {
    closed: Option<Closed>,
    opened: Option<Opened>,
}

#[derive(Serialize)]
struct Closed {
    decision: Decision,
    decided_at: DateTime<Utc>,
    decided: u64,
}

#[derive(Serialize)]
struct Opened {
    subject: Subject,
    plugin_id: Uuid,
    version: Option<String>,
    why: Why,
    reason: String,
    told_by: Option<Uuid>,
    reports: u32,
    since: DateTime<Utc>,
    opened: u64,
    #[serde(flatten)]
    closed: Option<Closed>,
}

/// A change of the item of this id.
#[derive(Serialize)]
struct Of<T> {
    item_id: Uuid,
    #[serde(flatten)]
    change: T,
}

#[derive(Serialize)]
struct Decided {
    item_id: Uuid,
    position: u64,
    decision: Decision,
    reason: Option<String>,
    decided_by: Option<Uuid>,
    decided_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Check {
    validation_id: Uuid,
    #[serde(flatten)]
    check: CrossCheck,
}

impl Patch {
    fn open(&mut self, next: Opened) {
        match &mut self.opened {
            Some(open) if open.closed.is_none() => {
                open.reports += 1;
                (open.why, open.reason, open.told_by) = (next.why, next.reason, next.told_by);
            }
            _ => {
                let decided = self.opened.replace(next).and_then(|done| done.closed);
                self.closed = self.closed.take().or(decided);
            }
        }
    }

    /// The first decision counts.
    fn close(&mut self, closed: Closed) {
        let open = self.opened.as_mut().map_or(&mut self.closed, |open| &mut open.closed);
        open.get_or_insert(closed);
    }
}

impl ModerationChanges {
    /// A person's own words name the event that they are sealed for.
    fn open(&mut self, event: &Envelope, version: Option<String>, why: Why, reason: String) {
        let Some(plugin) = event.plugin_id() else { return };
        self.texts += reason.len();
        let told_by = version.is_none().then_some(event.id);
        self.items.entry(event.stream.uuid).or_default().open(Opened {
            subject: if version.is_some() { Subject::Version } else { Subject::Review },
            plugin_id: plugin.uuid(),
            version,
            why,
            reason,
            told_by,
            reports: 1,
            since: event.recorded_at,
            opened: event.position,
            closed: None,
        });
    }

    fn close(&mut self, event: &Envelope, decision: Decision) {
        let (decided_at, decided) = (event.recorded_at, event.position);
        self.items.entry(event.stream.uuid).or_default().close(Closed { decision, decided_at, decided });
    }

    /// A moderator's decision is kept also where nothing waited for it.
    fn decide(&mut self, event: &Envelope, decision: Decision, reason: Option<&String>) {
        self.texts += reason.map_or(0, String::len);
        self.decisions.push(Decided {
            item_id: event.stream.uuid,
            position: event.position,
            decision,
            reason: reason.cloned(),
            decided_by: event.concerned.actor.and_then(|actor| actor.id).map(|user| user.uuid()),
            decided_at: event.recorded_at,
        });
        self.close(event, decision);
    }

    fn validation(&mut self, event: &Envelope, change: &validation::Event) {
        match change {
            validation::Event::Escalated { version, reason } => {
                self.open(event, Some(version.to_string()), Why::Escalated, reason.clone());
            }
            validation::Event::Appealed { version, reason, .. } => {
                self.open(event, Some(version.to_string()), Why::Appealed, reason.clone());
            }
            validation::Event::Adjudicated { ruling, .. } => self.decide(event, said(ruling), Some(&ruling.reason)),
            validation::Event::CrossChecked { check, .. } => {
                let validation_id = event.stream.uuid;
                self.cross_checks.insert(validation_id, Check { validation_id, check: check.clone() });
            }
            validation::Event::Requested { .. }
            | validation::Event::StepCompleted { .. }
            | validation::Event::Concluded { .. } => {}
        }
    }

    fn review(&mut self, event: &Envelope, change: &review::Event) {
        match change {
            review::Event::Flagged { reason } => self.open(event, None, Why::Flagged, sealed::kept(reason)),
            review::Event::Unflagged { .. } => self.decide(event, Decision::Kept, None),
            review::Event::Hidden { reason, .. } => self.decide(event, Decision::Hidden, Some(reason)),
            review::Event::Restored { .. } => self.decide(event, Decision::Restored, None),
            // What was reported is no longer there.
            review::Event::Edited { .. } => self.close(event, Decision::Edited),
            review::Event::Retracted { .. } => self.close(event, Decision::Retracted),
            review::Event::Submitted { .. } | review::Event::Replied { .. } => {}
        }
    }
}

const fn said(ruling: &Ruling) -> Decision {
    match (ruling.verdict, ruling.on_appeal) {
        (Verdict::Approve, false) => Decision::Approved,
        (Verdict::Approve, true) => Decision::Overturned,
        (Verdict::Reject | Verdict::Escalate, false) => Decision::Rejected,
        (Verdict::Reject | Verdict::Escalate, true) => Decision::Upheld,
    }
}

#[async_trait]
impl Changes for ModerationChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::Validation(change) => self.validation(event, change),
            DomainEvent::Review(change) => self.review(event, change),
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<(Uuid, Patch)>(self.items.len(), 20)
            + held::<Decided>(self.decisions.len(), 0)
            + held::<(Uuid, Check)>(self.cross_checks.len(), 10)
            + self.texts
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { items, mut decisions, cross_checks, .. } = *self;
        let (mut closed, mut opened) = (Vec::new(), Vec::new());
        for (item_id, patch) in items {
            closed.extend(patch.closed.map(|change| Of { item_id, change }));
            opened.extend(patch.opened.map(|change| Of { item_id, change }));
        }
        rows::write(tables, ITEMS, include_str!("close.sql"), &closed).await?;
        rows::write(tables, ITEMS, include_str!("open.sql"), &opened).await?;
        decisions.sort_by_key(|decided| (decided.item_id, decided.position));
        rows::write(tables, "moderation_decision", include_str!("decisions.sql"), &decisions).await?;
        let cross_checks: Vec<_> = cross_checks.into_values().collect();
        rows::write(tables, "moderation_cross_check", include_str!("cross_checks.sql"), &cross_checks).await
    }
}
