//! Mails of a real Souk through a real mail server.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use souk_embedded_postgres::testing::data_dir;
use souk_test_mail::{PASSWORD as MAIL_PASSWORD, Received, Server, USER};
use souk_tests::{
    client::Client,
    process::{self, Options, Souk},
    sample,
};

use crate::support::{PASSWORD, first_seller, grant, published, unique};

/// How a Souk is told to send through `server`.
fn settings(server: &Server) -> Vec<(&'static str, String)> {
    vec![
        ("SOUK_RATE_LIMITS", "off".to_owned()),
        ("SOUK_PUBLIC_URL", "https://souk.example".to_owned()),
        ("SOUK_MAIL__URL", format!("smtps://localhost:{}", server.tls())),
        ("SOUK_MAIL__FROM", "Souk <souk@souk.example>".to_owned()),
        ("SOUK_MAIL__USERNAME", USER.to_owned()),
        ("SOUK_MAIL__PASSWORD", MAIL_PASSWORD.to_owned()),
        ("SOUK_MAIL__CA_FILE", server.certificate().display().to_string()),
    ]
}

fn start(home: &Path, settings: &[(&'static str, String)]) -> Souk {
    let options = settings.iter().fold(Options::default(), |options, (key, value)| options.env(key, value));
    tokio::task::block_in_place(|| Souk::start(home, &options)).expect("souk starts")
}

fn run(home: &Path, arguments: &[&str], settings: &[(&'static str, String)]) -> std::process::Output {
    let env: Vec<_> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    tokio::task::block_in_place(|| process::run(home, arguments, &env)).expect("souk runs")
}

fn said(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What has arrived for `address` as soon as `done` says that it is enough.
async fn arrived(server: &Server, address: &str, done: impl Fn(&[Received]) -> bool) -> Vec<Received> {
    for _ in 0..600 {
        let inbox = tokio::task::block_in_place(|| server.inbox(address)).expect("the mail server answers");
        if done(&inbox) {
            return inbox;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nothing arrived for {address}");
}

fn subjects(inbox: &[Received]) -> Vec<&str> {
    inbox.iter().map(|mail| mail.subject.as_str()).collect()
}

async fn make_key(client: &Client, label: &str) {
    client.post("/me/api-keys", json!({ "label": label })).await.expect("answers").expect(201).expect("is made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_mailed_once_whatever_is_restarted_rebuilt_or_set_back() {
    let server = tokio::task::block_in_place(Server::start).expect("the mail server starts");
    let (home, settings) = (data_dir(), settings(&server));
    let souk = start(home.path(), &settings);
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let me = seller.client.get("/me").await.expect("answers").expect(200).expect("is read");
    let owner = me.text_at("/email").expect("an address");
    let verified = arrived(&server, &owner, |inbox| !inbox.is_empty()).await;
    assert_eq!(subjects(&verified), ["Acme is verified"]);
    let off = json!({"items": [{"category": "publishing", "inApp": true, "email": false}]});
    seller.client.put("/me/notifications/preferences", off).await.expect("answers").expect(200).expect("is chosen");

    let plugin = published(&seller, &sample::one_time(4_900, "USD")).await;
    let address = format!("{}@example.com", unique("buyer"));
    let buyer = nobody.register(&address, PASSWORD, "Bea Büyer").await.expect("registers");
    let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await.expect("answers");
    let order = order.expect(201).expect("is placed").text_at("/id").expect("an id");
    let boss = format!("{}@example.com", unique("boss"));
    nobody.register(&boss, PASSWORD, "Bo Boss").await.expect("registers");
    grant(home.path(), &boss, "admin");
    let admin = nobody.login(&boss, PASSWORD).await.expect("logs in");
    let paid = admin.post(&format!("/orders/{order}/payments"), json!({ "reference": order })).await.expect("answers");
    paid.expect(200).expect("is paid");

    let inbox = arrived(&server, &address, |inbox| !inbox.is_empty()).await;
    let [receipt] = inbox.as_slice() else { panic!("{:?}", subjects(&inbox)) };
    assert!(receipt.subject.starts_with("Receipt for "), "{}", receipt.subject);
    let text = receipt.text();
    assert!(text.contains("49.00 USD") && text.contains(&order) && text.contains(&plugin), "{text}");
    assert_eq!(receipt.header("List-Unsubscribe"), None, "a receipt cannot be ended");
    let shown = buyer.get("/me/notifications?unread=true").await.expect("answers").expect(200).expect("is read");
    assert_eq!((&shown.body["items"][0]["kind"], &shown.body["unread"]), (&json!("orderPaid"), &json!(1)));
    assert_eq!(shown.body["items"][0]["details"]["money"], json!({"amount": 4_900, "currency": "USD"}));

    buyer.until("/me/licenses", |answer| answer.body["items"][0].is_object()).await.expect("a license");
    let installed = buyer.post(&format!("/plugins/{plugin}/install"), json!({})).await.expect("answers");
    installed.expect(201).expect("is installed");

    tokio::task::block_in_place(|| souk.stop()).expect("stops");
    let doctor = run(home.path(), &["doctor"], &settings);
    assert!(said(&doctor).contains("The mail server answers."), "{}", said(&doctor));
    let rebuilt = run(home.path(), &["rebuild", "--all"], &settings);
    assert!(rebuilt.status.success(), "{}", said(&rebuilt));
    let back = run(home.path(), &["admin", "rewind", "notifications", "0"], &settings);
    assert!(back.status.success(), "{}", said(&back));
    let souk = start(home.path(), &settings);
    let nobody = Client::new(souk.base());
    let (buyer, owner_client) = (buyer.at(souk.base()), seller.client.at(souk.base()));
    let suspend = format!("/plugins/{plugin}/suspend");
    let body = json!({"reason": "It phones home."});
    admin.at(souk.base()).post(&suspend, body).await.expect("answers").expect(200).expect("is suspended");
    let warned = arrived(&server, &address, |inbox| inbox.len() > 1).await;
    assert!(subjects(&warned)[1].ends_with("which you have installed, was suspended"), "{:?}", subjects(&warned));
    // What comes behind all that is answered again.
    for label in ["one", "two"] {
        make_key(&buyer, label).await;
    }
    make_key(&owner_client, "one").await;
    let inbox = arrived(&server, &address, |inbox| inbox.len() > 3).await;
    let key = "A new API key in your name";
    let expected = [receipt.subject.as_str(), warned[1].subject.as_str(), key, key];
    assert_eq!(subjects(&inbox), expected, "the receipt is there once");
    let inbox = arrived(&server, &owner, |inbox| subjects(inbox).contains(&key)).await;
    assert_eq!(subjects(&inbox), ["Acme is verified", key], "no mails of what they do not want");
    let published = owner_client.get("/me/notifications").await.expect("answers").expect(200).expect("is read");
    assert!(published.text.contains("versionApproved"), "the inbox has it: {}", published.text);

    one_click(&nobody, &owner_client, &verified[0]).await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}

/// What a mail program does with `List-Unsubscribe`.
async fn one_click(nobody: &Client, owner: &Client, mail: &Received) {
    let preferences = async || {
        let answer = owner.get("/me/notifications/preferences").await.expect("answers").expect(200).expect("is read");
        answer.body["items"].as_array().expect("items").iter().find(|it| it["category"] == "publishing").cloned()
    };
    let on = json!({"items": [{"category": "publishing", "inApp": true, "email": true}]});
    owner.put("/me/notifications/preferences", on).await.expect("answers").expect(200).expect("is chosen");
    let address = mail.header("List-Unsubscribe").expect("says how to end it");
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let path = address.trim_matches(['<', '>']).strip_prefix("https://souk.example/api/v1").expect("leads here");
    let page = nobody.get(path).await.expect("answers").expect(200).expect("asks");
    assert!(page.text.contains("<form"), "{}", page.text);
    assert_eq!(preferences().await.map(|it| it["email"].clone()), Some(json!(true)), "looking ends nothing");
    let request = nobody
        .request(reqwest::Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click");
    nobody.send(request).await.expect("answers").expect(200).expect("ends them");
    assert_eq!(preferences().await.map(|it| it["email"].clone()), Some(json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_mails_is_named_before_anything_starts() {
    let home = data_dir();
    let templates = home.path().join("templates");
    std::fs::create_dir_all(&templates).expect("a folder");
    std::fs::write(templates.join("orderPaid.txt"), "Subject: x\n\n{{ plugin.titel }}").expect("is written");
    let text = |value: &str| value.to_owned();
    let mut settings = vec![
        ("SOUK_MAIL__URL", text("smtp://souk:hush@mail.example")),
        ("SOUK_MAIL__PASSWORD", text("hush")),
        ("SOUK_MAIL__TEMPLATES", templates.display().to_string()),
    ];
    let refused = run(home.path(), &["config", "check"], &settings);
    let problems = said(&refused);
    assert!(!refused.status.success() && !problems.contains("hush"), "{problems}");
    for expected in [
        "public_url: missing",
        "mail.url: expected no user",
        "mail.from: missing",
        "mail.templates: orderPaid.txt: line 3",
    ] {
        assert!(problems.contains(expected), "{expected} in {problems}");
    }
    settings.truncate(2);
    settings[0].1 = text("smtps://mail.example");
    settings.extend([
        ("SOUK_MAIL__USERNAME", text("souk")),
        ("SOUK_MAIL__FROM", text("souk@souk.example")),
        ("SOUK_PUBLIC_URL", text("https://souk.example")),
    ]);
    let right = run(home.path(), &["config", "check", "--json"], &settings);
    assert!(right.status.success(), "{}", said(&right));
    let shown: Value = serde_json::from_slice(&right.stdout).expect("is JSON");
    assert_eq!((&shown["mail"]["password"], &shown["mail"]["username"]), (&json!("(set)"), &json!("souk")));
}
