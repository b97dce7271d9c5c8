//! A person who asks to be forgotten is forgotten: every byte that Souk wrote is looked at, and what was proven stays proven.

mod broker;
mod needles;
mod person;
mod proofs;
mod world;

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use souk_test_kafka::Broker;
use souk_tests::client::{Answer, Client};

use self::{
    needles::Needles,
    person::Person,
    proofs::Proofs,
    world::{PUBLIC, World},
};
use crate::support::PASSWORD;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_in_no_byte_and_no_answer_and_in_every_proof() {
    is_forgotten(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_erased_is_in_no_byte_of_kafka_either() {
    is_forgotten(Some(&broker::start())).await;
}

async fn is_forgotten(broker: Option<&Broker>) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World::open(broker).await;
    let person = Person::lives(&world).await;
    is_known(&world, &person).await;
    let proofs = Proofs::taken(&world, folder.path()).await;
    is_erased(&world, &person).await;
    proofs.hold(&world, folder.path()).await;

    world.command(&["rebuild", "--all"]);
    is_told_without_text(&world.nobody, &world.plugin).await;

    let (canaries, control) = (person.needles(), Needles::of(&[&world.control]));
    let mut told = world.told(folder.path()).await;
    told.push(("the tables".to_owned(), world.dump().await.into_bytes()));
    world.stop();
    if let Some(broker) = broker {
        broker::is_plain(broker);
        told.push(("the records".to_owned(), broker::records(broker)));
    }
    for (what, bytes) in &told {
        assert_eq!(canaries.heard(bytes), BTreeSet::new(), "in {what}");
    }
    let loud = |wanted: &str| told.iter().any(|(what, bytes)| what == wanted && !control.heard(bytes).is_empty());
    assert!(loud("GET /events") && loud("the tables") && (broker.is_none() || loud("the records")));

    for place in [world.home.path(), folder.path()].into_iter().chain(broker.map(Broker::directory)) {
        assert_eq!(canaries.heard_below(place), Vec::new(), "below {}", place.display());
    }
    // A search that finds nothing must be one that finds what is there.
    finds(&control, world.home.path().join("postgres/data/pg_wal"), "");
    finds(&control, world.home.path().join("postgres/data/base"), "");
    if let Some(broker) = broker {
        for topic in ["souk.events-", PUBLIC] {
            finds(&control, broker.directory().join("data"), topic);
        }
    }

    let key = world.home.path().join("keys/persons").join(&person.id[..2]).join(&person.id);
    assert_eq!(std::fs::read(&key).expect("is remembered"), b"", "{}", key.display());
    // And after a restart nobody has forgotten that.
    let nobody = world.start();
    is_told_without_text(&nobody, &world.plugin).await;
    world.stop();
}

/// The search finds something in a file whose path has `part`.
fn finds(control: &Needles, folder: PathBuf, part: &str) {
    let found = control.heard_below(&folder);
    let has_part = found.iter().any(|(path, _)| path.to_string_lossy().contains(part));
    assert!(has_part, "what is public should be in a {part} below {}: {found:?}", folder.display());
}

/// All that was written about the person is there to be read.
async fn is_known(world: &World, person: &Person) {
    let reviews = format!("/plugins/{}/reviews", world.plugin);
    let shown = |answer: &Answer| answer.text.contains("Second Body");
    let before = world.nobody.until(&reviews, shown).await.expect("is shown");
    assert_eq!(before.text.matches(&person.shown).count(), 3, "{}", before.text);
    let export = person.client.until("/me/export", shown).await.expect("is given");
    for text in ["Label", "Machine", "Title", "Body", "Name"] {
        let canary = if ["Label", "Machine"].contains(&text) { &person.hidden } else { &person.shown };
        assert!(export.text.contains(&format!("{text} {canary}")), "{text} is missing in the export");
    }
    assert_eq!(export.body["account"]["email"], person.email);
    let events = export.body["events"].as_array().expect("a list");
    let types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    for wanted in [
        "user.registered",
        "license.issued",
        "license.activated",
        "installation.installed",
        "review.submitted",
        "review.edited",
        "payment.completed",
    ] {
        assert!(types.contains(&wanted), "{wanted} is missing in {types:?}");
    }
}

async fn is_erased(world: &World, person: &Person) {
    let Person { client, id, email, shown, .. } = person;
    let erased = client.delete("/me").await.expect("answers").expect(204).expect("is erased");
    assert!(erased.position.is_some());
    for path in ["/me", "/me/export"] {
        // Through Kafka a process hears of it a moment later.
        client.until(path, |answer| answer.status == 401).await.expect("is refused");
    }
    let reviews = format!("/plugins/{}/reviews", world.plugin);
    let gone = |answer: &Answer| answer.status == 200 && !answer.text.contains(shown);
    let after = world.nobody.until(&reviews, gone).await.expect("is forgotten");
    assert_eq!(after.body["items"][0]["rating"], 3, "what was counted stays counted");
    is_told_without_text(&world.nobody, &world.plugin).await;
    let history = format!("/plugins/{}/history?limit=100", world.plugin);
    let history = world.admin.get(&history).await.expect("answers").expect(200).expect("is told");
    assert!(!history.text.contains(shown) && history.text.contains("review.submitted"), "{}", history.text);
    // The address is free; whoever has it now is somebody else.
    let again = world.nobody.register(email, PASSWORD, "Somebody else").await.expect("registers");
    assert_ne!(&again.get("/me").await.expect("answers").text_at("/id").expect("an id"), id);
    assert_eq!(again.delete("/me").await.expect("answers").status, 204);
}

async fn is_told_without_text(nobody: &Client, plugin: &str) {
    let answer = nobody.get(&format!("/plugins/{plugin}/reviews")).await.expect("answers");
    let item = &answer.body["items"][0];
    let texts = [&item["title"], &item["body"], &item["author"]["displayName"]];
    assert_eq!((answer.status, texts), (200, [&Value::Null; 3]), "{}", answer.text);
}
