use std::{fs, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use souk_app::{App, Ports, Settings, reactions::ReactionRunner};
use souk_domain::{
    id::{LicenseId, OrderId, PluginId, SubscriptionId, UserId, VendorId, WebhookId},
    money::Currency,
};
use souk_feed_log::LogFeed;
use souk_ports::{Directory, DirectoryError, Due, Passwords, Position, Timeline, store::StoreError};
use souk_testkit::{
    ManualClock, MemoryArtifacts, MemoryCredentials, MemoryLog, MemoryNotices, MemoryOutputs, MemoryPartners,
    MemoryReactions, MemoryWebhookBodies, PlainVault, ScriptedSandbox, SeededRandom, ToyHooks,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::import::{claude, docker, n8n, registry};

/// Suggests nothing: imports name everything themselves.
struct Nothing;

#[async_trait]
impl Directory for Nothing {
    async fn vendors_of(&self, _: UserId, _: Position) -> Result<Vec<VendorId>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn licenses_of(&self, _: UserId, _: PluginId, _: Position) -> Result<Vec<LicenseId>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn subscriptions_of(&self, _: UserId, _: Position) -> Result<Vec<SubscriptionId>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn waiting_webhooks(
        &self,
        _: &[String],
        _: Option<OrderId>,
        _: Position,
    ) -> Result<Vec<WebhookId>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn due(&self, _: DateTime<Utc>, _: DateTime<Utc>, _: u32, _: Position) -> Result<Due, DirectoryError> {
        Ok(Due::default())
    }

    async fn earned(&self, _: VendorId, _: Currency, _: DateTime<Utc>, _: Position) -> Result<i64, DirectoryError> {
        Ok(0)
    }

    async fn installers_of(
        &self,
        _: PluginId,
        _: Option<UserId>,
        _: u32,
        _: Position,
    ) -> Result<Vec<UserId>, DirectoryError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Timeline for Nothing {
    async fn page(&self, _: PluginId, _: Position, _: usize, _: Position) -> Result<Vec<Position>, DirectoryError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Passwords for Nothing {
    async fn hash(&self, password: &str) -> Result<String, StoreError> {
        Ok(password.to_owned())
    }

    async fn verify(&self, password: &str, hash: &str) -> bool {
        password == hash
    }
}

struct Market {
    app: App,
    log: Arc<MemoryLog>,
}

impl Market {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let log = Arc::new(MemoryLog::new(Arc::clone(&clock) as _));
        let notices = Arc::new(MemoryNotices::new(Arc::clone(&clock) as _));
        let ports = Ports {
            log: Arc::clone(&log) as _,
            vault: Arc::new(PlainVault::default()),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(SeededRandom::default()),
            credentials: Arc::new(MemoryCredentials::default()),
            passwords: Arc::new(Nothing),
            artifacts: Arc::new(MemoryArtifacts::default()),
            sandbox: Arc::new(ScriptedSandbox::default()),
            malware: None,
            outputs: Arc::new(MemoryOutputs::new(Arc::clone(&clock) as _)),
            gateways: Vec::new(),
            webhooks: Arc::new(MemoryWebhookBodies::default()),
            notices: notices.clone(),
            outbox: notices,
            post: None,
            partners: Arc::new(MemoryPartners::new(Arc::clone(&clock) as _)),
            hook_caller: Arc::new(ToyHooks::default()),
            directory: Arc::new(Nothing),
            timeline: Arc::new(Nothing),
            ledger: Arc::new(souk_ledger::MemoryLedger::over(Arc::clone(&log) as _, &SeededRandom::default()).unwrap()),
        };
        Self { app: App::new(ports, Settings::default()), log }
    }

    async fn import(&self, catalogue: &Catalogue) -> Vec<Outcome> {
        apply(&self.app, catalogue, None, || {}).await.unwrap()
    }

    fn events(&self) -> usize {
        self.log.events().len()
    }
}

fn versions(outcomes: &[Outcome]) -> Vec<String> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Imported(it) => format!("imported {} {}", it.name, it.version),
            Outcome::Updated(it) => format!("updated {} {}", it.name, it.version),
            Outcome::Unchanged(it) => format!("unchanged {} {}", it.name, it.version),
            Outcome::Refused(refused) => {
                format!("refused {}: {}", refused.name.as_deref().unwrap_or("-"), refused.reason)
            }
        })
        .collect()
}

fn write(folder: &Path, path: &str, contents: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn workflow(name: &str, node: &str) -> String {
    json!({"name": name, "connections": {},
        "nodes": [{"name": "Do", "type": format!("n8n-nodes-base.{node}"), "position": [0, 0], "parameters": {}}]})
    .to_string()
}

/// A marketplace of one plugin by `author`.
fn marketplace(author: &str, description: &str, version: &str, command: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let list = json!({"name": "demo", "owner": {"name": "Owner"}, "plugins": [{"name": "tool", "source": "./tool",
        "description": description, "version": version, "author": {"name": author}}]});
    write(folder.path(), ".claude-plugin/marketplace.json", &list.to_string());
    write(folder.path(), "tool/commands/go.md", command);
    folder
}

fn read(folder: &TempDir) -> Catalogue {
    claude::read(folder.path()).unwrap()
}

#[tokio::test]
async fn a_second_import_adds_nothing() {
    let folder = TempDir::new().unwrap();
    for index in 0..40 {
        write(folder.path(), &format!("a/{index}.json"), &workflow(&format!("Flow {index}"), "slack"));
    }
    let catalogue = n8n::read(folder.path()).unwrap();
    let market = Market::new();
    let first = market.import(&catalogue).await;
    assert!(first.iter().all(|outcome| matches!(outcome, Outcome::Imported(_))), "{:?}", versions(&first));
    let events = market.events();
    let second = market.import(&n8n::read(folder.path()).unwrap()).await;
    assert!(second.iter().all(|outcome| matches!(outcome, Outcome::Unchanged(_))), "{:?}", versions(&second));
    assert_eq!(market.events(), events);
}

#[tokio::test]
async fn a_changed_file_is_the_next_patch_even_when_it_changes_back() {
    let folder = TempDir::new().unwrap();
    let market = Market::new();
    for (node, expected) in [
        ("slack", "imported flow 1.0.0"),
        ("notion", "updated flow 1.0.1"),
        ("slack", "updated flow 1.0.2"),
        ("slack", "unchanged flow 1.0.2"),
    ] {
        write(folder.path(), "a.json", &workflow("Flow", node));
        let outcomes = market.import(&n8n::read(folder.path()).unwrap()).await;
        assert_eq!(versions(&outcomes), [expected]);
    }
}

#[tokio::test]
async fn stated_versions_are_held_to() {
    let market = Market::new();
    let steps = [
        ("One.", "1.0", "Go.", "imported tool 1.0.0"),
        ("Two.", "1.0", "Go.", "updated tool 1.0.0"),
        ("One.", "1.0", "Go.", "updated tool 1.0.0"),
        ("One.", "1.0", "Go!", "refused tool: its contents changed without a new version: 1.0.0 is there already"),
        ("One.", "1.1", "Go!", "updated tool 1.1.0"),
        ("One.", "1.0.5", "Go?", "refused tool: its version 1.0.5 is not greater than 1.1.0, which is there already"),
        ("One.", "1.1", "Go!", "unchanged tool 1.1.0"),
    ];
    for (description, version, command, expected) in steps {
        let outcomes = market.import(&read(&marketplace("Jane", description, version, command))).await;
        assert_eq!(versions(&outcomes), [expected]);
    }
}

#[tokio::test]
async fn nobody_is_taken_over() {
    let market = Market::new();
    market.import(&read(&marketplace("Jane", "One.", "1.0", "Go."))).await;
    let events = market.events();
    let outcomes = market.import(&read(&marketplace("Joe", "One.", "1.0", "Go."))).await;
    assert_eq!(versions(&outcomes), ["refused tool: another vendor has a plugin named `tool`"]);
    assert_eq!(market.events(), events + 3, "Joe's vendor: slug, registration, verification");

    let ctx = Context::operator(CommandId::derived(&["somebody"]));
    let register = Register { email: "a@example.com".into(), password: "12345678".into(), display_name: "A".into() };
    users::register(&market.app, &ctx, register).await.unwrap();
    let folder = marketplace("Jane", "One.", "1.0", "Go.");
    let outcomes = apply(&market.app, &read(&folder), Some("a@example.com"), || {}).await.unwrap();
    assert_eq!(versions(&outcomes), ["refused tool: the vendor `jane` belongs to another account"]);
    let error = apply(&market.app, &read(&folder), Some("b@example.com"), || {}).await.unwrap_err();
    assert!(error.to_string().contains("no account"), "{error}");
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on() {
    let folder = marketplace("Jane", "One.", "1.0", "Go.");
    let catalogue = read(&folder);
    let whole = Market::new();
    whole.import(&catalogue).await;
    let expected = whole.events();
    let market = Market::new();
    let owner = account(&market.app, None).await.unwrap();
    let vendor = vendor(&market.app, &catalogue.entries[0].vendor, owner).await.ok().unwrap();
    create(&market.app, &catalogue.entries[0], vendor).await.unwrap();
    assert_eq!(versions(&market.import(&catalogue).await), ["imported tool 1.0.0"]);
    assert_eq!(market.events(), expected);
}

#[tokio::test]
async fn what_is_imported_is_validated_and_approved() {
    let market = Market::new();
    let feed = Arc::new(LogFeed::new(Arc::clone(&market.log) as _));
    let reactions = Arc::new(MemoryReactions::new(Arc::new(ManualClock::default())));
    let cancel = CancellationToken::new();
    let runner = ReactionRunner::spawn(
        Arc::new(market.app.clone()),
        feed,
        reactions,
        market.app.ports().random.uuid(),
        cancel.clone(),
    );
    let outcomes = market.import(&read(&marketplace("Jane", "One.", "1.0", "Go."))).await;
    let Some(Outcome::Imported(submitted)) = outcomes.first() else { panic!("{:?}", versions(&outcomes)) };
    let mut seen = Standing::Pending;
    for _ in 0..500 {
        seen = standing(&market.app, submitted).await.unwrap();
        if seen != Standing::Pending {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    cancel.cancel();
    runner.join().await;
    assert_eq!(seen, Standing::Approved);
}

/// Real catalogues, where they are at hand: `SOUK_TEST_SHARED_DATA` names their folder.
#[tokio::test]
async fn real_catalogues_are_imported_once() {
    let Some(data) = std::env::var_os("SOUK_TEST_SHARED_DATA") else { return };
    let market = Market::new();
    let at = |folder: &str| Path::new(&data).join(folder);
    let catalogues = || {
        [
            claude::read(&at("claude-plugins")).unwrap(),
            n8n::read(&at("n8n-templates")).unwrap(),
            docker::read(&at("mcp-servers/docker")).unwrap(),
            registry::read(&at("mcp-servers/registry-seed")).unwrap(),
        ]
    };
    for (catalogue, expected) in catalogues().iter().zip([91, 338, 328, 464]) {
        let outcomes = market.import(catalogue).await;
        let imported = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Imported(_))).count();
        assert_eq!((imported, outcomes.len()), (expected, expected));
    }
    let events = market.events();
    for catalogue in catalogues() {
        let outcomes = market.import(&catalogue).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Unchanged(_))));
    }
    assert_eq!(market.events(), events);
}
