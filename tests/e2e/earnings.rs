//! What a vendor earns of a sale, what is left of it after a refund, and the documents of both.

use serde_json::{Value, json};
use souk_tests::{client::Client, sample};

use crate::support::{admin, nobody, person, published, seller};

async fn post(client: &Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, body).await.expect("answers");
    assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
    answer.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_and_a_refund_are_told_to_the_minor_unit() {
    let (owner, admin) = (seller().await, admin().await);
    let buyer = person(&nobody(), "buyer").await;
    let plugin = published(&owner, &sample::one_time(4_999, "USD")).await;
    let order = post(&buyer, "/orders", json!({"plugin": plugin, "gateway": "manual"})).await;
    let order = order["id"].as_str().expect("an id").to_owned();
    post(&admin, &format!("/orders/{order}/payments"), json!({"reference": format!("bank-{order}")})).await;
    let refund = admin
        .post(&format!("/orders/{order}/refunds"), json!({"amount": 1_000, "reason": "unhappy"}))
        .await
        .expect("answers")
        .expect(200)
        .expect("is given back");
    let position = refund.position.expect("a position");

    // 15 % of 49.99 are 7.50, and what goes back of that is 1.50.
    let vendor = format!("/vendors/{}", owner.vendor);
    let earnings = owner.client.get_at(&format!("{vendor}/earnings"), position).await.expect("answers");
    assert_eq!(
        earnings.body["balances"],
        json!([{"currency": "USD", "balance": 3_399, "pending": 4_249, "available": -850, "inTransit": 0, "paidOut": 0,
            "direct": 0, "lifetime": 3_399}]),
        "{}",
        earnings.text
    );
    let entries = owner.client.get_at(&format!("{vendor}/earnings/entries"), position).await.expect("answers").body;
    let shown = |entry: &Value| ["kind", "gross", "commission", "amount"].map(|field| entry[field].clone());
    assert_eq!(shown(&entries["items"][0]), [json!("refund"), json!(-1_000), json!(150), json!(-850)]);
    assert_eq!(shown(&entries["items"][1]), [json!("payment"), json!(4_999), json!(-750), json!(4_249)]);
    assert_eq!(entries["items"][1]["pluginName"], plugin);

    let statement = owner.client.get_at(&format!("{vendor}/statement?currency=USD"), position).await.expect("answers");
    let lines: Vec<&str> = statement.text.lines().collect();
    assert_eq!(lines.len(), 5, "{}", statement.text);
    assert!(lines[2].contains(&order) && lines[2].ends_with(",4249,42.49,4249,42.49"), "{}", lines[2]);
    assert!(lines[4].starts_with(",closing_balance,") && lines[4].ends_with(",3399,33.99"), "{}", lines[4]);

    // Documents are numbered by a reaction, a moment later.
    let path = format!("/orders/{order}/invoices");
    let documents = buyer.until(&path, |answer| answer.body["items"][1].is_object()).await.expect("arrives").body;
    let shown = |document: &Value| ["number", "amount", "pluginName"].map(|field| document[field].clone());
    assert_eq!(shown(&documents["items"][0]), [json!("INV-000001"), json!(4_999), json!(plugin)]);
    assert_eq!(shown(&documents["items"][1]), [json!("CN-000001"), json!(1_000), json!(plugin)]);
    let issued = owner.client.get(&format!("{vendor}/invoices")).await.expect("answers").body;
    assert_eq!(issued["items"].as_array().expect("a list").len(), 2);

    let refused = owner.client.post(&format!("{vendor}/payouts"), json!({"currency": "USD"})).await.expect("answers");
    assert_eq!((refused.status, &refused.body["error"]["details"]["reason"]), (409, &json!("payout_too_small")));
    let batch = post(&admin, "/admin/payouts", json!({"currency": "USD"})).await;
    let skipped = batch["skipped"].as_array().expect("a list");
    assert!(skipped.contains(&json!({"vendor": owner.vendor, "reason": "payout_too_small"})), "{batch}");
}
