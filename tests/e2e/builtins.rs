//! The plugins that Souk brings along, imported into a real Souk and used over HTTP.

use std::path::Path;

use serde_json::{Value, json};
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    client::{Answer, Client},
    process::{self, Options, Souk},
    sample,
};

use crate::support::{first_seller, person};

/// What is granted to plugins here: a host that is never asked.
const GRANT: (&str, &str) = ("SOUK_SANDBOX__HOSTS", r#"["docs.example"]"#);

/// The compiler is not optimized in tests, and other tests run beside this one.
const PATIENT: (&str, &str) = ("SOUK_SANDBOX__COMPILE_SECONDS", "900");

fn import(data_dir: &Path, variables: &[(&str, &str)]) -> Value {
    let variables = &[variables, &[PATIENT]].concat();
    let output = process::run(data_dir, &["import", "builtin", "--json"], variables).expect("souk runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn names(report: &Value, field: &str) -> Vec<String> {
    let items = report[field].as_array().expect("a list").iter();
    items.map(|item| item["name"].as_str().expect("a name").to_owned()).collect()
}

async fn output_of(user: &Client, plugin: &str, input: Value) -> Value {
    let path = format!("/plugins/{plugin}/execute");
    let answer = user.post(&path, json!({ "input": input })).await.expect("answers").expect(200).expect("runs");
    answer.body["output"].clone()
}

/// That a plugin refuses an input as the caller's mistake, which does not count against it.
async fn is_refused(user: &Client, plugin: &str, input: Value, code: &str) {
    let path = format!("/plugins/{plugin}/execute");
    let answer = user.post(&path, json!({ "input": input })).await.expect("answers").expect(422).expect("is refused");
    let error = &answer.body["error"];
    let details = &error["details"];
    assert_eq!((&details["fault"], &details["pluginCode"]), (&json!("caller"), &json!("invalid_input")), "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&format!("invalid_input: {code}: ")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_imported_once_and_what_creator_makes_is_published_and_runs() {
    let home = data_dir();
    tokio::task::block_in_place(|| {
        let without = import(home.path(), &[]);
        assert_eq!(
            (names(&without, "imported"), names(&without, "refused")),
            (vec!["creator".into()], vec!["research".into()])
        );
        let with = import(home.path(), &[GRANT]);
        assert_eq!(
            (names(&with, "imported"), names(&with, "unchanged")),
            (vec!["research".into()], vec!["creator".into()])
        );
        // An import does not wait for ever for what is decided behind it. The next one waits again, and does nothing else.
        let mut again = import(home.path(), &[GRANT]);
        for _ in 0..20 {
            assert_eq!(names(&again, "unchanged"), ["research", "creator"], "{again}");
            if again["versions"]["pending"] == 0 {
                break;
            }
            again = import(home.path(), &[GRANT]);
        }
        assert_eq!(again["versions"]["approved"], 2, "{again}");
    });
    let options = Options::default().env(GRANT.0, GRANT.1).env(PATIENT.0, PATIENT.1).env("SOUK_RATE_LIMITS", "off");
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &options)).expect("starts");
    let nobody = Client::new(souk.base());
    let seller = first_seller(home.path(), &nobody).await;
    let user = person(&nobody, "reader").await;
    for plugin in ["research", "creator"] {
        user.post(&format!("/plugins/{plugin}/install"), json!({}))
            .await
            .expect("answers")
            .expect(201)
            .expect("is installed");
    }

    let asked = json!({"query": "cache lifetime", "sources": ["http://docs.example.invalid/", "http://127.0.0.1/"],
        "documents": [{"name": "notes", "content": "The cache has a lifetime of ten minutes."}]});
    let answer = output_of(&user, "research", asked).await;
    assert_eq!(answer["summary"], "The cache has a lifetime of ten minutes. [1]", "{answer}");
    let reasons: Vec<_> = answer["errors"].as_array().expect("a list").iter().map(|error| &error["reason"]).collect();
    assert_eq!(reasons, ["host_not_granted", "host_not_granted"], "{answer}");

    is_refused(&user, "research", json!({"query": "cache lifetime"}), "no_sources").await;
    is_refused(&user, "creator", json!({"name": "greeter"}), "specification_invalid").await;

    let name = sample::unique("greeter");
    let made = output_of(
        &user,
        "creator",
        json!({"name": name, "kind": "skill", "summary": "Greets.", "license": "MIT",
        "instructions": "Greet the person by name.", "rules": {"output": "Hello, {{/name}}!",
            "require": [{"at": "/name", "type": "string", "code": "name_missing", "message": "Say whom to greet."}]},
        "samples": [{"name": "Ann", "input": {"name": "Ann"}}]}),
    )
    .await;
    let archive = made["files"].as_array().expect("a list").iter().map(|file| {
        let path = file["path"].as_str().expect("a path").to_owned();
        let bytes = file["content"].as_str().map_or_else(
            || data_encoding::BASE64.decode(file["base64"].as_str().expect("base64").as_bytes()).expect("base64"),
            |text| text.as_bytes().to_vec(),
        );
        (path, bytes)
    });
    let archive = souk_package::pack::pack(archive).expect("packs");
    assert_eq!(souk_package::sha256(&archive), made["digest"], "the files are those of the archive");
    let created = seller.client.post("/plugins", sample::skill(&name, &sample::free())).await.expect("answers");
    created.expect(201).expect("is created");
    seller.client.submit(&name, &made["manifest"], archive).await.expect("answers").expect(202).expect("is taken");
    let known = |answer: &Answer| answer.body["items"][0]["status"] == "approved";
    seller.client.until(&format!("/plugins/{name}/versions"), known).await.expect("is approved");
    user.post(&format!("/plugins/{name}/install"), json!({}))
        .await
        .expect("answers")
        .expect(201)
        .expect("is installed");
    assert_eq!(output_of(&user, &name, json!({"name": "Bob"})).await, "Hello, Bob!");
    is_refused(&user, &name, json!({}), "name_missing").await;
    tokio::task::block_in_place(|| souk.stop()).expect("stops");
}
