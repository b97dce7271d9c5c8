//! A load generator that costs little: requests are bytes made beforehand, answers are read no further than needed.
//!
//! It shares the machine with what it measures. A dear one would hide differences, since floor and value both pay for it.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::measure::{micros, rate};
use crate::failure::Failure;

/// The greatest answer that is expected; a page of search results is far smaller.
const MAX_ANSWER: usize = 4 << 20;
/// Behind this an answer is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kept-alive connection of HTTP/1.1.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer.
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// What stands before its body: the status and the headers.
    pub head: &'a [u8],
    /// Its body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects to `address`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new(format!("connecting to {address}: {error}"));
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends `request` and reads its answer.
    ///
    /// # Errors
    /// The connection broke, or the answer is none that this client understands.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        tokio::time::timeout(PATIENCE, self.exchange(request))
            .await
            .map_err(|_| Failure::new(format!("no answer within {PATIENCE:?}")))?
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>, Failure> {
        self.stream.write_all(request).await.map_err(Failure::new)?;
        self.buffer.clear();
        loop {
            let before = self.buffer.len();
            if self.stream.read_buf(&mut self.buffer).await.map_err(Failure::new)? == 0 {
                return Err(Failure::new("the server closed the connection"));
            }
            let from = before.saturating_sub(3);
            if let Some(end) = self.buffer[from..].windows(4).position(|four| four == b"\r\n\r\n") {
                let body = from + end + 4;
                let head = head(&self.buffer[..body])?;
                self.fill(body + head.length).await?;
                let (before, behind) = self.buffer.split_at(body);
                return Ok(Answer { status: head.status, head: before, body: &behind[..head.length] });
            }
            if self.buffer.len() > MAX_ANSWER {
                return Err(Failure::new("the head of an answer has no end"));
            }
        }
    }

    async fn fill(&mut self, end: usize) -> Result<(), Failure> {
        if end > MAX_ANSWER {
            return Err(Failure::new(format!("an answer has {end} bytes")));
        }
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await.map_err(Failure::new)? == 0 {
                return Err(Failure::new("the server closed the connection within an answer"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
struct Head {
    status: u16,
    length: usize,
}

fn head(bytes: &[u8]) -> Result<Head, Failure> {
    let text = std::str::from_utf8(bytes).map_err(Failure::new)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| Failure::new("an answer does not begin with its status"))?;
    let mut length = None;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok();
        }
    }
    // Chunks are how axum sends what it does not know the length of, and nothing that is measured here is that.
    let length = length.or((status == 204).then_some(0));
    Ok(Head { status, length: length.ok_or_else(|| Failure::new("an answer does not say its length"))? })
}

/// `GET` of `path`, with `headers`, each ended by CR LF.
pub fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: souk\r\n{headers}\r\n").into_bytes()
}

/// `POST` of a JSON `body` to `path`.
pub fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: souk\r\ncontent-type: application/json\r\ncontent-length: {length}");
    format!("{head}\r\n{headers}\r\n{body}").into_bytes()
}

/// `POST` of a form with `parts`, name and bytes, to `path`.
pub fn post_form(path: &str, headers: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    // No part holds it: what is sent here is JSON and archives of known files.
    let boundary = "souk-bench-boundary";
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: souk\r\ncontent-type: multipart/form-data; boundary={boundary}\r\ncontent-length: {length}"
    );
    let mut request = format!("{head}\r\n{headers}\r\n").into_bytes();
    request.append(&mut body);
    request
}

/// The header of somebody who has signed in.
pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

/// What many connections did that each send a request as soon as they have the answer to the one before.
pub struct Load {
    /// Answers a second.
    pub rate: f64,
    /// How long each answer took, microseconds.
    pub times: Vec<u32>,
}

/// Sends what each of `clients` gives, over a connection each, for `seconds`; every answer must have the status `expected`.
///
/// # Errors
/// An answer has another status, or a connection broke.
pub async fn closed_loop<F>(address: SocketAddr, clients: Vec<F>, seconds: u64, expected: u16) -> Result<Load, Failure>
where
    F: FnMut() -> Vec<u8> + Send + 'static,
{
    let connections = try_join_all(clients.iter().map(|_| Connection::open(address))).await?;
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds);
    let tasks = connections.into_iter().zip(clients).map(|(mut connection, mut next)| {
        tokio::spawn(async move {
            let mut times = Vec::with_capacity(16 * 1024);
            loop {
                let request = next();
                let sent = Instant::now();
                if sent >= until {
                    return Ok(times);
                }
                let answer = connection.send(&request).await?;
                expect(&answer, expected, &request)?;
                times.push(micros(sent.elapsed()));
            }
        })
    });
    let mut times = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        times.append(&mut task.await.map_err(Failure::new)??);
    }
    // What was begun in time was finished: that time counts as well.
    Ok(Load { rate: rate(times.len(), started.elapsed()), times })
}

/// Refuses any other status than `expected`, with what the answer says.
///
/// # Errors
/// The answer has another status.
pub fn expect(answer: &Answer<'_>, expected: u16, request: &[u8]) -> Result<(), Failure> {
    if answer.status == expected {
        return Ok(());
    }
    let line = String::from_utf8_lossy(request.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)]).into_owned();
    Err(Failure::new(format!("{line} was answered with {} where {expected} was expected: {body}", answer.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_understood_whatever_their_case() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-Length: 12\r\nvary: *\r\n\r\n";
        assert_eq!(head(bytes).ok(), Some(Head { status: 201, length: 12 }));
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").map(|head| head.length).ok(), Some(0));
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
