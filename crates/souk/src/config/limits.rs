//! How much of what one caller may do: the keys `limits`.

use serde::{Deserialize, Serialize};

/// The greatest archive that can be validated, bytes.
const LARGEST_ARCHIVE: usize = 50 << 20;

/// How much of what one caller may do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests in 15 minutes.
    pub requests_per_quarter_hour: u32,
    /// Validations (submitted versions) a minute.
    pub validations_per_minute: u32,
    /// Executions of plugins a minute.
    pub executions_per_minute: u32,
    /// The greatest JSON body, bytes.
    pub json_body_bytes: usize,
    /// The greatest archive, bytes.
    pub archive_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_quarter_hour: 1_000,
            validations_per_minute: 50,
            executions_per_minute: 100,
            json_body_bytes: 1 << 20,
            archive_bytes: 50 << 20,
        }
    }
}

impl Limits {
    /// What is wrong with the settings, one line a key.
    pub fn problems(&self) -> Vec<String> {
        let values = [
            ("requests_per_quarter_hour", u64::from(self.requests_per_quarter_hour)),
            ("validations_per_minute", u64::from(self.validations_per_minute)),
            ("executions_per_minute", u64::from(self.executions_per_minute)),
            ("json_body_bytes", self.json_body_bytes as u64),
            ("archive_bytes", self.archive_bytes as u64),
        ];
        let none = values.into_iter().filter(|(_, value)| *value == 0);
        let mut problems: Vec<String> =
            none.map(|(key, _)| format!("  limits.{key}: 0: expected at least 1")).collect();
        if self.archive_bytes > LARGEST_ARCHIVE {
            problems.push(format!(
                "  limits.archive_bytes: {}: expected at most {LARGEST_ARCHIVE}, which is what the validation takes",
                self.archive_bytes
            ));
        }
        problems
    }
}
