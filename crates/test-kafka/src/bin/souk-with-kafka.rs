//! `souk-with-kafka PROGRAM [ARGUMENT]...` runs a program beside a Kafka of its own, which `SOUK_KAFKA__BROKERS` names. When the
//! program ends, so does Kafka; the exit status is the program's.

use std::{
    env,
    io::{Write, stderr},
    process::{Command, ExitCode},
};

use souk_test_kafka::Broker;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(problem) => {
            // Nobody may read it any more.
            let _ = writeln!(stderr(), "souk-with-kafka: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, String> {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().ok_or("expected a program to run")?;
    let broker = Broker::start()?;
    let status = Command::new(&program)
        .args(arguments)
        .env("SOUK_KAFKA__BROKERS", broker.brokers())
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
