//! What a catalogue holds, whatever its source.

use std::path::PathBuf;

use semver::Version;
use serde::Serialize;
use serde_json::{Map, Value, json};
use souk_domain::listing::Details;
use souk_package::pack::pack;

/// A catalogue as it was read.
#[derive(Debug)]
pub struct Catalogue {
    /// Its name, part of every key.
    pub name: String,
    /// What can be imported, in the order of the source.
    pub entries: Vec<Entry>,
    /// What cannot, and why.
    pub refused: Vec<Refused>,
    /// What is there already under another name.
    pub duplicates: Vec<Duplicate>,
}

/// One asset of a catalogue.
#[derive(Debug)]
pub struct Entry {
    /// Names it in this catalogue, the same in every run: `claude/MARKETPLACE/PLUGIN`, `n8n/CATALOGUE/PATH`,
    /// `mcp/CATALOGUE/PATH` or `mcp-registry/CATALOGUE/NAME`.
    pub key: String,
    /// Where it stands, for people.
    pub place: String,
    /// Whose it is.
    pub vendor: VendorInfo,
    /// Its unique name as a plugin.
    pub name: String,
    /// What the listing says.
    pub details: Details,
    /// Which version it is.
    pub version: VersionRule,
    /// What its manifest says beyond its details.
    pub origin: Map<String, Value>,
    /// The files that its archive is made of.
    pub files: Vec<Source>,
    /// What its archive holds beside them.
    pub made: Vec<Made>,
}

/// Who made an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorInfo {
    /// Name to show.
    pub name: String,
    /// Unique short name.
    pub slug: String,
}

/// How the version of an entry comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRule {
    /// The catalogue states it.
    Stated(Version),
    /// The catalogue states none: `1.0.0` first, and the next patch whenever the contents change.
    Counted,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path in the archive.
    pub path: String,
    /// Where its contents are read from.
    pub from: PathBuf,
}

/// A file of an archive that a catalogue has in another form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its path in the archive.
    pub path: String,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// Something that was not imported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refused {
    /// The file, and line and column where the problem has one.
    pub place: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Why, in a sentence.
    pub reason: String,
}

/// A file with the same bytes as another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicate {
    /// The file that was left out.
    pub file: String,
    /// The file that was kept.
    pub of: String,
}

impl Entry {
    /// Its manifest as `version`.
    pub fn manifest(&self, version: &Version) -> Value {
        let details = &self.details;
        let mut manifest = json!({
            "name": self.name,
            "version": version,
            "kind": details.kind,
            "summary": details.summary,
            "license": details.license,
            "displayName": details.display_name,
            "category": details.category,
            "tags": details.tags,
        });
        if let Some(object) = manifest.as_object_mut() {
            object.extend(self.origin.clone());
        }
        manifest
    }

    /// This entry, refused.
    pub fn refuse(&self, reason: impl Into<String>) -> Refused {
        Refused { place: self.place.clone(), name: Some(self.name.clone()), reason: reason.into() }
    }
}

/// The archive of these files. The same files make the same bytes.
///
/// # Errors
/// Which file cannot be read or packed, and why.
pub fn archive(files: &[Source], made: &[Made]) -> Result<Vec<u8>, String> {
    let mut read: Vec<_> = made.iter().map(|made| (made.path.clone(), made.contents.clone())).collect();
    for source in files {
        let contents = std::fs::read(&source.from).map_err(|error| format!("{}: {error}", source.path))?;
        read.push((source.path.clone(), contents));
    }
    pack(read).map_err(|error| error.to_string())
}
