//! What read models suggest to use cases: ids and positions, never facts. What is suggested is checked against the log.

use async_trait::async_trait;
use souk_domain::id::{LicenseId, PluginId, UserId, VendorId};

use crate::log::Position;

/// Why a read model suggests nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DirectoryError {
    /// It did not reach the wanted position in time.
    #[error("the read model is behind: {wanted} was wanted")]
    Behind {
        /// The position that was asked for.
        wanted: Position,
    },
    /// It cannot be reached.
    #[error("the read models cannot be reached: {0}")]
    Unavailable(String),
}

/// Finds ids by what the log does not index.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The vendors that `owner` owns, oldest first. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn vendors_of(&self, owner: UserId, at_least: Position) -> Result<Vec<VendorId>, DirectoryError>;

    /// The licenses of `holder` for `plugin`, newest first. Waits until the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn licenses_of(
        &self,
        holder: UserId,
        plugin: PluginId,
        at_least: Position,
    ) -> Result<Vec<LicenseId>, DirectoryError>;
}

/// Where the history of a plugin is in the log.
#[async_trait]
pub trait Timeline: Send + Sync {
    /// Positions of the events that concern `plugin`, behind `after`, in order, at most `limit`; empty at the end. Waits until
    /// the read model has reached `at_least` (0: does not wait).
    ///
    /// # Errors
    /// See [`DirectoryError`].
    async fn page(
        &self,
        plugin: PluginId,
        after: Position,
        limit: usize,
        at_least: Position,
    ) -> Result<Vec<Position>, DirectoryError>;
}
