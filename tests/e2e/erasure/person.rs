//! Somebody who leaves a text wherever Souk takes one of a person.

use reqwest::Method;
use serde_json::json;
use souk_tests::client::{Answer, Call, Client};

use super::{
    needles::Needles,
    world::{World, post},
};
use crate::support::{PASSWORD, unique};

pub struct Person {
    pub client: Client,
    pub id: String,
    pub email: String,
    /// Stands in what everybody could read of them.
    pub shown: String,
    /// Stands in what nobody else could.
    pub hidden: String,
    /// Stands in both, and has no letter that is the same in every encoding.
    pub foreign: String,
}

impl Person {
    /// Registers, buys, installs, runs, reviews, and reports.
    pub async fn lives(world: &World) -> Self {
        let (shown, hidden) = (unique("canarybird"), unique("nightingale"));
        let letter = |byte: u8| char::from_u32(0x430 + u32::from(byte) % 32).expect("a letter");
        let foreign = format!("жарптица{}", unique("").bytes().map(letter).collect::<String>());
        let email = format!("{hidden}@example.com");
        let client = world.nobody.register(&email, PASSWORD, &format!("Name {shown}")).await.expect("registers");
        let id = client.get("/me").await.expect("answers").text_at("/id").expect("an id");
        let person = Self { client, id, email, shown, hidden, foreign };
        post(&person.client, "/me/api-keys", json!({"label": format!("Label {} {}", person.hidden, person.foreign)}))
            .await;
        person.buys(world).await;
        person.runs(world).await;
        person.reviews(world).await;
        person
    }

    async fn buys(&self, world: &World) {
        let (person, plugin) = (&self.client, &world.plugin);
        let order = post(person, "/orders", json!({"plugin": plugin, "gateway": "manual"})).await;
        let payment = format!("/orders/{}/payments", order.text_at("/id").expect("an id"));
        post(&world.admin, &payment, json!({"reference": "bank-1"})).await;
        let licensed = |answer: &Answer| answer.body["items"][0].is_object();
        let licenses = person.until("/me/licenses", licensed).await.expect("is issued");
        let license = licenses.text_at("/items/0/id").expect("an id");
        let machine = json!({"fingerprint": "machine-1", "label": format!("Machine {} {}", self.hidden, self.foreign)});
        post(person, &format!("/licenses/{license}/activations"), machine).await;
        post(person, &format!("/plugins/{plugin}/install"), json!({})).await;
    }

    /// What a plugin answers is theirs: in its answer, and kept for who asks later.
    async fn runs(&self, world: &World) {
        let echo = &world.echo;
        post(&self.client, &format!("/plugins/{echo}/install"), json!({})).await;
        for mode in ["sync", "async"] {
            let input = json!({"input": format!("words {} of theirs", self.hidden), "mode": mode});
            let id = post(&self.client, &format!("/plugins/{echo}/execute"), input).await.text_at("/executionId");
            let status = format!("/plugins/{echo}/status?execution={}", id.expect("an id"));
            let ended = self.client.until(&status, |answer| answer.body["status"] != "running").await.expect("ends");
            assert!(ended.text.contains(&self.hidden), "{}", ended.text);
        }
    }

    async fn reviews(&self, world: &World) {
        let path = format!("/plugins/{}/reviews/mine", world.plugin);
        let mut review = None;
        for (attempt, status) in [("First", 201), ("Second", 200)] {
            let Self { shown, foreign, .. } = self;
            let body = json!({"rating": 3, "title": format!("Title {shown}"), "body": format!("{attempt} Body {shown} {foreign}")});
            let call = Call { body: Some(body), key: Some(unique("key")), ..Call::default() };
            let answer = self.client.call(Method::PUT, &path, call).await.expect("answers");
            assert_eq!(answer.status, status, "{}", answer.text);
            review = Some(answer.text_at("/id").expect("an id"));
        }
        let flag = format!("/plugins/{}/reviews/{}/flag", world.plugin, review.expect("was written"));
        let reason = format!("Report {} {}", self.hidden, self.foreign);
        post(&self.client, &flag, json!({"reason": reason})).await;
        let waits = |answer: &Answer| answer.text.contains(&self.hidden);
        world.admin.until("/moderation", waits).await.expect("moderators read why");
    }

    /// Every text that must be nowhere once they are erased.
    pub fn needles(&self) -> Needles {
        Needles::of(&[&self.shown, &self.hidden, &self.foreign])
    }
}
