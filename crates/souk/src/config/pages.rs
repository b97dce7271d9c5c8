//! Pages that are kept in memory: the keys `pages`.

use serde::{Deserialize, Serialize};

/// Pages that are kept in memory.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pages {
    /// As many bytes of them, at most; 0 keeps none.
    pub memory_bytes: u64,
}

impl Default for Pages {
    fn default() -> Self {
        Self { memory_bytes: 256 << 20 }
    }
}
