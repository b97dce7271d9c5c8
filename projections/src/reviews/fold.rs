//! What events change in reviews.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use souk_domain::{event::DomainEvent, personal::Personal, review, user};
use souk_projector::{Changes, Envelope, Tables};
use uuid::Uuid;

use crate::{
    copy::{Fields, Row, copy},
    rows::{self, each, held, split},
    sealed,
    stars::Stars,
};

const REVIEWS: &str = "reviews_review";

/// Changes of reviews, by key.
#[derive(Default)]
pub(super) struct ReviewChanges {
    /// Names as the log keeps them, and the event that has each.
    persons: BTreeMap<Uuid, (String, Uuid)>,
    reviews: BTreeMap<Uuid, ReviewPatch>,
    summaries: BTreeMap<Uuid, [i64; 5]>,
    /// Bytes of titles, bodies and replies.
    texts: usize,
}

#[derive(Serialize)]
struct Person<'a> {
    user_id: Uuid,
    display_name: &'a str,
    named_by: Uuid,
}

#[derive(Default, Serialize)]
struct ReviewPatch {
    review_id: Uuid,
    /// Whether its stream begins among these changes, so that no table has it yet.
    #[serde(skip)]
    begins: bool,
    submitted: Option<Submitted>,
    text: Option<Text>,
    edited_at: Option<DateTime<Utc>>,
    status: Option<&'static str>,
    reply: Option<String>,
    replied_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
struct Submitted {
    plugin_id: Uuid,
    user_id: Uuid,
    version: String,
    created_at: DateTime<Utc>,
    position: u64,
}

#[derive(Serialize)]
struct Text {
    rating: u8,
    title: String,
    body: String,
    written_by: Uuid,
}

impl Row for Person<'_> {
    const TARGET: (&'static str, &'static str) = ("reviews_person", "user_id, display_name, named_by");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.user_id).text(self.display_name).uuid(self.named_by);
    }
}

/// Of a review that is new, or begins anew; others have no whole row.
impl Row for ReviewPatch {
    const TARGET: (&'static str, &'static str) = (
        REVIEWS,
        "review_id, plugin_id, user_id, rating, title, body, written_by, version, status, created_at, edited_at, reply, \
         replied_at, position",
    );

    fn put(&self, fields: &mut Fields<'_>) {
        let (Some(submitted), Some(text)) = (&self.submitted, &self.text) else { return };
        fields.uuid(self.review_id).uuid(submitted.plugin_id).uuid(submitted.user_id);
        fields.small(i16::from(text.rating)).text(&text.title).text(&text.body).uuid(text.written_by);
        fields.text(&submitted.version).maybe_text(self.status).time(submitted.created_at).maybe_time(self.edited_at);
        fields.maybe_text(self.reply.as_deref()).maybe_time(self.replied_at).big(rows::big(submitted.position));
    }
}

struct Summary {
    plugin_id: Uuid,
    stars: [i64; 5],
}

impl Row for Summary {
    const TARGET: (&'static str, &'static str) =
        ("reviews_summary", "plugin_id, stars_1, stars_2, stars_3, stars_4, stars_5");

    fn put(&self, fields: &mut Fields<'_>) {
        fields.uuid(self.plugin_id);
        for count in self.stars {
            fields.big(count);
        }
    }
}

impl ReviewPatch {
    /// Bytes of its texts.
    fn texts(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.title.len() + text.body.len())
            + self.reply.as_ref().map_or(0, String::len)
    }
}

impl Text {
    fn of(rating: review::Rating, title: &Personal, body: &Personal, written_by: Uuid) -> Self {
        Self { rating: rating.stars(), title: sealed::kept(title), body: sealed::kept(body), written_by }
    }
}

impl ReviewChanges {
    fn review(&mut self, event: &Envelope, change: &review::Event) {
        let patch = self.reviews.entry(event.stream.uuid).or_default();
        patch.review_id = event.stream.uuid;
        patch.begins |= event.version == 0;
        match change {
            review::Event::Submitted { user_id, plugin_id, rating, title, body, installed_version, .. } => {
                // Written again after it was taken back, it begins anew.
                *patch = ReviewPatch {
                    review_id: event.stream.uuid,
                    submitted: Some(Submitted {
                        plugin_id: plugin_id.uuid(),
                        user_id: user_id.uuid(),
                        version: installed_version.to_string(),
                        created_at: event.recorded_at,
                        position: event.position,
                    }),
                    text: Some(Text::of(*rating, title, body, event.id)),
                    status: Some("live"),
                    begins: patch.begins,
                    ..ReviewPatch::default()
                };
            }
            review::Event::Edited { rating, title, body, .. } => {
                patch.text = Some(Text::of(*rating, title, body, event.id));
                patch.edited_at = Some(event.recorded_at);
            }
            review::Event::Retracted { .. } => patch.status = Some("retracted"),
            review::Event::Hidden { .. } => patch.status = Some("hidden"),
            review::Event::Restored { .. } => patch.status = Some("live"),
            review::Event::Replied { body } => {
                patch.reply = Some(body.clone());
                patch.replied_at = Some(event.recorded_at);
            }
            review::Event::Flagged { .. } | review::Event::Unflagged { .. } => {}
        }
    }

    fn count(&mut self, event: &Envelope, stars: Stars) {
        let Some(plugin) = event.plugin_id().filter(|_| stars != Stars::default()) else { return };
        let counts = self.summaries.entry(plugin.uuid()).or_default();
        for (value, count) in (1_u8..).zip(counts) {
            *count += stars.difference(|stars| i64::from(stars == value));
        }
    }
}

#[async_trait]
impl Changes for ReviewChanges {
    fn fold(&mut self, event: &Envelope) {
        match &event.event {
            DomainEvent::User(user::Event::Registered { display_name, .. }) => {
                self.persons.insert(event.stream.uuid, (sealed::kept(display_name), event.id));
            }
            DomainEvent::Review(change) => {
                self.review(event, change);
                self.texts += self.reviews.get(&event.stream.uuid).map_or(0, ReviewPatch::texts);
                self.count(event, Stars::of(change));
            }
            _ => {}
        }
    }

    fn size(&self) -> usize {
        held::<(Uuid, String, Uuid)>(self.persons.len(), 300)
            + held::<ReviewPatch>(self.reviews.len(), 50)
            + held::<(Uuid, [i64; 5])>(self.summaries.len(), 0)
            + self.texts
    }

    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error> {
        let Self { persons, reviews, summaries, .. } = *self;
        let persons = persons.iter().map(|(user_id, (display_name, named_by))| Person {
            user_id: *user_id,
            display_name,
            named_by: *named_by,
        });
        rows::insert(tables, include_str!("persons.sql"), each(persons)).await?;
        let (new, rest) = split(&reviews, |patch| patch.submitted.is_some() && patch.begins);
        rows::insert(tables, include_str!("new_reviews.sql"), new).await?;
        let (again, old): (Vec<_>, Vec<_>) = rest.into_iter().partition(|patch| patch.submitted.is_some());
        rows::write(tables, REVIEWS, include_str!("new_reviews.sql"), &again).await?;
        rows::write(tables, REVIEWS, include_str!("old_reviews.sql"), &old).await?;
        if summaries.is_empty() {
            return Ok(());
        }
        if tables.are_fresh() {
            return copy(tables, each(summaries.into_iter().map(|(plugin_id, stars)| Summary { plugin_id, stars })))
                .await;
        }
        tables.key(Summary::TARGET.0).await?;
        let column = |stars: usize| summaries.values().map(|counts| counts[stars - 1]).collect::<Vec<i64>>();
        tables
            .run(include_str!("count_summaries.sql"), |values| {
                values
                    .bind(summaries.keys().copied().collect::<Vec<_>>())
                    .bind(column(1))
                    .bind(column(2))
                    .bind(column(3))
                    .bind(column(4))
                    .bind(column(5));
            })
            .await?;
        Ok(())
    }
}
