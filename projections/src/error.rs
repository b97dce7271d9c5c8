//! What goes wrong with queries.

/// What goes wrong with a query.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The cursor is not one that this query handed out.
    #[error("this cursor does not belong to this list")]
    InvalidCursor,
    /// The database cannot be reached, refused, or holds something that contradicts the model.
    #[error("the read models failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A row contradicts the model.
    #[error("the read models are corrupt: {0}")]
    Corrupt(String),
    /// What was read for several at once failed, or keys of persons cannot be reached.
    #[error("the read models failed: {0}")]
    Unavailable(String),
}
