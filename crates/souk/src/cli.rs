//! The command line.

mod author;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use souk_domain::{listing::Kind, user::Role};

pub use self::author::{
    Author, Checks, DiffOptions, Language, NewOptions, PackOptions, PublishOptions, ValidateOptions,
};

/// An event-sourced marketplace for agent plugins and automation assets.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    /// What every subcommand takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every subcommand takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Folder of an embedded Souk [default: ./.souk]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// A PostgreSQL to use instead of the embedded one
    #[arg(long, global = true, value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Configuration file [default: souk.toml, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve HTTP, project events and react to them, until SIGTERM
    Serve {
        /// Where to listen [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Serve HTTP only, beside other processes on one database, until SIGTERM
    Api {
        /// Where to listen [default: 127.0.0.1:8080]
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Copy events from the log to Kafka, beside other processes, until SIGTERM; of several one works and the others stand by
    Relay(Probed),
    /// Keep read models up to date only, beside other processes on one database, until SIGTERM
    Project(Probed),
    /// React to events and sign the ledger only, beside other processes on one database, until SIGTERM
    React(Probed),
    /// Bring the database's tables up to date
    Migrate,
    /// Build read models anew from the log, compare them with the live ones and switch over
    ///
    /// Without --verify differences are reported and the new read models go live: that is how a damaged one is repaired.
    #[command(
        after_help = "Exit codes: 0 switched over; 1 failed; 3 differences were found and --verify kept the live ones."
    )]
    Rebuild {
        /// Which read models
        #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
        names: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Switch over only if every column of every row equals the live one
        #[arg(long)]
        verify: bool,
    },
    /// Print every event of a plugin, in order
    History {
        /// Name or id
        plugin: String,
        /// Only events behind this position
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many events
        #[arg(long)]
        limit: Option<usize>,
    },
    /// Prove the history of a plugin: hold every event against the signed ledger, and write it down for others to check
    Audit(AuditOptions),
    /// Import a catalogue: its authors become vendors, its entries plugins with versions
    Import {
        /// Of which sort the catalogue is
        source: ImportSource,
        /// The catalogue's folder; `builtin` has none
        #[arg(required_if_eq_any = [("source", "claude"), ("source", "n8n"), ("source", "mcp"), ("source", "mcp-registry")])]
        path: Option<PathBuf>,
        /// Who owns the vendors that are made [default: a house account]
        #[arg(long, value_name = "EMAIL")]
        owner: Option<String>,
        /// Import nothing: validate what would be handed in, without a Souk, with the output and the exit codes of `souk validate`
        #[arg(long, conflicts_with = "owner")]
        check: bool,
    },
    /// For those who make plugins
    #[command(flatten)]
    Author(Author),
    /// What needs no Souk
    #[command(flatten)]
    Offline(Offline),
    /// Look at the ledger: the signed trees over all events
    Ledger {
        /// What to do
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// Manage accounts and reactions from the server's command line
    Admin {
        /// What to do
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Look at the configuration
    Config {
        /// What to do
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Examine the machine, the database and the log, and say what is wrong
    Doctor,
    /// Measure the budgets against floors taken in the same run
    Bench(BenchOptions),
}

/// A process without an HTTP interface of its own.
#[derive(Clone, Copy, Debug, Args)]
pub struct Probed {
    /// Where to answer /health, /ready and /metrics [default: nowhere]
    #[arg(long, value_name = "ADDR")]
    pub probe: Option<SocketAddr>,
}

impl Command {
    /// Whether it stays until SIGTERM.
    pub const fn stays(&self) -> bool {
        matches!(self, Self::Serve { .. } | Self::Api { .. } | Self::Relay(_) | Self::Project(_) | Self::React(_))
    }

    /// `--listen`
    pub const fn listen(&self) -> Option<SocketAddr> {
        match self {
            Self::Serve { listen } | Self::Api { listen } => *listen,
            _ => None,
        }
    }

    /// `--probe`
    pub const fn probe(&self) -> Option<SocketAddr> {
        match self {
            Self::Relay(probed) | Self::Project(probed) | Self::React(probed) => probed.probe,
            _ => None,
        }
    }
}

/// How to measure.
#[derive(Clone, Debug, Args, serde::Serialize)]
pub struct BenchOptions {
    /// Seconds each repetition of a measurement takes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub repetitions: u8,
    /// Plugins of the catalogue that is measured; the budgets speak of 100000
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2_000..=10_000_000))]
    pub plugins: u32,
    /// Events of its log; the budgets speak of 1000000
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub events: u32,
    /// Measure only this; may be given several times
    #[arg(long, value_name = "WHAT")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Measurement>,
    /// Also write the report, in JSON, into this file
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub report: Option<PathBuf>,
    /// Serve what is compared with, as the measurement itself starts it
    #[arg(long, hide = true)]
    #[serde(skip)]
    pub floor_server: bool,
}

impl BenchOptions {
    /// Whether to measure it.
    pub fn wants(&self, measurement: Measurement) -> bool {
        self.only.is_empty() || self.only.contains(&measurement)
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    /// The first start on an empty directory
    Start,
    /// Appends through the log's port
    Appends,
    /// Rebuilding all read models
    Rebuild,
    /// Plugin pages
    Pages,
    /// Searches
    Search,
    /// From append to queryable
    Lag,
    /// The same through Kafka, by a process of each kind
    KafkaLag,
    /// Rebuilding all read models while pages and searches are asked for and plugins installed
    LiveRebuild,
    /// Running a plugin, and validating versions
    Executions,
    /// Install commands
    Installs,
    /// The same while partners follow public events
    Stream,
    /// Appends behind many events, rebuilds from many, and pages of many plugins, against fewer
    Growth,
}

/// Of which sort a catalogue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ImportSource {
    /// A Claude Code marketplace
    Claude,
    /// A folder of n8n workflows
    N8n,
    /// Docker's catalogue of MCP servers
    Mcp,
    /// Lists of servers of an MCP registry
    McpRegistry,
    /// The plugins that Souk brings along: research and creator
    Builtin,
}

/// What is asked of a license file.
#[derive(Debug, Subcommand)]
pub enum LicenseCommand {
    /// Check a license file, without asking anybody
    #[command(
        after_help = "Exit codes: 0 it is good; 1 it could not be checked; 3 it is not good, or not as Souk signed it.\n\n\
                      When a file is good, the time is noted beside it (FILE.seen): a clock that is set back afterwards is noticed."
    )]
    Verify {
        /// The file
        file: PathBuf,
        /// Answer of GET /keys, from a time when you trusted it [default: souk-keys.json beside the file]
        #[arg(long, value_name = "KEYS")]
        keys: Option<PathBuf>,
        /// This machine, as it was named when it was activated
        #[arg(long)]
        fingerprint: Option<String>,
        /// Where the time of the last check is noted [default: FILE.seen]
        #[arg(long, value_name = "FILE")]
        seen: Option<PathBuf>,
    },
}

/// What needs no Souk.
#[derive(Debug, Subcommand)]
pub enum Offline {
    /// Look at a license file
    License {
        /// What to do
        #[command(subcommand)]
        command: LicenseCommand,
    },
    /// Make an Ed25519 key to sign versions with, and print its public half
    Keygen {
        /// Where to write the secret half; never over a file that is there
        #[arg(long, value_name = "FILE", default_value = "souk.key")]
        out: PathBuf,
    },
    /// Print the signature over an archive, for the part `signature` when it is handed in
    Sign {
        /// The archive
        file: PathBuf,
        /// What `souk keygen` wrote
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Check an archive, its vendor's signature and Souk's release record, without asking anybody
    #[command(
        after_help = "Exit codes: 0 all is right (a vendor need not sign); 1 could not be checked; 3 something is wrong."
    )]
    Verify {
        /// The archive
        file: PathBuf,
        /// Answer of GET /plugins/{plugin}/versions/{version}/release [default: FILE.release.json]
        #[arg(long, value_name = "RECORD")]
        release: Option<PathBuf>,
        /// Answer of GET /keys, from a time when you trusted it [default: souk-keys.json beside the archive]
        #[arg(long, value_name = "KEYS")]
        keys: Option<PathBuf>,
    },
}

/// What to do as the operator.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Give an account a role
    Grant {
        /// Whose account
        email: String,
        /// customer, vendor, moderator or admin
        #[arg(value_parser = parse_role)]
        role: Role,
    },
    /// Erase a person: the account does nothing any more, and nobody reads its personal texts again. It cannot be taken back
    Erase {
        /// Whom, by e-mail address or id
        who: String,
    },
    /// Set a reaction back, after another log was restored: it answers once more what comes behind a position; what it did
    /// already stays as it is
    Rewind {
        /// Which, as `souk doctor` names it
        reaction: String,
        /// The last position that it need not see again
        position: u64,
    },
}

/// What to prove.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    after_help = "Exit codes: 0 all holds; 1 it could not be found out; 3 something was changed, which is named."
)]
pub struct AuditOptions {
    /// Check what somebody else exported
    #[command(subcommand)]
    pub command: Option<AuditCommand>,
    /// Name or id
    #[arg(required = true)]
    pub plugin: Option<String>,
    /// Write history and proofs into this file, for `souk audit verify`
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Write a page for people into this file
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
}

/// What to check.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check an exported history, without asking anybody
    #[command(
        after_help = "Exit codes: 0 all holds; 1 it could not be checked; 3 something was changed, which is named."
    )]
    Verify {
        /// What `souk audit --export` or GET /plugins/{plugin}/history?proofs=true wrote
        file: PathBuf,
        /// What `souk ledger key` printed, from a time when you trusted it
        #[arg(long, value_name = "VKEY")]
        key: String,
        /// Also read all leaves of the tree from this Souk, to see that no stream of the plugin goes on in it
        #[arg(long, value_name = "URL")]
        tiles: Option<String>,
    },
}

/// What to ask about the ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Print the key that checks its signatures, as signed notes have it: NAME+ID+BASE64
    Key,
    /// Write the exact bytes of every event and the salts of its leaf, one JSON object a line: with it and the public tiles anybody finds
    /// out which event was changed. Holds everything that the log does; personal fields stay sealed
    Export {
        /// Where to
        file: PathBuf,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Read it, say what is in force or what is wrong
    Check,
}

fn parse_role(text: &str) -> Result<Role, String> {
    match text {
        "customer" => Ok(Role::Customer),
        "vendor" => Ok(Role::Vendor),
        "moderator" => Ok(Role::Moderator),
        "admin" => Ok(Role::Admin),
        _ => Err("expected customer, vendor, moderator or admin".to_owned()),
    }
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected agent, skill, command, plugin, mcp_server, workflow or asset".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_catalogue_but_the_builtin_one_has_a_path() {
        assert!(Cli::try_parse_from(["souk", "import", "builtin"]).is_ok());
        for source in ["claude", "n8n", "mcp", "mcp-registry"] {
            assert!(Cli::try_parse_from(["souk", "import", source]).is_err(), "{source}");
            assert!(Cli::try_parse_from(["souk", "import", source, "folder"]).is_ok(), "{source}");
        }
    }

    #[test]
    fn the_data_dir_goes_before_or_behind_the_subcommand() {
        for line in [["souk", "--data-dir", "d", "migrate"], ["souk", "migrate", "--data-dir", "d"]] {
            assert_eq!(Cli::parse_from(line).global.data_dir, Some(PathBuf::from("d")));
        }
    }
}
