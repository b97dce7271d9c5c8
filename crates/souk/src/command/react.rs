//! `souk react`

use std::sync::Arc;

use async_trait::async_trait;
use souk_app::reactions::Status;
use souk_ports::{EventLog, Ledger, Random, store::ReactionStore};

use crate::{
    config::Config,
    failure::Failure,
    process::{Condition, Process},
    system::SystemRandom,
    wire::{Observer, Souk},
};

/// Reacts to events, does what is due, sends mails, calls the webhooks of partners, signs the ledger and forgets what has had its time, and does
/// nothing else, until SIGTERM.
///
/// # Errors
/// No database is named, the address for probes is taken, or the database or the keys cannot be had.
pub async fn run(config: &Config) -> Result<(), Failure> {
    let process = Process::begin("react", config).await?;
    let Some(souk) = process.unless_stopped(Souk::open_apart(config)).await? else { return Ok(()) };
    let reacted = react(config, &process, &souk).await;
    souk.close().await?;
    reacted
}

async fn react(config: &Config, process: &Process, souk: &Souk) -> Result<(), Failure> {
    let Some(feed) = process.unless_stopped(souk.feed(config, false)).await? else { return Ok(()) };
    let sequencing = souk.sequence(config).await?;
    let (reacting, observer) = souk.react(feed, SystemRandom.uuid());
    let (housekeeping, timekeeping, posting) = (souk.keep_house(), souk.keep_time(), souk.post());
    let calling = souk.call_webhooks();
    process
        .run(Arc::new(Reacting {
            log: Arc::clone(souk.log()),
            store: souk.reactions(),
            ledger: Arc::clone(&souk.app().ports().ledger),
            observer,
        }))
        .await;
    calling.stop().await;
    posting.stop().await;
    timekeeping.stop().await;
    housekeeping.stop().await;
    reacting.stop().await;
    sequencing.stop().await;
    Ok(())
}

/// How reacting goes.
struct Reacting {
    log: Arc<dyn EventLog>,
    store: Arc<dyn ReactionStore>,
    ledger: Arc<dyn Ledger>,
    observer: Observer,
}

#[async_trait]
impl Condition for Reacting {
    /// The log and the store of checkpoints answer. Whether this process leads any reaction does not matter: another may.
    async fn ready(&self) -> Result<(), String> {
        self.log.head().await.map_err(|error| error.to_string())?;
        self.store.parked(None).await.map(drop).map_err(|error| error.to_string())
    }

    #[expect(clippy::cast_precision_loss, reason = "positions stay far below 2^52, and a gauge is a float")]
    async fn measure(&self) {
        if let (Ok(status), Ok(head)) = tokio::join!(self.ledger.status(), self.log.head()) {
            souk_api::measure_ledger(&status, head);
        }
        for Status { name, leading, position, waiting, .. } in (self.observer)() {
            let gauge = |what: &'static str| metrics::gauge!(what, "reaction" => name.clone());
            gauge("souk_reaction_leading").set(if leading { 1.0 } else { 0.0 });
            gauge("souk_reaction_position").set(position as f64);
            gauge("souk_reaction_waiting").set(if waiting.is_some() { 1.0 } else { 0.0 });
        }
    }
}
