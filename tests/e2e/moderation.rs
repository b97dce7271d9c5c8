//! The moderators' queue: what escalates, what is appealed, what is reported.

use serde_json::{Value, json};
use souk_tests::{
    client::{Answer, Client},
    process, sample,
};

use crate::support::{Seller, moderator, nobody, person, published, seller, shared, unique};

/// A flaw of high severity, 25 points: the pipeline leaves the version to a human.
const DOUBTFUL: (&str, usize) = ("Log Reader", 10);
/// Two of them, 50 points: the pipeline rejects it.
const BAD: (&str, usize) = ("Log Reader", 1_100);

/// A plugin whose version 1.0.0 is a skill with this name, and a description so long, once it `became` what it should.
async fn handed_in(seller: &Seller, (skill, length): (&str, usize), became: &str) -> String {
    let (name, vendor) = (unique("judged"), &seller.client);
    let created = vendor.post("/plugins", sample::skill(&name, &sample::free())).await.expect("answers");
    created.expect(201).expect("is created");
    let text = format!("---\nname: {skill}\ndescription: {}\n---\n\n# Log reader\n\nRead it.\n", "d".repeat(length));
    let archive = souk_package::pack::pack([("log-reader/SKILL.md".to_owned(), text.into_bytes())]).expect("packs");
    let submitted = vendor.submit(&name, &sample::manifest(&name, "1.0.0"), archive).await.expect("answers");
    submitted.expect(202).expect("is taken");
    let settled = |answer: &Answer| {
        !matches!(answer.body["items"][0]["status"].as_str(), None | Some("submitted" | "validating"))
    };
    let versions = vendor.until(&format!("/plugins/{name}/versions"), settled).await.expect("is validated");
    assert_eq!(versions.body["items"][0]["status"], became, "{}", versions.text);
    name
}

/// The id of what a moderator decides about.
async fn validation(plugin: &str) -> String {
    let path = format!("/plugins/{plugin}/validation");
    let shown = |answer: &Answer| answer.body["items"][0]["id"].is_string();
    nobody().until(&path, shown).await.expect("is shown").text_at("/items/0/id").expect("an id")
}

/// The item as the queue shows it at `position`, wherever it stands there.
async fn queued(moderator: &Client, query: &str, id: &str, position: u64) -> Option<Value> {
    let mut path = format!("/moderation?limit=3&{query}");
    loop {
        let page = moderator.get_at(&path, position).await.expect("answers").expect(200).expect("is shown").body;
        let items = page["items"].as_array().expect("a list");
        if let Some(item) = items.iter().find(|item| item["id"] == id) {
            return Some(item.clone());
        }
        path = format!("/moderation?limit=3&{query}&cursor={}", page["nextCursor"].as_str()?);
    }
}

async fn done(client: &Client, path: &str, body: Value, status: u16) -> (u64, Value) {
    let answer = client.post(path, body).await.expect("answers").expect(status).expect("is done");
    (answer.position.expect("a position"), answer.body)
}

async fn refused(client: &Client, path: &str, body: Value) -> (u16, String) {
    let answer = client.post(path, body).await.expect("answers");
    (answer.status, answer.body["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned())
}

async fn installs(plugin: &str) -> u16 {
    let user = person(&nobody(), "user").await;
    user.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers").status
}

async fn history(plugin: &str) -> Vec<String> {
    let page = nobody().get(&format!("/plugins/{plugin}/history?limit=100")).await.expect("answers");
    let items = page.body["items"].as_array().expect("a list").clone();
    items.iter().map(|item| item["type"].as_str().expect("a type").to_owned()).collect()
}

/// The read model, made anew, has the same rows.
fn rebuilt_alike() {
    let arguments = ["rebuild", "moderation", "--verify"];
    let output = tokio::task::block_in_place(|| process::run(shared().souk.data_dir(), &arguments, &[])).expect("runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_escalates_waits_in_the_queue_until_a_moderator_decides() {
    let (seller, moderator) = (seller().await, moderator().await);
    let plugin = handed_in(&seller, DOUBTFUL, "needs_review").await;
    let id = validation(&plugin).await;
    let path = format!("/moderation/{id}");
    let case = moderator.until(&path, |answer| answer.status == 200).await.expect("waits").body;
    assert_eq!((&case["type"], &case["why"], &case["state"]), (&json!("version"), &json!("escalated"), &json!("open")));
    assert_eq!((&case["confidence"], &case["findings"]["high"]), (&json!(75), &json!(1)), "{case}");
    assert_eq!((&case["plugin"]["name"], &case["version"]), (&json!(plugin), &json!("1.0.0")));
    assert_eq!(case["vendor"]["id"], json!(seller.vendor));
    assert!(case["validation"]["report"].is_string() && case["decisions"] == json!([]), "{case}");
    assert!(queued(&moderator, "state=open&type=version", &id, 0).await.is_some());
    assert!(queued(&moderator, "state=open&type=review", &id, 0).await.is_none());
    assert_eq!(installs(&plugin).await, 409);
    assert_eq!(
        refused(&seller.client, &format!("/plugins/{plugin}/versions/1.0.0/appeal"), json!({"reason": "Soon?"})).await,
        (409, "not_rejected".to_owned())
    );

    let approve = format!("/plugins/{plugin}/versions/1.0.0/approve");
    let (position, answer) = done(&moderator, &approve, json!({"reason": "A name is a name."}), 200).await;
    assert_eq!(
        (&answer["status"], &answer["adjudication"]["reason"]),
        (&json!("approved"), &json!("A name is a name."))
    );
    assert!(queued(&moderator, "state=open", &id, position).await.is_none());
    let item = queued(&moderator, "state=decided", &id, position).await.expect("was decided");
    assert_eq!(item["decision"], "approved");
    assert_eq!(item["decidedBy"], moderator.get("/me").await.expect("answers").body["id"]);
    assert_eq!(installs(&plugin).await, 201);
    // The same again decides nothing.
    let (again, _) = done(&moderator, &approve, json!({}), 200).await;
    let adjudications = async || history(&plugin).await.iter().filter(|kind| *kind == "validation.adjudicated").count();
    assert!(again >= 1 && adjudications().await == 1);
    rebuilt_alike();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_is_upheld_or_overturned_for_good() {
    let (seller, moderator) = (seller().await, moderator().await);
    for overturned in [false, true] {
        let plugin = handed_in(&seller, BAD, "rejected").await;
        let (id, path) = (validation(&plugin).await, format!("/plugins/{plugin}/versions/1.0.0"));
        assert_eq!(moderator.get(&format!("/moderation/{id}")).await.expect("answers").status, 404, "nobody asked");
        let appeal = json!({"reason": "Clients of Example take such names."});
        let (position, made) = done(&seller.client, &format!("{path}/appeal"), appeal.clone(), 201).await;
        assert_eq!((&made["state"], &made["validationId"]), (&json!("open"), &json!(id)));
        done(&seller.client, &format!("{path}/appeal"), appeal, 200).await;
        let other = json!({"reason": "And another thing."});
        assert_eq!(refused(&seller.client, &format!("{path}/appeal"), other.clone()).await.1, "already_appealed");
        let item = queued(&moderator, "state=open", &id, position).await.expect("waits");
        assert_eq!((&item["why"], &item["confidence"]), (&json!("appealed"), &json!(50)), "{item}");
        assert_eq!(item["reason"], "Clients of Example take such names.");
        assert_eq!(installs(&plugin).await, 409, "an appeal alone changes nothing");
        assert_eq!(refused(&moderator, &format!("{path}/approve"), json!({})).await, (409, "appeal_open".to_owned()));

        let (verb, word) = if overturned { ("approve", "overturned") } else { ("reject", "upheld") };
        let answer = json!({"reason": "I looked again.", "onAppeal": true});
        let (position, _) = done(&moderator, &format!("{path}/{verb}"), answer.clone(), 200).await;
        done(&moderator, &format!("{path}/{verb}"), answer, 200).await;
        assert!(queued(&moderator, "state=open", &id, position).await.is_none());
        assert_eq!(queued(&moderator, "state=decided", &id, position).await.expect("is decided")["decision"], word);
        assert_eq!(installs(&plugin).await, if overturned { 201 } else { 409 });

        let validations = format!("/plugins/{plugin}/validation");
        let own = seller.client.get_at(&validations, position).await.expect("answers").body["items"][0].clone();
        assert_eq!((&own["appeal"]["state"], &own["adjudication"]), (&json!(word), &json!("I looked again.")));
        assert_eq!(own["appeal"]["reason"], "Clients of Example take such names.");
        let public = nobody().get(&validations).await.expect("answers");
        assert!(
            public.body["items"][0]["appeal"]["state"] == word && !public.text.contains("Example"),
            "{}",
            public.text
        );
        let told = nobody().get(&format!("/plugins/{plugin}/history?limit=100")).await.expect("answers");
        assert!(told.text.contains("validation.appealed") && !told.text.contains("Example"), "{}", told.text);
        let expected: &[&str] = if overturned { &["plugin.version_approved"] } else { &[] };
        let behind = ["plugin.version_rejected", "validation.appealed", "validation.adjudicated"];
        let tail: Vec<_> = behind.iter().chain(expected).copied().collect();
        assert!(history(&plugin).await.join(" ").contains(&tail.join(" ")), "{:?}", history(&plugin).await);
    }
    rebuilt_alike();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appeal_against_a_moderators_rejection_shows_both_decisions() {
    let (seller, moderator) = (seller().await, moderator().await);
    let plugin = handed_in(&seller, DOUBTFUL, "needs_review").await;
    let (id, path) = (validation(&plugin).await, format!("/plugins/{plugin}/versions/1.0.0"));
    moderator.until(&format!("/moderation/{id}"), |answer| answer.status == 200).await.expect("waits");
    done(&moderator, &format!("{path}/reject"), json!({"reason": "No such name."}), 200).await;
    done(&seller.client, &format!("{path}/appeal"), json!({"reason": "But there is."}), 201).await;
    let answer = json!({"reason": "So there is.", "onAppeal": true});
    let (position, _) = done(&moderator, &format!("{path}/approve"), answer, 200).await;
    let case = moderator.get_at(&format!("/moderation/{id}"), position).await.expect("answers").body;
    let decisions: Vec<_> =
        case["decisions"].as_array().expect("a list").iter().map(|made| &made["decision"]).collect();
    assert_eq!(decisions, [&json!("rejected"), &json!("overturned")], "{case}");
    assert_eq!((&case["validation"]["appeal"]["reason"], &case["state"]), (&json!("But there is."), &json!("decided")));
    assert_eq!(installs(&plugin).await, 201);
    let versions = nobody().get_at(&format!("/plugins/{plugin}/versions"), position).await.expect("answers");
    assert_eq!(versions.body["items"][0]["status"], "approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_review_waits_until_a_moderator_looked() {
    let (seller, moderator, author) = (seller().await, moderator().await, person(&nobody(), "author").await);
    let plugin = published(&seller, &sample::free()).await;
    done(&author, &format!("/plugins/{plugin}/install"), json!({}), 201).await;
    let body = json!({"rating": 1, "title": "Bad", "body": "It loses lines."});
    let written = author.put(&format!("/plugins/{plugin}/reviews/mine"), body).await.expect("answers");
    let id = written.expect(201).expect("is written").text_at("/id").expect("an id");
    let path = format!("/plugins/{plugin}/reviews/{id}");
    done(&seller.client, &format!("{path}/flag"), json!({"reason": "It is not true."}), 200).await;
    let (position, _) = done(&author, &format!("{path}/flag"), json!({"reason": "I misspoke."}), 200).await;
    let item = queued(&moderator, "state=open&type=review", &id, position).await.expect("waits");
    assert_eq!((&item["why"], &item["reports"], &item["findings"]), (&json!("flagged"), &json!(2), &json!(null)));
    let case = moderator.get(&format!("/moderation/{id}")).await.expect("answers").body;
    assert_eq!((&case["review"]["body"], &case["reason"]), (&json!("It loses lines."), &json!("I misspoke.")));
    let (position, _) = done(&moderator, &format!("{path}/unflag"), json!({}), 200).await;
    assert!(queued(&moderator, "state=open", &id, position).await.is_none());
    assert_eq!(queued(&moderator, "state=decided&type=review", &id, position).await.expect("is")["decision"], "kept");
    rebuilt_alike();
}
