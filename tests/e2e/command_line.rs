//! The command line: what it prints and how it exits.

use std::{path::Path, process::Output};

use serde_json::{Value, json};
use souk_embedded_postgres::testing::data_dir;
use souk_tests::{
    process::{self, Options, Souk},
    sample,
};

use crate::support::{PASSWORD, nobody, published, seller, shared, unique};

fn souk(data_dir: &Path, arguments: &[&str]) -> Output {
    tokio::task::block_in_place(|| process::run(data_dir, arguments, &[])).expect("souk runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_souks_on_one_folder_get_a_clear_error() {
    let dir = shared().souk.data_dir();
    let output = souk(dir, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stderr(&output);
    assert!(text.contains(&shared().souk.pid().to_string()) && text.contains(&dir.display().to_string()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_souk_that_is_told_to_stop_exits_with_0_and_stops_its_postgres() {
    let home = data_dir();
    let souk = tokio::task::block_in_place(|| Souk::start(home.path(), &Options::default())).expect("starts");
    let status = tokio::task::block_in_place(|| souk.stop()).expect("stops");
    assert!(status.success(), "{status}");
    let pid_files = ["postgres/data/postmaster.pid", "postgres/postmaster.pid"];
    assert!(pid_files.iter().all(|file| !home.path().join(file).exists()), "PostgreSQL still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_prints_what_http_shows_while_souk_runs() {
    let plugin = published(&seller().await, &souk_tests::sample::free()).await;
    let served = crate::concurrency::history(&nobody(), &plugin).await;
    let output = souk(shared().souk.data_dir(), &["history", &plugin, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let printed: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let positions = |items: &[Value]| items.iter().map(|item| item["position"].clone()).collect::<Vec<_>>();
    assert_eq!(positions(&printed), positions(&served));
    let output = souk(shared().souk.data_dir(), &["history", "no-such-plugin"]);
    assert_ne!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("no-such-plugin"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_granted_to_an_account_that_exists() {
    let email = format!("{}@example.com", unique("granted"));
    let client = nobody().register(&email, PASSWORD, "Granted").await.expect("registers");
    let dir = shared().souk.data_dir();
    let output = souk(dir, &["admin", "grant", &email, "moderator"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let me = client.get("/me").await.expect("answers").expect(200).expect("is read");
    assert!(me.text.contains("moderator"), "{}", me.text);
    let output = souk(dir, &["admin", "grant", "nobody-has-this@example.com", "admin"]);
    assert_ne!(output.status.code(), Some(0));
    let output = souk(dir, &["admin", "grant", &email, "emperor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("moderator"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_new_key_is_made_for_data_under_an_old_one() {
    let home = data_dir();
    let begun = souk(home.path(), &["migrate"]);
    assert!(begun.status.success(), "{}", stderr(&begun));
    let doctor = souk(home.path(), &["doctor"]);
    assert!(doctor.status.success(), "{}", stderr(&doctor));
    let kek = home.path().join("keys/kek");
    std::fs::rename(&kek, home.path().join("elsewhere")).expect("moves");
    let refused = souk(home.path(), &["doctor"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("keys/kek is missing"), "{}", stderr(&refused));
    assert!(!kek.exists(), "a new key was made");
    let other = "0123456789abcdef".repeat(4);
    let other = tokio::task::block_in_place(|| process::run(home.path(), &["doctor"], &[("SOUK_KEK", &other)]));
    let other = other.expect("souk runs");
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("not the one"), "{}", stderr(&other));
    std::fs::rename(home.path().join("elsewhere"), &kek).expect("moves back");
    assert!(souk(home.path(), &["doctor"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_leaves_no_postgres_behind() {
    let home = data_dir();
    assert!(souk(home.path(), &["migrate"]).status.success());
    let pid_file = home.path().join("postgres/data/postmaster.pid");
    assert!(home.path().join("postgres/data").exists() && !pid_file.exists());
    let status = tokio::task::block_in_place(|| {
        let mut child = std::process::Command::new(process::binary().expect("is built"))
            .args(["rebuild", "--all", "--data-dir"])
            .arg(home.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("souk runs");
        while !pid_file.exists() && child.try_wait().expect("can be asked").is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let told = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(told.expect("kill runs").success());
        child.wait().expect("ends")
    });
    assert!(status.code().is_some_and(|code| code != 0), "{status}");
    assert!(!pid_file.exists(), "PostgreSQL still runs");
}

#[test]
fn a_wrong_configuration_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("souk.toml");
    std::fs::write(&file, "listen = \"nowhere\"\n").expect("writes");
    let arguments = ["config", "check", "--config", file.to_str().expect("UTF-8")];
    let output = process::run(home.path(), &arguments, &[]).expect("souk runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("listen"), "{}", stderr(&output));
    std::fs::write(&file, "listen = \"127.0.0.1:0\"\n").expect("writes");
    let output = process::run(home.path(), &arguments, &[]).expect("souk runs");
    assert!(output.status.success(), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_souk_healthy() {
    let output = souk(shared().souk.data_dir(), &["doctor"]);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert!(!stdout(&output).contains("WARNING") && !stdout(&output).contains("Relay"), "{}", stdout(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_signs_and_a_buyer_verifies_offline() {
    let seller = seller().await;
    let home = tempfile::tempdir().expect("a folder");
    let path = |name: &str| home.path().join(name).to_str().expect("UTF-8").to_owned();
    let made = souk(home.path(), &["keygen", "--out", &path("vendor.key"), "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let body = json!({"publicKey": made["publicKey"], "label": "laptop"});
    seller
        .client
        .post(&format!("/vendors/{}/keys", seller.vendor), body)
        .await
        .expect("answers")
        .expect(201)
        .expect("registers");

    let name = unique("signed");
    std::fs::write(path("a.zip"), sample::skill_archive("1.0.0")).expect("writes");
    let signature = stdout(&souk(home.path(), &["sign", &path("a.zip"), "--key", &path("vendor.key")]));
    let skill = sample::skill(&name, &sample::free());
    seller.client.post("/plugins", skill).await.expect("answers").expect(201).expect("creates");
    let form = reqwest::multipart::Form::new()
        .text("manifest", sample::manifest(&name, "1.0.0").to_string())
        .text("signature", signature)
        .part("artifact", reqwest::multipart::Part::bytes(sample::skill_archive("1.0.0")));
    let request = seller.client.request(reqwest::Method::POST, &format!("/plugins/{name}/versions")).multipart(form);
    let handed_in = seller.client.send(request).await.expect("answers").expect(202).expect("is handed in");
    assert_eq!(handed_in.body["signed"], true);

    let release = released(&name).await;
    std::fs::write(path("a.zip.release.json"), release.to_string()).expect("writes");
    let keys = nobody().get("/keys").await.expect("answers").expect(200).expect("is read").body;
    std::fs::write(path("keys.json"), keys.to_string()).expect("writes");
    let verify = || souk(home.path(), &["verify", &path("a.zip"), "--keys", &path("keys.json")]);
    let output = verify();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stdout(&output).matches("right: ").count(), 3, "{}", stdout(&output));
    std::fs::write(path("a.zip"), b"another").expect("writes");
    let output = verify();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(stdout(&output).matches("WRONG: ").count(), 2, "{}", stdout(&output));
}

/// The release of a version that is being approved.
async fn released(name: &str) -> Value {
    for _ in 0..300 {
        let answer = nobody().get(&format!("/plugins/{name}/versions/1.0.0/release")).await.expect("answers");
        if answer.status == 200 {
            return answer.body;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{name} is not approved");
}
