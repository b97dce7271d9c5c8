//! Sums of tables: equal when the rows are, in whatever order, and different when any value is another.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use souk_embedded_postgres::testing::database;
use souk_projector::{Sum, sums};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Columns that are hashed by themselves and others that are not: null, or of types whose hash takes another type.
const COLUMNS: &str = "id uuid PRIMARY KEY, name text NOT NULL, title text NOT NULL, note text, other text, tags text[] NOT NULL, words text[], \
     at timestamptz NOT NULL, day date NOT NULL, small smallint NOT NULL, number integer NOT NULL, big bigint NOT NULL, \
     shown boolean NOT NULL, raw bytea NOT NULL, said jsonb NOT NULL, more jsonb, label varchar(9) NOT NULL, plain json NOT NULL, void text NOT NULL, nothing jsonb NOT NULL";

const ROWS: &str = "SELECT md5(n::text)::uuid, 'name ' || n, 'title', NULL, CASE WHEN n > 5 THEN 'other' END, CASE WHEN n % 2 = 0 THEN ARRAY['a', NULL] ELSE '{}' END, NULL::text[], \
     '2026-01-01 00:00Z'::timestamptz + make_interval(hours => n), '2026-01-01'::date + n, n::smallint, n, n, n > 5, '\\x00ff'::bytea, \
     jsonb_build_object('n', n), NULL::jsonb, 'label', '{}'::json, '', '{}'::jsonb FROM generate_series(1, 10) g (n) ORDER BY";

/// Each makes one table differ from the other.
const DIFFERENCES: [&str; 24] = [
    "UPDATE b.t SET id = md5('11')::uuid WHERE number = 3",
    "UPDATE b.t SET name = 'Name 3' WHERE number = 3",
    "UPDATE b.t SET name = title, title = name WHERE number = 3",
    "UPDATE b.t SET name = CASE number WHEN 3 THEN 'name 4' ELSE 'name 3' END WHERE number IN (3, 4)",
    "UPDATE b.t SET note = '' WHERE number = 3",
    "UPDATE b.t SET note = other, other = note WHERE number = 8",
    "UPDATE b.t SET tags = ARRAY[NULL, 'a'] WHERE number = 4",
    "UPDATE b.t SET words = '{}' WHERE number = 3",
    "UPDATE b.t SET at = at + interval '1 microsecond' WHERE number = 3",
    "UPDATE b.t SET day = day - 1 WHERE number = 3",
    "UPDATE b.t SET small = 4 WHERE number = 3",
    "UPDATE b.t SET number = 11 WHERE number = 3",
    "UPDATE b.t SET big = -3 WHERE number = 3",
    "UPDATE b.t SET shown = NOT shown WHERE number = 3",
    "UPDATE b.t SET raw = '\\xff00' WHERE number = 3",
    "UPDATE b.t SET said = '{\"n\": \"3\"}' WHERE number = 3",
    "UPDATE b.t SET more = 'null' WHERE number = 3",
    "UPDATE b.t SET label = 'Label' WHERE number = 3",
    "UPDATE b.t SET plain = '[]' WHERE number = 3",
    "UPDATE b.t SET tags = ARRAY[NULL] WHERE number = 3",
    "UPDATE b.t SET name = 'Name 4' WHERE number = 4",
    "UPDATE b.t SET void = ' ' WHERE number = 3",
    "UPDATE b.t SET nothing = '{\"n\": null}' WHERE number = 3",
    "DELETE FROM b.t WHERE number = 3",
];

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

async fn summed(connection: &mut PgConnection) -> [Sum; 2] {
    sums(connection, ["a", "b"], "t").await.unwrap()
}

#[tokio::test]
async fn one_other_value_makes_another_sum() {
    let database = database().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    for (schema, order) in [("a", "g.n"), ("b", "-g.n")] {
        let fill = format!("INSERT INTO {schema}.t {ROWS} {order}");
        run(&mut connection, &format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.t ({COLUMNS}); {fill}")).await;
    }
    for difference in DIFFERENCES {
        let mut tx = connection.begin().await.unwrap();
        let [left, right] = summed(&mut tx).await;
        assert_eq!((left.rows, &left), (10, &right));
        run(&mut tx, difference).await;
        let [left, right] = summed(&mut tx).await;
        assert_ne!(left, right, "{difference}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn columns_that_only_one_table_has_do_not_count() {
    let database = database().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    run(
        &mut connection,
        "CREATE SCHEMA a; CREATE TABLE a.t (id int PRIMARY KEY, name text NOT NULL, old text NOT NULL DEFAULT 'old'); \
         CREATE SCHEMA b; CREATE TABLE b.t (new bigint NOT NULL DEFAULT 7, name text, id int PRIMARY KEY); \
         INSERT INTO a.t (id, name) VALUES (1, 'one'), (2, 'two'); INSERT INTO b.t (name, id) VALUES ('two', 2), ('one', 1)",
    )
    .await;
    let mut tx = connection.begin().await.unwrap();
    let [left, right] = summed(&mut tx).await;
    assert_eq!(left, right);
    run(&mut tx, "UPDATE b.t SET name = NULL WHERE id = 1").await;
    let [left, right] = summed(&mut tx).await;
    assert_ne!(left, right);
}
