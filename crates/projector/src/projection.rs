//! What a read model is made of.

use async_trait::async_trait;
use souk_domain::stream::Category;

use crate::{Envelope, Tables};

/// A read model: tables, a fold and a flush.
pub trait Projection: Send + Sync {
    /// Its unique name, lower snake case; part of the names of its schemas.
    fn name(&self) -> &'static str;

    /// Grows whenever the tables or the fold change; a generation of another version is not written to but rebuilt.
    fn version(&self) -> i32 {
        1
    }

    /// Creates the tables with their primary keys, without secondary indexes. Table names start with the projection's.
    fn schema_sql(&self) -> &'static str;

    /// Creates the secondary indexes.
    fn index_sql(&self) -> &'static str;

    /// The tables, in the order in which they are compared.
    fn tables(&self) -> &'static [&'static str];

    /// Whether events of this category are folded; the others are not even decoded.
    fn wants(&self, _category: Category) -> bool {
        true
    }

    /// No changes yet.
    fn begin(&self) -> Box<dyn Changes>;
}

/// The changes that a batch of events makes.
#[async_trait]
pub trait Changes: Send {
    /// Adds the changes of `event`. Pure and total: no clock, no randomness, no I/O; an event that makes no sense changes
    /// nothing. Events arrive in order of position.
    fn fold(&mut self, event: &Envelope);

    /// About how much memory the changes take, bytes: a load writes them before they take too much.
    fn size(&self) -> usize;

    /// Writes the changes, set by set, in order of keys.
    ///
    /// # Errors
    /// The database refused, or cannot be reached.
    async fn flush(self: Box<Self>, tables: &mut Tables<'_>) -> Result<(), sqlx::Error>;
}
