//! `souk serve`

use std::{path::Path, sync::Arc};

use souk_embedded_postgres::ServeLock;
use souk_ports::{EventFeed, Random};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    command::api,
    config::Config,
    failure::Failure,
    process::{listen, shutdown_signal},
    system::SystemRandom,
    wire::Souk,
};

/// Does the work of all processes in one until SIGTERM or SIGINT, then ends in order.
///
/// # Errors
/// Another Souk serves from this directory, the address is taken, or the database cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let lock = ServeLock::acquire(&config.data_dir).map_err(Failure::new)?;
    let shutdown = shutdown_signal()?;
    let listener = listen(config.listen).await?;
    let souk = Souk::open(config).await?;
    let served = serve(config, &souk, listener, shutdown).await;
    souk.close().await?;
    drop(lock);
    served
}

async fn serve(
    config: &Config,
    souk: &Souk,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    // The feed waits for the topic, which the relay makes.
    let relaying = souk.relay(config).await?;
    let feed = tokio::select! {
        feed = souk.feed(config, true) => Some(feed),
        () = shutdown.cancelled() => None,
    };
    let served = match feed {
        Some(Ok(feed)) => with_feed(config, souk, feed, listener, shutdown).await,
        Some(Err(failure)) => Err(failure),
        None => Ok(()),
    };
    if let Some(relaying) = relaying {
        relaying.stop().await;
    }
    served
}

async fn with_feed(
    config: &Config,
    souk: &Souk,
    feed: Arc<dyn EventFeed>,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let sequencing = souk.sequence(config).await?;
    let projecting = souk.project(feed.clone());
    let following = souk.follow(feed.clone());
    let (reacting, _) = souk.react(feed, instance(&config.data_dir)?);
    let (housekeeping, timekeeping, posting) = (souk.keep_house(), souk.keep_time(), souk.post());
    let calling = souk.call_webhooks();
    let served = tokio::select! {
        served = api::serve(config, souk, "souk", listener, shutdown.clone()) => served,
        never = souk.database().tend() => match never {},
    };
    // First nobody asks any more, then nothing reacts, then what was recorded is projected.
    shutdown.cancel();
    posting.stop().await;
    calling.stop().await;
    timekeeping.stop().await;
    housekeeping.stop().await;
    following.stop().await;
    reacting.stop().await;
    projecting.stop().await;
    sequencing.stop().await;
    served
}

/// What the Souk that serves from `data_dir` is called. The lock on the directory says that the one before is gone, so the
/// next one goes on with its leases instead of waiting until they run out.
fn instance(data_dir: &Path) -> Result<Uuid, Failure> {
    let path = data_dir.join("instance");
    // One that a crash cut off is as good as none.
    if let Some(known) = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
        return Ok(known);
    }
    let new = SystemRandom.uuid();
    std::fs::write(&path, format!("{new}\n")).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    Ok(new)
}
