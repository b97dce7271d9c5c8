//! `souk license verify`: checking a license file, without asking anybody.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use souk_ports::Clock;
use souk_signing::{
    keys_of,
    license_file::{FileVerdict, read},
};

use super::signing::{WRONG, at, document};
use crate::{cli::LicenseCommand, failure::Failure, output::say, system::SystemClock};

/// Runs one of them.
///
/// # Errors
/// A file cannot be read; with code 3: the license file is not good.
pub fn run(command: &LicenseCommand, json: bool) -> Result<(), Failure> {
    let LicenseCommand::Verify { file, keys, fingerprint, seen } = command;
    let seen = seen.clone().unwrap_or_else(|| PathBuf::from(format!("{}.seen", file.display())));
    verify(file, keys.as_deref(), fingerprint.as_deref(), &seen, SystemClock.now(), json)
}

fn verify(
    file: &Path,
    keys: Option<&Path>,
    fingerprint: Option<&str>,
    seen: &Path,
    now: DateTime<Utc>,
    json: bool,
) -> Result<(), Failure> {
    let keys = keys.map_or_else(|| file.with_file_name("souk-keys.json"), Path::to_owned);
    let keys = keys_of(&document(&keys, "--keys", "GET /api/v1/keys")?).map_err(Failure::new)?;
    let text = fs::read_to_string(file).map_err(|error| at(file, error))?;
    let (kind, license) = read(&text, &keys).map_err(|error| at(file, error).with_code(WRONG))?;
    let verdict = license.verdict(kind, now, last_seen(seen)?, fingerprint);
    let code = serde_json::to_value(verdict).map_err(Failure::new)?;
    let code = code.as_str().unwrap_or_default().to_owned();
    let attributes = &license.data.attributes;
    if json {
        let valid = verdict == FileVerdict::Valid;
        say(json!({ "valid": valid, "code": code, "kind": kind, "license": license }).to_string());
    } else {
        // Signed by Souk, but written by a vendor.
        let plugin = souk_package::shown(attributes.plugin_name.as_bytes());
        say(format!("{code}: a {} license of {plugin}, {}", attributes.kind, license.data.id));
        let until = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        say(format!("the file is good until {}", until(license.meta.expiry)));
        say(attributes.expiry.map_or_else(
            || "the license is good for ever".to_owned(),
            |end| format!("the license is good until {}", until(end)),
        ));
    }
    if verdict != FileVerdict::Valid {
        return Err(at(file, format!("not good: {code}")).with_code(WRONG));
    }
    fs::write(seen, format!("{}\n", now.to_rfc3339())).map_err(|error| at(seen, error))
}

/// When the file was last found good.
fn last_seen(path: &Path) -> Result<Option<DateTime<Utc>>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|_| at(path, "this is no time; whoever wrote it knows more")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use souk_signing::{
        SecretKey,
        license_file::{
            FileKind, FileMeta, LicenseAttributes, LicenseDocument, LicenseResource, MachineResource, write,
        },
    };
    use tempfile::TempDir;

    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    struct Desk(TempDir);

    impl Desk {
        fn new(kind: FileKind) -> Self {
            let desk = Self(TempDir::new().unwrap());
            let key = SecretKey::from_seed([3; 32]);
            let attributes = LicenseAttributes {
                kind: "perpetual".to_owned(),
                status: "ACTIVE".to_owned(),
                expiry: None,
                max_machines: 1,
                max_downloads: None,
                max_uses: None,
                permissions: json!({}),
                plugin: "p".to_owned(),
                plugin_name: "log-reader".to_owned(),
            };
            let (issued, expiry) = (time("2026-01-01T00:00:00Z"), time("2026-02-01T00:00:00Z"));
            let license = LicenseDocument {
                data: LicenseResource { id: "l".to_owned(), kind: "licenses".to_owned(), attributes },
                included: vec![MachineResource::new("m1".to_owned())],
                meta: FileMeta { issued, expiry, ttl: 31 * 86_400 },
            };
            fs::write(desk.file("a.lic"), write(kind, &license, &key).unwrap()).unwrap();
            let keys = json!({ "items": [{ "publicKey": key.public().to_string() }] });
            fs::write(desk.file("souk-keys.json"), keys.to_string()).unwrap();
            desk
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn verify(&self, now: &str, fingerprint: Option<&str>) -> Result<(), u8> {
            let found = verify(&self.file("a.lic"), None, fingerprint, &self.file("seen"), time(now), true);
            found.map_err(|failure| failure.code())
        }
    }

    #[test]
    fn a_file_is_good_in_its_time_and_a_clock_that_is_set_back_is_noticed() {
        let desk = Desk::new(FileKind::License);
        assert_eq!(desk.verify("2026-01-20T00:00:00Z", None), Ok(()));
        assert_eq!(desk.verify("2026-01-10T00:00:00Z", None), Err(WRONG), "before it was checked last");
        assert_eq!(desk.verify("2026-02-01T00:00:00Z", None), Err(WRONG), "too old");
        assert_eq!(desk.verify("2026-01-21T00:00:00Z", Some("m2")), Err(WRONG), "another machine");
        assert_eq!(desk.verify("2026-01-21T00:00:00Z", Some("m1")), Ok(()));
        fs::write(desk.file("seen"), "yesterday").unwrap();
        assert_eq!(desk.verify("2026-01-21T00:00:00Z", None), Err(1));
    }

    #[test]
    fn a_file_that_was_altered_or_is_another_keys_is_not_good() {
        let desk = Desk::new(FileKind::Machine);
        assert_eq!(desk.verify("2026-01-20T00:00:00Z", None), Err(WRONG), "no machine was named");
        assert_eq!(desk.verify("2026-01-20T00:00:00Z", Some("m1")), Ok(()));
        let text = fs::read_to_string(desk.file("a.lic")).unwrap();
        fs::write(desk.file("a.lic"), text.replace("MACHINE", "LICENSE")).unwrap();
        assert_eq!(desk.verify("2026-01-21T00:00:00Z", None), Err(WRONG));
        fs::write(desk.file("souk-keys.json"), "{}").unwrap();
        assert_eq!(desk.verify("2026-01-21T00:00:00Z", None), Err(1), "no keys");
    }
}
