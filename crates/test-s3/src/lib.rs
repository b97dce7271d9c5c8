//! A real S3 server for tests, in their process and on loopback: `s3s` speaks the protocol (signatures, checksums, conditions, ranges), and
//! `s3s-fs` keeps objects as files in a temporary directory.

#![allow(clippy::unwrap_used, reason = "a test that has no server ends and says why")]

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::SimpleAuth,
    s3_error,
    service::S3ServiceBuilder,
};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

/// The bucket that there is.
pub const BUCKET: &str = "souk";
/// Who may do everything.
pub const ACCESS_KEY: &str = "the-access-key";
/// What it signs with.
pub const SECRET: &str = "the-secret-access-key";

/// What the server is told to do, and what it was asked.
#[derive(Default)]
pub struct Orders {
    /// Requests that are still to be answered with 503.
    pub busy: AtomicU64,
    /// Whether conditions are not implemented, as in older stores.
    pub unconditional: AtomicBool,
    /// Whether objects that are not there are forbidden, as Amazon's are to who may not list.
    pub no_listing: AtomicBool,
    /// How often each operation was asked for.
    pub asked: Mutex<HashMap<String, u64>>,
}

impl Orders {
    /// How often `operation` was asked for, e.g. `PutObject`.
    #[must_use]
    pub fn asked(&self, operation: &str) -> u64 {
        self.asked.lock().unwrap().get(operation).copied().unwrap_or_default()
    }
}

/// Obeys orders before requests are answered.
struct Gate {
    orders: Arc<Orders>,
    root: PathBuf,
}

#[async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        *self.orders.asked.lock().unwrap().entry(cx.s3_op().name().to_owned()).or_default() += 1;
        if cx.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "nobody asks"));
        }
        let busy = &self.orders.busy;
        if busy.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(s3_error!(SlowDown, "busy"));
        }
        if self.orders.unconditional.load(Ordering::SeqCst) && cx.headers().contains_key("if-none-match") {
            return Err(s3_error!(NotImplemented, "no conditions"));
        }
        // The server itself makes a bucket for what is put into none.
        if cx.s3_path().get_bucket_name().is_some_and(|bucket| !self.root.join(bucket).is_dir()) {
            return Err(s3_error!(NoSuchBucket));
        }
        if self.orders.no_listing.load(Ordering::SeqCst) {
            return Err(s3_error!(AccessDenied, "not for you"));
        }
        Ok(())
    }
}

/// The server; it ends with this value.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it is told.
    pub orders: Arc<Orders>,
    root: TempDir,
    connections: Option<JoinSet<()>>,
}

impl Server {
    /// Starts one with an empty bucket.
    ///
    /// # Panics
    /// There is no room for it, or no port.
    pub async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(BUCKET)).unwrap();
        let orders = Arc::new(Orders::default());
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET));
        builder.set_access(Gate { orders: Arc::clone(&orders), root: root.path().to_owned() });
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                connections.spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { address, orders, root, connections: Some(tasks) }
    }

    /// Ends it: nobody listens any more.
    pub async fn stop(&mut self) {
        if let Some(mut tasks) = self.connections.take() {
            tasks.shutdown().await;
        }
    }

    /// The folder that keeps the objects of the bucket.
    #[must_use]
    pub fn bucket(&self) -> PathBuf {
        self.root.path().join(BUCKET)
    }
}
