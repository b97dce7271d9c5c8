//! `souk api`

use std::time::Duration;

use souk_app::{App, executions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    failure::Failure,
    output::say,
    process::{listen, shared_database, shutdown_signal},
    wire::Souk,
};

/// Serves HTTP, and nothing else, until SIGTERM.
///
/// # Errors
/// No database is named, the address is taken, or the database cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    shared_database("api", config)?;
    let shutdown = shutdown_signal()?;
    let listener = listen(config.listen).await?;
    let souk = tokio::select! {
        opened = Souk::open_apart(config) => opened?,
        () = shutdown.cancelled() => return Ok(()),
    };
    let served = serve(config, &souk, "souk api", listener, shutdown).await;
    souk.close().await?;
    served
}

/// Serves HTTP until `shutdown`, and says once that `who` is ready.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(
    config: &Config,
    souk: &Souk,
    who: &str,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let address = listener.local_addr().map_err(Failure::new)?;
    let api = souk.api(config, &shutdown);
    let grace = Duration::from_secs(config.shutdown_grace_seconds);
    let counting = souk.keep_count();
    let ending = tokio::spawn(end_executions(souk.app().clone(), shutdown.clone(), grace));
    let serving = tokio::spawn(souk_api::serve(listener, api.clone(), shutdown.clone(), grace));
    tokio::select! {
        () = until_ready(&api) => say(format!("{who} is ready at http://{address}")),
        () = shutdown.cancelled() => {}
    }
    let served = serving.await;
    shutdown.cancel();
    ending.await.map_err(Failure::new)?;
    counting.stop().await;
    served.map_err(Failure::new)?.map_err(Failure::new)
}

/// From `shutdown` on begins no execution, or those that wait would follow each other for longer than anybody waits for a process to
/// end. Those that run have `grace`, also when nobody waits for their answer; what is cut off then, another process ends.
async fn end_executions(app: App, shutdown: CancellationToken, grace: Duration) {
    shutdown.cancelled().await;
    executions::close(&app);
    if tokio::time::timeout(grace, executions::over(&app)).await.is_err() {
        tracing::warn!("executions were still running when the time to finish them was over");
    }
}

async fn until_ready(api: &souk_api::Api) {
    while !api.is_ready().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
