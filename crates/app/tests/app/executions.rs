use std::{sync::Arc, time::Duration};

use serde_json::json;
use souk_app::{
    App, AppError, Context,
    executions::{self, Execute, Executed},
    installs, plugins,
    plugins::{PluginRef, SubmitVersion},
};
use souk_domain::{
    execution::{Fault, Mode, State},
    id::{PluginId, UserId},
    listing::Pricing,
};
use souk_ports::sandbox::SandboxError;

use crate::support::{World, paid, reason};

const COMPONENT: &str = "\0asm and so on";

async fn runnable(
    world: &World,
    app: &App,
    name: &str,
    pricing: Pricing,
    capabilities: serde_json::Value,
) -> PluginRef {
    let (owner, _) = world.vendor(app, "acme").await;
    let plugin = world.plugin(app, owner, name, pricing).await;
    version(world, app, owner, plugin.id, "1.0.0", capabilities).await;
    PluginRef::Id(plugin.id)
}

async fn version(
    world: &World,
    app: &App,
    owner: UserId,
    plugin: PluginId,
    version: &str,
    capabilities: serde_json::Value,
) {
    let files = [("README.md", "It adds."), ("plugin.wasm", COMPONENT)];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let artifact = souk_package::pack::pack(files).unwrap().into();
    let manifest = json!({
        "name": "adder", "version": version, "kind": "asset", "summary": "s", "license": "MIT", "capabilities": capabilities,
    });
    let submitted = SubmitVersion { manifest, artifact, signature: None };
    plugins::submit_version(app, &world.as_user(owner), &plugin.into(), submitted).await.unwrap();
    world.approve(app, plugin, version).await;
}

async fn execute(app: &App, ctx: &Context, plugin: &PluginRef) -> Result<Executed, AppError> {
    let asked = Execute { input: json!({"n": 1}), version: None, mode: Mode::Sync };
    executions::execute(app, ctx, plugin, asked).await.map(|done| done.value)
}

#[tokio::test]
async fn of_two_with_the_same_archive_each_gets_what_its_own_manifest_declares() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let user = world.user(&app, "ada").await;
    world.sandbox.answer(|task| Ok(json!([task.declared.seconds, task.declared.hosts]).to_string()));
    let open = json!({"network": ["api.example.com"]});
    let cases = [("open", open, r#"[null,["api.example.com"]]"#), ("brief", json!({"timeSeconds": 5}), "[5,[]]")];
    for (name, declared, told) in cases {
        let plugin = world.plugin(&app, owner, name, Pricing::Free).await;
        version(&world, &app, owner, plugin.id, "1.0.0", declared).await;
        let plugin = PluginRef::Id(plugin.id);
        installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
        let ran = execute(&app, &world.as_user(user), &plugin).await.unwrap();
        assert_eq!(ran.output.as_deref(), Some(told), "{name}");
    }
}

#[tokio::test]
async fn a_run_gets_what_its_manifest_declares_and_its_own_seed() {
    let world = World::new();
    let app = world.app();
    let declared = json!({"network": ["api.example.com"], "secrets": ["KEY"], "memoryMiB": 128, "timeSeconds": 5});
    let plugin = runnable(&world, &app, "adder", Pricing::Free, declared).await;
    let user = world.user(&app, "ada").await;
    installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    world.sandbox.answer(|task| {
        assert_eq!((task.component.as_ref(), task.input.as_str()), (COMPONENT.as_bytes(), "{\"n\":1}"));
        assert_eq!((&task.declared.hosts[0], &task.declared.secrets[0]), (&"api.example.com".into(), &"KEY".into()));
        assert_eq!((task.declared.memory_mib, task.declared.seconds), (Some(128), Some(5)));
        assert_eq!(task.files.len(), 2);
        Ok(format!("\"{}\"", task.seed))
    });
    let first = execute(&app, &world.as_user(user), &plugin).await.unwrap();
    let second = execute(&app, &world.as_user(user), &plugin).await.unwrap();
    assert!(
        matches!(&*first.state, State::Succeeded(execution, _) if execution.seed.to_string() == first.output.as_ref().unwrap().trim_matches('"'))
    );
    assert_ne!(first.output, second.output);
    assert_eq!(world.count("execution.succeeded"), 2);
}

#[tokio::test]
async fn a_repeated_command_finds_what_came_of_it_also_in_another_process() {
    let world = World::new();
    let app = world.app();
    let plugin = runnable(&world, &app, "adder", Pricing::Free, json!({})).await;
    let user = world.user(&app, "ada").await;
    installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    let ctx = world.as_user(user);
    let first = execute(&app, &ctx, &plugin).await.unwrap();
    let again = execute(&world.app(), &ctx, &plugin).await.unwrap();
    assert_eq!((first.id, first.output), (again.id, again.output));
    assert_eq!(world.sandbox.runs(), 1);
}

#[tokio::test]
async fn a_paid_plugin_needs_a_license_and_an_installation_of_ones_own() {
    let world = World::new();
    let app = world.app();
    let plugin = runnable(&world, &app, "adder", paid(), json!({})).await;
    let user = world.user(&app, "ada").await;
    let refused = execute(&app, &world.as_user(user), &plugin).await.unwrap_err();
    assert!(matches!(refused, AppError::NotEntitled(_)), "{refused:?}");
    assert_eq!((world.count("execution.started"), world.sandbox.runs()), (0, 0));
}

#[tokio::test]
async fn a_yanked_version_runs_on_where_it_is_installed() {
    let world = World::new();
    let app = world.app();
    let plugin = runnable(&world, &app, "adder", Pricing::Free, json!({})).await;
    let user = world.user(&app, "ada").await;
    installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    plugins::yank(&app, &world.operator(), &plugin, &"1.0.0".parse().unwrap(), "Broken.").await.unwrap();
    execute(&app, &world.as_user(user), &plugin).await.unwrap();
    plugins::suspend(&app, &world.operator(), &plugin, "Stolen.").await.unwrap();
    let refused = execute(&app, &world.as_user(user), &plugin).await.unwrap_err();
    assert_eq!(reason(&refused), "plugin_suspended");
}

#[tokio::test]
async fn faults_are_told_apart() {
    let world = World::new();
    let app = world.app();
    let plugin = runnable(&world, &app, "adder", Pricing::Free, json!({})).await;
    let user = world.user(&app, "ada").await;
    installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    let failed = |code: &str| SandboxError::Plugin { code: code.to_owned(), message: String::new() };
    for (error, fault) in [
        (SandboxError::MemoryExceeded, Fault::Plugin),
        (failed("out_of_luck"), Fault::Plugin),
        (failed("invalid_input"), Fault::Caller),
        (SandboxError::QueueFull, Fault::Platform),
    ] {
        let code = error.code();
        world.sandbox.answer(move |_| Err(error.clone()));
        let executed = execute(&app, &world.as_user(user), &plugin).await.unwrap();
        let State::Failed(_, failure) = &*executed.state else { panic!("{:?}", executed.state) };
        assert_eq!((failure.code.as_str(), failure.fault), (code, fault));
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_whose_process_died_is_ended() {
    let world = World::new();
    let app = world.app();
    let plugin = runnable(&world, &app, "adder", Pricing::Free, json!({})).await;
    let user = world.user(&app, "ada").await;
    installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    world.sandbox.answer(|_| panic!("the process dies here"));
    execute(&app, &world.as_user(user), &plugin).await.unwrap_err();
    assert_eq!((world.count("execution.started"), world.count("execution.failed")), (1, 0));
    let running = world.react(&app);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.count("execution.failed"), 0, "it may only be slow");
    world.clock.advance(Duration::from_secs(121));
    running.settle(&world).await;
    running.stop().await;
    let failed = world.events_of("execution.failed");
    let data: serde_json::Value = serde_json::from_slice(&failed[0].data).unwrap();
    assert_eq!((failed.len(), &data["code"], &data["fault"]), (1, &json!("abandoned"), &json!("platform")));
}

/// Hands a version with samples in, and lets the reactions validate it; types of what was recorded of it.
async fn validated(world: &World, app: &Arc<App>, samples: serde_json::Value) -> Vec<String> {
    let (owner, _) = world.vendor(app, "acme").await;
    let plugin = world.plugin(app, owner, "words", Pricing::Free).await;
    let files = [("README.md", b"It counts.\n".to_vec()), ("plugin.wasm", WORDS.to_vec())];
    let artifact = souk_package::pack::pack(files.map(|(path, bytes)| (path.to_owned(), bytes))).unwrap().into();
    let manifest = json!({
        "name": "words", "version": "1.0.0", "kind": "asset", "summary": "s", "license": "MIT",
        "entry": "plugin.wasm", "samples": samples,
    });
    let before = world.memory.events().len();
    let submitted = SubmitVersion { manifest, artifact, signature: None };
    plugins::submit_version(app, &world.as_user(owner), &plugin.id.into(), submitted).await.unwrap();
    let running = world.react(app);
    running.settle(world).await;
    running.stop().await;
    world.types().split_off(before)
}

/// A component that static analysis has nothing against; the sandbox of these tests answers for it.
const WORDS: &[u8] = include_bytes!("../../../sandbox/fixtures/words.wasm");

fn cross_check(world: &World) -> serde_json::Value {
    serde_json::from_slice(&world.events_of("validation.cross_checked")[0].data).unwrap()
}

#[tokio::test(start_paused = true)]
async fn samples_that_come_out_as_promised_are_approved() {
    let world = World::new();
    let app = world.app();
    world.sandbox.answer(|task| Ok(format!("{{\"given\":{}}}", task.input)));
    let samples = json!([
        {"name": "one", "input": 1, "expected": {"given": 1}},
        {"name": "text", "input": "a", "property": {"type": "object", "required": ["given"]}},
    ]);
    let types = validated(&world, &app, samples).await;
    assert!(types.contains(&"plugin.version_approved".to_owned()), "{types:?}");
    assert_eq!(cross_check(&world), json!({"version": "1.0.0", "samples": 2, "attempts": [1_000]}));
    assert_eq!(world.sandbox.runs(), 4, "two samples, by a reviewer and by an executor");
}

#[tokio::test(start_paused = true)]
async fn samples_that_depend_on_chance_are_tried_again_and_left_to_a_human() {
    let world = World::new();
    let app = world.app();
    world.sandbox.answer(|task| Ok(format!("\"{}\"", task.seed)));
    let types = validated(&world, &app, json!([{"name": "any", "input": 1, "property": {"type": "string"}}])).await;
    assert!(types.contains(&"validation.escalated".to_owned()), "{types:?}");
    assert!(!types.contains(&"plugin.version_approved".to_owned()));
    assert_eq!(cross_check(&world)["attempts"], json!([0, 0]));
    assert_eq!(world.sandbox.runs(), 4, "one sample, twice two runs");
}

#[tokio::test(start_paused = true)]
async fn samples_that_come_out_otherwise_or_not_at_all_cost_confidence() {
    for answer in [Ok("2".to_owned()), Err(SandboxError::Trapped("unreachable".to_owned()))] {
        let world = World::new();
        let app = world.app();
        world.sandbox.answer(move |_| answer.clone());
        let types = validated(&world, &app, json!([{"name": "one", "input": 1, "expected": 1}])).await;
        assert!(types.contains(&"validation.escalated".to_owned()), "{types:?}");
        assert_eq!(cross_check(&world)["attempts"], json!([1_000]), "who fails alike agrees");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_when_the_process_ends_is_abandoned_and_what_runs_is_finished() {
    let world = World::new();
    // One at once.
    let app = world.app_with(|settings| settings.executions = 1);
    let plugin = runnable(&world, &app, "adder", Pricing::Free, json!({})).await;
    let (ada, ben) = (world.user(&app, "ada").await, world.user(&app, "ben").await);
    for user in [ada, ben] {
        installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    }
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (finish, may_finish) = std::sync::mpsc::channel::<()>();
    let (begun, may_finish) = (std::sync::Mutex::new(begun), std::sync::Mutex::new(may_finish));
    world.sandbox.answer(move |_| {
        begun.lock().unwrap().send(()).unwrap();
        may_finish.lock().unwrap().recv().unwrap();
        Ok("1".to_owned())
    });
    let asked = || Execute { input: json!({"n": 1}), version: None, mode: Mode::Async };
    executions::execute(&app, &world.as_user(ada), &plugin, asked()).await.unwrap();
    tokio::task::block_in_place(|| has_begun.recv().unwrap());
    for user in [ada, ben, ben] {
        executions::execute(&app, &world.as_user(user), &plugin, asked()).await.unwrap();
    }
    executions::close(&app);
    while world.count("execution.failed") < 3 {
        tokio::task::yield_now().await;
    }
    for failed in world.events_of("execution.failed") {
        let failed: serde_json::Value = serde_json::from_slice(&failed.data).unwrap();
        assert_eq!((&failed["code"], &failed["fault"]), (&json!("abandoned"), &json!("platform")), "{failed}");
    }
    let ended = executions::over(&app);
    tokio::pin!(ended);
    assert!(futures::poll!(ended.as_mut()).is_pending(), "the first one runs on");
    finish.send(()).unwrap();
    ended.await;
    assert_eq!((world.count("execution.succeeded"), world.sandbox.runs()), (1, 1));
    let late = execute(&app, &world.as_user(ben), &plugin).await.unwrap();
    assert!(matches!(&*late.state, State::Failed(_, failure) if failure.code == "abandoned"), "{:?}", late.state);
}
