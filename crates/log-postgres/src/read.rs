//! Reading.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use souk_domain::stream::{Category, StreamId};
use souk_ports::{Filter, LogError, Position, RecordedEvent};
use sqlx::{
    PgPool, Postgres, Row,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use tokio::time::timeout;

use crate::error::meaning;

/// A pool that gives no connection in this time makes the log unavailable.
const ACQUIRE_PATIENCE: Duration = Duration::from_secs(3);
/// A page that takes longer than this is given up.
const PAGE_PATIENCE: Duration = Duration::from_secs(60);
/// A page of the whole log is over once it has so many bytes, whatever its limit: rebuilds hold several pages in memory.
const PAGE_BYTES: usize = 32 << 20;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT position, recorded_at, version, schema_version, stream, id, category, type, data, metadata ",
            "FROM souk_log.event WHERE ",
            $rest
        )
    };
}

const BEHIND: &str = select!("position > $1 ORDER BY position LIMIT $2");
const BEHIND_OF: &str = select!("position > $1 AND category = ANY($3) ORDER BY position LIMIT $2");
const STREAM: &str = select!("stream = $1 AND category = $2 AND version >= $3 ORDER BY version LIMIT $4");
const STREAMS: &str = include_str!("../sql/streams.sql");
const AT: &str = select!("position = ANY($1) ORDER BY position");
const HEAD: &str = "SELECT coalesce(max(position), 0) FROM souk_log.event";

type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

/// A read of one stream among several.
pub struct Part {
    pub stream: StreamId,
    /// The first version that is wanted.
    pub from: i32,
    pub limit: usize,
}

/// Reads through a pool.
#[derive(Clone)]
pub struct Reader {
    pool: PgPool,
}

impl Reader {
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub async fn head(&self) -> Result<Position, LogError> {
        let mut connection = self.acquire().await?;
        let head: i64 = patiently(sqlx::query_scalar(HEAD).fetch_one(&mut *connection)).await?;
        Ok(head.unsigned_abs())
    }

    pub async fn behind(&self, after: Position, filter: &Filter, limit: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        if filter.categories.is_empty() {
            return self.page(sqlx::query(BEHIND).bind(after).bind(row_limit(limit)), PAGE_BYTES).await;
        }
        let categories: Vec<&str> = filter.categories.iter().map(|category| category.as_str()).collect();
        self.page(sqlx::query(BEHIND_OF).bind(after).bind(row_limit(limit)).bind(categories), PAGE_BYTES).await
    }

    /// Events behind `after`: at most `limit`, and none behind the one that brings their size to `bytes`.
    pub async fn bounded(&self, after: Position, limit: usize, bytes: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        self.page(sqlx::query(BEHIND).bind(after).bind(row_limit(limit)), bytes).await
    }

    /// What each of `parts` asks for, in their order. An event that contradicts the model fails only who asked for its stream.
    pub async fn streams(&self, parts: &[Part]) -> Result<Vec<Result<Vec<RecordedEvent>, LogError>>, LogError> {
        if let [Part { stream, from, limit }] = parts {
            let query = sqlx::query(STREAM).bind(stream.uuid).bind(stream.category.as_str()).bind(from);
            return Ok(vec![self.page(query.bind(row_limit(*limit)), usize::MAX).await]);
        }
        let query = sqlx::query(STREAMS)
            .bind(parts.iter().map(|part| part.stream.uuid).collect::<Vec<_>>())
            .bind(parts.iter().map(|part| part.stream.category.as_str()).collect::<Vec<_>>())
            .bind(parts.iter().map(|part| part.from).collect::<Vec<_>>())
            .bind(parts.iter().map(|part| row_limit(part.limit)).collect::<Vec<_>>());
        let mut connection = self.acquire().await?;
        let mut answers: Vec<Result<Vec<RecordedEvent>, LogError>> = parts.iter().map(|_| Ok(Vec::new())).collect();
        for row in patiently(query.fetch_all(&mut *connection)).await? {
            let place: i64 = row.try_get(10).map_err(|error| meaning(&error))?;
            let answer = usize::try_from(place - 1).ok().and_then(|place| answers.get_mut(place));
            let Some(answer) = answer else { continue };
            match (answer.as_mut(), decode(&row)) {
                (Ok(events), Ok(event)) => events.push(event),
                (Ok(_), Err(error)) => *answer = Err(meaning(&error)),
                (Err(_), _) => {}
            }
        }
        Ok(answers)
    }

    pub async fn at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, LogError> {
        let positions: Vec<i64> = positions.iter().filter_map(|position| i64::try_from(*position).ok()).collect();
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        self.page(sqlx::query(AT).bind(positions), usize::MAX).await
    }

    async fn page(&self, query: PgQuery<'_>, bytes: usize) -> Result<Vec<RecordedEvent>, LogError> {
        let mut connection = self.acquire().await?;
        let mut page = Vec::new();
        let mut size = 0;
        let cut = patiently(async {
            let mut rows = query.fetch(&mut *connection);
            while let Some(row) = rows.try_next().await? {
                let event = decode(&row)?;
                size += event.data.len() + event.metadata.len();
                page.push(event);
                if size >= bytes {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await?;
        if cut {
            // What the server still sends would have to be read before the connection could be used again.
            connection.close_on_drop();
        }
        Ok(page)
    }

    async fn acquire(&self) -> Result<PoolConnection<Postgres>, LogError> {
        match timeout(ACQUIRE_PATIENCE, self.pool.acquire()).await {
            Ok(connection) => connection.map_err(|error| meaning(&error)),
            Err(_) => Err(LogError::Unavailable("no connection to the database in time".to_owned())),
        }
    }
}

async fn patiently<T>(reading: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, LogError> {
    match timeout(PAGE_PATIENCE, reading).await {
        Ok(read) => read.map_err(|error| meaning(&error)),
        Err(_) => Err(LogError::Unavailable("the database did not answer in time".to_owned())),
    }
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn decode(row: &PgRow) -> Result<RecordedEvent, sqlx::Error> {
    let position: i64 = row.try_get(0)?;
    let corrupt =
        |column: &str, problem: &str| sqlx::Error::Decode(format!("{column} at position {position} {problem}").into());
    let recorded_at: DateTime<Utc> = row.try_get(1)?;
    let version: i32 = row.try_get(2)?;
    let schema_version: i32 = row.try_get(3)?;
    let name: &str = row.try_get(6)?;
    let category = Category::ALL.into_iter().find(|category| category.as_str() == name);
    Ok(RecordedEvent {
        id: row.try_get(5)?,
        stream: StreamId::new(category.ok_or_else(|| corrupt("category", "names no category"))?, row.try_get(4)?),
        version: u64::try_from(version).map_err(|_| corrupt("version", "is negative"))?,
        position: u64::try_from(position).map_err(|_| corrupt("position", "is negative"))?,
        event_type: row.try_get(7)?,
        schema_version: u16::try_from(schema_version).map_err(|_| corrupt("schema_version", "is out of range"))?,
        recorded_at,
        data: Bytes::from(row.try_get::<Vec<u8>, _>(8)?),
        metadata: Bytes::from(row.try_get::<Vec<u8>, _>(9)?),
    })
}
