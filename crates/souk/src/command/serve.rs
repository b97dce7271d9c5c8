//! `souk serve`

use std::path::Path;

use souk_embedded_postgres::ServeLock;
use souk_ports::Random;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{config::Config, failure::Failure, output::say, system::SystemRandom, wire::Souk};

/// Serves until SIGTERM or SIGINT, then ends in order.
///
/// # Errors
/// Another Souk serves from this directory, the address is taken, or the database cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let lock = ServeLock::acquire(&config.data_dir).map_err(Failure::new)?;
    let shutdown = shutdown_signal()?;
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| Failure::new(format!("listening on {}: {error}", config.listen)))?;
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
    let address = listener.local_addr().map_err(Failure::new)?;
    let projecting = souk.project();
    let reacting = souk.react(instance(&config.data_dir)?);
    let housekeeping = souk.keep_house();
    let api = souk.api(config, &shutdown);
    let grace = std::time::Duration::from_secs(config.shutdown_grace_seconds);
    let serving = tokio::spawn(souk_api::serve(listener, api.clone(), shutdown.clone(), grace));
    let until_served = async {
        tokio::select! {
            () = until_ready(&api) => say(format!("souk is ready at http://{address}")),
            () = shutdown.cancelled() => {}
        }
        serving.await
    };
    let served = tokio::select! {
        served = until_served => served.map_err(Failure::new)?,
        never = souk.database().tend() => match never {},
    };
    // First nobody asks any more, then nothing reacts, then what was recorded is projected.
    shutdown.cancel();
    housekeeping.stop().await;
    reacting.stop().await;
    projecting.stop().await;
    served.map_err(Failure::new)
}

async fn until_ready(api: &souk_api::Api) {
    while !api.is_ready().await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
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

/// Is cancelled by SIGTERM or SIGINT.
fn shutdown_signal() -> Result<CancellationToken, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::new)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::new)?;
    let token = CancellationToken::new();
    let told = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: running requests are finished first");
        told.cancel();
    });
    Ok(token)
}
