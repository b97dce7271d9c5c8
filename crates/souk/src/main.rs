//! The souk binary: configuration, wiring, subcommands.

mod cli;
mod command;
mod config;
mod control;
mod database;
mod failure;
mod import;
mod interrupt;
mod kek;
mod ledger;
mod lines;
mod logging;
mod models;
mod output;
mod package;
mod person_keys;
mod process;
mod sandbox;
mod source;
mod system;
mod wire;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    cli::{Author, Cli, Command, ConfigCommand},
    config::{Config, Overrides, Switch},
    failure::Failure,
};

/// Events are decoded on one thread and dropped on another by the million, and many threads answer requests: that is what this one
/// is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(format!("souk: {failure}"));
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let overrides = Overrides {
        data_dir: cli.global.data_dir.clone(),
        listen: cli.command.listen(),
        probe: cli.command.probe(),
        database_url: cli.global.database_url.clone(),
    };
    let config = config::load(cli.global.config.clone(), &overrides).map_err(Failure::new)?;
    let mut log = config.log.clone();
    if !cli.command.stays() && log.filter == Config::default().log.filter {
        // Who typed a command wants its result; what goes wrong is still said.
        log.filter = "warn".to_owned();
    }
    // Before there is any other thread, as logging has.
    let runs_long = cli.command.stays() || matches!(cli.command, Command::Rebuild { .. } | Command::Bench(_));
    let moved = (runs_long && config.huge_text == Switch::On).then(souk_huge_text::remap);
    let _lines = logging::start(&log);
    match moved {
        Some(Ok(bytes)) => tracing::debug!(bytes, "code lies on huge pages"),
        Some(Err(why)) => tracing::debug!(%why, "code does not lie on huge pages"),
        None => {}
    }
    if cli.command.stays() {
        for name in config::unknown_variables() {
            tracing::warn!(name, "a variable is set that is no key of the configuration");
        }
    }
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::new)?;
    let result = runtime.block_on(dispatch(cli, &config));
    // A DNS or file operation that hangs must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

async fn dispatch(cli: Cli, config: &Config) -> Result<(), Failure> {
    let json = cli.global.json;
    match cli.command {
        Command::Serve { .. } => command::serve::run(config).await,
        Command::Api { .. } => command::api::run(config).await,
        Command::Relay(_) => command::relay::run(config).await,
        Command::Project(_) => command::project::run(config).await,
        Command::React(_) => command::react::run(config).await,
        Command::Migrate => command::migrate::run(config).await,
        Command::Rebuild { names, all, verify } => {
            let names = if all { Vec::new() } else { names };
            command::rebuild::run(config, command::rebuild::Wanted { names, verify, json }).await
        }
        Command::History { plugin, after, limit } => {
            command::history::run(config, command::history::Wanted { plugin, after, limit, json }).await
        }
        Command::Audit(options) => command::audit::run(config, options, json).await,
        Command::Import { source, path, owner, check } => {
            command::import::run(config, command::import::Wanted { source, path, owner, check, json }).await
        }
        Command::Author(command) => match command {
            Author::New(options) => command::new::run(&options, json),
            Author::Validate(options) => command::validate::run(config, &options, json).await,
            Author::Diff(options) => command::diff::run(config, &options, json),
            Author::Pack(options) => command::pack::run(&options, json),
            Author::Publish(options) => command::publish::run(config, &options, json).await,
        },
        Command::Offline(command) => command::signing::run(&command, json),
        Command::Ledger { command } => command::ledger::run(config, &command, json).await,
        Command::Admin { command } => command::admin::run(config, command).await,
        Command::Config { command: ConfigCommand::Check } => command::config::check(config, json),
        Command::Doctor => command::doctor::run(config, json).await,
        Command::Bench(options) => command::bench::run(config, options, json).await,
    }
}
