//! `souk project`

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use souk_api::ProjectionControl;
use souk_ports::Position;
use souk_projector::Wake;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    control::Control,
    failure::Failure,
    models::Models,
    process::{Condition, Process},
    wire::Base,
};

/// Keeps the read models up to date, and does nothing else, until SIGTERM.
///
/// # Errors
/// No database is named, the address for probes is taken, or the database or the keys cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let process = Process::begin("project", config).await?;
    let Some(base) = process.unless_stopped(Base::open(config)).await? else { return Ok(()) };
    let projected = project(config, &process, &base).await;
    base.close().await?;
    projected
}

async fn project(config: &Config, process: &Process, base: &Base) -> Result<(), Failure> {
    let models = base.models();
    let Some(feed) = process.unless_stopped(base.feed(config, true)).await? else { return Ok(()) };
    let projecting = models.project(feed, Wake::default());
    process.run(Arc::new(Projecting { models, first_head: OnceLock::new() })).await;
    projecting.stop().await;
    Ok(())
}

/// How projecting goes.
struct Projecting {
    models: Models,
    /// The log's head when readiness was first asked for.
    first_head: OnceLock<Position>,
}

impl Projecting {
    fn control(&self) -> Control {
        Control::new(self.models.clone(), CancellationToken::new())
    }
}

#[async_trait]
impl Condition for Projecting {
    /// The log and the read models answer, and the read models have caught up once, whoever wrote them.
    async fn ready(&self) -> Result<(), String> {
        let head = self.models.log().head().await.map_err(|error| error.to_string())?;
        let statuses = self.control().status().await.map_err(|_| "the read models do not answer".to_owned())?;
        match souk_api::lagging(&statuses, *self.first_head.get_or_init(|| head)) {
            Some(name) => Err(format!("the read model `{name}` is catching up")),
            None => Ok(()),
        }
    }

    async fn measure(&self) {
        souk_api::measure_projections(&self.control().status().await.unwrap_or_default());
    }
}
