//! Connections that can be broken on demand.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tonic::transport::server::Connected;

/// Breaks one connection.
#[derive(Clone, Default)]
pub struct Breaker {
    shared: Arc<(AtomicBool, AtomicWaker)>,
}

impl Breaker {
    /// From now on neither side hears from the other.
    pub fn tear(&self) {
        self.shared.0.store(true, Ordering::SeqCst);
        self.shared.1.wake();
    }

    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.shared.1.register(context.waker());
        if self.shared.0.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// A connection, with what breaks it.
pub struct Wire {
    stream: TcpStream,
    breaker: Breaker,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, breaker: Breaker::default() }
    }

    pub fn breaker(&self) -> Breaker {
        self.breaker.clone()
    }
}

/// What a call knows of its connection.
#[derive(Clone)]
pub struct Peer {
    pub breaker: Breaker,
    /// Where the client reached this server.
    pub local: Option<SocketAddr>,
}

impl Connected for Wire {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        Peer { breaker: self.breaker.clone(), local: self.stream.local_addr().ok() }
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.breaker.check(cx)?;
        // The client library sends a call in two parts, and the second one not before the first is acknowledged, which
        // a kernel puts off by 40 ms, unless it is asked not to, again and again.
        #[cfg(target_os = "linux")]
        rustix::net::sockopt::set_tcp_quickack(&self.stream, true)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.breaker.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.breaker.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
