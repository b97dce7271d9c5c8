//! Gathers the entries of an archive, whatever its format, and refuses what cannot be unpacked in one way only.

use std::collections::{BTreeMap, HashMap};

use souk_domain::validation::{Finding, Severity};

use super::{
    Archive, Limits, critical, is_leftover,
    links::{self, Link},
    names,
};
use crate::finding::finding;

/// As many findings as one archive yields: a hostile one could have thousands.
const MOST_FINDINGS: usize = 1_000;

/// What an entry is.
pub(super) enum Entry {
    File(Vec<u8>),
    Directory,
    Link(Link),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Folder,
    Leaf,
}

pub(super) struct Collector<'a> {
    limits: &'a Limits,
    contents: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, Link>,
    /// Every path and every folder above it, by its folded name, as first spelled.
    places: HashMap<String, (String, Place)>,
    findings: Vec<Finding>,
    unpacked: u64,
}

impl<'a> Collector<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            contents: BTreeMap::new(),
            links: BTreeMap::new(),
            places: HashMap::new(),
            findings: Vec::new(),
            unpacked: 0,
        }
    }

    /// Whether so much is wrong that reading on tells nothing new.
    pub(super) fn is_hopeless(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    pub(super) fn note(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Counts bytes about to be unpacked.
    pub(super) fn charge(&mut self, place: &str, packed: u64, unpacked: u64) -> Result<(), Finding> {
        self.unpacked = self.unpacked.saturating_add(unpacked);
        let limits = self.limits;
        let why = if unpacked > limits.file {
            format!("the file unpacks to more than {} bytes", limits.file)
        } else if self.unpacked > limits.unpacked {
            format!("the archive unpacks to more than {} bytes", limits.unpacked)
        } else if limits.exceeds_ratio(packed, unpacked) {
            format!("the file unpacks to more than {} times its packed size", limits.ratio)
        } else {
            return Ok(());
        };
        Err(critical("artifact.zip_bomb", Some(place), why))
    }

    /// Takes an entry.
    pub(super) fn add(&mut self, raw_name: &[u8], entry: Entry) {
        let name = match names::taken(raw_name, self.limits) {
            Ok(name) => name,
            Err(refused) => return self.note(refused),
        };
        let directory = match &entry {
            Entry::File(bytes) if name.directory && !bytes.is_empty() => {
                let message = "this entry is named like a folder but has contents";
                return self.note(critical("artifact.malformed", Some(&name.path), message));
            }
            Entry::File(_) => name.directory,
            Entry::Directory => true,
            Entry::Link(_) => false,
        };
        if !self.claim(&name.path, if directory { Place::Folder } else { Place::Leaf }) {
            return;
        }
        self.findings.extend(names::unportable(&name.path));
        match entry {
            Entry::File(_) | Entry::Directory if directory => {}
            Entry::File(bytes) => {
                self.contents.insert(name.path, bytes);
            }
            Entry::Link(link) => {
                self.links.insert(name.path, link);
            }
            Entry::Directory => {}
        }
    }

    /// Claims a path and the folders above it; false, with a finding, when another entry has one of them.
    fn claim(&mut self, path: &str, place: Place) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let head = path.get(..end).unwrap_or(path);
            let wanted = if end == path.len() { place } else { Place::Folder };
            let (spelled, found) =
                self.places.entry(names::folded(head)).or_insert_with(|| (head.to_owned(), wanted)).clone();
            let again = end == path.len() && wanted == Place::Leaf && self.is_taken(&spelled);
            let problem = if spelled != head {
                Some(("artifact.name_collides", format!("`{head}` and `{spelled}` are one name on many systems")))
            } else if found != wanted {
                Some(("artifact.name_collides", format!("`{head}` is a file and a folder at once")))
            } else if again {
                Some(("artifact.duplicate_name", "the archive has this name twice".to_owned()))
            } else {
                None
            };
            if let Some((rule, message)) = problem {
                self.note(critical(rule, Some(path), message));
                return false;
            }
        }
        true
    }

    fn is_taken(&self, path: &str) -> bool {
        self.contents.contains_key(path) || self.links.contains_key(path)
    }

    /// The archive, if nothing critical was found.
    pub(super) fn finish(mut self) -> Result<Archive, Vec<Finding>> {
        self.findings.extend(links::judge(&self.links));
        if self.contents.is_empty() && !self.has_critical() {
            self.note(critical("artifact.empty", None, "the archive holds no file"));
        }
        if let Some(path) = self.contents.keys().find(|path| is_leftover(path)) {
            let message = "a leftover of the system it was packed on; leave such files out";
            self.findings.push(finding("artifact.leftover", Severity::Info, Some(path), message));
        }
        if let Some(path) = self.contents.keys().find(|path| path.split('/').any(|part| part == ".git")) {
            let message = "version control data is shipped along, with its whole history; leave it out";
            self.findings.push(finding("artifact.version_control", Severity::Medium, Some(path), message));
        }
        if self.has_critical() {
            self.findings.truncate(MOST_FINDINGS);
            return Err(self.findings);
        }
        Ok(Archive::new(self.contents, self.findings))
    }

    fn has_critical(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Critical)
    }

    /// Ends with what was found and one more critical finding.
    pub(super) fn fail(mut self, finding: Finding) -> Vec<Finding> {
        self.findings.truncate(MOST_FINDINGS - 1);
        self.findings.push(finding);
        self.findings
    }
}
