//! What an import came to, for people and for scripts.

use serde::Serialize;

use super::{
    apply::{Outcome, Standing, Submitted},
    catalogue::{Catalogue, Duplicate, Refused},
};
use crate::output::say;

/// What an import came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The catalogue's name.
    pub catalogue: String,
    /// Plugins that are new.
    pub imported: Vec<Item>,
    /// Plugins whose details or version are new.
    pub updated: Vec<Item>,
    /// Plugins that were there just so.
    pub unchanged: Vec<Item>,
    /// What is not imported, and why.
    pub refused: Vec<Refused>,
    /// What is there under another name.
    pub duplicates: Vec<Duplicate>,
    /// Where the versions of all entries stand.
    pub versions: Standings,
}

/// A plugin that was imported.
#[derive(Debug, Serialize)]
pub struct Item {
    name: String,
    vendor: String,
    version: String,
}

/// How many versions stand where.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standings {
    /// They can be installed.
    pub approved: usize,
    /// They wait for a moderator.
    pub needs_review: usize,
    /// They never install.
    pub rejected: usize,
    /// They were not decided in time; that happens behind.
    pub pending: usize,
}

impl Standings {
    /// Counts.
    pub fn of(all: &[Standing]) -> Self {
        let count = |wanted| all.iter().filter(|standing| **standing == wanted).count();
        Self {
            approved: count(Standing::Approved),
            needs_review: count(Standing::NeedsReview),
            rejected: count(Standing::Rejected),
            pending: count(Standing::Pending),
        }
    }
}

impl Report {
    /// Sums up.
    pub fn new(catalogue: Catalogue, outcomes: Vec<Outcome>, versions: Standings) -> Self {
        let item = |it: Submitted| Item { name: it.name, vendor: it.vendor, version: it.version.to_string() };
        let mut report = Self {
            catalogue: catalogue.name,
            imported: Vec::new(),
            updated: Vec::new(),
            unchanged: Vec::new(),
            refused: catalogue.refused,
            duplicates: catalogue.duplicates,
            versions,
        };
        for outcome in outcomes {
            match outcome {
                Outcome::Imported(it) => report.imported.push(item(it)),
                Outcome::Updated(it) => report.updated.push(item(it)),
                Outcome::Unchanged(it) => report.unchanged.push(item(it)),
                Outcome::Refused(refused) => report.refused.push(refused),
            }
        }
        report
    }

    /// Tells a person.
    pub fn tell(&self) {
        for refused in &self.refused {
            let name = refused.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            say(format!("refused: {}{name}: {}", refused.place, refused.reason));
        }
        for duplicate in &self.duplicates {
            say(format!("duplicate: {} has the same bytes as {}", duplicate.file, duplicate.of));
        }
        for item in &self.updated {
            say(format!("updated: {} {}", item.name, item.version));
        }
        say(format!(
            "{}: {} imported, {} updated, {} unchanged, {} refused, {} duplicates",
            self.catalogue,
            self.imported.len(),
            self.updated.len(),
            self.unchanged.len(),
            self.refused.len(),
            self.duplicates.len(),
        ));
        let Standings { approved, needs_review, rejected, pending } = self.versions;
        say(format!(
            "versions: {approved} approved, {needs_review} waiting for a moderator, {rejected} rejected, {pending} not decided yet"
        ));
    }
}
