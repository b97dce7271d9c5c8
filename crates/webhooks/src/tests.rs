use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn caller(anywhere: bool) -> GuardedCaller {
    GuardedCaller::new(Options { timeout: Duration::from_millis(500), anywhere }).unwrap()
}

fn outgoing(url: &str) -> Outgoing {
    Outgoing { url: url.to_owned(), headers: vec![("webhook-id", "1".to_owned())], body: Bytes::from_static(b"{}") }
}

/// Somebody who answers one call so; where, and what he was sent.
async fn answering(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap();
        stream.write_all(answer).await.unwrap();
        // Whoever hangs does so until the other hangs up.
        let _ = stream.read(&mut [0; 1]).await;
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (url, task)
}

#[tokio::test]
async fn what_is_not_public_is_not_called() {
    let caller = caller(false);
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://localhost:8443/",
        "http://example.com/",
        "https://user:secret@example.com/",
        "ftp://example.com/",
        "nonsense",
    ] {
        let checked = caller.check(url).await;
        assert!(matches!(checked, Err(CallError::Forbidden(_))), "{url}: {checked:?}");
        // Also when it is called without having been checked, as when a name leads elsewhere since.
        let called = caller.call(outgoing(url)).await;
        assert!(matches!(called, Err(CallError::Forbidden(_))), "{url}: {called:?}");
    }
}

#[tokio::test]
async fn an_answer_is_its_status() {
    let (url, task) = answering(b"HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n").await;
    let reply = caller(true).call(outgoing(&url)).await.unwrap();
    assert_eq!(reply, Reply { status: 503, retry_after: Some(Duration::from_secs(7)) });
    let sent = task.await.unwrap().to_lowercase();
    assert!(sent.starts_with("post /hook http/1.1") && sent.contains("webhook-id: 1"), "{sent}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (elsewhere, untouched) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let redirecting = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = format!("HTTP/1.1 307 Go\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    assert_eq!(caller(true).call(outgoing(&url)).await.unwrap().status, 307);
    redirecting.await.unwrap();
    assert!(!untouched.is_finished());
    untouched.abort();
}

#[tokio::test]
async fn who_hangs_is_given_up() {
    for answer in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx"] {
        let (url, task) = answering(answer).await;
        let called = caller(true).call(outgoing(&url)).await;
        assert_eq!(called, Err(CallError::Timeout(Duration::from_millis(500))));
        task.await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let endless = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        let mut sent = 0_usize;
        while stream.write_all(b"400\r\n").await.is_ok()
            && stream.write_all(&[b'x'; 1024]).await.is_ok()
            && stream.write_all(b"\r\n").await.is_ok()
        {
            sent += 1024;
        }
        sent
    });
    assert_eq!(caller(true).call(outgoing(&url)).await.unwrap().status, 200);
    endless.await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let called = caller(true).call(outgoing(&url)).await;
    assert!(matches!(called, Err(CallError::Unreachable(_))), "{called:?}");
}
