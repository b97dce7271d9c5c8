//! What those who make plugins do.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use souk_domain::listing::Kind;

use super::parse_kind;

/// For those who make plugins.
#[derive(Debug, Subcommand)]
pub enum Author {
    /// Begin a plugin: write a project that works as it is
    New(NewOptions),
    /// Check a package the way a server does, without one
    ///
    /// A folder, an archive, a SKILL.md, another Markdown file or the JSON of a workflow. Rules are explained in docs/VALIDATION.md.
    #[command(
        after_help = "Exit codes: 0 it would be approved; 2 a human would have to look at it; 3 it would be refused; 1 it cannot be read or run."
    )]
    Validate(ValidateOptions),
    /// Say what one package changes against another: files, capabilities, dependencies, findings
    ///
    /// Folders, archives or single files, as for `souk validate`. It is what GET /plugins/{plugin}/versions/{version}/diff tells.
    #[command(after_help = "Exit codes: 0 compared; 1 one of the two cannot be read.")]
    Diff(DiffOptions),
    /// Write the archive of a package; the same files always make the same bytes
    Pack(PackOptions),
    /// Hand a package in at a marketplace, and follow what becomes of it
    #[command(
        after_help = "Exit codes: 0 it is approved; 2 a human has to look at it; 3 it is refused, here or there; 4 it is still being \
                      validated; 1 it cannot be read, or the marketplace cannot be reached or does not take it."
    )]
    Publish(PublishOptions),
}

/// What to begin.
#[derive(Debug, Args)]
pub struct NewOptions {
    /// Name of the plugin: letters, digits, `.`, `_` and `-`
    pub name: String,
    /// agent, skill, command, plugin, mcp_server, workflow or asset
    #[arg(long, value_parser = parse_kind)]
    pub kind: Kind,
    /// Begin with a component in this language [default: rust for an asset, which is nothing without one; else none]
    #[arg(long)]
    pub language: Option<Language>,
    /// License of what you make, an SPDX expression; the text of MIT and Apache-2.0 is written beside it
    #[arg(long, value_name = "SPDX", default_value = "MIT")]
    pub license: String,
    /// Where; it must not be there yet, or be empty [default: NAME]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What a component is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Built by cargo for wasm32-wasip2
    Rust,
    /// Built by componentize-qjs, from npm
    #[value(alias = "js")]
    Javascript,
    /// Built by componentize-py, from PyPI; it computes, and reaches neither files nor hosts
    Python,
}

/// What to check.
#[derive(Debug, Args)]
pub struct ValidateOptions {
    /// What to check; several are checked one after the other, and the worst verdict counts
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// agent, skill, command, plugin, mcp_server, workflow or asset [default: by its souk.json, else by its files]
    #[arg(long, value_parser = parse_kind)]
    pub kind: Option<Kind>,
    /// How.
    #[command(flatten)]
    pub checks: Checks,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct DiffOptions {
    /// The older package
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The newer package
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// agent, skill, command, plugin, mcp_server, workflow or asset [default: by its souk.json, else by its files]
    #[arg(long, value_parser = parse_kind)]
    pub kind: Option<Kind>,
}

/// How to check.
#[derive(Clone, Debug, Default, Args)]
pub struct Checks {
    /// A list of advisories and imitated names to know beside the built-in one
    #[arg(long, value_name = "FILE")]
    pub advisories: Option<PathBuf>,
    /// Run no samples
    #[arg(long)]
    pub no_run: bool,
    /// A host that samples may reach where the manifest declares it, or `*`; may be given several times
    #[arg(long, value_name = "HOST", conflicts_with = "no_run")]
    pub allow_host: Vec<String>,
    /// A secret that samples may have where the manifest declares it: the variable of this name; may be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "no_run")]
    pub secret: Vec<String>,
    /// The folder that samples see as /shared where the manifest declares it
    #[arg(long, value_name = "DIR", conflicts_with = "no_run")]
    pub shared: Option<PathBuf>,
}

/// What to pack.
#[derive(Debug, Args)]
pub struct PackOptions {
    /// A folder with a souk.json
    pub path: PathBuf,
    /// Where to write the archive [default: NAME-VERSION.zip]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What to hand in, and where.
#[derive(Debug, Args)]
pub struct PublishOptions {
    /// A folder with a souk.json, or an archive of one
    pub path: PathBuf,
    /// The marketplace
    #[arg(long, env = "SOUK_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// An access token or an API key of the vendor
    #[arg(long, env = "SOUK_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Sign with this key, which `souk keygen` wrote and the vendor registered
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// List the plugin first, as a free one, if nobody has
    #[arg(long)]
    pub create: bool,
    /// Whose plugin it becomes, by id or slug, for who owns several vendors
    #[arg(long, value_name = "VENDOR", requires = "create")]
    pub vendor: Option<String>,
    /// Hand it in without checking it here first
    #[arg(long)]
    pub no_validate: bool,
    /// Follow its validation so many seconds at most
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub wait: u64,
    /// How to check it here.
    #[command(flatten)]
    pub checks: Checks,
}
