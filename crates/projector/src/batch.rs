//! The statements of a small transaction, sent together.
//!
//! On its way to the server and back a small statement costs more than on the server, and waits for the one before. The protocol of
//! PostgreSQL could carry several at once; sqlx has no way to ask for that. So each statement becomes a function of the session, once,
//! and those that wait go as one statement that calls them in turn. It is a transaction of its own unless something comes that cannot
//! wait.

use std::{collections::HashMap, time::Duration};

use sqlx::{
    Arguments, AssertSqlSafe, Connection, Encode, Executor, PgConnection, PgPool, Postgres, Row, Type, TypeInfo,
    pool::PoolConnection, postgres::PgArguments,
};
use tokio::time::{Instant, timeout};

/// A session that was idle for less needs no question whether it is there.
const TRUSTED: Duration = Duration::from_secs(1);
/// How long it may take to answer that.
const PATIENCE: Duration = Duration::from_secs(3);
/// What a session has in mind is forgotten now and then, as that of the others of a pool.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

/// A connection, and the functions that it has: those of `pg_temp` end with it.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    functions: HashMap<&'static str, usize>,
    opened: Instant,
    used: Instant,
}

impl Session {
    /// A connection of `pool` that is closed when the session is let go of, and whose commits do not wait for the disk: what a crash takes
    /// back, checkpoints included, is folded again. Refused where the role has no `TEMPORARY` on the database.
    pub async fn open(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut connection = pool.acquire().await?;
        connection.execute(include_str!("sql/advance_all.sql")).await?;
        connection.close_on_drop();
        connection.execute("SET synchronous_commit = off").await?;
        let now = Instant::now();
        Ok(Self { connection, functions: HashMap::new(), opened: now, used: now })
    }

    /// This session, unless it is old or does not answer any more.
    pub async fn fit(mut self) -> Option<Self> {
        if self.opened.elapsed() >= LIFETIME {
            return None;
        }
        if self.used.elapsed() >= TRUSTED && !matches!(timeout(PATIENCE, self.connection.ping()).await, Ok(Ok(()))) {
            return None;
        }
        self.used = Instant::now();
        Some(self)
    }

    /// The name of the function that runs `sql` with values of these types.
    async fn function(&mut self, sql: &'static str, types: &[String]) -> Result<String, sqlx::Error> {
        let number = self.functions.len();
        if let Some(number) = self.functions.get(sql) {
            return Ok(name(*number));
        }
        let (name, types) = (name(number), types.join(", "));
        let create =
            format!("CREATE FUNCTION {name}({types}) RETURNS void LANGUAGE plpgsql AS $souk$BEGIN\n{sql}\n; END$souk$");
        self.connection.execute(sqlx::raw_sql(AssertSqlSafe(create))).await?;
        self.functions.insert(sql, number);
        Ok(name)
    }
}

fn name(number: usize) -> String {
    format!("pg_temp.souk_{number}")
}

/// The values of a statement's parameters, in their order.
#[derive(Default)]
pub struct Values {
    arguments: PgArguments,
    /// Their types, of the statement that is being bound.
    types: Vec<String>,
    failed: Option<sqlx::Error>,
}

impl Values {
    /// Adds the next.
    pub fn bind<'v, T: Encode<'v, Postgres> + Type<Postgres>>(&mut self, value: T) -> &mut Self {
        let kind = value.produces().unwrap_or_else(T::type_info);
        self.types.push(kind.name().to_owned());
        if let Err(error) = self.arguments.add(value) {
            self.failed.get_or_insert(sqlx::Error::Encode(error));
        }
        self
    }

    /// All of them; an error when one could not be encoded.
    pub(crate) fn into_arguments(self) -> Result<PgArguments, sqlx::Error> {
        self.failed.map_or(Ok(self.arguments), Err)
    }
}

/// One transaction.
pub(crate) struct Batch {
    session: Session,
    /// How many checkpoints must be in place.
    wanted: usize,
    /// Which of them are; none before the server was asked.
    in_place: Option<Vec<i64>>,
    /// Calls that wait.
    calls: Vec<String>,
    values: Values,
    /// Whether `BEGIN` was sent.
    begun: bool,
    /// Whether the session can be used no more.
    broken: bool,
}

impl Batch {
    /// A transaction that begins by moving `wanted` checkpoints, all or none, as `bind` gives them to `advance_all.sql`.
    pub fn of(session: Session, wanted: usize, bind: impl FnOnce(&mut Values)) -> Self {
        let (calls, values) = (Vec::new(), Values::default());
        let mut batch = Self { session, wanted, in_place: None, calls, values, begun: false, broken: false };
        let places = batch.bind(bind);
        batch.calls.push(format!("pg_temp.souk_advance({places})"));
        batch
    }

    /// Adds `sql`, a statement without a result.
    pub async fn add(&mut self, sql: &'static str, bind: impl FnOnce(&mut Values)) -> Result<(), sqlx::Error> {
        self.values.types.clear();
        let places = self.bind(bind);
        let function = self.session.function(sql, &self.values.types).await;
        let function = self.noted(function)?;
        self.calls.push(format!("{function}({places})"));
        Ok(())
    }

    /// The places of what is bound, e.g. `$3, $4`.
    fn bind(&mut self, bind: impl FnOnce(&mut Values)) -> String {
        let bound = self.values.arguments.len();
        bind(&mut self.values);
        let places: Vec<String> = (bound + 1..=self.values.arguments.len()).map(|at| format!("${at}")).collect();
        places.join(", ")
    }

    /// The connection, for what cannot wait, once all that came before is done.
    pub async fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        if !self.begun {
            self.begun = true;
            self.session.connection.execute("BEGIN").await?;
        }
        self.send().await?;
        Ok(&mut self.session.connection)
    }

    /// Ends the transaction.
    pub async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.send().await?;
        if self.begun {
            self.session.connection.execute("COMMIT").await?;
            self.begun = false;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), sqlx::Error> {
        let (calls, values) = (std::mem::take(&mut self.calls), std::mem::take(&mut self.values));
        let asked = self.in_place.is_some();
        let Some((first, others)) = calls.split_first() else { return Ok(()) };
        let statement = if asked {
            format!("SELECT {}", calls.join(", "))
        } else {
            // `OFFSET 0` keeps the planner from asking anew for each of the others.
            let others: String = others
                .iter()
                .map(|call| format!(", CASE WHEN cardinality(places) = cardinality($1) THEN {call} END"))
                .collect();
            format!("SELECT places{others} FROM (SELECT {first} AS places OFFSET 0) AS moved")
        };
        let query = sqlx::query_with(AssertSqlSafe(statement), values.into_arguments()?);
        let row = query.fetch_one(&mut *self.session.connection).await;
        let row = self.noted(row)?;
        if !asked {
            let places: Vec<i64> = row.try_get(0)?;
            let all = places.len() == self.wanted;
            self.in_place = Some(places);
            if !all {
                return Err(sqlx::Error::RowNotFound);
            }
        }
        Ok(())
    }

    /// What the server refuses leaves the session as it was.
    fn noted<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.broken |= matches!(&outcome, Err(error) if error.as_database_error().is_none());
        outcome
    }

    /// What is to be known behind an error: which checkpoints are in place, if that was asked. And the session, unless it is broken or a
    /// transaction is open.
    pub fn end(self) -> (Option<Vec<i64>>, Option<Session>) {
        (self.in_place, (!self.begun && !self.broken).then_some(self.session))
    }
}
