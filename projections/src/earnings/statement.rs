//! What happened to a vendor's balance in a span.

use souk_projector::ReadGuard;
use uuid::Uuid;

use super::query::{Entry, Span, read_entries};
use crate::QueryError;

/// A statement in one currency, minor units. `opening` and the amounts of all lines are `closing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// ISO 4217 code.
    pub currency: String,
    /// The balance when the span begins.
    pub opening: i64,
    /// The balance when it ends.
    pub closing: i64,
    /// What was booked in it, the oldest first.
    pub lines: Vec<Line>,
}

/// An entry, and the balance behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was booked.
    pub entry: Entry,
    /// Minor units.
    pub balance: i64,
}

/// More was booked in the span than fits a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {0} entries were booked in this span; ask for a shorter one")]
pub struct TooLong(pub usize);

/// As many lines as a statement has at most.
const LINES: usize = 50_000;

/// What happened to the balance of `vendor` in the days of `span`, in `currency`.
///
/// # Errors
/// See [`QueryError`]; within, what was booked is too much for one statement.
pub async fn statement(
    guard: &ReadGuard,
    vendor: Uuid,
    span: &Span,
    currency: &str,
) -> Result<Result<Statement, TooLong>, QueryError> {
    let span = Span { currency: Some(currency.to_owned()), ..span.clone() };
    let limit = i64::try_from(LINES).unwrap_or(i64::MAX) + 1;
    let mut entries = read_entries(guard, vendor, &span, i64::MAX, limit).await?;
    if entries.len() > LINES {
        return Ok(Err(TooLong(LINES)));
    }
    entries.reverse();
    let opening: i64 = match span.from {
        None => 0,
        Some(from) => {
            let sum = sqlx::query_scalar(include_str!("opening.sql")).bind(vendor).bind(currency).bind(from);
            sum.fetch_one(guard.pool()).await?
        }
    };
    let mut balance = opening;
    let lines = entries.into_iter().map(|entry| {
        balance += entry.amount;
        Line { entry, balance }
    });
    let lines = lines.collect();
    Ok(Ok(Statement { currency: currency.to_owned(), opening, closing: balance, lines }))
}
