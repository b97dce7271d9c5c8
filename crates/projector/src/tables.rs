//! Where changes are written.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::batch::{Batch, Values};

/// The tables of a generation, within the transaction that moves its checkpoint: the `search_path` of the connection finds them.
///
/// While a rebuild fills them they have no keys: a key that is kept up to date row by row costs more than one that is made of all
/// rows at once. A statement that looks for rows by a key asks for it first.
pub struct Tables<'a> {
    target: Target<'a>,
    filling: Option<Filling>,
}

/// Where statements go.
enum Target<'a> {
    /// To the server, at once.
    Connection(&'a mut PgConnection),
    /// To those that are sent together.
    Batch(&'a mut Batch),
}

/// What is special about tables that a rebuild fills.
#[derive(Debug)]
pub(crate) struct Filling {
    /// Whether they are new in this transaction.
    pub fresh: bool,
    /// What makes the keys that they are without, by table.
    pub keyless: BTreeMap<String, String>,
}

impl<'a> Tables<'a> {
    /// Those of a generation that has its keys.
    pub const fn new(connection: &'a mut PgConnection) -> Self {
        Self { target: Target::Connection(connection), filling: None }
    }

    /// The same, through `batch`.
    pub(crate) const fn gathered(batch: &'a mut Batch) -> Self {
        Self { target: Target::Batch(batch), filling: None }
    }

    pub(crate) const fn filling(connection: &'a mut PgConnection, filling: Filling) -> Self {
        Self { target: Target::Connection(connection), filling: Some(filling) }
    }

    /// The connection that finds them, when all that came before was written.
    ///
    /// # Errors
    /// The database refused, or cannot be reached.
    pub async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        match &mut self.target {
            Target::Connection(connection) => Ok(connection),
            Target::Batch(batch) => batch.connection().await,
        }
    }

    /// Runs `sql`, a statement without a result, whose parameters `bind` gives; perhaps only together with what follows.
    ///
    /// # Errors
    /// The database refused this or an earlier statement, or cannot be reached.
    pub async fn run(&mut self, sql: &'static str, bind: impl FnOnce(&mut Values)) -> Result<(), sqlx::Error> {
        match &mut self.target {
            Target::Connection(connection) => {
                let mut values = Values::default();
                bind(&mut values);
                sqlx::query_with(sql, values.into_arguments()?).execute(&mut **connection).await?;
            }
            Target::Batch(batch) => batch.add(sql, bind).await?,
        }
        Ok(())
    }

    /// Whether a rebuild fills them.
    #[must_use]
    pub const fn are_filled(&self) -> bool {
        self.filling.is_some()
    }

    /// Whether they are new in this transaction, so that rows can be frozen, and no row is in them but those of these changes.
    #[must_use]
    pub fn are_fresh(&self) -> bool {
        self.filling.as_ref().is_some_and(|filling| filling.fresh)
    }

    /// Makes the key of `table`, unless it has it.
    ///
    /// # Errors
    /// The database refused, or cannot be reached.
    pub async fn key(&mut self, table: &str) -> Result<(), sqlx::Error> {
        let missing = self.filling.as_mut().and_then(|filling| filling.keyless.remove(table));
        if let Some(statement) = missing {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(self.connection().await?).await?;
        }
        Ok(())
    }

    /// What makes the keys that are still missing.
    pub(crate) fn keyless(self) -> Vec<String> {
        self.filling.map(|filling| filling.keyless.into_values().collect()).unwrap_or_default()
    }
}
