//! Packing files so that the same files always make the same bytes.
//!
//! The archive is a zip of *stored* entries, sorted by path, with one fixed time and mode. Nothing is compressed: what a
//! compressor makes of the same input changes between its versions, and with it the digest of a catalogue imported twice.

use std::collections::BTreeMap;

use flate2::Crc;

const VERSION: u16 = 20;
const UNIX: u16 = 3 << 8;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1 January 1980, the first day that the format knows.
const DATE: u16 = (1 << 5) | 1;
const MODE: u32 = 0o100_644 << 16;

/// Why files cannot be packed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Two files have this path.
    #[error("two files have the path `{0}`")]
    Duplicate(String),
    /// A path is longer than 65,535 bytes, there are more than 65,534 files, or more than 4 GiB of them.
    #[error("the files are too large or too many for a zip")]
    TooLarge,
}

/// Packs files, given as path (`/` between folders) and contents in any order, into a zip.
///
/// # Errors
///
/// [`Error`] when a path comes twice or the format's bounds are exceeded. Paths are not judged here;
/// [`inspect`](crate::archive::inspect) does.
pub fn pack(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Vec<u8>, Error> {
    let mut sorted = BTreeMap::new();
    for (path, contents) in files {
        if sorted.contains_key(&path) {
            return Err(Error::Duplicate(path));
        }
        sorted.insert(path, contents);
    }
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (path, contents) in &sorted {
        let start = narrow(out.len())?;
        let head = entry_head(path, contents)?;
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&head);
        out.extend_from_slice(path.as_bytes());
        out.extend_from_slice(contents);

        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&(UNIX | VERSION).to_le_bytes());
        directory.extend_from_slice(&head);
        // Comment, disk, internal attributes.
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&MODE.to_le_bytes());
        directory.extend_from_slice(&start.to_le_bytes());
        directory.extend_from_slice(path.as_bytes());
    }
    let start = narrow(out.len())?;
    let count = u16::try_from(sorted.len()).ok().filter(|count| *count < u16::MAX).ok_or(Error::TooLarge)?;
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06");
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&narrow(directory.len())?.to_le_bytes());
    out.extend_from_slice(&start.to_le_bytes());
    out.extend_from_slice(&[0; 2]);
    Ok(out)
}

/// The 26 bytes that an entry's two headers share, from the version needed to the size of the extra field.
fn entry_head(path: &str, contents: &[u8]) -> Result<Vec<u8>, Error> {
    let size = narrow(contents.len())?;
    let name_size = u16::try_from(path.len()).map_err(|_| Error::TooLarge)?;
    let mut crc = Crc::new();
    crc.update(contents);
    let mut head = Vec::with_capacity(26);
    for field in [VERSION, FLAGS, 0, 0, DATE] {
        head.extend_from_slice(&field.to_le_bytes());
    }
    for field in [crc.sum(), size, size] {
        head.extend_from_slice(&field.to_le_bytes());
    }
    head.extend_from_slice(&name_size.to_le_bytes());
    head.extend_from_slice(&[0; 2]);
    Ok(head)
}

fn narrow(size: usize) -> Result<u32, Error> {
    u32::try_from(size).ok().filter(|size| *size < u32::MAX).ok_or(Error::TooLarge)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;
    use crate::archive::{Limits, inspect};

    fn some_files() -> Vec<(String, Vec<u8>)> {
        vec![("b/é.md".into(), b"two".to_vec()), ("a.txt".into(), b"one".to_vec()), ("empty".into(), Vec::new())]
    }

    #[test]
    fn the_order_of_files_does_not_matter() {
        let mut reversed = some_files();
        reversed.reverse();
        assert_eq!(pack(some_files()), pack(reversed));
    }

    #[test]
    fn the_bytes_are_the_same_in_every_release() {
        let digest = crate::sha256(&pack(some_files()).unwrap());
        assert_eq!(digest, "9d5ec09e6f6e0dd984ff15afc620a9a2f08288c342125a98c75a64aa5076713a");
    }

    #[test]
    fn what_was_packed_is_read_here_and_by_another_reader() {
        let packed = pack(some_files()).unwrap();
        let archive = inspect(&packed, &Limits::default()).unwrap();
        let paths: Vec<_> = archive.files().iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a.txt", "b/é.md", "empty"]);
        assert_eq!(archive.read("b/é.md"), Some(b"two".as_slice()));
        assert!(archive.findings().is_empty());

        let mut other = zip::ZipArchive::new(Cursor::new(&packed)).unwrap();
        assert_eq!(other.len(), 3);
        let mut contents = String::new();
        other.by_name("b/é.md").unwrap().read_to_string(&mut contents).unwrap();
        assert_eq!(contents, "two");
    }

    #[test]
    fn a_path_comes_once() {
        let twice = vec![("a".to_owned(), Vec::new()), ("a".to_owned(), vec![1])];
        assert_eq!(pack(twice), Err(Error::Duplicate("a".into())));
    }
}
