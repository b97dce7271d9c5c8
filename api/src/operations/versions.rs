//! Versions of plugins.

pub mod appeal;
pub mod approve;
pub mod diff;
pub mod list;
pub mod reject;
pub mod release;
pub mod rollback;
pub mod submit;
pub mod yank;

use semver::Version;
use souk_app::{Context, plugins};
use souk_domain::validation::Ruling;

use crate::{
    Api, answer::Written, error::ApiError, operations::shared::written_version, wire::moderation::JudgedVersion,
};

/// The version that a path names.
fn version(text: &str) -> Result<Version, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("this version"))
}

/// Lets a moderator decide about a version.
async fn judged(
    api: &Api,
    context: &Context,
    (plugin, number): (String, String),
    ruling: &Ruling,
) -> Result<Written<JudgedVersion>, ApiError> {
    let number = version(&number)?;
    let done = plugins::judge(&api.app, context, &plugin.as_str().into(), &number, ruling).await?;
    let (position, said) = (done.position, done.value.ruling.clone());
    let version = written_version(api, done.map(|judged| judged.version)).await;
    Ok(Written::ok(position, JudgedVersion::of(version, said)))
}
