//! Serving: connections, and their orderly end.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use bytes::Bytes;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{Api, router};

/// How long a client may take to send the head of a request; also how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The greatest head of a request.
const HEAD_BYTES: usize = 64 * 1024;

/// Serves `api` on `listener` until `shutdown`; then takes no new connections, and waits up to `grace` for requests that run.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(listener: TcpListener, api: Api, shutdown: CancellationToken, grace: Duration) -> io::Result<()> {
    let upkeep = tokio::spawn(api.metrics.clone().keep_up());
    let router = router(api);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(HEAD_BYTES as u32).keep_alive_interval(HEAD_TIMEOUT);
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Answers are small and written at once: waiting to fill a packet only delays them.
                let _ = stream.set_nodelay(true);
                let router = router.clone();
                let service = tower::service_fn(move |request| answer(router.clone(), request, peer));
                let service = TowerToHyperService::new(service);
                let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
                let connection = connections.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(error, "a connection ended early");
                    }
                });
            }
            Err(error) => pause_after(&error).await,
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still running when the time to finish them was over");
    }
    upkeep.abort();
    Ok(())
}

async fn answer<B>(router: Router, request: axum::http::Request<B>, peer: SocketAddr) -> Result<Response, Infallible>
where
    B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

/// A connection that is gone before it was taken is nothing; without file descriptors the next try would fail as well.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "no connection can be taken for now");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
