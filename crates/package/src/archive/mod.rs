//! Reading archives that strangers made.
//!
//! [`inspect`] takes zip and gzipped tar, told apart by their first bytes. It is stricter than what unpacks archives
//! elsewhere: whatever two readers could understand differently (doubled names, overlapping entries, bytes behind the end)
//! is refused, so that what was validated is what is installed.

mod collect;
mod links;
mod names;
mod tar_gz;
mod zip;

use std::collections::BTreeMap;

use souk_domain::validation::{Finding, Severity};

use crate::{finding::finding, sha256};

/// What an archive may cost to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the archive itself.
    pub packed: u64,
    /// Bytes of all its files together, unpacked.
    pub unpacked: u64,
    /// Bytes of one of its files, unpacked.
    pub file: u64,
    /// How many times larger than packed anything of more than 1 MiB may get.
    pub ratio: u64,
    /// Entries, folders and links included.
    pub entries: usize,
    /// Folders within folders.
    pub depth: usize,
    /// Bytes of one path.
    pub path: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packed: 50 << 20,
            unpacked: 100 << 20,
            file: 50 << 20,
            ratio: 200,
            entries: 10_000,
            depth: 32,
            path: 1_024,
        }
    }
}

impl Limits {
    /// Small outputs may be far smaller when packed: a file of blanks is no bomb.
    const RATIO_APPLIES_FROM: u64 = 1 << 20;

    fn exceeds_ratio(&self, packed: u64, unpacked: u64) -> bool {
        unpacked > Self::RATIO_APPLIES_FROM && unpacked > packed.saturating_mul(self.ratio)
    }
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path: relative, `/` between folders, unique even where case does not count.
    pub path: String,
    /// Its bytes, unpacked.
    pub size: u64,
    /// SHA-256 of its contents, 64 lower-case hex digits.
    pub sha256: String,
}

/// An archive that is safe to read.
#[derive(Clone, Debug)]
pub struct Archive {
    files: Vec<File>,
    contents: BTreeMap<String, Vec<u8>>,
    findings: Vec<Finding>,
}

impl Archive {
    /// Its regular files, sorted by path.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The contents of the file at `path`; links are not followed.
    pub fn read(&self, path: &str) -> Option<&[u8]> {
        self.contents.get(path).map(Vec::as_slice)
    }

    /// What is odd about it without being dangerous.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Bytes of all files together, unpacked.
    pub fn unpacked(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The one folder that holds every file, without a slash at its end; none when files lie at the top or in several.
    pub fn only_folder(&self) -> Option<&str> {
        let mut files = self.files.iter().map(|file| file.path.as_str()).filter(|path| !is_leftover(path));
        let (folder, _) = files.next()?.split_once('/')?;
        files.all(|path| path.split_once('/').is_some_and(|(top, _)| top == folder)).then_some(folder)
    }

    fn new(contents: BTreeMap<String, Vec<u8>>, findings: Vec<Finding>) -> Self {
        let files = contents
            .iter()
            .map(|(path, bytes)| File { path: path.clone(), size: bytes.len() as u64, sha256: sha256(bytes) })
            .collect();
        Self { files, contents, findings }
    }
}

/// What tools leave behind and nobody means to ship.
fn is_leftover(path: &str) -> bool {
    path.starts_with("__MACOSX/") || path.rsplit('/').next() == Some(".DS_Store")
}

/// Reads an archive within `limits`.
///
/// # Errors
///
/// Every [`Severity::Critical`] finding that was reached, at least one, and the lesser ones beside it.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Archive, Vec<Finding>> {
    if bytes.len() as u64 > limits.packed {
        let message = format!("the archive has {} bytes; at most {} are taken", bytes.len(), limits.packed);
        return Err(vec![critical("artifact.too_large", None, message)]);
    }
    match bytes {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => zip::read(bytes, limits),
        [0x1f, 0x8b, ..] => tar_gz::read(bytes, limits),
        _ => Err(vec![critical(
            "artifact.not_an_archive",
            None,
            "these bytes are neither a zip nor a gzipped tar; pack the files as one of the two",
        )]),
    }
}

fn critical(rule: &str, place: Option<&str>, message: impl AsRef<str>) -> Finding {
    finding(rule, Severity::Critical, place, message)
}

#[cfg(test)]
mod tests;
