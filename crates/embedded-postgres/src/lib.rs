//! A private PostgreSQL cluster that Souk starts when it is given no `DATABASE_URL`.
//!
//! Everything is found from one directory, Souk's data directory `DIR`:
//!
//! | path | what |
//! |---|---|
//! | `DIR/postgres.json` | where the cluster is and how to log in (mode 0600) |
//! | `DIR/postgres/` | the cluster: `data/`, `log/`, `socket/`; elsewhere when the server's user cannot get here |
//! | `DIR/postgres.users.lock` | shared `flock` of every process that uses the cluster |
//! | `DIR/postgres.start.lock` | exclusive `flock` around starting and stopping |
//! | `DIR/souk.lock` | exclusive `flock` of the one `souk serve` ([`ServeLock`]) |
//!
//! Several processes use one cluster at a time. The first starts the server, the last that calls [`Cluster::stop`]
//! stops it. Locks vanish with their process, so a killed Souk leaves a running server and nothing else; the next
//! [`Cluster::start`] attaches to it.
//!
//! The server listens on a Unix socket in a directory that only its own user (and root) can enter, and asks for a
//! password (SCRAM) on top. Nothing listens on the network.
//!
//! PostgreSQL refuses to run as root. A Souk that runs as root runs the server as another user (`postgres`, else
//! `souk`, which is created). When that user cannot reach `DIR`, the cluster lives under `/var/lib/souk` (or, for a
//! `DIR` among the temporary files, beside it) and `DIR/postgres.json` says where.
//!
//! Environment:
//! - `SOUK_POSTGRES_BIN`: the one directory to take `initdb`, `postgres` and `pg_ctl` from.
//! - `SOUK_POSTGRES_INSTALL`: what may be done when there are none: `auto` (default: the system's package manager when
//!   that needs no password, else a private copy), `system`, `user` (only a private copy in the user's cache) or
//!   `never`.

mod account;
mod binaries;
mod cluster;
mod error;
mod fetch;
mod initialise;
mod install;
mod locks;
mod place;
mod process;
mod random;
mod record;
mod server;
mod settings;
pub mod testing;

pub use cluster::{Cluster, Options, Progress};
pub use error::Error;
pub use locks::ServeLock;
