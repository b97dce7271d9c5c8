//! Configuration: flags, then `SOUK_…` variables, then `souk.toml`, then defaults.

mod artifacts;
mod events;
mod keys;
mod ledger;
mod limits;
mod log;
mod mail;
mod malware;
mod pages;
mod partners;
mod payments;
mod sandbox;

use std::{net::SocketAddr, path::PathBuf};

use figment::{
    Figment, Profile,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use souk_domain::validation::Thresholds;

pub use self::{
    artifacts::Artifacts,
    events::{Events, FeedKind, Kafka, KurrentDb, LogKind},
    keys::PersonKeyPlace,
    ledger::Ledger,
    limits::Limits,
    log::{Log, LogFormat},
    mail::Mail,
    malware::Malware,
    pages::Pages,
    partners::Partners,
    payments::Payments,
    sandbox::Sandbox,
};

/// Everything that can be set. A key `a.b` of `souk.toml` is the variable `SOUK_A__B`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Everything of an embedded Souk lies under this folder.
    pub data_dir: PathBuf,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// Where `/health`, `/ready` and `/metrics` of `souk relay`, `project` and `react` are answered; nowhere when absent.
    pub probe: Option<SocketAddr>,
    /// A PostgreSQL to use instead of the embedded one; `DATABASE_URL` is read as well.
    pub database_url: Option<String>,
    /// Where others find this Souk, e.g. `https://souk.example`; what a request was sent to when absent.
    pub public_url: Option<String>,
    /// `development` or `production`; production refuses known secrets.
    pub environment: Environment,
    /// The key-encryption key, 64 hex digits; without it a random one is kept in the data directory.
    pub kek: Option<String>,
    /// Whether rate limits apply.
    pub rate_limits: Switch,
    /// How much of what one caller may do.
    pub limits: Limits,
    /// From which confidence on a version is approved or escalated.
    pub validation: Thresholds,
    /// A list of advisories on packages to know beside the built-in one.
    pub advisories: Option<PathBuf>,
    /// How old a reservation must be before it can be an orphan, seconds.
    pub orphan_grace_seconds: u64,
    /// How long running requests may take to finish at shutdown, seconds.
    pub shutdown_grace_seconds: u64,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Where events are kept and what brings them to who follows.
    pub events: Events,
    /// Where KurrentDB is.
    pub kurrentdb: KurrentDb,
    /// Where Kafka is.
    pub kafka: Kafka,
    /// Where persons' keys are kept.
    pub keys: PersonKeyPlace,
    /// Where archives and reports are kept.
    pub artifacts: Artifacts,
    /// What plugins may have that run here.
    pub sandbox: Sandbox,
    /// Who is asked for malware.
    pub malware: Malware,
    /// Through what Souk is paid, and how vendors are.
    pub payments: Payments,
    /// How mails are sent.
    pub mail: Mail,
    /// The signed trees over all events.
    pub ledger: Ledger,
    /// How partners are told of public events.
    pub partners: Partners,
    /// Pages that are kept in memory.
    pub pages: Pages,
    /// Whether processes that run long move their code onto huge pages.
    pub huge_text: Switch,
    /// How logs look and what they hold.
    pub log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./.souk"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            probe: None,
            database_url: None,
            public_url: None,
            environment: Environment::Development,
            kek: None,
            rate_limits: Switch::On,
            limits: Limits::default(),
            validation: Thresholds::default(),
            advisories: None,
            orphan_grace_seconds: 30,
            shutdown_grace_seconds: 30,
            trusted_proxies: Vec::new(),
            events: Events::default(),
            kurrentdb: KurrentDb::default(),
            kafka: Kafka::default(),
            keys: PersonKeyPlace::default(),
            artifacts: Artifacts::default(),
            sandbox: Sandbox::default(),
            malware: Malware::default(),
            payments: Payments::default(),
            mail: Mail::default(),
            ledger: Ledger::default(),
            partners: Partners::default(),
            pages: Pages::default(),
            huge_text: Switch::On,
            log: Log::default(),
        }
    }
}

impl Config {
    /// What is wrong with a process that opens what is sealed, one line a key; the others need no key.
    pub fn missing_key(&self) -> Option<&'static str> {
        let own_database = self.environment == Environment::Production && self.database_url.is_some();
        (own_database && self.kek.is_none()).then_some(
            "  kek: missing: in production, with a database of your own, expected SOUK_KEK (64 hex digits), so that the key \
             does not depend on one machine's data directory",
        )
    }

    /// Partitions of the feed. Straight from the log there is one.
    pub const fn partitions(&self) -> u32 {
        match self.events.feed {
            FeedKind::Log => 1,
            FeedKind::Kafka => self.kafka.partitions,
        }
    }
}

/// Where Souk runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// On somebody's own machine.
    Development,
    /// For others.
    Production,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

/// What the command line says over everything else.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Overrides {
    /// `--data-dir`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// `--listen`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// `--probe`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe: Option<SocketAddr>,
    /// `--database-url`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_url: Option<String>,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key has a value that does not fit; one line a key.
    #[error("the configuration is wrong:\n{0}")]
    Wrong(String),
    /// The file was named, but cannot be read.
    #[error("the configuration file {0} does not exist")]
    NoFile(PathBuf),
}

/// Variables with Souk's prefix that are no configuration keys.
const OTHER_VARIABLES: [&str; 5] =
    ["SOUK_CACHE_DIR", "SOUK_POSTGRES_BIN", "SOUK_POSTGRES_INSTALL", "SOUK_TOKEN", "SOUK_URL"];

/// Every key, as in `limits.archive_bytes`.
fn keys() -> Vec<String> {
    fn collect(prefix: &str, value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, value)| {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                collect(&path, value, found);
            }),
            _ => found.push(prefix.to_owned()),
        }
    }
    let mut found = Vec::new();
    collect("", &serde_json::to_value(Config::default()).unwrap_or_default(), &mut found);
    found
}

/// Variables with Souk's prefix that mean nothing to Souk: perhaps misspelled. Those of tests are left out.
pub fn unknown_variables() -> Vec<String> {
    let known: Vec<String> =
        keys().iter().map(|key| format!("SOUK_{}", key.replace('.', "__").to_uppercase())).collect();
    let mut unknown: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with("SOUK_") && !name.starts_with("SOUK_TEST_"))
        .filter(|name| !name.starts_with(events::PROPERTIES))
        .filter(|name| !known.contains(name) && !OTHER_VARIABLES.contains(&name.as_str()))
        .collect();
    unknown.sort();
    unknown
}

/// Reads the configuration.
///
/// # Errors
/// See [`ConfigError`]; every problem names the key, the value and what was expected.
pub fn load(file: Option<PathBuf>, overrides: &Overrides) -> Result<Config, ConfigError> {
    let path = match file {
        Some(path) if !path.is_file() => return Err(ConfigError::NoFile(path)),
        Some(path) => path,
        None => PathBuf::from("souk.toml"),
    };
    let known: Vec<String> = keys().into_iter().filter(|key| !artifacts::is_text(key)).collect();
    let figment = Figment::from(Serialized::defaults(Config::default()))
        .merge(Toml::file(path))
        .merge(Env::raw().only(&["DATABASE_URL"]))
        .merge(Env::prefixed("SOUK_").split("__").filter(move |key| known.iter().any(|known| key == known.as_str())))
        .merge(Serialized::default("artifacts.s3", artifacts::texts()))
        .merge(Serialized::default("kafka.properties", events::properties()))
        .merge(Serialized::from(overrides, Profile::Default));
    let config: Config = figment.extract().map_err(|errors| ConfigError::Wrong(describe(&figment, &errors)))?;
    check(&config)?;
    Ok(config)
}

fn describe(figment: &Figment, errors: &figment::Error) -> String {
    let lines: Vec<String> = errors
        .clone()
        .into_iter()
        .map(|error| {
            let key = if error.path.is_empty() { "(top level)".to_owned() } else { error.path.join(".") };
            let source = error.metadata.as_ref().map_or_else(String::new, |m| format!(" (from {})", m.name));
            let hidden =
                [artifacts::is_secret(&key), payments::is_secret(&key), mail::is_secret(&key), ledger::is_secret(&key)]
                    .contains(&true);
            if key == "kek" || key == "keys.database_url" || hidden {
                return format!("  {key}: a secret that is not shown here: expected a text{source}");
            }
            let value = value_at(figment, &error.path);
            match (&error.kind, value) {
                // What a type says of its own texts names neither the text nor what it should be.
                (Kind::Message(problem), Some(value)) => {
                    format!("  {key}: {value}: {problem}, expected {}{source}", expected(&key))
                }
                (kind, _) => format!("  {key}: {kind}{source}"),
            }
        })
        .collect();
    lines.join("\n")
}

/// What was given, also inside a list.
fn value_at(figment: &Figment, path: &[String]) -> Option<serde_json::Value> {
    let (key, rest) = path.split_first()?;
    let value = serde_json::to_value(figment.find_value(key).ok()?).ok()?;
    let pointer: String = rest.iter().flat_map(|part| ["/", part]).collect();
    value.pointer(&pointer).cloned()
}

/// What a key takes whose type checks its own text.
fn expected(key: &str) -> &'static str {
    match key {
        "listen" | "probe" => "an address and a port, such as 127.0.0.1:8080",
        _ if key.starts_with("trusted_proxies") => "a list of addresses, such as [\"10.0.0.1\"]",
        _ => "another value",
    }
}

/// Rules that a type alone does not say.
fn check(config: &Config) -> Result<(), ConfigError> {
    let mut problems = Vec::new();
    let Thresholds { approve, escalate } = config.validation;
    if approve > 100 || escalate > approve {
        problems.push(format!(
            "  validation: approve = {approve}, escalate = {escalate}: expected 0 <= escalate <= approve <= 100"
        ));
    }
    if let Some(kek) = &config.kek {
        let bytes_equal = kek.as_bytes().windows(2).all(|pair| pair[0] == pair[1]);
        if kek.len() != 64 || !kek.bytes().all(|b| b.is_ascii_hexdigit()) {
            problems.push("  kek: a secret that is not shown here: expected 64 hex digits (32 bytes)".to_owned());
        } else if config.environment == Environment::Production && bytes_equal {
            problems.push("  kek: a secret that is not random: production refuses it".to_owned());
        }
    }
    if let Some(url) = &config.database_url
        && !(url.starts_with("postgres://") || url.starts_with("postgresql://"))
    {
        problems.push("  database_url: expected an address that begins with postgres://".to_owned());
    }
    problems.extend(config.limits.problems());
    problems.extend(config.artifacts.problems(config.environment));
    if let Some(url) = &config.public_url
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        problems.push(format!("  public_url: {url:?}: expected an address that begins with https://"));
    }
    problems.extend(config.sandbox.problems());
    problems.extend(config.malware.problems());
    problems.extend(config.keys.problems());
    problems.extend(config.payments.problems());
    problems.extend(config.mail.problems(config.public_url.as_deref()));
    problems.extend(config.ledger.problems());
    problems.extend(config.partners.problems(config.environment));
    problems.extend(events::problems(config));
    if let Err(error) = config.log.filter.parse::<tracing_subscriber::EnvFilter>() {
        problems.push(format!("  log.filter: {:?}: {error}", config.log.filter));
    }
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Wrong(problems.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("souk.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(path), &Overrides::default())
    }

    #[test]
    fn a_file_sets_keys_and_leaves_defaults() {
        let config = with_file("listen = \"127.0.0.1:9000\"\n[validation]\napprove = 95\nescalate = 60\n").unwrap();
        assert_eq!(config.listen.port(), 9000);
        assert_eq!(config.validation, Thresholds { approve: 95, escalate: 60 });
        assert_eq!(config.limits.validations_per_minute, 50);
    }

    #[test]
    fn flags_win() {
        let overrides = Overrides { listen: Some(([127, 0, 0, 1], 7).into()), ..Overrides::default() };
        assert_eq!(load(None, &overrides).unwrap().listen.port(), 7);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key() {
        let error = with_file("listen = \"nowhere\"").unwrap_err().to_string();
        assert!(error.contains("listen: \"nowhere\": ") && error.contains("127.0.0.1:8080"), "{error}");
        let error = with_file("trusted_proxies = [\"10.0.0.1\", \"x\"]").unwrap_err().to_string();
        assert!(error.contains("trusted_proxies.1: \"x\": "), "{error}");
        let error = with_file("[limits]\narchive_bytes = \"much\"").unwrap_err().to_string();
        assert!(error.contains("limits.archive_bytes"), "{error}");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let error = with_file("lisen = \"127.0.0.1:1\"").unwrap_err().to_string();
        assert!(error.contains("lisen"), "{error}");
    }

    #[test]
    fn production_refuses_a_key_that_is_not_random_or_missing() {
        let text = format!("environment = \"production\"\nkek = \"{}\"", "0".repeat(64));
        assert!(with_file(&text).unwrap_err().to_string().contains("not random"));
        let text = "environment = \"production\"\ndatabase_url = \"postgres://x\"";
        assert!(with_file(text).unwrap().missing_key().is_some_and(|problem| problem.contains("SOUK_KEK")));
        let text = format!("{text}\nkek = \"{}\"", "01".repeat(32));
        assert_eq!(with_file(&text).unwrap().missing_key(), None);
    }

    #[test]
    fn what_the_log_and_the_feed_need_is_named_when_it_is_missing() {
        let error = with_file("[events]\nlog = \"kurrentdb\"\nfeed = \"kafka\"").unwrap_err().to_string();
        assert!(error.contains("kurrentdb.url: missing") && error.contains("kafka.brokers: missing"), "{error}");
        let error = with_file("[events]\nlog = \"kurrent\"").unwrap_err().to_string();
        assert!(error.contains("events.log") && error.contains("kurrentdb"), "{error}");
        let error = with_file("[kurrentdb]\nurl = \"http://u:secret@host\"").unwrap_err().to_string();
        assert!(error.contains("kurrentdb.url: http://…: expected") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn the_address_of_clamd_is_checked() {
        let with = |clamd: &str| with_file(&format!("[malware]\nclamd = \"{clamd}\""));
        assert!(with("tcp://127.0.0.1:3310").is_ok() && with("unix:/run/clamav/clamd.ctl").is_ok());
        let error = with("127.0.0.1:3310").unwrap_err().to_string();
        assert!(error.contains("malware.clamd: \"127.0.0.1:3310\": expected tcp://HOST:PORT or unix:/PATH"), "{error}");
    }

    #[test]
    fn kafka_is_configured_with_what_is_not_souks_own() {
        let text = "[events]\nfeed = \"kafka\"\n[kafka]\nbrokers = \"a:9092,b:9092\"\npartitions = 12\n\
                    [kafka.properties]\n\"security.protocol\" = \"SASL_SSL\"\n";
        let config = with_file(text).unwrap();
        assert_eq!((config.kafka.partitions, config.kafka.topic.as_str()), (12, "souk.events"));
        assert_eq!(config.kafka.properties["security.protocol"], "SASL_SSL");
        let error = with_file(&format!("{text}\"group.id\" = \"mine\"\n")).unwrap_err().to_string();
        assert!(error.contains("kafka.properties.group.id"), "{error}");
        let error = with_file(&text.replace("12", "0")).unwrap_err().to_string();
        assert!(error.contains("kafka.partitions: 0: expected 1 to 1000"), "{error}");
    }

    #[test]
    fn production_refuses_the_password_that_kurrentdb_begins_with() {
        let text = "environment = \"production\"\n[kurrentdb]\nurl = \"kurrentdb://admin:changeit@host:2113\"";
        let error = with_file(text).unwrap_err().to_string();
        assert!(error.contains("kurrentdb.url") && !error.contains("changeit"), "{error}");
        assert!(with_file(&text.replace("changeit", "another")).is_ok());
    }

    #[test]
    fn what_is_deployed_sets_keys_that_there_are() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let mut files = vec![root.join("docker-compose.yml")];
        let manifests = std::fs::read_dir(root.join("deploy/kubernetes")).unwrap();
        files.extend(manifests.map(|entry| entry.unwrap().path()));
        let known: Vec<String> =
            keys().iter().map(|key| format!("SOUK_{}", key.replace('.', "__").to_uppercase())).collect();
        let mut seen = 0;
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            // Which port Compose publishes is Compose's own variable; `SOUK_A__B` explains how names are made.
            for name in words.filter(|word| word.starts_with("SOUK_") && !["SOUK_PUBLISH", "SOUK_A__B"].contains(word))
            {
                let right = known.iter().any(|known| known == name) || name.starts_with(events::PROPERTIES);
                assert!(right, "{}: {name} is no key of the configuration", file.display());
                seen += 1;
            }
        }
        assert!(seen > 20, "only {seen} variables were found");
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        assert!(matches!(load(Some("nowhere.toml".into()), &Overrides::default()), Err(ConfigError::NoFile(_))));
    }
}
