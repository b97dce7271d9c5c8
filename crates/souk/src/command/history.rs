//! `souk history PLUGIN`

use souk_app::{
    Context,
    history::{self, Entry},
    plugins::PluginRef,
};
use souk_domain::id::CommandId;
use souk_ports::Random;

use crate::{
    config::{Config, FeedKind},
    failure::Failure,
    interrupt::Interrupt,
    output::say,
    system::SystemRandom,
    wire::Souk,
};

/// Events read at once.
const PAGE: usize = 500;

/// What to print.
pub struct Wanted {
    /// Name or id.
    pub plugin: String,
    /// Only events behind this position.
    pub after: u64,
    /// At most so many.
    pub limit: Option<usize>,
    /// One JSON object a line.
    pub json: bool,
}

/// Prints every event of a plugin, in order, as the operator sees it.
///
/// # Errors
/// There is no such plugin, or the log cannot be read.
pub async fn run(config: &Config, wanted: Wanted) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open(config).await?;
    let printed = print_beside(config, &souk, &interrupt, &wanted).await;
    souk.close().await?;
    printed
}

async fn print_beside(config: &Config, souk: &Souk, interrupt: &Interrupt, wanted: &Wanted) -> Result<(), Failure> {
    if config.events.feed == FeedKind::Kafka {
        // Reading a history is no reason to share out the partitions anew; what is projected is printed.
        return interrupt.or(print(souk, wanted)).await;
    }
    let projecting = souk.project(souk.feed(config, true).await?);
    let printed = interrupt.or(print(souk, wanted)).await;
    projecting.stop().await;
    printed
}

async fn print(souk: &Souk, wanted: &Wanted) -> Result<(), Failure> {
    let viewer = Context::operator(CommandId::new(SystemRandom.uuid()));
    let plugin = PluginRef::from(wanted.plugin.as_str());
    let failed = |error: souk_app::AppError| Failure::new(format!("plugin {}: {error}", wanted.plugin));
    let head = souk.log().head().await.map_err(Failure::new)?;
    let mut after = wanted.after;
    let mut left = wanted.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let page = history::page(souk.app(), &viewer, &plugin, after, PAGE.min(left), head).await.map_err(failed)?;
        for entry in &page.items {
            say(if wanted.json { serde_json::to_string(entry).map_err(Failure::new)? } else { line(entry) });
        }
        left -= page.items.len();
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    Ok(())
}

fn line(entry: &Entry) -> String {
    format!(
        "{:>8}  {}  {:<28}  {:<9}  {}",
        entry.position,
        entry.recorded_at.format("%Y-%m-%d %H:%M:%S%.6f"),
        entry.event_type,
        entry.actor.role,
        entry.data,
    )
}
