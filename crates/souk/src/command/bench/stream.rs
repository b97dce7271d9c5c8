//! What those who listen cost those who write.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use souk_app::partners::{self, NewScopes};
use souk_domain::{id::CommandId, partner::Quotas};
use souk_ports::{Keyring, SecretKind};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use super::{
    catalogue::Listed,
    http::{self, closed_loop},
    installs::{CONNECTIONS, clients},
    measure::{Budget, Pair, Row},
    session::{Service, Session},
};
use crate::{config::Config, failure::Failure, output::note, wire::Souk};

/// Clients that read as fast as they can.
const LISTENERS: usize = 500;

/// Install commands while nobody listens, and while 500 clients and one that reads a byte a second follow everything, by turns.
///
/// # Errors
/// Souk gave a wrong answer.
pub async fn measure(session: &Session, service: &Service, plugins: &Arc<Vec<Listed>>) -> Result<Option<Row>, Failure> {
    let key = partner(session).await?;
    let seconds = session.options.seconds;
    let address = service.souk.address;
    let mut pairs = Vec::new();
    for repetition in 0..=session.options.repetitions {
        // The first one is short and only warms up.
        let warm = repetition == 0;
        let tokens = service.accounts(CONNECTIONS, &format!("listened-{repetition}")).await?;
        if warm {
            closed_loop(address, clients(tokens, plugins, 900), 1, 201).await?;
            service.settle().await?;
            continue;
        }
        note(format!("measuring: installs while partners listen, {repetition} of {}", session.options.repetitions));
        let quiet = closed_loop(address, clients(tokens, plugins, 901 + u64::from(repetition)), seconds, 201).await?;
        service.settle().await?;
        let tokens = service.accounts(CONNECTIONS, &format!("overheard-{repetition}")).await?;
        let mut listening = listen(address, &key).await?;
        let loud = closed_loop(address, clients(tokens, plugins, 951 + u64::from(repetition)), seconds, 201).await?;
        let still = listening.len();
        listening.shutdown().await;
        if still <= LISTENERS / 2 {
            return Err(Failure::new(format!("only {still} streams were left at the end")));
        }
        service.settle().await?;
        pairs.push(Pair { value: loud.rate, floor: quiet.rate });
    }
    let row = Row::compared(
        "install commands over HTTP while 500 clients follow all public events, and one more at a byte a second",
        "1/s",
        "the same while nobody listens",
        &pairs,
        Budget::AtLeastTimes(0.9),
    );
    let note = "listeners share the machine, and together get `partners.stream_bytes_per_second`; who falls behind catches up from the log";
    Ok(row.map(|row| row.with_note(note)))
}

/// The key of a partner that may follow everything.
async fn partner(session: &Session) -> Result<String, Failure> {
    let config = Config {
        data_dir: session.directory().to_owned(),
        database_url: Some(session.url().to_owned()),
        ..Config::default()
    };
    let souk = Souk::open_apart(&config).await?;
    let made = make(&souk).await;
    souk.close().await?;
    made
}

async fn make(souk: &Souk) -> Result<String, Failure> {
    let app = souk.app();
    let context = || souk_app::Context::operator(CommandId::new(app.ports().random.uuid()));
    let scopes = NewScopes { types: vec!["*".to_owned()], ..NewScopes::default() };
    let quotas = Quotas { streams: 1_000, ..Quotas::default() };
    let made = partners::register(app, &context(), "Listeners".to_owned(), scopes, quotas).await;
    let id = made.map_err(Failure::new)?.value.id;
    let key = souk.keyring().generate(SecretKind::Partner);
    let hash = souk.keyring().hash(SecretKind::Partner, &key).ok_or_else(|| Failure::new("a key that is none"))?;
    partners::issue_key(app, &context(), id, "bench", hash).await.map_err(Failure::new)?;
    Ok(key)
}

/// Opens all streams.
async fn listen(address: SocketAddr, key: &str) -> Result<JoinSet<()>, Failure> {
    let request = http::get("/api/v1/events/stream", &http::bearer(key));
    let mut listening = JoinSet::new();
    for number in 0..=LISTENERS {
        let mut stream = TcpStream::connect(address).await.map_err(Failure::new)?;
        stream.write_all(&request).await.map_err(Failure::new)?;
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.map_err(Failure::new)?;
        if &head != b"HTTP/1.1 200" {
            return Err(Failure::new(format!("a stream was refused: {}", String::from_utf8_lossy(&head))));
        }
        let slow = number == 0;
        listening.spawn(async move {
            let mut buffer = vec![0; if slow { 1 } else { 64 * 1024 }];
            while matches!(stream.read(&mut buffer).await, Ok(1..)) {
                if slow {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        });
    }
    Ok(listening)
}
