//! The command loop: conflicts, memory, unknown outcomes, repeated commands.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::future::join_all;
use souk_app::{
    AppError, Context, installs,
    plugins::{self, PluginRef},
};
use souk_domain::{listing::Pricing, money::BasisPoints};
use souk_testkit::{Fault, LogFeed};

use crate::support::{World, listing, reason};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_installs_at_once_by_one_user_are_one_event() {
    let world = World::new();
    let apps = [world.app(), world.app()];
    let (owner, _) = world.vendor(&apps[0], "acme").await;
    let plugin = world.published(&apps[0], owner, "tool", Pricing::Free).await;
    let user = world.user(&apps[0], "ann").await;
    let tries = (0..200).map(|index| {
        let (app, plugin, mut ctx) = (apps[index % 2].clone(), PluginRef::Id(plugin.id), world.as_user(user));
        ctx.first_try = true;
        tokio::spawn(async move { installs::install(&app, &ctx, &plugin, None).await.unwrap() })
    });
    let done: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(world.count("installation.installed"), 1);
    assert_eq!(done.iter().filter(|done| done.changed).count(), 1);
    assert_eq!(done.iter().map(|done| done.position).collect::<BTreeSet<_>>().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_in_ten_spellings_created_a_hundred_times_at_once_is_one_plugin() {
    let world = World::new();
    let apps = [world.app(), world.app()];
    let (owner, _) = world.vendor(&apps[0], "acme").await;
    let spellings = [
        "my-tool.x",
        "my_tool.x",
        "my.tool.x",
        "My-Tool-X",
        "MY_TOOL_X",
        "my-tool-x",
        "my.tool_x",
        "mY.tOOL.x",
        "My_Tool-x",
        "my-TOOL_x",
    ];
    let tries = (0..100).map(|index| {
        let (app, input) = (apps[index % 2].clone(), listing(spellings[index % 10], Pricing::Free));
        let mut ctx = world.as_user(owner);
        ctx.first_try = index % 3 == 0;
        tokio::spawn(async move { plugins::create(&app, &ctx, input).await })
    });
    let done: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1);
    assert!(done.iter().filter_map(|done| done.as_ref().err()).all(|error| reason(error) == "name_taken"));
    assert_eq!((world.count("name.reserved"), world.count("plugin.created")), (1, 1));
}

#[tokio::test]
async fn writers_in_two_processes_conflict_and_both_succeed() {
    let world = World::new();
    let (one, two) = (world.app(), world.app());
    let (_, vendor) = world.vendor(&one, "acme").await;
    for round in 1..=5_u16 {
        for (app, points) in [(&one, round), (&two, round + 100)] {
            let commission = BasisPoints::try_from(points).unwrap();
            let done = souk_app::vendors::set_commission(app, &world.operator(), vendor.id, commission).await.unwrap();
            assert_eq!(done.value.commission, commission);
        }
    }
    assert_eq!(world.count("vendor.commission_set"), 10);
}

#[tokio::test]
async fn an_old_memory_never_refuses_and_never_says_that_nothing_is_to_do() {
    let world = World::new();
    let (here, there) = (world.app(), world.app());
    let (owner, _) = world.vendor(&here, "acme").await;
    let plugin = PluginRef::Id(world.plugin(&here, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&here, "ann").await;

    // `here` remembers a plugin without versions, one that another process publishes.
    let refused = installs::install(&here, &world.as_user(user), &plugin, None).await.unwrap_err();
    assert_eq!(reason(&refused), "version_not_approved");
    let PluginRef::Id(id) = plugin else { unreachable!() };
    world.submit(&there, owner, id, "1.0.0").await;
    world.approve(&there, id, "1.0.0").await;
    installs::install(&here, &world.as_user(user), &plugin, None).await.unwrap();

    // `here` remembers it installed; another process has uninstalled it.
    installs::uninstall(&there, &world.as_user(user), &plugin).await.unwrap();
    let again = installs::install(&here, &world.as_user(user), &plugin, None).await.unwrap();
    assert!(again.changed);
    assert_eq!(world.count("installation.installed"), 2);
}

#[tokio::test]
async fn facts_of_other_processes_are_as_old_as_the_settings_allow() {
    let world = World::new();
    let (here, there) = (world.app_with(|settings| settings.fact_age = Duration::ZERO), world.app());
    let (owner, _) = world.vendor(&here, "acme").await;
    let plugin = PluginRef::Id(world.published(&here, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&here, "ann").await;
    plugins::suspend(&there, &world.operator(), &plugin, "stolen").await.unwrap();
    let refused = installs::install(&here, &world.as_user(user), &plugin, None).await.unwrap_err();
    assert_eq!(reason(&refused), "plugin_suspended");
}

#[tokio::test(start_paused = true)]
async fn who_follows_the_log_hears_of_other_processes_and_reads_nothing_twice() {
    let world = World::new();
    let (here, there) = (world.app_with(|settings| settings.fact_age = Duration::from_millis(250)), world.app());
    let (owner, _) = world.vendor(&there, "acme").await;
    let plugin = PluginRef::Id(world.published(&there, owner, "tool", Pricing::Free).await.id);
    let mut users = Vec::new();
    for name in ["ada", "bob", "cyd", "dan", "eve"] {
        users.push(world.user(&there, name).await);
    }
    let install = async |number: usize| {
        let user = users[number];
        // Its stream is new, as the caller knows.
        let context = Context { first_try: true, ..world.as_user(user) };
        installs::install(&here, &context, &plugin, None).await
    };
    let following = tokio::spawn((*here).clone().follow(Arc::new(LogFeed(world.log.clone()))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    install(0).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let before = world.log.reads();
    install(1).await.unwrap();
    assert_eq!(world.log.reads() - before, 0, "nothing was heard of, so nothing changed");

    plugins::suspend(&there, &world.operator(), &plugin, "it does harm").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(reason(&install(2).await.unwrap_err()), "plugin_suspended");

    following.abort();
    plugins::reinstate(&there, &world.operator(), &plugin).await.unwrap();
    install(3).await.unwrap();
    tokio::time::sleep(Duration::from_millis(251)).await;
    let before = world.log.reads();
    install(4).await.unwrap();
    assert_eq!(world.log.reads() - before, 1, "who hears of nothing asks again");
}

#[tokio::test(start_paused = true)]
async fn an_append_that_was_applied_in_silence_is_found_again() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    world.log.plan([Fault::LostAfter]);
    let done = installs::install(&app, &world.as_user(user), &plugin, None).await.unwrap();
    assert!(done.changed);
    assert_eq!(done.wrote.as_deref(), Some("installation.installed"));
    assert_eq!(world.count("installation.installed"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_append_that_was_lost_is_made_again() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    world.log.plan([Fault::LostBefore, Fault::LostBefore, Fault::LostAfter]);
    let mut ctx = world.as_user(user);
    ctx.first_try = true;
    assert!(installs::install(&app, &ctx, &plugin, None).await.unwrap().changed);
    assert_eq!(world.count("installation.installed"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_stays_away_is_unavailable_and_what_was_acknowledged_stays() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    let ctx = world.as_user(user);
    installs::install(&app, &ctx, &plugin, None).await.unwrap();
    let before = world.types();

    world.log.set_down(true);
    let stranger = world.as_user(owner);
    let refused = installs::install(&app, &stranger, &plugin, None).await.unwrap_err();
    assert!(matches!(refused, AppError::Unavailable(_)), "{refused:?}");
    world.log.set_down(false);
    assert_eq!(world.types(), before);
    assert!(installs::install(&app, &stranger, &plugin, None).await.unwrap().changed);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_settled_by_the_same_command_later() {
    let world = World::new();
    let app = world.app();
    let (owner, _) = world.vendor(&app, "acme").await;
    let plugin = PluginRef::Id(world.published(&app, owner, "tool", Pricing::Free).await.id);
    let user = world.user(&app, "ann").await;
    let ctx = world.as_user(user);
    // Applied, but no answer, and then nothing answers for longer than a caller waits.
    world.log.plan([Fault::LostAfter]);
    let (task_app, task_ctx, task_plugin) = (app.clone(), ctx.clone(), plugin.clone());
    let running = tokio::spawn(async move { installs::install(&task_app, &task_ctx, &task_plugin, None).await });
    while world.count("installation.installed") == 0 {
        tokio::task::yield_now().await;
    }
    world.log.set_down(true);
    assert!(matches!(running.await.unwrap(), Err(AppError::Unavailable(_))));
    world.log.set_down(false);
    let again = installs::install(&app, &ctx, &plugin, None).await.unwrap();
    assert!(again.changed, "the first try did it, and it is the same command");
    assert_eq!(world.count("installation.installed"), 1);
}

#[tokio::test]
async fn a_repeated_command_answers_as_before_in_any_process() {
    let world = World::new();
    let (one, two) = (world.app(), world.app());
    let (owner, _) = world.vendor(&one, "acme").await;
    let ctx = world.as_user(owner);
    let first = plugins::create(&one, &ctx, listing("tool", Pricing::Free)).await.unwrap();
    for app in [&one, &two] {
        let again = plugins::create(app, &ctx, listing("tool", Pricing::Free)).await.unwrap();
        assert_eq!((again.value.id, again.position, again.changed), (first.value.id, first.position, true));
    }
    assert_eq!(world.count("plugin.created"), 1);
    // Another user with the same key has another command; the same user with another name, another plugin.
    let other = plugins::create(&two, &ctx, listing("other", Pricing::Free)).await.unwrap();
    assert_ne!(other.value.id, first.value.id);
}

#[tokio::test]
async fn events_carry_who_why_and_about_what() {
    let world = World::new();
    let app: Arc<_> = world.app();
    let (owner, vendor) = world.vendor(&app, "acme").await;
    let plugin = world.plugin(&app, owner, "tool", Pricing::Free).await;
    let ctx = Context { traceparent: Some("00-aa-bb-01".into()), ..world.as_user(owner) };
    plugins::deprecate(&app, &ctx, &plugin.id.into(), "use another").await.unwrap();
    let event = world.events_of("plugin.deprecated").pop().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&event.metadata).unwrap();
    assert_eq!(metadata["actor"]["id"], owner.to_string());
    assert_eq!(metadata["actor"]["role"], "vendor");
    assert_eq!(metadata["commandId"], ctx.command.to_string());
    assert_eq!(metadata["$correlationId"], ctx.correlation.to_string());
    assert_eq!(metadata["$causationId"], ctx.command.to_string());
    assert_eq!(metadata["traceparent"], "00-aa-bb-01");
    assert_eq!(metadata["pluginId"], plugin.id.to_string());
    assert_eq!(metadata["vendorId"], vendor.id.to_string());
    let ids: BTreeSet<_> = world.memory.events().iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), world.memory.events().len());
}
