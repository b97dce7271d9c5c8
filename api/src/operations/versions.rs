//! Versions of plugins.

pub mod approve;
pub mod list;
pub mod reject;
pub mod release;
pub mod rollback;
pub mod submit;
pub mod yank;

use semver::Version;

use crate::error::ApiError;

/// The version that a path names.
fn version(text: &str) -> Result<Version, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("this version"))
}
