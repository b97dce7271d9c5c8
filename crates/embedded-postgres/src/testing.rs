//! PostgreSQL for tests.
//!
//! ```no_run
//! # async fn example() {
//! let database = souk_embedded_postgres::testing::database().await;
//! // connect to database.url
//! # }
//! ```
//!
//! [`database`] makes a fresh database: on the server that `SOUK_TEST_DATABASE_URL` names (the address of a role that
//! may create databases), else on a cluster of this test process, which starts at the first call and is gone with the
//! process, even when that is killed: a small shell holds the other end of a pipe and cleans up when it closes.
//!
//! Everything here panics when it cannot do its work: a test can do nothing else about it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "only tests call this, and a test without its database has failed"
)]

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::sync::OnceCell;

use crate::cluster::{Cluster, Options};
use crate::random;
use crate::settings::Profile;

/// The cluster of this test process. A static is never dropped: the end of the process closes the pipe.
static SHARED: OnceCell<(TestDir, Cluster)> = OnceCell::const_new();

/// A database of one test, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its address, for `sqlx`.
    pub url: String,
    admin: String,
    name: String,
}

/// A fresh, empty database with a name of its own.
///
/// # Panics
/// When there is no PostgreSQL or it refuses.
pub async fn database() -> TestDatabase {
    let name = format!("souk_test_{}", random_name());
    let (admin, url) = match env::var("SOUK_TEST_DATABASE_URL") {
        Ok(admin) => {
            let url = with_database(&admin, &name);
            (admin, url)
        }
        Err(_) => {
            let (_, cluster) = SHARED.get_or_init(start_shared).await;
            (cluster.url().to_owned(), cluster.url_for(&name))
        }
    };
    let mut connection = PgConnection::connect(&admin).await.expect("a connection to create a test database");
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a test database");
    let _ = connection.close().await;
    TestDatabase { url, admin, name }
}

impl TestDatabase {
    /// Drops the database now; connections that are still open are cut.
    pub async fn close(mut self) {
        let name = std::mem::take(&mut self.name);
        drop_database(&self.admin, &name).await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        let (admin, name) = (self.admin.clone(), std::mem::take(&mut self.name));
        // A runtime of its own: the test's may be ending, and cannot be waited for from within.
        let thread = std::thread::spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(drop_database(&admin, &name));
            }
        });
        let _ = thread.join();
    }
}

/// A database that could not be dropped costs some disk until the cluster goes; no test fails for it.
async fn drop_database(admin: &str, name: &str) {
    if let Ok(mut connection) = PgConnection::connect(admin).await {
        let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
        let _ = connection.execute(AssertSqlSafe(statement)).await;
        let _ = connection.close().await;
    }
}

async fn start_shared() -> (TestDir, Cluster) {
    let mut directory = data_dir();
    let cluster = start(&mut directory, Profile::Throwaway).await;
    (directory, cluster)
}

async fn start(directory: &mut TestDir, profile: Profile) -> Cluster {
    let mut options = Options::new(directory.path());
    options.on_progress = Arc::new(|_| {});
    let cluster = Cluster::start_as(options, profile).await.expect("a cluster for tests");
    directory.watch(cluster.root());
    cluster
}

/// A fresh data directory (`--data-dir`) for a test that runs a whole Souk. Its cluster is stopped, killed if need be,
/// and all of it removed when this value is dropped or the test process ends.
#[derive(Debug)]
pub struct TestDir {
    path: PathBuf,
    watcher: Child,
}

/// A [`TestDir`] that the server's user can reach, also when the tests run as root.
///
/// # Panics
/// When it cannot be created.
#[must_use]
pub fn data_dir() -> TestDir {
    let path = env::temp_dir().join(format!("souk-test-{}", random_name()));
    fs::DirBuilder::new().mode(0o711).create(&path).expect("a directory for tests");
    let watcher = Command::new("/bin/sh")
        .args(["-c", include_str!("testing/watch.sh"), "sh"])
        .arg(&path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell to clean up after the tests");
    TestDir { path, watcher }
}

impl TestDir {
    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says where the cluster is.
    fn watch(&mut self, root: &Path) {
        if let Some(pipe) = &mut self.watcher.stdin {
            writeln!(pipe, "{}", root.display()).expect("the shell that cleans up");
        }
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

fn random_name() -> String {
    random::hex(6).expect("random bytes")
}

/// `url` with another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &address[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn the_database_of_an_address_is_replaced_and_nothing_else() {
        for (given, expected) in [
            ("postgres://u:p@h:1/a", "postgres://u:p@h:1/x"),
            ("postgres://u:p@h:1", "postgres://u:p@h:1/x"),
            ("postgres://u@localhost/a?host=%2Frun", "postgres://u@localhost/x?host=%2Frun"),
            ("postgres://u@h?sslmode=disable", "postgres://u@h/x?sslmode=disable"),
        ] {
            assert_eq!(with_database(given, "x"), expected);
        }
    }
}
