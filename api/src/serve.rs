//! Serving: connections, and their orderly end.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use bytes::Bytes;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{Api, patient::Patient, router, router::Http};

/// How long a client may take to send the head of a request; also how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take nothing of an answer.
const TAKEN: Duration = Duration::from_secs(120);
/// The greatest head of a request.
const HEAD_BYTES: usize = 64 * 1024;

/// Serves `api` on `listener` until `shutdown`; then takes no new connections, and waits up to `grace` for requests that run.
///
/// # Errors
/// The listener failed for good.
pub async fn serve(listener: TcpListener, api: Api, shutdown: CancellationToken, grace: Duration) -> io::Result<()> {
    let upkeep = tokio::spawn(api.metrics.clone().keep_up());
    let http = router(api);
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
                let http = http.clone();
                let service = service_fn(move |request| answer(http.clone(), request, peer));
                let connection =
                    builder.serve_connection(TokioIo::new(Patient::new(stream, TAKEN)), service).into_owned();
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

async fn answer<B>(http: Http, request: axum::http::Request<B>, peer: SocketAddr) -> Result<Response, Infallible>
where
    B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    Ok(http.answer(request).await)
}

/// A connection that is gone before it was taken is nothing; without file descriptors the next try would fail as well.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::warn!(%error, "no connection can be taken for now");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        task::JoinHandle,
    };

    use super::*;
    use crate::testing::World;

    struct Served {
        address: SocketAddr,
        shutdown: CancellationToken,
        task: JoinHandle<io::Result<()>>,
    }

    async fn serving(world: &World) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(serve(listener, world.api.clone(), shutdown.clone(), Duration::from_secs(30)));
        Served { address, shutdown, task }
    }

    #[tokio::test]
    async fn a_request_that_runs_is_answered_before_the_end() {
        let world = World::new();
        let Served { address, shutdown, task } = serving(&world).await;
        let body = r#"{"email":"ada@example.com","password":"correct horse","displayName":"Ada"}"#;
        let (first, rest) = body.split_at(10);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/auth/register HTTP/1.1\r\nhost: souk\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server asks for the body, so the request runs.
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"));
        stream.write_all(first.as_bytes()).await.unwrap();
        shutdown.cancel();
        stream.write_all(rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
        task.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
        assert_eq!(world.count("user.registered"), 1);
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_hold_up_the_end() {
        let world = World::new();
        let Served { address, shutdown, task } = serving(&world).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: souk\r\n\r\n").await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
        shutdown.cancel();
        task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_is_refused_hears_why_and_keeps_the_connection() {
        let world = World::new();
        let Served { address, shutdown, task } = serving(&world).await;
        let body = vec![b' '; 3 << 20];
        for (path, headers, status) in [
            ("/plugins", "authorization: Basic YTpi\r\n", "401"),
            ("/plugins", "idempotency-key: \"open\r\n", "400"),
            ("/plugins/%00/install", "", "400"),
            ("/plugins", "", "413"),
            ("/nowhere", "", "404"),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let length = body.len();
            let head =
                format!("POST /api/v1{path} HTTP/1.1\r\nhost: souk\r\n{headers}content-length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            stream.write_all(b"GET /health HTTP/1.1\r\nhost: souk\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answers = String::new();
            stream.read_to_string(&mut answers).await.unwrap();
            assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answers}");
            assert!(answers.contains("HTTP/1.1 200 OK"), "{path}: {answers}");
        }
        shutdown.cancel();
        task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nonsense_is_answered_or_dropped_and_others_are_served() {
        let world = World::new();
        let Served { address, shutdown, task } = serving(&world).await;
        for nonsense in ["\0\0\0\0\r\n\r\n".to_owned(), format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000))] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The server may hang up before all of it was sent.
            let _ = stream.write_all(nonsense.as_bytes()).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
        }
        assert_eq!(world.nobody().get("!/health").await.status, 200);
        shutdown.cancel();
        task.await.unwrap().unwrap();
    }
}
