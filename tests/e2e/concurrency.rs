//! Many at once: what may happen once happens once.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use souk_tests::{
    client::{Answer, Call, Client},
    sample,
};

use crate::support::{nobody, person, published, seller, unique};

/// Every page of a plugin's history.
pub async fn history(client: &Client, plugin: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut path = format!("/plugins/{plugin}/history?limit=100");
    loop {
        let page = client.get(&path).await.expect("answers").expect(200).expect("is read");
        items.extend(page.body["items"].as_array().cloned().expect("items"));
        match page.body["nextCursor"].as_str() {
            Some(cursor) => path = format!("/plugins/{plugin}/history?limit=100&after={cursor}"),
            None => return items,
        }
    }
}

fn statuses(answers: Vec<Result<Answer, String>>) -> Vec<u16> {
    answers.into_iter().map(|answer| answer.expect("answers").status).collect()
}

fn count(statuses: &[u16], status: u16) -> usize {
    statuses.iter().filter(|found| **found == status).count()
}

async fn count_events(client: &Client, plugin: &str, event: &str, position: u64) -> usize {
    client
        .get_at(&format!("/plugins/{plugin}/history?limit=1"), position)
        .await
        .expect("answers")
        .expect(200)
        .expect("is read");
    history(client, plugin).await.iter().filter(|item| item["type"] == event).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_installs_of_one_user_are_one_event() {
    let plugin = published(&seller().await, &sample::free()).await;
    let user = person(&nobody(), "installer").await;
    let path = format!("/plugins/{plugin}/install");
    let answers = join_all((0..200).map(|_| user.post(&path, json!({})))).await;
    let position = answers.iter().flatten().filter_map(|answer| answer.position).max().expect("a position");
    let statuses = statuses(answers);
    assert_eq!((count(&statuses, 201), count(&statuses, 200)), (1, 199), "{statuses:?}");
    assert_eq!(count_events(&user, &plugin, "installation.installed", position).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_ten_spellings_is_taken_once() {
    let seller = seller().await;
    let word = unique("Name").replace('-', "");
    let spellings: Vec<String> = ["a-b", "A-b", "a-B", "A-B", "a_b", "A_b", "a.b", "A.B", "a_B", "A.b"]
        .iter()
        .map(|pair| format!("{word}{pair}"))
        .collect();
    let calls = (0..100).map(|i| {
        let body = sample::skill(&spellings[i % spellings.len()], &sample::free());
        let client = seller.client.clone();
        async move { client.post("/plugins", body).await }
    });
    let answers = join_all(calls).await;
    for answer in answers.iter().flatten().filter(|answer| answer.status == 409) {
        assert_eq!(answer.code(), "conflict", "{}", answer.text);
        assert_eq!(answer.body["error"]["details"]["reason"], "name_taken", "{}", answer.text);
    }
    let statuses = statuses(answers);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 99), "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_email_address_is_taken_once() {
    let nobody = nobody();
    let email = format!("{}@Example.com", unique("Same"));
    let calls = (0..20).map(|i| {
        let email = if i % 2 == 0 { email.clone() } else { email.to_lowercase() };
        let body = json!({"email": email, "password": crate::support::PASSWORD, "displayName": "Same"});
        let nobody = nobody.clone();
        async move { nobody.post("/auth/register", body).await }
    });
    let statuses = statuses(join_all(calls).await);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (1, 19), "{statuses:?}");
}

fn with_key(key: &str, body: Value) -> Call {
    Call { body: Some(body), key: Some(key.to_owned()), ..Call::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_gives_the_first_answer_again() {
    let plugin = published(&seller().await, &sample::free()).await;
    let path = format!("/plugins/{plugin}/install");
    let (one, two) = (person(&nobody(), "one").await, person(&nobody(), "two").await);
    let key = unique("key");
    let first =
        one.call(Method::POST, &path, with_key(&key, json!({}))).await.expect("answers").expect(201).expect("new");
    let again =
        one.call(Method::POST, &path, with_key(&key, json!({}))).await.expect("answers").expect(201).expect("replay");
    assert_eq!((again.body, again.position), (first.body, first.position));
    let other = one.call(Method::POST, &path, with_key(&key, json!({"version": "1.0.0"}))).await.expect("answers");
    assert_eq!(other.status, 422, "{}", other.text);

    let theirs =
        two.call(Method::POST, &path, with_key(&key, json!({}))).await.expect("answers").expect(201).expect("new");
    let position = theirs.position.expect("a position");
    assert_eq!(count_events(&one, &plugin, "installation.installed", position).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_many_times_at_once_is_one_event() {
    let plugin = published(&seller().await, &sample::free()).await;
    let user = person(&nobody(), "user").await;
    user.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers").expect(201).expect("installs");
    let key = unique("key");
    let path = format!("/plugins/{plugin}/reviews/mine");
    let body = json!({"rating": 4, "title": "Good", "body": "Does what it says."});
    let answers = join_all((0..50).map(|_| user.call(Method::PUT, &path, with_key(&key, body.clone())))).await;
    let position = answers.iter().flatten().filter_map(|answer| answer.position).max().expect("a position");
    let statuses = statuses(answers);
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert!(count(&statuses, 201) >= 1);
    assert_eq!(count_events(&user, &plugin, "review.submitted", position).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn activations_never_exceed_the_license() {
    let seller = seller().await;
    let plugin = published(&seller, &sample::one_time(100, "EUR")).await;
    let buyer = person(&nobody(), "buyer").await;
    let admin = crate::support::admin().await;
    let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await.expect("answers");
    let order = order.expect(201).expect("is placed").text_at("/id").expect("an id");
    let pay = format!("/orders/{order}/payments");
    let paid = join_all((0..20).map(|_| admin.post(&pay, json!({"reference": "transfer-1"})))).await;
    assert!(statuses(paid).iter().all(|status| *status == 200));
    let other = admin.post(&pay, json!({"reference": "transfer-2"})).await.expect("answers");
    assert_eq!(other.status, 409, "{}", other.text);
    let licenses =
        buyer.until("/me/licenses", |answer| answer.body["items"][0]["id"].is_string()).await.expect("arrives");
    assert_eq!(licenses.body["items"].as_array().map(Vec::len), Some(1), "one license a payment");
    let path = format!("/licenses/{}/activations", licenses.text_at("/items/0/id").expect("an id"));
    let calls = (0..30).map(|i| buyer.post(&path, json!({"fingerprint": format!("machine-{i}"), "label": "m"})));
    let calls: Vec<_> = calls.collect();
    let statuses = statuses(join_all(calls).await);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (3, 27), "{statuses:?}");
}

/// Somebody with a license of a paid plugin whose terms allow 100 machines and 100 downloads; the plugin, the license and its holder.
async fn licensed_for_a_hundred() -> (String, String, Client) {
    let seller = seller().await;
    let plugin = published(&seller, &sample::one_time(100, "EUR")).await;
    let terms = json!({"terms": {"maxDevices": 100, "maxDownloads": 100}});
    let path = format!("/plugins/{plugin}");
    seller
        .client
        .call(Method::PATCH, &path, Call { body: Some(terms), ..Call::default() })
        .await
        .expect("answers")
        .expect(200)
        .expect("is amended");
    let buyer = person(&nobody(), "buyer").await;
    let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await.expect("answers");
    let order = order.expect(201).expect("is placed").text_at("/id").expect("an id");
    let admin = crate::support::admin().await;
    let pay = format!("/orders/{order}/payments");
    admin.post(&pay, json!({"reference": "bank-1"})).await.expect("answers").expect(200).expect("is paid");
    let arrived = |answer: &Answer| answer.body["items"][0]["id"].is_string();
    let license = buyer.until("/me/licenses", arrived).await.expect("arrives").text_at("/items/0/id").expect("an id");
    (plugin, license, buyer)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_downloads_at_once_a_hundred_are_given() {
    let (plugin, license, buyer) = licensed_for_a_hundred().await;
    let path = format!("/plugins/{plugin}/versions/1.0.0/download");
    let statuses = statuses(join_all((0..1_000).map(|_| buyer.post(&path, json!({})))).await);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (100, 900));
    let license = buyer.get(&format!("/licenses/{license}")).await.expect("answers").expect(200).expect("is read");
    assert_eq!(license.body["downloads"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_activations_at_once_a_hundred_are_made() {
    let (_, license, buyer) = licensed_for_a_hundred().await;
    let path = format!("/licenses/{license}/activations");
    let calls = (0..1_000).map(|i| json!({"fingerprint": format!("machine-{i}"), "label": "m"}));
    let calls: Vec<_> = calls.map(|body| buyer.post(&path, body)).collect();
    let statuses = statuses(join_all(calls).await);
    assert_eq!((count(&statuses, 201), count(&statuses, 409)), (100, 900));
    let license = buyer.get(&format!("/licenses/{license}")).await.expect("answers").expect(200).expect("is read");
    assert_eq!(license.body["activations"].as_array().map(Vec::len), Some(100));
}
