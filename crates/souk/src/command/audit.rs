//! `souk audit PLUGIN`, `souk audit verify FILE`

mod page;
mod promise;

use std::path::Path;

use serde_json::{Value, json};
use souk_app::{
    Context,
    audit::{self, Audit},
    history::{self, Entry},
    plugins::PluginRef,
};
use souk_domain::id::CommandId;
use souk_ledger::{
    VerifierKey,
    verify::{Problem, Verified, left_out, verify, write},
};
use souk_ports::Random;

use self::promise::Promise;
use crate::{
    cli::{AuditCommand, AuditOptions},
    config::{Config, FeedKind},
    failure::Failure,
    interrupt::Interrupt,
    output::say,
    system::SystemRandom,
    wire::Souk,
};

/// Events read at once.
const PAGE: usize = 500;
/// Leaves in one bundle.
const BUNDLE: u64 = 256;
/// What something is that was changed.
const CHANGED: u8 = 3;

/// Proves the history of a plugin, or checks what was proven elsewhere.
///
/// # Errors
/// It cannot be found out, or something was changed (exit code 3).
pub async fn run(config: &Config, options: AuditOptions, json: bool) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    match options.command {
        Some(AuditCommand::Verify { file, key, tiles }) => {
            interrupt.or(check(&file, &key, tiles.as_deref(), json)).await
        }
        None => {
            let souk = Souk::open(config).await?;
            let audited = audit_beside(config, &souk, &interrupt, &options, json).await;
            souk.close().await?;
            audited
        }
    }
}

async fn check(file: &Path, key: &str, tiles: Option<&str>, json: bool) -> Result<(), Failure> {
    let key = VerifierKey::parse(key).map_err(Failure::new)?;
    let text = std::fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    let text = String::from_utf8(text).map_err(|error| {
        let before = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        refused(&verify(&before, &key).err().unwrap_or_else(not_text), json)
    })?;
    let verified = verify(&text, &key).map_err(|problem| refused(&problem, json))?;
    let complete = match tiles {
        None => false,
        Some(url) => {
            let leaves = leaves(url, verified.tree_size).await?;
            let missing = left_out(&verified, &leaves).map_err(|problem| refused(&problem, json))?;
            if let Some(leaf) = missing.first() {
                let problem = format!(
                    "{} events were left out: the first is the {} at position {} (id {}, version {} of {})",
                    missing.len(),
                    leaf.event_type,
                    leaf.position,
                    leaf.id,
                    leaf.version,
                    leaf.stream
                );
                return Err(refused(&Problem { event: None, problem }, json));
            }
            true
        }
    };
    tell(&verified, &Promise { complete, not_yet: None }, json)
}

fn not_text() -> Problem {
    Problem { event: None, problem: "it is no text".to_owned() }
}

fn refused(problem: &Problem, json: bool) -> Failure {
    if json {
        say(json!({ "verdict": "refused", "problem": problem }).to_string());
    }
    Failure::new(format!("REFUSED: {problem}")).with_code(CHANGED)
}

/// All leaves of the tree, as bundles of them are served.
async fn leaves(url: &str, size: u64) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("the tiles of {url}: {error}"));
    let client = reqwest::Client::new();
    let mut leaves = Vec::new();
    for number in 0..size.div_ceil(BUNDLE) {
        let width = (size - number * BUNDLE).min(BUNDLE);
        let address = format!("{}/ledger/tile/entries/{}", url.trim_end_matches('/'), name(number, width));
        let answer = client.get(&address).send().await.and_then(reqwest::Response::error_for_status);
        let bundle = match answer {
            Ok(answer) => answer.bytes().await.map_err(|error| failed(&error))?,
            Err(error) => return Err(failed(&error)),
        };
        let mut rest = &bundle[..];
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (entry, behind) = behind
                .split_at_checked(usize::from(u16::from_be_bytes(*length)))
                .ok_or_else(|| failed(&"a bundle ends in the middle of an entry"))?;
            leaves.push(entry.to_vec());
            rest = behind;
        }
    }
    Ok(leaves)
}

/// How C2SP writes the number of a tile.
fn name(number: u64, width: u64) -> String {
    let (mut name, mut rest) = (format!("{:03}", number % 1000), number / 1000);
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    if width == BUNDLE { name } else { format!("{name}.p/{width}") }
}

async fn audit_beside(
    config: &Config,
    souk: &Souk,
    interrupt: &Interrupt,
    options: &AuditOptions,
    json: bool,
) -> Result<(), Failure> {
    if config.events.feed == FeedKind::Kafka {
        // Looking at a history is no reason to share out the partitions anew; what is projected is audited.
        return interrupt.or(prove(souk, options, json)).await;
    }
    let projecting = souk.project(souk.feed(config, true).await?);
    let audited = interrupt.or(prove(souk, options, json)).await;
    projecting.stop().await;
    audited
}

async fn prove(souk: &Souk, options: &AuditOptions, json: bool) -> Result<(), Failure> {
    let name = options.plugin.clone().unwrap_or_default();
    let failed = |error: souk_app::AppError| Failure::new(format!("plugin {name}: {error}"));
    let operator = Context::operator(CommandId::new(SystemRandom.uuid()));
    let plugin = PluginRef::from(name.as_str());
    let head = souk.log().head().await.map_err(Failure::new)?;
    let Audit { bundle, not_yet } =
        audit::audit(souk.app(), &operator, &plugin, head, usize::MAX).await.map_err(failed)?;
    let text = write(&bundle).map_err(Failure::new)?;
    if let Some(file) = &options.export {
        // Also one in which something does not hold: whoever gets it finds that out.
        save(file, &format!("{text}\n"))?;
    }
    let key = VerifierKey::parse(&bundle.verifier_key).map_err(Failure::new)?;
    let verified = verify(&text, &key);
    if let Some(file) = &options.report {
        let entries = match &verified {
            Ok(_) => entries(souk, &operator, &plugin, head).await.map_err(failed)?,
            Err(_) => Vec::new(),
        };
        save(file, &page::page(&name, &bundle, &entries, &verified, not_yet))?;
    }
    let verified = verified.map_err(|problem| refused(&problem, json))?;
    tell(&verified, &Promise { complete: false, not_yet: Some(not_yet) }, json)
}

fn save(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

async fn entries(
    souk: &Souk,
    operator: &Context,
    plugin: &PluginRef,
    head: u64,
) -> Result<Vec<Entry>, souk_app::AppError> {
    let (mut entries, mut after) = (Vec::new(), 0);
    loop {
        let page = history::page(souk.app(), operator, plugin, after, PAGE, head).await?;
        entries.extend(page.items);
        match page.next {
            Some(next) => after = next,
            None => return Ok(entries),
        }
    }
}

fn tell(verified: &Verified, promise: &Promise, json: bool) -> Result<(), Failure> {
    let (proven, not_proven) = (promise.proven(verified), promise.not_proven());
    if json {
        let mut value = serde_json::to_value(verified).map_err(Failure::new)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("verdict".to_owned(), json!("good"));
            fields.insert("proven".to_owned(), json!(proven));
            fields.insert("notProven".to_owned(), json!(not_proven));
        }
        say(value.to_string());
        return Ok(());
    }
    say(format!(
        "GOOD: {} events of the plugin {} are in the tree of {} leaves that {} signed.",
        verified.events, verified.plugin, verified.tree_size, verified.origin
    ));
    say("Proven:");
    proven.iter().for_each(|line| say(format!("  - {line}")));
    say("Not proven:");
    not_proven.iter().for_each(|line| say(format!("  - {line}")));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_are_named_as_they_are_served() {
        assert_eq!(name(0, 256), "000");
        assert_eq!(name(5, 17), "005.p/17");
        assert_eq!(name(1_234_067, 256), "x001/x234/067");
        assert_eq!(name(1_000, 1), "x001/000.p/1");
    }
}
