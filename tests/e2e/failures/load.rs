//! People who write all the time, at every HTTP interface of a cluster, and keep what they were told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use souk_tests::{
    client::{Answer, Call, Client},
    sample,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::check::until_current;
use crate::{
    cluster::Cluster,
    support::{person, published, unique, verified},
};

/// How long a write may take until it is acknowledged, and how long all of them together may make no progress. An HTTP
/// interface that was killed keeps the keys of its requests for 30 seconds.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two writes of one person: what is written is checked event by event afterwards.
const PAUSE: Duration = Duration::from_millis(25);
const VISITORS: usize = 6;
const BUYERS: usize = 3;
const PRICE: i64 = 4_900;

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Installed,
    Uninstalled,
    /// This order was placed.
    Ordered(String),
    /// This order was paid.
    Paid(String),
}

impl What {
    /// The event that says so.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Installed => "installation.installed",
            Self::Uninstalled => "installation.uninstalled",
            Self::Ordered(_) => "order.placed",
            Self::Paid(_) => "payment.completed",
        }
    }
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub struct Write {
    pub position: u64,
    pub what: What,
}

/// All acknowledged writes of one person, in order. There was no other.
#[derive(Debug)]
pub struct Told {
    pub user: String,
    pub writes: Vec<Write>,
}

/// Where to write, and whether to begin with anything new.
#[derive(Clone, Debug)]
struct Scene {
    apis: Vec<String>,
    goes_on: bool,
}

/// Writing that goes on.
pub struct Load {
    scene: watch::Sender<Scene>,
    acknowledged: Arc<AtomicU64>,
    writers: Vec<JoinHandle<Told>>,
}

impl Load {
    /// Publishes plugins on `cluster` and begins to write about them.
    pub async fn start(cluster: &Cluster) -> Self {
        // Processes that have only just begun have connections to open first.
        until_current(cluster).await;
        let admin = cluster.admin().await;
        let nobody = cluster.nobody();
        let seller = verified(&nobody, &admin).await;
        // Of several plugins, so that several partitions have events.
        let prices = [sample::free(), sample::free(), sample::free(), sample::one_time(PRICE, "USD")];
        let plugins = join_all(prices.iter().map(|price| published(&seller, price))).await;
        let (paid, free) = plugins.split_last().expect("four");
        let scene = watch::Sender::new(Scene { apis: cluster.apis(), goes_on: true });
        let acknowledged = Arc::new(AtomicU64::new(0));
        let mut writers = Vec::new();
        for number in 0..VISITORS + BUYERS {
            let client = person(&nobody, "writer").await;
            let me = client.get("/me").await.expect("answers").expect(200).expect("is read");
            let writer = Writer {
                told: Told { user: me.text_at("/id").expect("an id"), writes: Vec::new() },
                client,
                admin: admin.clone(),
                scene: scene.subscribe(),
                turn: number,
                acknowledged: Arc::clone(&acknowledged),
            };
            writers.push(if number < VISITORS {
                tokio::spawn(writer.visit(free[number % free.len()].clone()))
            } else {
                tokio::spawn(writer.buy(paid.clone()))
            });
        }
        Self { scene, acknowledged, writers }
    }

    /// The HTTP interfaces of `cluster` are elsewhere now.
    pub fn moved(&self, cluster: &Cluster) {
        self.scene.send_modify(|scene| scene.apis = cluster.apis());
    }

    /// Waits until so many more writes are acknowledged.
    pub async fn progress(&self, writes: u64) {
        let goal = self.acknowledged.load(Ordering::Relaxed) + writes;
        let reached = async {
            while self.acknowledged.load(Ordering::Relaxed) < goal {
                assert!(self.writers.iter().all(|writer| !writer.is_finished()), "a writer gave up");
                sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = timeout(PATIENCE, reached).await;
        assert!(waited.is_ok(), "{} writes were acknowledged, then no more", self.acknowledged.load(Ordering::Relaxed));
    }

    /// Ends it: whoever is in the middle of a write still has it acknowledged.
    pub async fn finish(self) -> Vec<Told> {
        self.scene.send_modify(|scene| scene.goes_on = false);
        join_all(self.writers).await.into_iter().map(|told| told.expect("a writer")).collect()
    }
}

/// A person who writes.
struct Writer {
    client: Client,
    admin: Client,
    told: Told,
    scene: watch::Receiver<Scene>,
    turn: usize,
    acknowledged: Arc<AtomicU64>,
}

impl Writer {
    fn goes_on(&self) -> bool {
        self.scene.borrow().goes_on
    }

    /// Installs and uninstalls `plugin` in turn.
    async fn visit(mut self, plugin: String) -> Told {
        let path = format!("/plugins/{plugin}/install");
        let client = self.client.clone();
        while self.goes_on() {
            let installed = self.write(&client, Method::POST, &path, Some(json!({})), 201).await;
            self.keep(&installed, What::Installed);
            if self.goes_on() {
                let uninstalled = self.write(&client, Method::DELETE, &path, None, 204).await;
                self.keep(&uninstalled, What::Uninstalled);
            }
        }
        self.told
    }

    /// Orders `plugin`, and has an admin see the payment, again and again.
    async fn buy(mut self, plugin: String) -> Told {
        let (client, admin) = (self.client.clone(), self.admin.clone());
        while self.goes_on() {
            let body = json!({"plugin": plugin, "gateway": "manual"});
            let ordered = self.write(&client, Method::POST, "/orders", Some(body), 201).await;
            let order = ordered.text_at("/id").expect("an id");
            self.keep(&ordered, What::Ordered(order.clone()));
            let body = json!({"reference": format!("bank-{order}"), "amount": PRICE, "currency": "USD"});
            let paid = self.write(&admin, Method::POST, &format!("/orders/{order}/payments"), Some(body), 200).await;
            self.keep(&paid, What::Paid(order));
        }
        self.told
    }

    fn keep(&mut self, answer: &Answer, what: What) {
        let position = answer.position.unwrap_or_else(|| panic!("{what:?} without a position: {}", answer.text));
        self.told.writes.push(Write { position, what });
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Sends a write under one key to one HTTP interface after the other, until it is acknowledged.
    async fn write(&mut self, who: &Client, method: Method, path: &str, body: Option<Value>, status: u16) -> Answer {
        sleep(PAUSE).await;
        let call = Call { body, key: Some(unique("write")), ..Call::default() };
        let mut last = String::new();
        let acknowledged = async {
            loop {
                self.turn += 1;
                let base = {
                    let scene = self.scene.borrow();
                    scene.apis.get(self.turn % scene.apis.len().max(1)).cloned()
                };
                let Some(base) = base else {
                    sleep(Duration::from_millis(20)).await;
                    continue;
                };
                match who.at(&base).call(method.clone(), path, call.clone()).await {
                    Ok(answer) if answer.status == status => return answer,
                    Ok(answer) if answer.status == 503 || is_still_running(&answer) => last = answer.text,
                    Ok(answer) => panic!("{method} {path}: {} {}", answer.status, answer.text),
                    Err(error) => last = error,
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(PATIENCE, acknowledged).await {
            Ok(answer) => answer,
            Err(_) => panic!("{method} {path} was never acknowledged: {last}"),
        }
    }
}

/// Whether the same request runs elsewhere, or ran on a process that was killed and left its lease.
fn is_still_running(answer: &Answer) -> bool {
    answer.status == 409 && answer.body["error"]["details"]["reason"] == "still_running"
}
