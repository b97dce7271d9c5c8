//! What an update changes, asked of a real Souk.

use serde_json::{Value, json};
use souk_tests::{client::Client, process, sample};

use crate::support::{Seller, admin, nobody, person, published, seller};

/// Publishes version 1.1.0, which asks for more than 1.0.0 and brings a script; its path.
async fn updated(seller: &Seller, plugin: &str) -> String {
    let mut manifest = sample::manifest(plugin, "1.1.0");
    manifest["capabilities"] = json!({"network": ["api.example.com"], "memoryMiB": 128});
    let files = [
        (
            "log-reader/SKILL.md",
            "---\nname: log-reader\ndescription: Reads a log.\n---\n\n# Log reader 1.1.0\n\nRead it.\n",
        ),
        ("log-reader/count.py", "print(len(open('log').readlines()))\n"),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let archive = souk_package::pack::pack(files).expect("packs");
    seller.client.submit(plugin, &manifest, archive).await.expect("answers").expect(202).expect("is taken");
    let status = |answer: &souk_tests::client::Answer| answer.body["items"][0]["status"].clone();
    let settled = |answer: &souk_tests::client::Answer| {
        answer.body["items"][0]["version"] == "1.1.0"
            && !["submitted", "validating"].contains(&status(answer).as_str().unwrap())
    };
    let versions = format!("/plugins/{plugin}/versions");
    let answer = seller.client.until(&versions, settled).await.expect("is decided");
    if status(&answer) == "needs_review" {
        let approve = format!("{versions}/1.1.0/approve");
        admin().await.post(&approve, json!({})).await.expect("answers").expect(200).expect("is approved");
    }
    format!("{versions}/1.1.0/diff")
}

async fn diff(client: &Client, path: &str) -> Value {
    client.get(path).await.expect("answers").expect(200).expect("is compared").body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_free_plugin_is_told_line_by_line() {
    let seller = seller().await;
    let plugin = published(&seller, &sample::free()).await;
    let path = updated(&seller, &plugin).await;
    let told = diff(&nobody(), &path).await;
    assert_eq!((&told["from"], &told["to"], &told["contents"]), (&json!("1.0.0"), &json!("1.1.0"), &json!(true)));
    let text = told["files"]["items"][0]["diff"].as_str().expect("a diff");
    assert!(text.contains("-# Log reader 1.0.0\n"), "{text}");
    let changes: Vec<_> =
        told["files"]["items"].as_array().unwrap().iter().map(|file| file["change"].clone()).collect();
    assert_eq!(changes, ["changed", "added"]);
    let capabilities: Vec<_> = told["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["capability"].clone(), it["change"].clone()))
        .collect();
    assert_eq!(capabilities, [(json!("network"), json!("added")), (json!("memoryMiB"), json!("widened"))]);
    assert_eq!((&told["risk"]["from"]["level"], &told["risk"]["to"]["level"]), (&json!("low"), &json!("medium")));
    assert!(told["confidence"]["to"].is_u64() && told["findings"]["new"]["count"].is_u64(), "{told}");
    let unknown = nobody().get(&format!("{path}?from=0.1.0")).await.expect("answers");
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"), "{}", unknown.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_paid_plugin_holds_does_not_leak() {
    let seller = seller().await;
    let plugin = published(&seller, &sample::one_time(4_900, "USD")).await;
    let path = updated(&seller, &plugin).await;
    let stranger = person(&nobody(), "stranger").await;
    for client in [&nobody(), &stranger] {
        let told = diff(client, &path).await;
        assert_eq!((&told["contents"], &told["files"]["count"]), (&json!(false), &json!(2)), "{told}");
        let text = told.to_string();
        assert!(!text.contains("# Log reader") && !text.contains("print(len"), "{text}");
    }
    for client in [&seller.client, &admin().await] {
        assert!(diff(client, &path).await.to_string().contains("print(len"));
    }
    let buyer = person(&nobody(), "buyer").await;
    let order = buyer.post("/orders", json!({"plugin": plugin, "gateway": "manual"})).await.expect("answers");
    let order = order.expect(201).expect("is placed").text_at("/id").expect("an id");
    let body = json!({ "reference": order });
    let paid = admin().await.post(&format!("/orders/{order}/payments"), body).await.expect("answers");
    paid.expect(200).expect("is paid");
    let told = buyer.until(&path, |answer| answer.body["contents"] == true).await.expect("it is theirs");
    assert!(told.text.contains("print(len"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_packages_on_a_disk_are_compared_without_a_server() {
    let home = tempfile::tempdir().expect("a folder");
    let package = |name: &str, network: &str| {
        let folder = home.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        let mut manifest = sample::manifest("log-reader", "1.0.0");
        manifest["capabilities"] = json!({"network": [network]});
        std::fs::write(folder.join("souk.json"), manifest.to_string()).expect("is written");
        let skill = "---\nname: log-reader\ndescription: Reads a log.\n---\n\n# Log reader\n";
        std::fs::write(folder.join("SKILL.md"), skill).expect("is written");
        folder.display().to_string()
    };
    let (old, new) = (package("old", "a.example.com"), package("new", "*.example.com"));
    let run = |arguments: &[&str]| process::run(home.path(), arguments, &[]).expect("souk runs");
    let told = tokio::task::block_in_place(|| run(&["diff", &old, &new]));
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert!(text.contains("widened  network: a.example.com -> *.example.com"), "{text}");
    let json = tokio::task::block_in_place(|| run(&["diff", &old, &new, "--json"]));
    let compared: Value = serde_json::from_slice(&json.stdout).expect("is JSON");
    assert_eq!(compared["capabilities"][0]["change"], "widened");
    let absent = tokio::task::block_in_place(|| run(&["diff", &old, "absent"]));
    assert_eq!(absent.status.code(), Some(1));
}
