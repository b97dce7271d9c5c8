//! Catalogues of others: read here, then given to the use cases as anyone's plugins are.
//!
//! Reading ([`claude`], [`n8n`], [`docker`], [`registry`], [`builtin`]) knows files and nothing of Souk; applying ([`apply`]) knows Souk and nothing of files. The
//! rules by which names, versions and archives come about are in `docs/IMPORT.md`.

mod apply;
mod builtin;
mod catalogue;
mod claude;
mod docker;
pub mod files;
mod n8n;
pub mod naming;
mod progress;
mod registry;
mod report;
mod server_json;
mod yaml;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use semver::Version;
use souk_app::{App, validation::Input};

use self::{
    apply::{Outcome, Standing, Submitted},
    catalogue::{Catalogue, Entry, Refused, VersionRule},
    report::{Report, Standings},
};
pub use self::{catalogue::archive, progress::Progress};
use crate::{
    cli::{Checks, ImportSource},
    command::{import::Wanted, validate::Round},
    config::Config,
    failure::Failure,
    output::{clean, note, say},
    package::Package,
    wire::Souk,
};

/// How often the log is asked whether versions are decided.
const POLL: Duration = Duration::from_millis(200);
/// How long nothing may change before waiting ends; what is left then happens behind.
const PATIENCE: Duration = Duration::from_secs(60);
/// Versions that are asked for at once.
const AT_ONCE: usize = 16;

/// Imports a catalogue and reports. Returns when what it handed in is decided and can be queried, as far as the reactions and
/// projectors of this or another process get on with it.
///
/// # Errors
/// There is no catalogue at the path, the owner has no account, or the log does not answer. Single entries that are refused
/// are in the report.
pub async fn run(config: &Config, souk: &Souk, wanted: &Wanted) -> Result<(), Failure> {
    let catalogue = read(config, wanted).await?;
    let outcomes = {
        let progress = Progress::begin("importing", catalogue.entries.len());
        apply::apply(souk.app(), &catalogue, wanted.owner.as_deref(), || progress.step()).await?
    };
    let submitted: Vec<_> = outcomes.iter().filter_map(standing_for).cloned().collect();
    let standings = decided(souk.app(), &submitted).await?;
    queryable(souk).await?;
    let report = Report::new(catalogue, outcomes, Standings::of(&standings));
    if wanted.json {
        say(serde_json::to_string_pretty(&report).map_err(Failure::new)?);
    } else {
        report.tell();
    }
    Ok(())
}

/// Says of every entry of a catalogue what the pipeline would say if it were imported, under the key that it has in the catalogue.
///
/// # Errors
/// As [`Round::close`], and with code 1 when there is no catalogue at the path or an entry cannot be imported at all.
pub async fn check(config: &Config, wanted: &Wanted) -> Result<(), Failure> {
    let catalogue = read(config, wanted).await?;
    for Refused { place, reason, .. } in &catalogue.refused {
        note(clean(&format!("{place} cannot be imported: {reason}")));
    }
    let mut round = Round::open(config, &Checks::default(), catalogue.entries.len(), wanted.json)?;
    for entry in catalogue.entries {
        let key = PathBuf::from(&entry.key);
        let package = tokio::task::spawn_blocking(move || packed(&entry)).await.map_err(Failure::new)?;
        let package = package.map_err(|problem| Failure::new(format!("{}: {problem}", key.display())))?;
        round.take(&key, &package).await?;
    }
    round.close()?;
    match catalogue.refused.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} entries cannot be imported"))),
    }
}

/// What would be handed in for an entry that is not there yet.
fn packed(entry: &Entry) -> Result<Package, String> {
    let version = match &entry.version {
        VersionRule::Stated(version) => version.clone(),
        VersionRule::Counted => Version::new(1, 0, 0),
    };
    let manifest = entry.manifest(&version);
    let archive = archive(&entry.files, &entry.made)?;
    Ok(Package::of(Input::of(entry.details.kind, entry.name.clone(), version, manifest, archive)))
}

async fn read(config: &Config, wanted: &Wanted) -> Result<Catalogue, Failure> {
    let (source, path, hosts) = (wanted.source, wanted.path.clone(), config.sandbox.hosts.clone());
    if (source == ImportSource::Builtin) != path.is_none() {
        return Err(Failure::new("every catalogue but `builtin` has a path"));
    }
    let path = path.unwrap_or_default();
    let reading = tokio::task::spawn_blocking(move || match source {
        ImportSource::Claude => claude::read(&path),
        ImportSource::N8n => n8n::read(&path),
        ImportSource::Mcp => docker::read(&path),
        ImportSource::McpRegistry => registry::read(&path),
        ImportSource::Builtin => builtin::read(&hosts),
    });
    reading.await.map_err(Failure::new)?.map_err(Failure::new)
}

fn standing_for(outcome: &Outcome) -> Option<&Submitted> {
    match outcome {
        Outcome::Imported(it) | Outcome::Updated(it) | Outcome::Unchanged(it) => Some(it),
        Outcome::Refused(_) => None,
    }
}

/// Waits until every version is decided, or nothing changes any more.
async fn decided(app: &App, submitted: &[Submitted]) -> Result<Vec<Standing>, Failure> {
    let progress = Progress::begin("validating", submitted.len());
    let mut standings = vec![Standing::Pending; submitted.len()];
    let mut changed = Instant::now();
    loop {
        let open: Vec<_> =
            (0..submitted.len()).filter(|index| standings.get(*index) == Some(&Standing::Pending)).collect();
        let asked: Vec<_> = stream::iter(open.iter().filter_map(|index| Some((*index, submitted.get(*index)?))))
            .map(|(index, it)| async move { apply::standing(app, it).await.map(|standing| (index, standing)) })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut left = 0_u64;
        for (index, standing) in asked {
            if let Some(known) = standings.get_mut(index) {
                *known = standing;
            }
            left += u64::from(standing == Standing::Pending);
        }
        if left < open.len() as u64 {
            changed = Instant::now();
        }
        progress.reach(submitted.len() as u64 - left);
        if left == 0 || changed.elapsed() > PATIENCE {
            return Ok(standings);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Waits until the read models have what the log has now, or no longer come nearer.
async fn queryable(souk: &Souk) -> Result<(), Failure> {
    let head = souk.log().head().await.map_err(Failure::new)?;
    let progress = Progress::begin("projecting", usize::try_from(head).unwrap_or(usize::MAX));
    let mut reached = 0;
    let mut changed = Instant::now();
    loop {
        let statuses = souk.models().statuses().await.map_err(Failure::new)?;
        let running = statuses.iter().filter(|status| status.stopped_by.is_none());
        let Some(position) = running.map(|status| status.position).min() else { return Ok(()) };
        progress.reach(position.min(head));
        if position >= head || changed.elapsed() > PATIENCE {
            return Ok(());
        }
        if position > reached {
            reached = position;
            changed = Instant::now();
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests;
