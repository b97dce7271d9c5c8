//! A small stand-in for a KurrentDB server, for tests.
//!
//! It speaks the part of the published gRPC protocol that Souk uses, keeps events in memory, follows the server's rules where
//! they matter to a client, and does on demand what servers and networks do at the worst moment.

#![allow(clippy::result_large_err, reason = "the errors are those of tonic")]

mod faults;
mod read;
mod service;
mod store;
mod wire;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures::StreamExt;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use uuid::Uuid;

pub use crate::{
    faults::{Calls, Fault, Faults},
    store::MAX_APPEND_BYTES,
};
use crate::{
    service::{Cluster, Features, Log},
    store::{Expected, Proposed, Store},
    wire::{Breaker, Wire},
};

/// The generated messages and services.
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated")]
pub(crate) mod proto {
    tonic::include_proto!("event_store.client");
    pub mod streams {
        tonic::include_proto!("event_store.client.streams");
    }
    pub mod gossip {
        tonic::include_proto!("event_store.client.gossip");
    }
    pub mod server_features {
        tonic::include_proto!("event_store.client.server_features");
    }
}

/// What the services of one stand-in share; it outlives a restart.
pub(crate) struct Shared {
    store: Mutex<Store>,
    faults: Faults,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Running {
    server: JoinHandle<()>,
    breakers: Arc<Mutex<Vec<Breaker>>>,
}

/// A running stand-in. Dropping it stops it.
pub struct Standin {
    address: SocketAddr,
    shared: Arc<Shared>,
    running: Option<Running>,
}

/// An event as the stand-in keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its stream's name.
    pub stream: String,
    /// Its id.
    pub id: Uuid,
    /// Its type, as the client gave it.
    pub event_type: String,
    /// Its metadata, as the client gave them.
    pub metadata: Bytes,
}

impl Standin {
    /// Starts one on `address`; port 0 chooses one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(address: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared { store: Mutex::new(Store::started()), faults: Faults::default() });
        let mut standin = Self { address, shared, running: None };
        standin.restart().await?;
        Ok(standin)
    }

    /// Starts it again on its address, after [`Self::stop`], with the events that it had.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await?;
        self.address = listener.local_addr()?;
        let breakers = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&breakers);
        let incoming = TcpListenerStream::new(listener).map(move |stream| {
            let stream = stream?;
            stream.set_nodelay(true)?;
            let wire = Wire::new(stream);
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(wire.breaker());
            Ok::<_, io::Error>(wire)
        });
        let server = Server::builder()
            .add_service(proto::streams::streams_server::StreamsServer::new(Log::new(Arc::clone(&self.shared))))
            .add_service(proto::gossip::gossip_server::GossipServer::new(Cluster))
            .add_service(proto::server_features::server_features_server::ServerFeaturesServer::new(Features))
            .serve_with_incoming(incoming);
        let server = tokio::spawn(async move { drop(server.await) });
        self.running = Some(Running { server, breakers });
        Ok(())
    }

    /// Stops it: every connection breaks, and its address refuses new ones.
    pub async fn stop(&mut self) {
        self.tear();
        if let Some(running) = self.running.take() {
            running.server.abort();
            drop(running.server.await);
        }
    }

    /// Breaks every connection.
    pub fn tear(&self) {
        if let Some(running) = &self.running {
            running
                .breakers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .drain(..)
                .for_each(|breaker| breaker.tear());
        }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection string for it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("kurrentdb://{}?tls=false", self.address)
    }

    /// What goes wrong with its calls.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Writes an event that no Souk wrote.
    pub fn write(&self, stream: &str, event_type: &str, data: &str) {
        let event = Proposed::system(event_type, data);
        self.shared.store().append(stream, Expected::Any, vec![event]);
    }

    /// Every event that it keeps, its own ones too.
    #[must_use]
    pub fn stored(&self) -> Vec<Stored> {
        let store = self.shared.store();
        let stored = store.records().iter().map(|record| Stored {
            stream: record.stream.clone(),
            id: record.id,
            event_type: record.event_type.clone(),
            metadata: record.metadata.clone(),
        });
        stored.collect()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.tear();
        if let Some(running) = self.running.take() {
            running.server.abort();
        }
    }
}
