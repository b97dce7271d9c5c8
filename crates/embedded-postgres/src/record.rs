//! `DIR/postgres.json`: where the cluster is and how to log in.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::account::absent;
use crate::error::{Error, io};
use crate::random;

const FORMAT: u32 = 1;

/// The role that owns the databases. It may create databases and is no superuser, like a role in a hosted service.
pub(crate) const ROLE: &str = "souk";
/// The superuser that `initdb` makes; only this crate logs in with it.
pub(crate) const ADMIN: &str = "souk_admin";
/// The database that Souk keeps everything in.
pub(crate) const DATABASE: &str = "souk";
/// The port is only a part of the socket's name.
const PORT: u16 = 5432;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record {
    format: u32,
    /// The cluster's directory, relative to `DIR` when it is inside.
    pub directory: PathBuf,
    /// The socket's directory, relative to the cluster's when it is inside.
    pub socket_directory: PathBuf,
    pub password: String,
    pub admin_password: String,
}

impl Record {
    /// A record with new passwords.
    pub fn new(directory: PathBuf) -> Result<Record, Error> {
        Ok(Record {
            format: FORMAT,
            directory,
            socket_directory: "socket".into(),
            password: random::hex(24)?,
            admin_password: random::hex(24)?,
        })
    }

    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("postgres.json")
    }

    /// The record of `data_dir`, if it has one.
    pub fn read(data_dir: &Path) -> Result<Option<Record>, Error> {
        let path = Record::path(data_dir);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if absent(&error) => return Ok(None),
            Err(error) => return Err(io("read", path)(error)),
        };
        let invalid = |reason: String| Error::RecordInvalid { path: path.clone(), reason };
        let record: Record = serde_json::from_slice(&text).map_err(|error| invalid(error.to_string()))?;
        if record.format != FORMAT {
            return Err(invalid(format!("its format is {}, not {FORMAT}", record.format)));
        }
        Ok(Some(record))
    }

    /// Writes the record: whole and on disk, or not at all.
    pub fn write(&self, data_dir: &Path) -> Result<(), Error> {
        let path = Record::path(data_dir);
        let draft = data_dir.join("postgres.json.new");
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::RecordInvalid { path: path.clone(), reason: error.to_string() })?;
        text.push(b'\n');
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)
            .map_err(io("create", &draft))?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        written.map_err(io("write", &draft))?;
        fs::rename(&draft, &path).map_err(io("write", &path))?;
        sync_directory(data_dir)
    }

    /// The address of `database` for `sqlx` and libpq, through the socket in `socket_directory`.
    pub fn url(&self, socket_directory: &Path, database: &str) -> String {
        address(ROLE, &self.password, socket_directory, database)
    }

    /// The same for the superuser.
    pub fn admin_url(&self, socket_directory: &Path) -> String {
        address(ADMIN, &self.admin_password, socket_directory, "postgres")
    }
}

fn address(user: &str, password: &str, socket_directory: &Path, database: &str) -> String {
    let socket = escape(&socket_directory.to_string_lossy());
    let database = escape(database);
    format!("postgres://{user}:{password}@localhost:{PORT}/{database}?host={socket}&sslmode=disable")
}

/// Percent-encodes all but letters, digits and `-._~`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Makes sure that the entries of `directory` are on disk.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(io("write", directory))
}
