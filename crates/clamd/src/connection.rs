//! One connection: a question, and its answer.

use std::{io, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{Address, Patience};

/// Bytes in one chunk.
const CHUNK: usize = 64 * 1024;
/// The longest answer. clamd's name malware with a few words.
const LONGEST_ANSWER: usize = 4 * 1024;

pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Why a question came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it does not take what it is sent")]
    Stuck,
    #[error("it took everything and does not answer")]
    Silent,
    #[error("it hung up without an answer")]
    HungUp,
    #[error("its answer is longer than any that is known")]
    TooLong,
    #[error("its answer is no text")]
    NoText,
}

/// # Errors
/// Nobody accepts the connection.
pub async fn connect(address: &Address, patience: Duration) -> Result<Box<dyn Connection>, io::Error> {
    let connecting = async {
        Ok(match address {
            Address::Tcp(place) => Box::new(TcpStream::connect(place.as_str()).await?) as Box<dyn Connection>,
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?) as Box<dyn Connection>,
        })
    };
    timeout(patience, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Asks `command`, followed by `body` in chunks, and waits for the answer.
///
/// # Errors
/// There is none, or none that is a line of text.
pub async fn ask(
    connection: &mut dyn Connection,
    command: &str,
    body: Option<Bytes>,
    patience: Patience,
) -> Result<String, Problem> {
    let (mut from, mut to) = tokio::io::split(connection);
    let answering = answer(&mut from);
    tokio::pin!(answering);
    // clamd answers before it has everything when it wants no more, and then takes nothing any more. That answer counts.
    let sent = tokio::select! {
        biased;
        early = &mut answering => return early,
        sent = send(&mut to, command, body, patience.connection) => sent,
    };
    match (timeout(patience.answer, answering).await, sent) {
        (Ok(Ok(answer)), _) => Ok(answer),
        (_, Err(problem)) | (Ok(Err(problem)), Ok(())) => Err(problem),
        (Err(_), Ok(())) => Err(Problem::Silent),
    }
}

async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    command: &str,
    body: Option<Bytes>,
    patience: Duration,
) -> Result<(), Problem> {
    let mut write = async |bytes: &[u8]| -> Result<(), Problem> {
        Ok(timeout(patience, to.write_all(bytes)).await.map_err(|_| Problem::Stuck)??)
    };
    write(format!("z{command}\0").as_bytes()).await?;
    let Some(body) = body else { return Ok(()) };
    for chunk in body.chunks(CHUNK) {
        let length = u32::try_from(chunk.len()).map_err(io::Error::other)?;
        write(&length.to_be_bytes()).await?;
        write(chunk).await?;
    }
    write(&0_u32.to_be_bytes()).await
}

/// Everything up to a zero byte.
async fn answer(from: &mut (impl AsyncRead + Unpin)) -> Result<String, Problem> {
    let (mut answer, mut buffer) = (Vec::new(), [0; 512]);
    loop {
        let read = from.read(&mut buffer).await?;
        let read = buffer.get(..read).unwrap_or_default();
        if read.is_empty() {
            return Err(Problem::HungUp);
        }
        let end = read.iter().position(|byte| *byte == 0);
        answer.extend_from_slice(read.get(..end.unwrap_or(read.len())).unwrap_or_default());
        if answer.len() > LONGEST_ANSWER {
            return Err(Problem::TooLong);
        }
        if end.is_some() {
            return String::from_utf8(answer).map_err(|_| Problem::NoText);
        }
    }
}
