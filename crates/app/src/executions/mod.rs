//! Running what is installed.

mod gate;
mod runnable;

use std::{sync::Arc, time::Duration};

use semver::Version;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use souk_domain::{
    execution::{self, Checked, Command, Execution, Executions, Facts, Failure, Fault, Mode, State, Success, Usage},
    id::{ExecutionId, InstallationId, UserId, ValidationId},
    installation::{self, Installations},
    personal::Personal,
    plugin::{Plugin, ReleaseStatus},
    stream::{Category, StreamId},
    validation::{self, Validations},
};
use souk_ports::sandbox::{Report, SandboxError, Task};

pub(crate) use self::{
    gate::Gate,
    runnable::{Runnable, Runnables},
};
use crate::{
    App, AppError, Context, Done,
    execute::Call,
    licenses,
    memory::About,
    plugins::{self, PluginRef},
};

/// What to run, and with what.
#[derive(Clone, Debug)]
pub struct Execute {
    /// What it is given.
    pub input: Value,
    /// Which version; the installed one when absent.
    pub version: Option<Version>,
    /// Whether the caller waits.
    pub mode: Mode,
}

/// An execution and what came of it.
#[derive(Clone, Debug)]
pub struct Executed {
    /// Which.
    pub id: ExecutionId,
    /// Where it stands.
    pub state: Arc<State>,
    /// JSON text, while it is kept.
    pub output: Option<String>,
    /// Why it failed, with the plugin's own code and words; only the call that ran it has them.
    pub problem: Option<SandboxError>,
    /// The confidence of the version's validation, 0 to 100.
    pub confidence: Option<u8>,
}

/// What was decided, and all that running it takes.
struct Started {
    id: ExecutionId,
    user: UserId,
    about: About,
    runnable: Arc<Runnable>,
    seed: u64,
    state: Done<Arc<State>>,
}

/// Runs a plugin that the caller has installed, and waits for it unless told not to. It runs to its end also when nobody waits
/// any more.
///
/// # Errors
/// `NotFound` (plugin, version), `Unauthorized`, `NotEntitled` (not installed, no license); conflicts `plugin_suspended`,
/// `version_not_approved`, `not_executable`.
pub async fn execute(app: &App, ctx: &Context, plugin: &PluginRef, asked: Execute) -> Result<Done<Executed>, AppError> {
    let user = ctx.require_user()?;
    let age = app.settings.fact_age;
    let started = match start(app, ctx, user, plugin, &asked, age).await {
        Err(error) if error.is_refusal() => start(app, ctx, user, plugin, &asked, Duration::ZERO).await?,
        started => started?,
    };
    let confidence = confidence(app, &started.state.value).await?;
    let (id, state) = (started.id, started.state.clone());
    if !matches!(*state.value, State::Running(_)) {
        let output = output(app, id).await?;
        return Ok(state.map(|state| Executed { id, state, output, problem: None, confidence }));
    }
    let (app, ctx, input) = (app.clone(), ctx.step("end"), asked.input);
    let under_way = app.gate.begin();
    let running = tokio::spawn(async move {
        let ended = run(&app, &ctx, started, &input).await;
        drop(under_way);
        ended
    });
    if asked.mode == Mode::Async {
        return Ok(state.map(|state| Executed { id, state, output: None, problem: None, confidence }));
    }
    let ended = running.await.map_err(|error| AppError::Internal(format!("an execution broke: {error}")))?;
    Ok(ended?.map(|(state, output, problem)| Executed { id, state, output, problem, confidence }))
}

async fn start(
    app: &App,
    ctx: &Context,
    user: UserId,
    plugin: &PluginRef,
    asked: &Execute,
    age: Duration,
) -> Result<Started, AppError> {
    let fact = plugins::fact(app, plugin, age).await?;
    let plugin = plugins::created(&fact.state)?;
    let installation_id = InstallationId::of(user, plugin.id);
    let installation = app.fact::<Installations>(installation_id.uuid(), age).await?;
    let installed = match &*installation.state {
        installation::State::Installed { version, .. } => version,
        _ => return Err(execution::Error::NotInstalled.into()),
    };
    let version = asked.version.as_ref().unwrap_or(installed);
    let release = plugin.versions.get(version).ok_or(AppError::NotFound("this version"))?;
    let right = match plugin.pricing.price() {
        Some(_) => licenses::entitlement(app, user, plugin.id, installation_id).await?,
        None => None,
    };
    let facts = Facts {
        plugin_suspended: plugin.suspended.is_some(),
        version_runs: match release.status {
            ReleaseStatus::Approved => true,
            ReleaseStatus::Yanked => version == installed,
            ReleaseStatus::Submitted | ReleaseStatus::Rejected => false,
        },
        installed: true,
        paid: plugin.pricing.price().is_some(),
        checked: Checked {
            plugin_version: fact.version.unwrap_or_default(),
            installation_version: installation.version.unwrap_or_default(),
            license_version: right.map(|right| right.version),
        },
    };
    let runnable = app.runnables.get(app, plugin.id, version, &release.digest).await?;
    let id = ExecutionId::of(ctx.command);
    let seed = seed(id);
    let execution = Execution {
        user_id: user,
        plugin_id: plugin.id,
        vendor_id: plugin.vendor,
        version: version.clone(),
        digest: release.digest.clone(),
        mode: asked.mode,
        seed,
        license_id: right.map(|right| right.license),
    };
    let about = About::plugin(plugin.id, plugin.vendor);
    let call = Call::new(ctx, id.uuid(), about);
    let state = app.execute::<Executions>(call, Command::Start { execution, facts }).await?;
    Ok(Started { id, user, about, runnable, seed, state })
}

/// 53 bits, which every JSON reader keeps: the same command runs with the same randomness.
fn seed(id: ExecutionId) -> u64 {
    u64::from_be_bytes(id.uuid().as_bytes()[8..].try_into().unwrap_or_default()) >> 11
}

/// What a run came to: its state, its output, and what went wrong.
type Ended = (Arc<State>, Option<String>, Option<SandboxError>);

async fn run(app: &App, ctx: &Context, started: Started, input: &Value) -> Result<Done<Ended>, AppError> {
    let Started { id, user, about, runnable, seed, .. } = started;
    let task = Task {
        component: runnable.component.clone(),
        digest: runnable.digest.clone(),
        input: input.to_string(),
        declared: runnable.declared.clone(),
        granted: app.settings.grants.clone(),
        seed,
        files: Arc::clone(&runnable.files),
    };
    let Some(pass) = app.gate.enter(user).await else {
        let done = app.execute::<Executions>(Call::on(ctx, id.uuid(), about), Command::Fail(abandoned())).await?;
        return Ok(done.map(|state| (state, None, None)));
    };
    let Report { outcome, usage, .. } = app.ports.sandbox.run(task).await;
    drop(pass);
    let usage = Usage { duration_ms: usage.duration_ms, cpu_ms: usage.cpu_ms, memory_bytes: usage.memory_bytes };
    let (command, output, problem) = match outcome {
        Ok(output) => {
            keep(app, id, user, &output).await?;
            let output_digest = hex::encode(Sha256::digest(&output));
            let success = Success { output_digest, output_size: output.len() as u64, usage };
            (Command::Succeed(success), Some(output), None)
        }
        Err(error) => {
            let failure = Failure { code: error.code().to_owned(), fault: fault(&error), usage };
            (Command::Fail(failure), None, Some(error))
        }
    };
    let done = app.execute::<Executions>(Call::on(ctx, id.uuid(), about), command).await?;
    Ok(done.map(|state| (state, output, problem)))
}

/// Whose fault an error is. A plugin says by the code `invalid_input` that it was asked nonsense.
pub(crate) fn fault(error: &SandboxError) -> Fault {
    match error {
        SandboxError::InvalidTask(_) => Fault::Caller,
        SandboxError::Plugin { code, .. } if code == "invalid_input" => Fault::Caller,
        SandboxError::QueueFull | SandboxError::CompileTimeExceeded | SandboxError::Unavailable(_) => Fault::Platform,
        _ => Fault::Plugin,
    }
}

const fn stream(id: ExecutionId) -> StreamId {
    StreamId::new(Category::Execution, id.uuid())
}

/// Keeps an output for its user, sealed with the user's key.
async fn keep(app: &App, id: ExecutionId, user: UserId, output: &str) -> Result<(), AppError> {
    let clear = json!({ "output": Personal::new(user, output) });
    let sealed = app.ports.vault.seal(id.uuid(), stream(id), clear).await?;
    Ok(app.ports.outputs.keep(id.uuid(), sealed).await?)
}

/// The output, while it is kept and its user's key is there.
async fn output(app: &App, id: ExecutionId) -> Result<Option<String>, AppError> {
    let Some(sealed) = app.ports.outputs.output(id.uuid()).await? else { return Ok(None) };
    let opened = app.ports.vault.open(id.uuid(), stream(id), sealed).await?;
    let personal: Option<Personal> =
        opened.get("output").and_then(|output| serde_json::from_value(output.clone()).ok());
    Ok(personal.and_then(|output| output.text().map(str::to_owned)))
}

async fn confidence(app: &App, state: &State) -> Result<Option<u8>, AppError> {
    let Some(execution) = state.execution() else { return Ok(None) };
    let id = ValidationId::of(execution.plugin_id, &execution.version);
    let fact = app.fact::<Validations>(id.uuid(), app.settings.fact_age).await?;
    Ok(match &*fact.state {
        validation::State::Requested(validation) => validation.conclusion.as_ref().map(|found| found.confidence),
        validation::State::Absent => None,
    })
}

/// How an execution of `plugin` stands. Only who asked for it sees it, and Souk's administrators.
///
/// # Errors
/// `NotFound` (plugin, execution), `Unauthorized`.
pub async fn status(app: &App, ctx: &Context, plugin: &PluginRef, id: ExecutionId) -> Result<Executed, AppError> {
    let user = ctx.require_user()?;
    let fact = plugins::fact(app, plugin, app.settings.fact_age).await?;
    let Plugin { id: plugin, .. } = plugins::created(&fact.state)?;
    let state = app.fact::<Executions>(id.uuid(), Duration::ZERO).await?.state;
    let unknown = AppError::NotFound("this execution");
    let execution = state.execution().ok_or_else(|| unknown.clone())?;
    if execution.plugin_id != *plugin || (execution.user_id != user && !ctx.is_admin()) {
        return Err(unknown);
    }
    let output = match &*state {
        State::Succeeded(..) if execution.user_id == user => output(app, id).await?,
        _ => None,
    };
    let confidence = confidence(app, &state).await?;
    Ok(Executed { id, state, output, problem: None, confidence })
}

/// Ends an execution whose process died, so that it is not under way for ever.
pub(crate) async fn abandon(app: &App, ctx: &Context, id: ExecutionId) -> Result<(), AppError> {
    let fact = app.fact::<Executions>(id.uuid(), Duration::ZERO).await?;
    if !matches!(*fact.state, State::Running(_)) {
        return Ok(());
    }
    app.execute::<Executions>(Call::on(ctx, id.uuid(), fact.about), Command::Fail(abandoned())).await?;
    Ok(())
}

/// How an execution ends whose process did, before or while it ran.
fn abandoned() -> Failure {
    Failure { code: "abandoned".to_owned(), fault: Fault::Platform, usage: Usage::default() }
}

/// Begins no execution any more: those that wait for their turn end as `abandoned`, by the platform's fault, and can be asked for
/// again elsewhere. Those that run go on.
pub fn close(app: &App) {
    app.gate.close();
}

/// Waits until no execution is under way in this process.
pub async fn over(app: &App) {
    app.gate.over().await;
}
