//! A connection to a server that damages, counts or swallows what passes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// What happens on the way.
#[derive(Default)]
pub struct Orders {
    /// Whether the byte [`MARK`] becomes another one on its way to the server.
    pub damage: AtomicBool,
    /// After this many bytes of an answer its connection breaks off, once; 0 for never.
    pub break_after: AtomicU64,
    /// Whether the next connection is reset in the middle of what it sends.
    pub reset: AtomicBool,
    /// Bytes that the server sent.
    pub answered: AtomicU64,
}

/// A byte that no header has.
pub const MARK: u8 = 0xff;

/// A way to a server; it ends with this value.
pub struct Link {
    pub address: SocketAddr,
    pub orders: Arc<Orders>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// A way to the server at `to`.
    pub async fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = Arc::new(Orders::default());
        let shared = Arc::clone(&orders);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(to).await else { continue };
                let orders = Arc::clone(&shared);
                connections.spawn(async move {
                    let ((asking, answer), (answering, question)) = (near.into_split(), far.into_split());
                    // Whatever ends first, both connections end.
                    tokio::select! {
                        () = ask(asking, question, &orders) => {}
                        () = give(answering, answer, &orders) => {}
                    }
                });
            }
        });
        Self { address, orders, _tasks: tasks }
    }

    /// A server that takes connections and never answers.
    pub async fn nowhere() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut taken = Vec::new();
            while let Ok((socket, _)) = listener.accept().await {
                taken.push(socket);
            }
        });
        Self { address, orders: Arc::default(), _tasks: tasks }
    }
}

async fn ask(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, orders: &Orders) {
    let mut buffer = vec![0; 64 << 10];
    let mut asked = 0;
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        asked += length;
        if asked > 256 << 10 && orders.reset.swap(false, Ordering::SeqCst) {
            let _ = from.as_ref().set_zero_linger();
            return;
        }
        let part = &mut buffer[..length];
        if orders.damage.load(Ordering::SeqCst)
            && let Some(byte) = part.iter_mut().find(|byte| **byte == MARK)
        {
            *byte = 0;
        }
        if to.write_all(part).await.is_err() {
            return;
        }
    }
}

async fn give(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, orders: &Orders) {
    let mut buffer = vec![0; 16 << 10];
    let mut given = 0;
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        orders.answered.fetch_add(length as u64, Ordering::SeqCst);
        given += length as u64;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        let limit = orders.break_after.load(Ordering::SeqCst);
        if limit > 0 && given >= limit {
            orders.break_after.store(0, Ordering::SeqCst);
            return;
        }
    }
}
