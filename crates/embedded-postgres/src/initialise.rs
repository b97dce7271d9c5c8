//! Making a cluster.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::account::Account;
use crate::binaries::Binaries;
use crate::error::{Error, io};
use crate::place::Place;
use crate::process::{Finished, run};
use crate::record::{ADMIN, Record};
use crate::settings::Profile;

const LIMIT: Duration = Duration::from_secs(300);

/// Sorting is by code point, so that an index never depends on a version of the C library, while letters beyond ASCII
/// still have cases. Not every system has the first of these (macOS before 15 does not).
const CHARACTERS: [&str; 3] = ["C.UTF-8", "en_US.UTF-8", "C"];

/// Makes the cluster in `place`. It may be interrupted at any moment: only a cluster that is on disk gets marked.
pub(crate) async fn initialise(
    place: &Place,
    account: &Account,
    binaries: &Binaries,
    record: &Record,
    profile: Profile,
) -> Result<(), Error> {
    let password = place.root.join("password");
    let mut last = None;
    for characters in CHARACTERS {
        place.clear_unfinished()?;
        write_private(&password, &record.admin_password, account)?;
        let done = initdb(place, account, binaries, &password, characters, profile).await;
        fs::remove_file(&password).map_err(io("remove", &password))?;
        let done = done?;
        if done.success {
            account.make_private(&place.log())?;
            include_settings(&place.data(), account)?;
            return place.finish();
        }
        let other_locale = done.output.contains("locale");
        last = Some(done);
        if !other_locale {
            break;
        }
    }
    Err(Error::Initdb { directory: place.data(), output: last.map(|done| done.tail(12)).unwrap_or_default() })
}

async fn initdb(
    place: &Place,
    account: &Account,
    binaries: &Binaries,
    password: &Path,
    characters: &str,
    profile: Profile,
) -> Result<Finished, Error> {
    let mut command = account.command(binaries.program("initdb"));
    // The directory goes by environment: programs of PostgreSQL pass arguments on through a shell.
    command.env("PGDATA", place.data()).current_dir(&place.root);
    command.args(["--username", ADMIN, "--encoding", "UTF8", "--locale", "C", "--lc-ctype", characters]);
    command.args(["--text-search-config", "english", "--auth-local", "scram-sha-256", "--auth-host", "reject"]);
    command.arg("--pwfile").arg(password);
    // A cluster of a person is synced by initdb before it returns, so that the mark never outlives the data in a power
    // failure. That costs some tenths of a second, once.
    if profile == Profile::Throwaway {
        command.arg("--no-sync");
    }
    run(command, LIMIT).await
}

fn write_private(path: &Path, text: &str, account: &Account) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if !crate::account::absent(&error) => return Err(io("remove", path)(error)),
        _ => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io("create", path))?;
    file.write_all(text.as_bytes()).map_err(io("write", path))?;
    account.give(path)
}

/// Lets `postgresql.conf` end with Souk's settings and then the operator's own.
fn include_settings(data: &Path, account: &Account) -> Result<(), Error> {
    let custom = data.join("custom.conf");
    fs::write(&custom, "# Settings of your own; they win over souk.conf.\n").map_err(io("write", &custom))?;
    account.give(&custom)?;
    let path = data.join("postgresql.conf");
    let mut file = OpenOptions::new().append(true).open(&path).map_err(io("open", &path))?;
    let written =
        writeln!(file, "\ninclude = 'souk.conf'\ninclude_if_exists = 'custom.conf'").and_then(|()| file.sync_all());
    written.map_err(io("write", &path))
}
