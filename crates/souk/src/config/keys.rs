//! Where persons' keys are kept: the keys `keys`.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

/// Where persons' keys are kept. Where neither is set they lie in the data directory, or, where a database is named, in that database,
/// whose backups then carry keys that were destroyed meanwhile.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersonKeyPlace {
    /// A folder that all processes share.
    pub directory: Option<PathBuf>,
    /// A PostgreSQL database of their own, whose backups are few and short-lived. Holds a password.
    pub database_url: Option<String>,
}

/// Hides the password.
impl fmt::Debug for PersonKeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonKeyPlace")
            .field("directory", &self.directory)
            .field("database", &self.database_url.is_some())
            .finish()
    }
}

impl PersonKeyPlace {
    /// What is wrong with the settings, one line a key.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.directory.is_some() && self.database_url.is_some() {
            problems.push("  keys.directory: keys.database_url is set as well: expected one of them".to_owned());
        }
        if let Some(url) = &self.database_url
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            problems.push("  keys.database_url: (hidden): expected postgres://USER:PASSWORD@HOST/DATABASE".to_owned());
        }
        problems
    }
}
