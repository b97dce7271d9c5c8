//! Steps of the validation that ask others: whose keys they were, what a scanner knows, what the sandbox makes ready.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use souk_app::{
    App,
    plugins::{self, PluginRef, SubmitVersion},
    reactions, vendor_keys, vendors,
};
use souk_domain::{id::UserId, listing::Kind, listing::Pricing, validation::Verdict, vendor::Vendor};
use souk_package::{pack::pack, sha256};
use souk_ports::{
    RecordedEvent,
    malware::{MalwareError, Scan},
    store::ReactionStore,
};
use souk_signing::{SecretKey, artifact_message};

use crate::{
    doubles::Scanner,
    support::{World, listing, reason, ruling},
};

const SCRIPT: &str = "print('hello')\n";

fn packed(files: &[(&str, &str)]) -> Bytes {
    pack(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))).unwrap().into()
}

fn submission(kind: Kind, artifact: Bytes) -> SubmitVersion {
    let manifest = json!({"name": "tool", "version": "1.0.0", "kind": kind, "summary": "s", "license": "MIT"});
    SubmitVersion { manifest, artifact, signature: None }
}

fn key() -> SecretKey {
    SecretKey::from_seed([3; 32])
}

fn signed(input: SubmitVersion) -> SubmitVersion {
    let signature = key().sign(&artifact_message(&sha256(&input.artifact)).unwrap());
    SubmitVersion { signature: Some(signature.to_string()), ..input }
}

/// A shop with one vendor and its plugin `tool`.
struct Shop {
    world: World,
    app: Arc<App>,
    owner: UserId,
    vendor: Vendor,
    plugin: PluginRef,
}

impl Shop {
    async fn with(world: World, kind: Kind) -> Self {
        let app = world.app();
        let (owner, vendor) = world.vendor(&app, "acme").await;
        let mut input = listing("tool", Pricing::Free);
        input.details.kind = kind;
        let plugin = plugins::create(&app, &world.as_user(owner), input).await.unwrap().value;
        Self { plugin: PluginRef::Id(plugin.id), world, app, owner, vendor }
    }

    async fn open() -> Self {
        Self::with(World::new(), Kind::Asset).await
    }

    async fn scanned() -> (Self, Arc<Scanner>) {
        let (world, scanner) = (World::new(), Arc::new(Scanner::default()));
        assert!(world.scanner.set(scanner.clone()).is_ok());
        (Self::with(world, Kind::Asset).await, scanner)
    }

    async fn register_key(&self) {
        let (ctx, public) = (self.world.as_user(self.owner), key().public().to_string());
        vendor_keys::register(&self.app, &ctx, self.vendor.id, &public, "build server").await.unwrap();
    }

    async fn revoke_key(&self) {
        let key = vendor_keys::list(&self.app, self.vendor.id).await.unwrap().value.pop().unwrap();
        vendor_keys::revoke(&self.app, &self.world.as_user(self.owner), self.vendor.id, key.id).await.unwrap();
    }

    async fn submit(&self, input: SubmitVersion) {
        plugins::submit_version(&self.app, &self.world.as_user(self.owner), &self.plugin, input).await.unwrap();
    }

    async fn settle(&self) {
        let running = self.world.react(&self.app);
        running.settle(&self.world).await;
        running.stop().await;
    }

    /// What was recorded of a step: its outcome, and the rules that it found broken.
    fn step(&self, name: &str) -> (String, Vec<String>) {
        let of = |event: &RecordedEvent| serde_json::from_slice::<Value>(&event.data).unwrap();
        let steps: Vec<_> = self.world.events_of("validation.step_completed").iter().map(of).collect();
        let step = steps.iter().find(|step| step["name"] == name).unwrap();
        let rules =
            step["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned());
        (step["outcome"].as_str().unwrap().to_owned(), rules.collect())
    }

    async fn report(&self) -> Value {
        let concluded: Value = serde_json::from_slice(&self.world.events_of("validation.concluded")[0].data).unwrap();
        let report = self.app.ports().artifacts.get(concluded["report"].as_str().unwrap()).await.unwrap();
        serde_json::from_slice(&report).unwrap()
    }
}

fn passed(rules: &[&str]) -> (String, Vec<String>) {
    ("passed".to_owned(), rules.iter().map(|rule| (*rule).to_owned()).collect())
}

fn failed(rule: &str) -> (String, Vec<String>) {
    ("failed".to_owned(), vec![rule.to_owned()])
}

fn asset() -> SubmitVersion {
    submission(Kind::Asset, packed(&[("README.md", "It says hello."), ("hello.py", SCRIPT)]))
}

#[tokio::test(start_paused = true)]
async fn a_signature_and_the_key_behind_it_are_kept_as_evidence() {
    let shop = Shop::open().await;
    shop.register_key().await;
    shop.submit(signed(asset())).await;
    shop.settle().await;
    assert_eq!(shop.step("signature"), passed(&[]));
    let evidence = shop.report().await["signature"].clone();
    assert_eq!((&evidence["key"], &evidence["verifies"]), (&json!("valid"), &json!(true)));
    assert_eq!(evidence["publicKey"], json!(key().public().to_string()));
    assert_eq!(shop.world.count("plugin.version_approved"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_could_have_signed_and_did_not_is_told_apart_from_who_could_not() {
    for (has_key, rule) in [(false, "signature.unsigned"), (true, "signature.missing")] {
        let shop = Shop::open().await;
        if has_key {
            shop.register_key().await;
        }
        shop.submit(asset()).await;
        if !has_key {
            // It comes too late to count.
            shop.register_key().await;
        }
        shop.settle().await;
        assert_eq!(shop.step("signature"), passed(&[rule]));
        assert_eq!(shop.world.count("plugin.version_approved"), 1, "nobody has to sign");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_revoked_since_is_for_a_human_to_judge() {
    let shop = Shop::open().await;
    shop.register_key().await;
    shop.submit(signed(asset())).await;
    shop.revoke_key().await;
    shop.settle().await;
    assert_eq!(shop.step("signature"), passed(&["signature.key_revoked"]));
    assert_eq!((shop.world.count("validation.escalated"), shop.world.count("plugin.version_approved")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_suspended_vendor_handed_in_is_left_to_a_human() {
    let shop = Shop::open().await;
    shop.submit(asset()).await;
    vendors::suspend(&shop.app, &shop.world.operator(), shop.vendor.id, "It sells what is not its own.").await.unwrap();
    shop.settle().await;
    assert_eq!(shop.world.count("plugin.version_approved"), 0);
    let escalated = shop.world.events_of("validation.escalated");
    let why: Value = serde_json::from_slice(&escalated[0].data).unwrap();
    assert!(why["reason"].as_str().unwrap().contains("suspended"), "{why}");
    // Once its vendor may publish again, a human approves it, and nobody else.
    vendors::verify(&shop.app, &shop.world.operator(), shop.vendor.id).await.unwrap();
    assert!(shop.world.store.rewind("verdicts", 0).await.unwrap());
    shop.world.clock.advance(std::time::Duration::from_secs(31));
    shop.settle().await;
    assert_eq!((shop.world.count("plugin.version_approved"), shop.world.count("validation.escalated")), (0, 1));
    let (version, approve) = (semver::Version::new(1, 0, 0), ruling(Verdict::Approve));
    plugins::judge(&shop.app, &shop.world.operator(), &shop.plugin, &version, &approve).await.unwrap();
    assert_eq!(shop.world.count("plugin.version_approved"), 1);
}

#[tokio::test(start_paused = true)]
async fn later_tries_see_the_keys_as_the_first_one_did() {
    let (shop, scanner) = Shop::scanned().await;
    scanner.learn(|_| Err(MalwareError::Unavailable("it is away".to_owned())));
    shop.register_key().await;
    shop.submit(signed(asset())).await;
    let running = shop.world.react(&shop.app);
    while !running.runner.status().iter().any(|status| status.waiting.as_ref().is_some_and(|why| why.contains("away")))
    {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    shop.revoke_key().await;
    assert_eq!(shop.world.count("validation.concluded"), 0, "a scanner that is away finds nothing, and clears nothing");
    scanner.learn(|_| Ok(Scan::Clean));
    running.settle(&shop.world).await;
    running.stop().await;
    assert_eq!(shop.step("signature"), passed(&[]));
    assert_eq!(shop.step("malware"), passed(&[]));
    assert!(shop.world.store.parked(None).await.unwrap().is_empty(), "it waited");
    assert_eq!(shop.world.count("plugin.version_approved"), 1);
}

#[tokio::test(start_paused = true)]
async fn malware_is_refused_with_its_name_and_its_file() {
    let (shop, scanner) = Shop::scanned().await;
    scanner.learn(|bytes| {
        let is_known = bytes == SCRIPT.as_bytes();
        Ok(if is_known { Scan::Infected("Test.Hello".to_owned()) } else { Scan::Clean })
    });
    shop.submit(asset()).await;
    shop.settle().await;
    assert_eq!(shop.step("malware"), failed("malware.found"));
    let report = shop.report().await;
    let found = &report["steps"][6]["findings"][0];
    assert_eq!((&found["place"], &found["owasp"]), (&json!("hello.py"), &json!("AST01")));
    assert!(found["message"].as_str().unwrap().contains("Test.Hello"), "{found}");
    assert_eq!(shop.world.count("plugin.version_rejected"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_scanner_does_not_take_is_for_a_human_to_judge() {
    let (shop, scanner) = Shop::scanned().await;
    scanner.learn(|bytes| Ok(if bytes.starts_with(b"PK") { Scan::TooLarge } else { Scan::Clean }));
    shop.submit(asset()).await;
    shop.settle().await;
    assert_eq!(shop.step("malware"), passed(&["malware.not_scanned"]));
    assert_eq!((shop.world.count("validation.escalated"), shop.world.count("plugin.version_approved")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_fails_again_and_again_is_parked_and_tried_again_by_an_operator() {
    let (shop, scanner) = Shop::scanned().await;
    scanner.learn(|_| Err(MalwareError::Failed("it said `stream: Can't allocate memory ERROR`".to_owned())));
    shop.submit(asset()).await;
    shop.settle().await;
    let parked = shop.world.store.parked(Some("validation")).await.unwrap();
    assert!(parked[0].reason.contains("Can't allocate memory"), "{}", parked[0].reason);
    assert_eq!(shop.world.count("validation.concluded"), 0);
    scanner.learn(|_| Ok(Scan::Clean));
    reactions::retry_parked(&shop.app, &*shop.world.store, "validation", parked[0].position).await.unwrap();
    assert_eq!(shop.step("malware"), passed(&[]));
}

#[tokio::test(start_paused = true)]
async fn without_a_scanner_the_step_is_left_out_and_says_so() {
    let shop = Shop::open().await;
    shop.submit(asset()).await;
    shop.settle().await;
    assert_eq!(shop.step("malware"), ("skipped".to_owned(), vec![]));
    assert_eq!(shop.report().await["steps"][6]["reason"], json!("no scanner of malware was asked"));
}

const NODE: &str = r#""name":"A","type":"n8n-nodes-base.manualTrigger","position":[0,0],"parameters":{}"#;

fn workflow(more: &str) -> SubmitVersion {
    submission(
        Kind::Workflow,
        packed(&[("flow.json", &format!("{{\"nodes\":[{{{NODE}{more}}}],\"connections\":{{}}}}"))]),
    )
}

#[tokio::test(start_paused = true)]
async fn a_workflow_is_kept_without_ids_of_its_authors_accounts() {
    let shop = Shop::with(World::new(), Kind::Workflow).await;
    let raw = workflow(r#","credentials":{"slackApi":{"id":"7","name":"Ours"}},"webhookId":"5f1c""#);
    let ctx = shop.world.as_user(shop.owner);
    let submitted = plugins::submit_version(&shop.app, &ctx, &shop.plugin, raw.clone()).await.unwrap().value;
    let kept = workflow("").artifact;
    assert_eq!((&submitted.release.digest, submitted.release.size), (&sha256(&kept), kept.len() as u64));
    assert_eq!(shop.app.ports().artifacts.get(&sha256(&kept)).await.unwrap(), kept);
    assert!(shop.app.ports().artifacts.get(&sha256(&raw.artifact)).await.is_err(), "what was handed in is not kept");
    shop.settle().await;
    assert_eq!(shop.step("workflow"), passed(&["workflow.stripped"]));
    assert_eq!(shop.world.count("plugin.version_approved"), 1);

    let before = shop.world.types().len();
    for again in [raw, workflow("")] {
        shop.submit(again).await;
    }
    assert_eq!(shop.world.types().len(), before, "it is the same version, stripped here or before");
}

#[tokio::test]
async fn a_signature_over_what_is_not_kept_is_refused() {
    let shop = Shop::with(World::new(), Kind::Workflow).await;
    shop.register_key().await;
    let submit =
        async |input| plugins::submit_version(&shop.app, &shop.world.as_user(shop.owner), &shop.plugin, input).await;
    let refused = submit(signed(workflow(r#","webhookId":"5f1c""#))).await.unwrap_err();
    assert_eq!(reason(&refused), "invalid_signature");
    assert!(refused.to_string().contains("webhookId"), "{refused}");
    assert_eq!(shop.world.count("plugin.version_submitted"), 0);
    assert!(submit(signed(workflow(""))).await.unwrap().value.release.signature.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_component_is_ready_once_its_version_is_approved_whatever_the_manifest_says_of_it() {
    const WORDS: &[u8] = include_bytes!("../../../sandbox/fixtures/words.wasm");
    for (wasm, entry, prepared, outcome) in [
        (WORDS, Some("plugin.wasm"), vec![sha256(WORDS)], "passed"),
        (WORDS, None, vec![sha256(WORDS)], "passed"),
        (b"no component", None, vec![], "skipped"),
    ] {
        let shop = Shop::open().await;
        let files = [("README.md", b"It counts.\n".to_vec()), ("plugin.wasm", wasm.to_vec())];
        let artifact = pack(files.map(|(path, bytes)| (path.to_owned(), bytes))).unwrap().into();
        let mut input = submission(Kind::Asset, artifact);
        if let Some(entry) = entry {
            input.manifest["entry"] = json!(entry);
        }
        shop.submit(input).await;
        shop.settle().await;
        assert_eq!(shop.world.sandbox.prepared(), prepared, "{entry:?}");
        assert_eq!(shop.step("execution").0, outcome);
        assert_eq!(
            (shop.world.sandbox.runs(), shop.world.count("plugin.version_approved")),
            (0, usize::from(wasm == WORDS))
        );
    }
}
