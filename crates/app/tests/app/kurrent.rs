//! The command loop over KurrentDB, whose stand-in loses every tenth answer together with its connection.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use futures::future::join_all;
use souk_app::{
    App, Context,
    users::{self, Register},
    vendors,
};
use souk_domain::{id::VendorId, money::BasisPoints};
use souk_kurrent_standin::{Fault, Standin};
use souk_log_kurrent::{KurrentLog, Options};
use souk_ports::{EventLog, Filter, RecordedEvent};
use souk_testkit::SeededRandom;

use crate::support::World;

/// Callers at a time; each has a process for every second command.
const CALLERS: u16 = 4;
/// Rounds of two commands that each caller makes.
const ROUNDS: u16 = 15;

async fn connect(standin: &Standin, seed: u64) -> Arc<KurrentLog> {
    let options = Options::new(Arc::new(SeededRandom::new(seed)));
    Arc::new(KurrentLog::connect(&standin.url(), options).await.unwrap())
}

/// What one command acknowledged: the position of its event.
async fn register(app: &App, ctx: Context, name: &str) -> u64 {
    let input = Register {
        email: format!("{name}@people.example").into(),
        password: "correct horse".into(),
        display_name: name.into(),
    };
    let done = users::register(app, &ctx, input).await.unwrap();
    assert!(done.changed);
    done.position
}

async fn set_commission(app: &App, ctx: Context, vendor: VendorId, points: u16) -> u64 {
    let commission = BasisPoints::try_from(points).unwrap();
    let done = vendors::set_commission(app, &ctx, vendor, commission).await.unwrap();
    assert!(done.changed);
    done.position
}

fn count(events: &[RecordedEvent], event_type: &str) -> usize {
    events.iter().filter(|event| event.event_type == event_type).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_outcomes_lose_nothing_double_nothing_and_are_no_conflict() {
    let standin = Standin::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let world = Arc::new(World::new());
    let apps = [world.app_on(connect(&standin, 1).await), world.app_on(connect(&standin, 2).await)];
    let (_, vendor) = world.vendor(&apps[0], "acme").await;
    let before =
        count(&connect(&standin, 3).await.read_all(0, &Filter::default(), 10_000).await.unwrap(), "user.registered");
    standin.faults().every(Some((10, Fault::LostAfter)));

    // Each caller registers people of its own, and all change one vendor through two processes, which conflict in earnest.
    let callers = (0..CALLERS).map(|caller| {
        let (world, apps, vendor) = (world.clone(), apps.clone(), vendor.id);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..ROUNDS {
                let app = &apps[usize::from((caller + round) % 2)];
                acknowledged.push(register(app, world.anonymous(), &format!("c{caller}r{round}")).await);
                let points = 1 + caller * ROUNDS + round;
                acknowledged.push(set_commission(app, world.operator(), vendor, points).await);
            }
            acknowledged
        })
    });
    let acknowledged: Vec<u64> = join_all(callers).await.into_iter().flat_map(Result::unwrap).collect();

    standin.faults().every(None);
    let events = connect(&standin, 4).await.read_all(0, &Filter::default(), 10_000).await.unwrap();
    let total = usize::from(CALLERS * ROUNDS);
    assert_eq!(count(&events, "user.registered"), before + total);
    assert_eq!(count(&events, "vendor.commission_set"), total);
    let mut copies: HashMap<_, usize> = HashMap::new();
    events.iter().for_each(|event| *copies.entry(event.id).or_default() += 1);
    assert!(copies.values().all(|copies| *copies == 1), "an event is there twice");
    for position in &acknowledged {
        assert_eq!(events.iter().filter(|event| event.position == *position).count(), 1, "position {position}");
    }
    let appends = standin.faults().calls().appends;
    assert!(appends >= 10 * 10, "only {appends} appends: too few met a fault");
}
