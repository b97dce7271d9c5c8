//! The stand-in as a program, for tests that start it beside the real binary. It prints one line with a connection string
//! once it listens, and ends on SIGTERM or when its standard input ends.

use std::{error::Error, io::Write, net::SocketAddr};

use souk_kurrent_standin::{Fault, Standin};
use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
};

const USAGE: &str =
    "usage: souk-kurrent-standin [--listen ADDRESS:PORT] [--drop-after-apply N] [--drop-before-apply N]";

struct Arguments {
    listen: SocketAddr,
    every: Option<(u64, Fault)>,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let mut arguments = Arguments { listen: SocketAddr::from(([127, 0, 0, 1], 0)), every: None };
    while let Some(name) = given.next() {
        let value = given.next().ok_or(USAGE)?;
        match name.as_str() {
            "--listen" => arguments.listen = value.parse()?,
            "--drop-after-apply" => arguments.every = Some((value.parse()?, Fault::LostAfter)),
            "--drop-before-apply" => arguments.every = Some((value.parse()?, Fault::LostBefore)),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments(std::env::args().skip(1))?;
    let mut standin = Standin::start(arguments.listen).await?;
    standin.faults().every(arguments.every);
    let mut terminated = signal(SignalKind::terminate())?;
    writeln!(std::io::stdout(), "{}", standin.url())?;
    std::io::stdout().flush()?;
    // Standard input ends with the process that started this one, even when it was killed.
    let parent = async {
        let (mut input, mut buffer) = (tokio::io::stdin(), [0; 64]);
        while matches!(input.read(&mut buffer).await, Ok(read) if read > 0) {}
    };
    tokio::select! {
        _ = terminated.recv() => {}
        () = parent => {}
    }
    standin.stop().await;
    // A read of standard input may still hold a thread of the runtime.
    std::process::exit(0)
}
