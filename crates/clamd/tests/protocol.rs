//! The protocol against a server written from its description, which misbehaves as it is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on ends and says why"
)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use souk_clamd::{Address, Clamd, Patience};
use souk_ports::malware::{MalwareError, MalwareScanner, Scan};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    task::JoinHandle,
};

/// What the server takes for malware.
const MARKER: &[u8] = b"NOT-A-VIRUS-BUT-A-TEST-OF-SOUK";
/// Bytes that it takes at most.
const LIMIT: usize = 1 << 20;

/// How the server answers.
#[derive(Clone, Copy)]
enum Manner {
    /// As clamd does.
    Honest,
    /// The same, a byte at a time.
    Dripping,
    /// Hangs up once it has read the command.
    HangsUpAtOnce,
    /// Hangs up in the middle of its answer.
    HangsUpWithin,
    /// Reads everything and says nothing.
    Silent,
    /// Reads nothing at all.
    Deaf,
    /// Says this, whatever it was asked.
    Says(&'static [u8]),
}

async fn command(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut command = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(0) | Err(_) => return command,
            Ok(byte) => command.push(byte),
        }
    }
}

/// The body in its chunks; none when it is larger than the server takes.
async fn body(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = stream.read_u32().await.ok()? as usize;
        if length == 0 {
            return Some(body);
        }
        if body.len() + length > LIMIT {
            return None;
        }
        let start = body.len();
        body.resize(start + length, 0);
        stream.read_exact(&mut body[start..]).await.ok()?;
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: Manner) {
    if matches!(manner, Manner::Deaf) {
        return std::future::pending().await;
    }
    let command = command(&mut stream).await;
    if matches!(manner, Manner::HangsUpAtOnce) {
        return;
    }
    let answer: &[u8] = match command.as_slice() {
        b"zPING" => b"PONG\0",
        b"zVERSION" => b"ClamAV 9.9.9/1/Thu Jan  1 00:00:00 2026\0",
        b"zINSTREAM" => match body(&mut stream).await {
            None => b"INSTREAM size limit exceeded. ERROR\0",
            Some(body) if body.windows(MARKER.len()).any(|part| part == MARKER) => b"stream: Souk.Test.Marker FOUND\0",
            Some(_) => b"stream: OK\0",
        },
        other => panic!("the command {other:?} is not known"),
    };
    match manner {
        Manner::Dripping => {
            for byte in answer {
                stream.write_all(&[*byte]).await.unwrap();
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        }
        Manner::HangsUpWithin => return stream.write_all(&answer[..answer.len() - 3]).await.unwrap(),
        Manner::Silent => std::future::pending().await,
        // Whoever is done with a client may be gone already.
        Manner::Says(said) => drop(stream.write_all(said).await),
        _ => stream.write_all(answer).await.unwrap(),
    }
    stream.flush().await.ok();
    // Closing with unread bytes in hand would reset the connection, and may take the answer with it.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.ok();
}

/// A server that ends with the test.
struct Server {
    address: Address,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let task = tokio::spawn(async move {
            let mut clients = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                clients.spawn(serve(stream, manner));
            }
        });
        Self { address, task }
    }

    fn scanner(&self) -> Clamd {
        let patience = Patience { connection: Duration::from_millis(300), answer: Duration::from_millis(300) };
        Clamd::new(self.address.clone(), patience)
    }

    async fn scan(&self, bytes: &[u8]) -> Result<Scan, MalwareError> {
        self.scanner().scan(Bytes::copy_from_slice(bytes)).await
    }
}

fn failed(result: &Result<Scan, MalwareError>, why: &str) {
    assert!(matches!(result, Err(MalwareError::Failed(said)) if said.contains(why)), "{result:?}, not {why}");
}

fn infected() -> Scan {
    Scan::Infected("Souk.Test.Marker".to_owned())
}

#[tokio::test]
async fn what_is_known_is_found_and_what_is_not_is_clean() {
    for manner in [Manner::Honest, Manner::Dripping] {
        let server = Server::start(manner).await;
        assert_eq!(server.scan(b"harmless").await, Ok(Scan::Clean));
        assert_eq!(server.scan(b"").await, Ok(Scan::Clean));
        assert_eq!(server.scan(&[b"before ", MARKER, b" after"].concat()).await, Ok(infected()));
    }
}

#[tokio::test]
async fn a_body_of_many_chunks_arrives_whole() {
    let server = Server::start(Manner::Honest).await;
    // The marker lies across the border of two chunks.
    let mut bytes = vec![b'x'; 64 * 1024 - 5];
    bytes.extend_from_slice(MARKER);
    bytes.resize(300_000, b'y');
    assert_eq!(server.scan(&bytes).await, Ok(infected()));
}

#[tokio::test]
async fn what_is_too_large_is_neither_clean_nor_a_failure() {
    let server = Server::start(Manner::Honest).await;
    assert_eq!(server.scan(&vec![0; LIMIT]).await, Ok(Scan::Clean));
    assert_eq!(server.scan(&vec![0; 8 * LIMIT]).await, Ok(Scan::TooLarge));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_not_clean() {
    let at_once = Server::start(Manner::HangsUpAtOnce).await;
    assert!(matches!(at_once.scan(b"harmless").await, Err(MalwareError::Failed(_))));
    assert!(matches!(at_once.scan(&vec![0; LIMIT]).await, Err(MalwareError::Failed(_))));
    let within = Server::start(Manner::HangsUpWithin).await;
    failed(&within.scan(b"harmless").await, "hung up without an answer");
}

#[tokio::test]
async fn who_is_silent_or_takes_nothing_is_not_waited_for_for_ever() {
    let silent = Server::start(Manner::Silent).await;
    failed(&silent.scan(b"harmless").await, "took everything and does not answer");
    let deaf = Server::start(Manner::Deaf).await;
    failed(&deaf.scan(&vec![0; 64 << 20]).await, "does not take what it is sent");
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    for (said, why) in [
        (&b"stream: OKAY\0"[..], "stream: OKAY"),
        (b"OK\0", "it said `OK`"),
        (b"stream:  FOUND\0", "FOUND"),
        (b"stream: Can't allocate memory ERROR\0", "Can't allocate memory ERROR"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n\0", "HTTP/1.1 400 Bad Request"),
        (b"\0", "it said ``"),
        (b"stream: \xff FOUND\0", "no text"),
        (&[b'x'; 9_000], "longer than any"),
    ] {
        let server = Server::start(Manner::Says(said)).await;
        failed(&server.scan(b"harmless").await, why);
        assert!(matches!(server.scanner().version().await, Err(MalwareError::Failed(_))), "{why}");
    }
}

#[tokio::test]
async fn nobody_there_is_another_matter_than_a_failed_scan() {
    let nobody = Server::start(Manner::Honest).await;
    nobody.task.abort();
    while !nobody.task.is_finished() {
        tokio::task::yield_now().await;
    }
    let refused = nobody.scan(b"harmless").await;
    assert!(
        matches!(&refused, Err(MalwareError::Unavailable(said)) if said.starts_with("tcp://127.0.0.1:")),
        "{refused:?}"
    );
    let missing = Clamd::new("unix:/there/is/no/such/socket".parse().unwrap(), Patience::default());
    assert!(matches!(missing.version().await, Err(MalwareError::Unavailable(_))));
}

#[tokio::test]
async fn it_says_what_it_is_once_it_works() {
    let server = Server::start(Manner::Dripping).await;
    assert_eq!(server.scanner().version().await.as_deref(), Ok("ClamAV 9.9.9/1/Thu Jan  1 00:00:00 2026"));
}

#[tokio::test]
async fn a_unix_socket_does_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = Arc::new(folder.path().join("clamd.ctl"));
    let listener = UnixListener::bind(&*path).unwrap();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream, Manner::Honest).await;
        }
    });
    let server = Server { address: format!("unix:{}", path.display()).parse().unwrap(), task };
    assert_eq!(server.scan(MARKER).await, Ok(infected()));
    assert!(server.scanner().version().await.unwrap().starts_with("ClamAV 9.9.9"));
}
