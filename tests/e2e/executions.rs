//! Plugins run in the sandbox of a real Souk, over HTTP.

use serde_json::{Value, json};
use souk_tests::{
    client::{Answer, Client},
    sample,
};

use crate::support::{Seller, nobody, person, seller, unique};

/// A component that counts words, and tells them.
pub const WORDS: &[u8] = include_bytes!("../../crates/sandbox/fixtures/words.wasm");

/// A component that does what its input names; `sleep` waits within a call of the host.
const PROBE: &[u8] = include_bytes!("../../crates/sandbox/fixtures/probe.wasm");

/// A free plugin whose approved version runs `component`.
async fn runnable(seller: &Seller, component: &[u8], capabilities: Value) -> String {
    let name = submitted(seller, component, json!({ "capabilities": capabilities })).await;
    let status = settled(&seller.client, &name).await;
    if status == "needs_review" {
        let approve = format!("/plugins/{name}/versions/1.0.0/approve");
        let admin = crate::support::admin().await;
        admin.post(&approve, json!({})).await.expect("answers").expect(200).expect("is approved");
    }
    name
}

/// Hands in a version that runs `component`, with `more` in its manifest; the plugin's name.
pub async fn submitted(seller: &Seller, component: &[u8], more: Value) -> String {
    let name = unique("runs");
    let created = seller.client.post("/plugins", sample::skill(&name, &sample::free())).await.expect("answers");
    created.expect(201).expect("is created");
    hand_in(seller, &name, "1.0.0", component, more).await;
    name
}

async fn hand_in(seller: &Seller, name: &str, version: &str, component: &[u8], more: Value) {
    let mut manifest = sample::manifest(name, version);
    manifest["entry"] = json!("plugin.wasm");
    manifest.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let skill = "---\nname: words\ndescription: Counts words.\n---\n\n# Words\n\nHand in a text.\n";
    let files = [("SKILL.md", skill.as_bytes()), ("plugin.wasm", component)];
    let files = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
    let archive = souk_package::pack::pack(files).expect("packs");
    seller.client.submit(name, &manifest, archive).await.expect("answers").expect(202).expect("is taken");
}

/// What became of the version, once that is known.
pub async fn settled(vendor: &Client, plugin: &str) -> String {
    let status = |answer: &Answer| answer.body["items"][0]["status"].as_str().unwrap_or_default().to_owned();
    let known = |answer: &Answer| !matches!(status(answer).as_str(), "" | "submitted" | "validating");
    status(&vendor.until(&format!("/plugins/{plugin}/versions"), known).await.expect("is validated"))
}

async fn installed(plugin: &str) -> Client {
    let user = person(&nobody(), "runner").await;
    let path = format!("/plugins/{plugin}/install");
    user.post(&path, json!({})).await.expect("answers").expect(201).expect("is installed");
    user
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_runs_and_its_reliability_moves() {
    let plugin = runnable(&seller().await, WORDS, json!({})).await;
    let user = installed(&plugin).await;
    let path = format!("/plugins/{plugin}/execute");
    let answer = user.post(&path, json!({"input": "a b a"})).await.expect("answers").expect(200).expect("ran");
    assert_eq!(answer.body["output"], json!({"words": 3, "distinct": {"a": 2, "b": 1}}), "{}", answer.text);
    assert!(answer.body["usage"]["memoryBytes"].as_u64().is_some_and(|bytes| bytes >= 65_536), "{}", answer.text);
    assert!(answer.body["confidence"].is_u64(), "{}", answer.text);

    let accepted = user.post(&path, json!({"input": "x y", "mode": "async"})).await.expect("answers");
    let id = accepted.expect(202).expect("is accepted").text_at("/executionId").expect("an id");
    let status = format!("/plugins/{plugin}/status?execution={id}");
    let ended = user.until(&status, |answer| answer.body["status"] != "running").await.expect("ends");
    assert_eq!(ended.body["output"]["words"], 2, "{}", ended.text);

    let reliability = format!("/plugins/{plugin}/reliability");
    let moved = nobody().until(&reliability, |answer| answer.body["parts"]["succeeded"] == 2).await.expect("moves");
    assert!(moved.body["history"].as_array().expect("a list").iter().any(|change| change["cause"] == "executions"));
    let history = nobody().get(&format!("/plugins/{plugin}/history?limit=100")).await.expect("answers");
    assert!(history.text.contains("execution.succeeded") && !history.text.contains("distinct"), "{}", history.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_ends_is_ended_and_others_run_on() {
    let seller = seller().await;
    // Another version with the same archive may take longer.
    let patient = runnable(&seller, PROBE, json!({"timeSeconds": 20})).await;
    let answer =
        installed(&patient).await.post(&format!("/plugins/{patient}/execute"), json!({"input": "sleep 0"})).await;
    answer.expect("answers").expect(200).expect("has time");
    let hostile = runnable(&seller, PROBE, json!({"timeSeconds": 2})).await;
    let honest = runnable(&seller, WORDS, json!({})).await;
    let (hostile_user, honest_user) = (installed(&hostile).await, installed(&honest).await);
    let hostile_path = format!("/plugins/{hostile}/execute");
    let endless = hostile_user.post(&hostile_path, json!({"input": "sleep 60"}));
    let honest_path = format!("/plugins/{honest}/execute");
    let beside = async {
        for _ in 0..10 {
            let answer = honest_user.post(&honest_path, json!({"input": "a"})).await.expect("answers");
            answer.expect(200).expect("runs beside it");
        }
    };
    let (endless, ()) = tokio::join!(endless, beside);
    let mut endless = endless.expect("answers");
    // What each failure costs: -40 / 21, -80 / 22, -120 / 23, whole points. An answer that the read model is late for does not say it.
    let mut costs = vec![-2, -2, -1];
    let failed = loop {
        assert_eq!((endless.status, endless.code()), (422, "execution_failed"), "{}", endless.text);
        let details = &endless.body["error"]["details"];
        let ended = (&details["reason"], &details["fault"]);
        assert_eq!(ended, (&json!("time_exceeded"), &json!("plugin")), "{}", endless.text);
        let (impact, cost) =
            (&endless.body["error"]["reliabilityImpact"], costs.pop().expect("one says what it costs"));
        if !impact.is_null() {
            assert_eq!(impact, &json!(cost), "{}", endless.text);
            break 3 - costs.len();
        }
        endless = hostile_user.post(&hostile_path, json!({"input": "sleep 60"})).await.expect("answers");
    };
    let reliability = format!("/plugins/{hostile}/reliability");
    let counted = |answer: &Answer| answer.body["parts"]["failed"] == failed;
    let counted = nobody().until(&reliability, counted).await.expect("it counts");
    let pattern = &counted.body["metrics"]["failures"]["executions"][0];
    assert_eq!((&pattern["code"], &pattern["count"]), (&json!("time_exceeded"), &json!(failed)), "{}", counted.text);
    assert_eq!(pattern["versions"], json!(["1.0.0"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_run_twice_and_what_depends_on_chance_is_left_to_a_human() {
    let seller = seller().await;
    let promised = json!([{"name": "three", "input": "a b a", "expected": {"words": 3, "distinct": {"a": 2, "b": 1}}}]);
    let honest = submitted(&seller, WORDS, json!({ "samples": promised })).await;
    assert_eq!(settled(&seller.client, &honest).await, "approved");
    let shuffled = json!([{"name": "any", "input": "shuffle a b c d e f g h i j k l", "property": {"type": "string"}}]);
    let random = submitted(&seller, WORDS, json!({ "samples": shuffled })).await;
    assert_eq!(settled(&seller.client, &random).await, "needs_review");
    let history = nobody().get(&format!("/plugins/{random}/history?limit=100")).await.expect("answers");
    let items = history.body["items"].as_array().expect("a list");
    let checked = items.iter().find(|item| item["type"] == "validation.cross_checked").expect("was cross-checked");
    assert_eq!(checked["data"]["attempts"].as_array().map(Vec::len), Some(2), "it was tried again: {checked}");
    let reliability = format!("/plugins/{random}/reliability");
    let costs = |answer: &Answer| answer.body["parts"]["crossChecks"] == -2;
    let told = nobody().until(&reliability, costs).await.expect("it costs two points");
    let agreement = &told.body["metrics"]["agreement"][0];
    assert_eq!((&agreement["retried"], &agreement["version"]), (&json!(true), &json!("1.0.0")), "{}", told.text);
    assert_eq!(told.body["metrics"]["consensus"]["total"]["checks"], 1, "{}", told.text);
    let escalated = |answer: &Answer| answer.body["metrics"]["agreement"][0]["escalated"] == true;
    nobody().until(&reliability, escalated).await.expect("a human is asked");
    let first = nobody().get(&format!("{reliability}/history?limit=1")).await.expect("answers");
    let change = &first.body["items"][0];
    assert_eq!((&change["cause"], &change["before"]), (&json!("validation.concluded"), &json!(null)), "{}", first.text);
    let cursor = first.text_at("/nextCursor").expect("another page");
    let rest = nobody().get(&format!("{reliability}/history?cursor={cursor}")).await.expect("answers");
    assert_eq!(
        (&rest.body["items"][0]["points"], &rest.body["nextCursor"]),
        (&json!(-2), &json!(null)),
        "{}",
        rest.text
    );
}

/// The time of a plugin's last event, once that is the `count`th of `event_type`, and the reliability that the read model has then.
async fn moment(plugin: &str, event_type: &str, count: usize) -> (String, Value) {
    let items = |answer: &Answer| answer.body["items"].as_array().cloned().unwrap_or_default();
    let history = format!("/plugins/{plugin}/history?limit=100");
    let reached = |answer: &Answer| {
        let items = items(answer);
        let alike = items.iter().filter(|item| item["type"] == event_type).count();
        alike == count && items.last().is_some_and(|item| item["type"] == event_type)
    };
    let told = nobody().until(&history, reached).await.expect("comes");
    let event = items(&told).pop().expect("an event");
    let position = event["position"].as_u64().expect("a position");
    let reliability = nobody().get_at(&format!("/plugins/{plugin}/reliability"), position).await.expect("answers");
    let score = reliability.expect(200).expect("is told").body["score"].take();
    (event["recordedAt"].as_str().expect("a time").to_owned(), score)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reliability_of_some_time_is_what_it_was_then() {
    let seller = seller().await;
    let chance = json!([{"name": "any", "input": "random", "property": {"type": "string"}}]);
    let plugin = submitted(&seller, PROBE, json!({ "samples": chance })).await;
    // Of two runs that differ.
    assert_eq!(settled(&seller.client, &plugin).await, "needs_review");
    let mut moments = vec![moment(&plugin, "validation.escalated", 1).await];
    let approve = format!("/plugins/{plugin}/versions/1.0.0/approve");
    let admin = crate::support::admin().await;
    admin.post(&approve, json!({})).await.expect("answers").expect(200).expect("is approved");
    moment(&plugin, "plugin.version_approved", 1).await;
    let user = installed(&plugin).await;
    let path = format!("/plugins/{plugin}/execute");
    for (input, status, times, ended, count) in [
        ("no such command", 422, 3, "execution.failed", 3),
        ("say it", 200, 4, "execution.succeeded", 4),
        ("no such command", 422, 1, "execution.failed", 4),
    ] {
        for _ in 0..times {
            let answer = user.post(&path, json!({ "input": input })).await.expect("answers");
            answer.expect(status).expect("runs");
        }
        moments.push(moment(&plugin, ended, count).await);
    }
    let review = json!({"rating": 1, "title": "Fails", "body": "It fails more often than not."});
    let review = user.put(&format!("/plugins/{plugin}/reviews/mine"), review).await.expect("answers");
    review.expect(201).expect("is taken");
    moments.push(moment(&plugin, "review.submitted", 1).await);
    let certain = json!([{"name": "one", "input": "long 3", "expected": "xxx"}]);
    hand_in(&seller, &plugin, "1.0.1", PROBE, json!({ "samples": certain })).await;
    moments.push(moment(&plugin, "plugin.version_approved", 2).await);

    let scores: Vec<&Value> = moments.iter().map(|(_, score)| score).collect();
    assert!(scores.windows(2).all(|two| two[0] != two[1] && two[1].is_u64()), "each should differ: {moments:?}");
    for (time, score) in &moments {
        let then = nobody().get(&format!("/plugins/{plugin}?at={time}")).await.expect("answers");
        let then = then.expect(200).expect("is told");
        assert_eq!(&then.body["reliability"], score, "at {time} of {moments:?}");
    }
}
