//! The folder that an author works in, without what is no part of the package.

use std::{
    fs,
    io::{ErrorKind, Read},
    path::Path,
};

use semver::Version;
use serde_json::Value;
use souk_package::{archive::Limits, ignore::Ignore};
use souk_signing::SecretKey;

use super::MANIFEST;
use crate::import::{archive, files};

/// The file that names what else is left out.
const LIST: &str = ".soukignore";

/// Packs `folder`, whose path is canonical; the archive, and what was left out, of which folders end with a slash.
///
/// # Errors
/// Why it cannot be read or packed.
pub fn read(folder: &Path) -> Result<(Vec<u8>, Vec<String>), String> {
    let list = match fs::read_to_string(folder.join(LIST)) {
        Ok(list) => list,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{LIST}: {error}")),
    };
    let ignore = Ignore::default().with(&list).map_err(|unreadable| format!("{LIST}, {unreadable}"))?;
    let name = name(folder);
    let mut left_out = Vec::new();
    let sources = files::without(folder, folder, &mut |path, is_folder| {
        let out = ignore.leaves_out(path, is_folder) || name.as_deref().is_some_and(|name| is_packed(path, name));
        if out && path != LIST {
            left_out.push(format!("{path}{}", if is_folder { "/" } else { "" }));
        }
        out
    })?;
    left_out.sort();
    let mut size = 0_u64;
    for source in &sources {
        size += fs::metadata(&source.from).map_err(|error| format!("{}: {error}", source.path))?.len();
    }
    if let Some(key) = sources.iter().find(|source| is_signing_key(&source.from)) {
        return Err(format!("{} is a secret key of `souk keygen`: keep it outside of the package's folder", key.path));
    }
    let most = Limits::default().unpacked;
    if size > most {
        return Err(format!(
            "its files have {size} bytes, and a package has at most {most}; {LIST} names what to leave out"
        ));
    }
    Ok((archive(&sources, &[])?, left_out))
}

/// What an archive of `name` in `version` is called.
pub fn packed_name(name: &str, version: &str) -> String {
    format!("{name}-{version}.zip")
}

/// The name in the folder's manifest, as far as it can be read; what is wrong with it is said elsewhere.
fn name(folder: &Path) -> Option<String> {
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join(MANIFEST)).ok()?).ok()?;
    manifest.get("name")?.as_str().map(str::to_owned)
}

/// Whether what `souk keygen` writes is at the beginning of this file.
fn is_signing_key(path: &Path) -> bool {
    let mut beginning = [0; SecretKey::PREFIX.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut beginning));
    read.is_ok() && beginning == *SecretKey::PREFIX.as_bytes()
}

/// Whether `path` is an archive of the package `name` that was written into its own folder before.
fn is_packed(path: &str, name: &str) -> bool {
    let version = path.strip_prefix(name).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".zip"));
    version.is_some_and(|version| Version::parse(version).is_ok())
}

#[cfg(test)]
mod tests {
    use souk_package::archive::inspect;

    use super::*;

    #[test]
    fn what_is_no_part_of_the_package_is_left_out_and_told() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("souk.json", r#"{"name":"demo"}"#),
            ("a.txt", "a"),
            ("notes/draft.txt", "b"),
            ("target/debug/x", "c"),
            ("demo-1.0.0.zip", "d"),
            ("demo-data.zip", "e"),
            ("demo-1.0.0.zip.sig", "f"),
            (".soukignore", "notes/\n"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let (bytes, left_out) = read(folder.path()).unwrap();
        assert_eq!(left_out, ["demo-1.0.0.zip", "demo-1.0.0.zip.sig", "notes/", "target/"]);
        let archive = inspect(&bytes, &Limits::default()).unwrap();
        let paths: Vec<_> = archive.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.txt", "demo-data.zip", "souk.json"]);
        let key = SecretKey::from_seed([7; 32]);
        fs::write(folder.path().join("vendor.key"), key.text().as_bytes()).unwrap();
        assert!(read(folder.path()).unwrap_err().starts_with("vendor.key is a secret key"));
        fs::write(folder.path().join(LIST), "!a\n").unwrap();
        assert!(read(folder.path()).unwrap_err().starts_with(".soukignore, line 1: "));
    }
}
