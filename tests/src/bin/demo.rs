//! `make demo`: starts Souk on a folder of its own, imports the sample catalogue, walks the journey and leaves Souk serving.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use souk_tests::{
    client::Client,
    journey::{self, People},
    process::{self, Options, Souk},
    sample,
};

const PASSWORD: &str = "correct horse battery staple";

/// What plugins get in the demo: hosts to try the research plugin on, and time, because the compiler of a development build is slow.
const PLUGINS: [(&str, &str); 2] =
    [("SOUK_SANDBOX__HOSTS", r#"["docs.rs","doc.rust-lang.org"]"#), ("SOUK_SANDBOX__COMPILE_SECONDS", "600")];

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            say(&format!("The demo failed: {problem}"));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{text}"));
    drop(out.flush());
}

/// `--data-dir DIR`, `--listen ADDR` and `--no-serve`.
struct Arguments {
    data_dir: PathBuf,
    listen: String,
    serve: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments { data_dir: "./.souk".into(), listen: "127.0.0.1:8080".to_owned(), serve: true };
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--data-dir" => parsed.data_dir = value()?.into(),
            "--listen" => parsed.listen = value()?,
            "--no-serve" => parsed.serve = false,
            _ => {
                return Err(format!(
                    "unknown argument {argument}: expected --data-dir DIR, --listen ADDR or --no-serve"
                ));
            }
        }
    }
    Ok(parsed)
}

async fn run() -> Result<(), String> {
    let arguments = arguments()?;
    say(&format!("Starting Souk on {} (its PostgreSQL and all its data lie there)", arguments.data_dir.display()));
    let options = Options { listen: Some(arguments.listen.clone()), ..Options::default() };
    let options = PLUGINS.into_iter().fold(options, |options, (name, value)| options.env(name, value));
    let souk = Souk::start(&arguments.data_dir, &options)?;
    say(&format!("Souk serves at {}; its log is {}", souk.base(), souk.log().display()));

    for source in ["claude", "n8n", "mcp", "mcp-registry"] {
        let folder = Path::new("examples/catalogue").join(source);
        say(&format!("\nImporting {}", folder.display()));
        souk_command(&arguments.data_dir, &["import", source, &folder.to_string_lossy()])?;
    }
    say("\nImporting what Souk brings along");
    souk_command(&arguments.data_dir, &["import", "builtin"])?;

    say("\nThe journey");
    let nobody = Client::new(souk.base());
    let tag = sample::unique("demo");
    let email = format!("admin-{tag}@example.com");
    nobody.register(&email, PASSWORD, "Ada Admin").await?;
    souk_command(&arguments.data_dir, &["admin", "grant", &email, "admin"])?;
    let people = People { admin: nobody.login(&email, PASSWORD).await?, tag };
    let mut step = 0;
    let outcome = journey::walk(&nobody, &people, &mut |text| {
        step += 1;
        say(&format!("{step:>3}. {text}"));
    })
    .await?;

    say(&format!(
        "\nDone. Look around:\n  {base}/docs\n  {base}/api/v1/plugins?q=kubernetes\n  {base}/api/v1/plugins/{paid}/history",
        base = souk.base(),
        paid = outcome.paid,
    ));
    if arguments.serve {
        say("\nSouk keeps serving until Ctrl-C.");
        souk.wait()?;
    } else {
        souk.stop()?;
    }
    Ok(())
}

fn souk_command(data_dir: &Path, arguments: &[&str]) -> Result<(), String> {
    let output = process::run(data_dir, arguments, &PLUGINS)?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        say(&format!("     {line}"));
    }
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("souk {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)))
    }
}
