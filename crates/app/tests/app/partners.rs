//! Calling webhooks of partners, by one process or several.

use std::{sync::Arc, time::Duration};

use souk_app::{
    App,
    partners::{self, NewScopes, deliver, hooks},
};
use souk_domain::partner::{Partner, Quotas};
use souk_ports::partner::{CallError, Hook, HookState, PartnerStore, Reply};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::World;

struct Calling {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Calling {
    fn start(app: &Arc<App>) -> Self {
        let cancel = CancellationToken::new();
        let work = deliver::run((**app).clone(), cancel.clone());
        Self { task: tokio::spawn(work), cancel }
    }

    async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap();
    }
}

async fn partner(world: &World, app: &App) -> Partner {
    let scopes = NewScopes { types: vec!["vendor.*".to_owned()], ..NewScopes::default() };
    let made = partners::register(app, &world.operator(), "Mirrors".to_owned(), scopes, Quotas::default()).await;
    made.unwrap().value
}

async fn hook(world: &World, app: &App, partner: &Partner) -> Uuid {
    let made = hooks::create(app, partner, world.command(), "https://partner.example", &[], Some(0)).await;
    made.unwrap().hook.id
}

/// Ids of the calls so far.
fn called(world: &World) -> Vec<String> {
    let id = |call: &souk_ports::partner::Outgoing| {
        call.headers.iter().find(|(name, _)| *name == "webhook-id").unwrap().1.clone()
    };
    world.hooks.calls().iter().map(id).collect()
}

/// What a partner is told in `world`.
fn told(world: &World) -> Vec<String> {
    let all = world.events_of("vendor.registered").into_iter().chain(world.events_of("vendor.verified"));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|event| event.position);
    all.into_iter().map(|event| event.id.to_string()).collect()
}

/// Waits for what must come; time passes by itself.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited in vain for {what}");
}

async fn stands(world: &World, partner: &Partner, id: Uuid) -> Hook {
    world.partners.hook(partner.id, id).await.unwrap().unwrap()
}

#[tokio::test(start_paused = true)]
async fn several_processes_tell_each_event_once_and_in_order() {
    let world = World::new();
    let app = world.app();
    let partner = partner(&world, &app).await;
    hook(&world, &app, &partner).await;
    let calling = [Calling::start(&app), Calling::start(&world.app()), Calling::start(&world.app())];
    for n in 0..20 {
        world.vendor(&app, &format!("vendor-{n}")).await;
    }
    until("all to be told", async || called(&world).len() >= told(&world).len()).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    for calling in calling {
        calling.stop().await;
    }
    assert_eq!(called(&world), told(&world));
    assert!(told(&world).len() >= 20);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_for_days_and_then_left_alone() {
    let world = World::new();
    let app = world.app();
    let partner = partner(&world, &app).await;
    let id = hook(&world, &app, &partner).await;
    world.hooks.answer(|_| Err(CallError::Unreachable("nobody there".to_owned())));
    world.vendor(&app, "acme").await;
    let calling = Calling::start(&app);
    let waits = partners::Delivering::default().retries;
    let days: u64 = waits.iter().map(Duration::as_secs).sum();
    assert!((3 * 86_400..4 * 86_400).contains(&days), "{days}");
    for (failed, wait) in (1..).zip(&waits) {
        until("a failure", async || stands(&world, &partner, id).await.attempts == failed).await;
        let stands = stands(&world, &partner, id).await;
        let found = (stands.next_attempt_at - souk_ports::Clock::now(world.clock.as_ref())).to_std().unwrap();
        assert!(found >= *wait && found <= *wait + *wait / 10, "{found:?} instead of {wait:?}");
        assert_eq!(world.hooks.calls().len(), failed as usize);
        world.clock.advance(found);
    }
    until("the end", async || stands(&world, &partner, id).await.state == HookState::Disabled("failing".to_owned()))
        .await;
    assert_eq!(world.hooks.calls().len(), waits.len() + 1);
    // Enabled again, it goes on with what was not taken.
    world.hooks.answer(|_| Ok(Reply { status: 200, retry_after: None }));
    hooks::set_enabled(&app, &partner, id, true).await.unwrap();
    until("the rest", async || called(&world)[waits.len() + 1..] == told(&world)[..]).await;
    calling.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_time_gets_it_and_the_owner_may_cut_it_short() {
    let world = World::new();
    let app = world.app();
    let partner = partner(&world, &app).await;
    let id = hook(&world, &app, &partner).await;
    let hour = Duration::from_secs(3_600);
    world.hooks.answer(move |_| Ok(Reply { status: 429, retry_after: Some(hour) }));
    world.vendor(&app, "acme").await;
    let calling = Calling::start(&app);
    until("a failure", async || stands(&world, &partner, id).await.attempts == 1).await;
    let stood = stands(&world, &partner, id).await;
    assert_eq!((stood.next_attempt_at - souk_ports::Clock::now(world.clock.as_ref())).to_std().unwrap(), hour);
    // Whoever calls it notices within seconds that its owner wants it told again at once.
    world.hooks.answer(|_| Ok(Reply { status: 200, retry_after: None }));
    hooks::replay(&app, &partner, id, 0).await.unwrap();
    until("the rest", async || called(&world)[1..] == told(&world)[..]).await;
    calling.stop().await;
    assert_eq!(stands(&world, &partner, id).await.attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn what_died_between_telling_and_noting_is_told_again_under_the_same_id() {
    let world = World::new();
    let app = world.app();
    let partner = partner(&world, &app).await;
    hook(&world, &app, &partner).await;
    world.vendor(&app, "acme").await;
    // Told, and never noted: as if the process had died there.
    let claimed = world.partners.claim_hooks(Uuid::from_u128(9), Duration::from_secs(30), 10).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let calling = Calling::start(&app);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(called(&world).is_empty(), "somebody else holds it");
    world.leases.advance(Duration::from_secs(31));
    until("the lease to be over", async || called(&world) == told(&world)).await;
    calling.stop().await;
}
