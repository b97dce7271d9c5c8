//! `souk keygen`, `souk sign` and `souk verify`: everything about signatures that asks nobody.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use souk_ports::Random;
use souk_signing::{Check, Outcome, SecretKey, artifact_message, check};
use zeroize::Zeroizing;

use crate::{cli::Offline, failure::Failure, output::say, system::SystemRandom};

/// Exit code of `souk verify` when something is wrong, as opposed to what could not be checked.
pub(super) const WRONG: u8 = 3;

/// Runs one of them.
///
/// # Errors
/// A file cannot be read or written or is not what it should be; of `verify` with code 3: something is wrong.
pub fn run(command: &Offline, json: bool) -> Result<(), Failure> {
    match command {
        Offline::License { command } => super::license::run(command, json),
        Offline::Keygen { out } => keygen(out, json),
        Offline::Sign { file, key } => sign(file, key, json),
        Offline::Verify { file, release, keys } => verify(file, release.as_deref(), keys.as_deref(), json),
    }
}

fn keygen(out: &Path, json: bool) -> Result<(), Failure> {
    let mut seed = Zeroizing::new([0; 32]);
    SystemRandom.fill(seed.as_mut());
    let key = SecretKey::from_seed(*seed);
    let mut options = OpenOptions::new();
    // Never over a key that is there: what it signed could not be signed again.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(out).and_then(|mut file| file.write_all(key.text().as_bytes()));
    written.map_err(|error| at(out, error))?;
    let public = key.public();
    if json {
        say(json!({ "file": out, "id": public.id(), "publicKey": public.to_string() }).to_string());
    } else {
        say(format!("{} holds the secret key; keep it to yourself", out.display()));
        say(format!("public key: {public}"));
    }
    Ok(())
}

fn sign(file: &Path, key: &Path, json: bool) -> Result<(), Failure> {
    let secret = secret(key)?;
    let digest = digest(file)?;
    let signature = signed(&secret, &digest)?;
    if json {
        let public = secret.public().to_string();
        say(json!({ "digest": digest, "publicKey": public, "signature": signature }).to_string());
    } else {
        say(signature);
    }
    Ok(())
}

/// The signature by the key in the file `key` over an archive of this digest, as it is handed in.
///
/// # Errors
/// The file holds no key.
pub fn signature(key: &Path, digest: &str) -> Result<String, Failure> {
    signed(&secret(key)?, digest)
}

fn secret(key: &Path) -> Result<SecretKey, Failure> {
    let text = Zeroizing::new(fs::read_to_string(key).map_err(|error| at(key, error))?);
    SecretKey::parse(&text).map_err(|error| at(key, error))
}

fn signed(key: &SecretKey, digest: &str) -> Result<String, Failure> {
    let message = artifact_message(digest).ok_or_else(|| Failure::new(format!("{digest}: this is no digest")))?;
    Ok(key.sign(&message).to_string())
}

fn verify(file: &Path, release: Option<&Path>, keys: Option<&Path>, json: bool) -> Result<(), Failure> {
    let digest = digest(file)?;
    let release = release.map_or_else(|| PathBuf::from(format!("{}.release.json", file.display())), Path::to_owned);
    let keys = keys.map_or_else(|| file.with_file_name("souk-keys.json"), Path::to_owned);
    let release = document(&release, "--release", "GET /api/v1/plugins/{plugin}/versions/{version}/release")?;
    let keys = document(&keys, "--keys", "GET /api/v1/keys")?;
    let checks = check(&digest, &release, &keys).map_err(Failure::new)?;
    let wrong = checks.iter().filter(|check| check.outcome == Outcome::Wrong).count();
    if json {
        say(json!({ "digest": digest, "right": wrong == 0, "checks": checks }).to_string());
    } else {
        for Check { name, outcome, says } in &checks {
            let outcome = match outcome {
                Outcome::Right => "right",
                Outcome::Wrong => "WRONG",
                Outcome::Absent => "unsigned",
            };
            // A record is somebody's text until Souk's signature is right.
            say(format!("{outcome}: {name}: {}", souk_package::shown(says.as_bytes())));
        }
    }
    if wrong > 0 {
        return Err(
            Failure::new(format!("{}: {wrong} of {} checks failed", file.display(), checks.len())).with_code(WRONG)
        );
    }
    Ok(())
}

/// SHA-256 of a file, which need not fit into memory.
fn digest(file: &Path) -> Result<String, Failure> {
    let mut opened = File::open(file).map_err(|error| at(file, error))?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match opened.read(&mut buffer).map_err(|error| at(file, error))? {
            0 => return Ok(HEXLOWER.encode(&hasher.finalize())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// JSON that Souk answered, kept in a file.
pub(super) fn document(path: &Path, flag: &str, from: &str) -> Result<Value, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| at(path, format!("{error}; name the file that holds the answer of {from} with {flag}")))?;
    serde_json::from_str(&text).map_err(|error| at(path, format!("this is no JSON: {error}")))
}

pub(super) fn at(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{}: {problem}", path.display()))
}

#[cfg(test)]
mod tests {
    use souk_signing::sha256;
    use tempfile::TempDir;

    use super::*;

    struct Desk(TempDir);

    impl Desk {
        fn new() -> Self {
            let desk = Self(TempDir::new().unwrap());
            fs::write(desk.file("a.zip"), b"archive").unwrap();
            keygen(&desk.file("vendor.key"), false).unwrap();
            desk
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn put(&self, name: &str, value: &Value) {
            fs::write(self.file(name), value.to_string()).unwrap();
        }

        fn verify(&self, name: &str) -> Result<(), u8> {
            let (release, keys) = (self.file("release.json"), self.file("keys.json"));
            verify(&self.file(name), Some(&release), Some(&keys), true).map_err(|failure| failure.code())
        }
    }

    fn released(digest: &str) -> Value {
        let record = souk_signing::Record {
            plugin: "p".to_owned(),
            name: "log-reader".to_owned(),
            version: "1.0.0".to_owned(),
            digest: digest.to_owned(),
            manifest_hash: sha256(b"{}"),
            report_hash: None,
            position: 3,
            signed_at: "2026-01-01T00:00:00.000000Z".to_owned(),
            vendor_key: None,
            vendor_signature: None,
        };
        serde_json::to_value(record.signed(&souk()).unwrap()).unwrap()
    }

    fn souk() -> SecretKey {
        SecretKey::from_seed([1; 32])
    }

    #[test]
    fn a_new_key_signs_and_is_never_written_over() {
        let desk = Desk::new();
        let before = fs::read(desk.file("vendor.key")).unwrap();
        assert!(keygen(&desk.file("vendor.key"), true).is_err());
        assert_eq!(fs::read(desk.file("vendor.key")).unwrap(), before);
        assert_eq!(digest(&desk.file("a.zip")).unwrap(), sha256(b"archive"));
        sign(&desk.file("a.zip"), &desk.file("vendor.key"), true).unwrap();
        assert_eq!(sign(&desk.file("none"), &desk.file("vendor.key"), true).unwrap_err().code(), 1);
        assert_eq!(sign(&desk.file("a.zip"), &desk.file("a.zip"), true).unwrap_err().code(), 1, "no key");
        keygen(&desk.file("other.key"), true).unwrap();
        assert_ne!(fs::read(desk.file("other.key")).unwrap(), before);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_a_secret_key() {
        use std::os::unix::fs::PermissionsExt;
        let desk = Desk::new();
        assert_eq!(fs::metadata(desk.file("vendor.key")).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn right_wrong_and_not_checked_have_codes_of_their_own() {
        let desk = Desk::new();
        assert_eq!(desk.verify("a.zip"), Err(1), "there is no record");
        desk.put("release.json", &released(&sha256(b"archive")));
        assert_eq!(desk.verify("a.zip"), Err(1), "there are no keys");
        desk.put("keys.json", &json!({ "items": [{ "publicKey": souk().public().to_string() }] }));
        assert_eq!(desk.verify("a.zip"), Ok(()));
        fs::write(desk.file("a.zip"), b"archivf").unwrap();
        assert_eq!(desk.verify("a.zip"), Err(3));
        desk.put("keys.json", &json!({ "items": [] }));
        assert_eq!(desk.verify("a.zip"), Err(3));
        desk.put("keys.json", &json!([]));
        assert_eq!(desk.verify("a.zip"), Err(1), "no list of keys");
    }

    #[test]
    fn files_beside_the_archive_are_found() {
        let desk = Desk::new();
        desk.put("a.zip.release.json", &released(&sha256(b"archive")));
        desk.put("souk-keys.json", &json!({ "items": [{ "publicKey": souk().public().to_string() }] }));
        assert!(verify(&desk.file("a.zip"), None, None, false).is_ok());
    }
}
