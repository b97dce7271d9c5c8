//! `souk doctor`

mod relay;

use serde::Serialize;
use souk_app::reactions::contradiction;
use souk_ports::{ArtifactError, notice::MailState};
use souk_projector::{ProjectionStatus, State};

use self::relay::Relay;
use crate::{
    config::{Config, FeedKind, LogKind},
    failure::Failure,
    interrupt::Interrupt,
    output::say,
    wire::Souk,
};

/// What was examined.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Souk's version.
    version: &'static str,
    /// Address of the database, with its password: for who may read the data directory anyway.
    database_url: String,
    /// PostgreSQL's version.
    postgres: String,
    /// Position of the log's last event.
    head: u64,
    /// What copies the log to Kafka; none where the feed is the log, or while Kafka does not tell.
    relay: Option<Relay>,
    /// Each read model.
    projections: Vec<Projection>,
    /// Each reaction.
    reactions: Vec<Reaction>,
    /// The signed trees over all events.
    ledger: Ledger,
    /// Who is asked for malware; none where nobody is configured.
    malware: Option<Scanner>,
    /// Where archives and reports are kept.
    artifacts: Artifacts,
    /// The mail server; none where nobody is configured.
    mail: Option<MailServer>,
    /// Events that reactions parked.
    parked: usize,
    /// What is right only if it is wanted so, and what follows from it.
    warnings: Vec<String>,
    /// What is wrong, and what to do.
    problems: Vec<String>,
}

/// A read model.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Projection {
    name: String,
    generation: i64,
    position: u64,
    lag: u64,
    state: State,
}

/// A reaction; with `/` and the partition behind its name where the feed has several.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reaction {
    name: String,
    position: u64,
    lag: u64,
}

/// The signed trees over all events.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Ledger {
    size: u64,
    position: u64,
    lag: u64,
    signed_size: u64,
    signed_at: Option<chrono::DateTime<chrono::Utc>>,
    verifier_key: Option<String>,
}

/// A scanner of malware.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Scanner {
    address: Option<String>,
    /// Itself and what it knows, in its own words; none when it does not answer.
    version: Option<String>,
}

/// The store of artifacts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifacts {
    /// The bucket and where it is; none for the data directory.
    bucket: Option<String>,
    /// Whether it answers.
    answers: bool,
}

/// The mail server.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MailServer {
    url: Option<String>,
    /// Whether it answers and lets us in.
    answers: bool,
    /// Whether mails were given up that nobody let wait again.
    failed: bool,
}

/// Examines the database, the log, the artifacts, the read models and the reactions.
///
/// # Errors
/// Something is wrong; the report says what.
pub async fn run(config: &Config, json: bool) -> Result<(), Failure> {
    let interrupt = Interrupt::listen()?;
    let souk = Souk::open_apart(config).await?;
    let examined = interrupt.or(examine(config, &souk)).await;
    souk.close().await?;
    let report = examined?;
    if json {
        say(serde_json::to_string_pretty(&report).map_err(Failure::new)?);
    } else {
        print(&report);
    }
    if report.problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("{} problems were found", report.problems.len())))
    }
}

async fn examine(config: &Config, souk: &Souk) -> Result<Report, Failure> {
    let (postgres, fsync, temporary): (String, String, bool) = sqlx::query_as(
        "SELECT current_setting('server_version'), current_setting('fsync'), \
         has_database_privilege(current_database(), 'TEMPORARY')",
    )
    .fetch_one(souk.models().pool())
    .await
    .map_err(Failure::new)?;
    let head = souk.log().head().await.map_err(Failure::new)?;
    let parked = souk.reactions().parked(None).await.map_err(Failure::new)?;
    let mut problems = Vec::new();
    if fsync != "on" {
        problems.push("PostgreSQL runs with fsync off: what is acknowledged can be lost; turn it on".to_owned());
    }
    if config.events.log == LogKind::Postgres {
        problems.extend(gaps(souk).await?);
    }
    let relay = match config.events.feed {
        FeedKind::Kafka => relay::examine(config, souk, &mut problems).await,
        FeedKind::Log => None,
    };
    let slow = (!temporary).then(|| {
        "the role that Souk connects as has no TEMPORARY on the database: read models are written one by one, which takes longer. GRANT it"
            .to_owned()
    });
    let warnings = keys(souk).await?.into_iter().chain(slow).collect();
    let projections = souk.models().statuses().await.map_err(Failure::new)?;
    problems.extend(projections.iter().flat_map(read_model));
    let reactions = reactions(souk, head, &mut problems).await?;
    let ledger = ledger(souk, head, &mut problems).await?;
    let malware = scanner(config, souk, &mut problems).await;
    let artifacts = artifacts(config, souk, &mut problems).await;
    let mail = mail(config, souk, &mut problems).await?;
    for one in &parked {
        problems.push(format!(
            "reaction {} parked the event at {}: {}; retry or drop it by POST /api/v1/admin/reactions/{}/{}/retry",
            one.reaction,
            one.position,
            one.reason,
            one.reaction.replace('/', "%2F"),
            one.position
        ));
    }
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        database_url: souk.database_url().to_owned(),
        postgres,
        head,
        relay,
        projections: projections.into_iter().map(Projection::of).collect(),
        reactions,
        ledger,
        malware,
        artifacts,
        mail,
        parked: parked.len(),
        warnings,
        problems,
    })
}

impl Projection {
    fn of(status: ProjectionStatus) -> Self {
        let ProjectionStatus { name, generation, position, lag, state, .. } = status;
        Self { name, generation: i64::from(generation), position, lag, state }
    }
}

/// What is wrong with a read model.
fn read_model(status: &ProjectionStatus) -> Vec<String> {
    let ProjectionStatus { name, position, head, state, trouble, .. } = status;
    let mut problems = Vec::new();
    match (trouble, state) {
        (Some(trouble), _) => problems.push(format!("read model {name} is stopped: {trouble}")),
        (None, State::Stopped) => problems.push(format!(
            "read model {name} is stopped by an event; see GET /api/v1/admin/projections, then retry or skip it"
        )),
        (None, State::Live | State::Rebuilding | State::Outdated) => {}
    }
    if *state == State::Outdated {
        problems.push(format!("read model {name} was written by another version of Souk: run `souk rebuild {name}`"));
    }
    if position > head {
        problems.push(format!(
            "read model {name} is at {position}, but the log ends at {head}: an older log was restored; restore one that goes with \
             this database, or this database from before, and run `souk rebuild --all`"
        ));
    }
    problems
}

/// Whether the scanner of malware answers, and how recent it is.
async fn scanner(config: &Config, souk: &Souk, problems: &mut Vec<String>) -> Option<Scanner> {
    let scanner = souk.app().ports().malware.as_ref()?;
    let version = scanner.version().await;
    if let Err(error) = &version {
        problems.push(format!("{error}: nothing that is handed in is validated until it does; see malware.clamd"));
    }
    Some(Scanner { address: config.malware.clamd.clone(), version: version.ok() })
}

/// Whether the store of artifacts answers: about one that nobody has, because nothing need be there.
async fn artifacts(config: &Config, souk: &Souk, problems: &mut Vec<String>) -> Artifacts {
    let asked = souk.app().ports().artifacts.size(&"0".repeat(64)).await;
    let answers = matches!(asked, Ok(_) | Err(ArtifactError::NotFound(_)));
    if let (false, Err(error)) = (answers, &asked) {
        problems.push(format!("{error}: nothing can be handed in, validated or run until it does; see artifacts"));
    }
    let bucket = config.artifacts.bucket().map(|bucket| match bucket.endpoint {
        Some(endpoint) => format!("{} at {endpoint}", bucket.bucket),
        None => format!("{} in {}", bucket.bucket, bucket.region),
    });
    Artifacts { bucket, answers }
}

/// Whether the mail server answers, and whether mails were given up.
async fn mail(config: &Config, souk: &Souk, problems: &mut Vec<String>) -> Result<Option<MailServer>, Failure> {
    let ports = souk.app().ports();
    let Some(post) = &ports.post else { return Ok(None) };
    let asked = post.mailer.check().await;
    if let Err(error) = &asked {
        problems.push(format!("{error}: mails wait, and are given up after three days; see mail.url"));
    }
    let failed = ports.outbox.mails(Some(MailState::Failed), None, 1).await.map_err(Failure::new)?;
    if let Some(mail) = failed.first() {
        let why = mail.problem.as_deref().unwrap_or("no reason is known");
        problems.push(format!(
            "mails were given up, the last one, {}, because of: {why}; see GET /api/v1/admin/mail?state=failed",
            mail.id
        ));
    }
    Ok(Some(MailServer { url: config.mail.url.clone(), answers: asked.is_ok(), failed: !failed.is_empty() }))
}

/// How far the ledger is, and why it does not go on.
async fn ledger(souk: &Souk, head: u64, problems: &mut Vec<String>) -> Result<Ledger, Failure> {
    let status = souk.app().ports().ledger.status().await.map_err(Failure::new)?;
    if let Some(trouble) = &status.trouble {
        problems.push(format!("the ledger is not signed any more: {trouble}"));
    }
    Ok(Ledger {
        size: status.size,
        position: status.position,
        lag: head.saturating_sub(status.position),
        signed_size: status.signed_size,
        signed_at: status.signed_at,
        verifier_key: status.verifier_key,
    })
}

/// Where each reaction is, and what is wrong with it.
async fn reactions(souk: &Souk, head: u64, problems: &mut Vec<String>) -> Result<Vec<Reaction>, Failure> {
    let mut reactions = Vec::new();
    for (name, progress) in souk.reactions().checkpoints().await.map_err(Failure::new)? {
        if let Some(why) = contradiction(souk.log().as_ref(), progress).await.map_err(Failure::new)? {
            problems.push(format!(
                "reaction {name} does not go on: {why}; restore the log that goes with this database, or run \
                 `souk admin rewind {name} POSITION` with the last position that both have (0 for all of the log)"
            ));
        }
        reactions.push(Reaction { name, position: progress.position, lag: head.saturating_sub(progress.position) });
    }
    Ok(reactions)
}

/// What follows from where persons' keys are.
async fn keys(souk: &Souk) -> Result<Option<String>, Failure> {
    Ok(souk.keeps_keys_in_the_database().await?.then(|| {
        "persons' keys lie in the database of everything else: each of its backups brings back, with the key-encryption key, whom \
         it still knows, also those who were erased since. Set keys.database_url or keys.directory, or keep its backups no longer \
         than an erasure may take (docs/ERASURE.md)"
            .to_owned()
    }))
}

/// What is missing in a log on PostgreSQL, whose positions leave no gap.
async fn gaps(souk: &Souk) -> Result<Option<String>, Failure> {
    let (events, last): (i64, i64) = sqlx::query_as("SELECT count(*), coalesce(max(position), 0) FROM souk_log.event")
        .fetch_one(souk.models().pool())
        .await
        .map_err(Failure::new)?;
    Ok((events != last)
        .then(|| format!("the log has {events} events but its last position is {last}: restore it from a backup")))
}

fn print(report: &Report) {
    say(format!("Souk {}, PostgreSQL {}", report.version, report.postgres));
    say(format!("The log's last event is at {}.", report.head));
    report.relay.iter().for_each(Relay::print);
    for one in &report.projections {
        say(format!(
            "Read model {:<17} generation {:>3}, at {:>8}, {:>6} behind, {:?}",
            one.name, one.generation, one.position, one.lag, one.state
        ));
    }
    for one in &report.reactions {
        say(format!("Reaction {:<33} at {:>8}, {:>6} behind", one.name, one.position, one.lag));
    }
    let Ledger { size, lag, signed_size, .. } = report.ledger;
    say(format!("Ledger                                     at {size:>8}, {lag:>6} behind, {signed_size} signed"));
    match &report.malware {
        None => say("Nobody is asked for malware: malware.clamd is not set."),
        Some(Scanner { version: Some(version), .. }) => say(format!("Malware is looked for by {version}.")),
        Some(Scanner { version: None, .. }) => say("The scanner of malware does not answer."),
    }
    match &report.artifacts {
        Artifacts { answers: false, .. } => say("The store of artifacts does not answer."),
        Artifacts { bucket: Some(bucket), .. } => say(format!("Artifacts are in the bucket {bucket}.")),
        Artifacts { bucket: None, .. } => say("Artifacts are in the data directory."),
    }
    match &report.mail {
        None => say("No mail is sent: mail.url is not set."),
        Some(MailServer { answers: true, .. }) => say("The mail server answers."),
        Some(MailServer { answers: false, .. }) => say("The mail server does not answer."),
    }
    say(format!("Reactions have parked {} events.", report.parked));
    for warning in &report.warnings {
        say(format!("WARNING: {warning}"));
    }
    for problem in &report.problems {
        say(format!("PROBLEM: {problem}"));
    }
    if report.problems.is_empty() {
        say("Nothing is wrong.");
    }
}
