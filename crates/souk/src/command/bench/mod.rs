//! `souk bench`

use crate::{config::Config, failure::Failure};

/// Measures the budgets against floors taken in the same run, on a private cluster of its own.
///
/// # Errors
/// Something that is needed to measure could not be started.
pub async fn run(_config: &Config, _seconds: u64, _json: bool) -> Result<(), Failure> {
    Err(Failure::new("nothing is measured yet"))
}
