//! The journey: what a vendor and a buyer do, from registration to refund, over HTTP.

use serde_json::{Value, json};

use crate::{
    client::{Answer, Client},
    sample,
};

/// Who takes part, by e-mail address.
pub struct People {
    /// An account that is an admin already.
    pub admin: Client,
    /// Distinguishes names of several journeys on one Souk.
    pub tag: String,
}

/// What the journey leaves behind.
pub struct Outcome {
    /// The free plugin's name.
    pub free: String,
    /// The paid plugin's name.
    pub paid: String,
    /// The vendor.
    pub vendor: Client,
    /// The vendor's id.
    pub vendor_id: String,
    /// The buyer.
    pub buyer: Client,
}

/// Tells what is being done.
pub type Narrator<'a> = &'a mut (dyn FnMut(&str) + Send);

const PASSWORD: &str = "correct horse battery staple";
const PRICE: i64 = 4_900;

/// Walks the whole journey.
///
/// # Errors
/// The first thing that is not as it should be.
pub async fn walk(nobody: &Client, people: &People, say: Narrator<'_>) -> Result<Outcome, String> {
    let tag = &people.tag;
    say("A vendor and a buyer register");
    let vendor = nobody.register(&format!("vendor-{tag}@example.com"), PASSWORD, "Vera Vendor").await?;
    let buyer = nobody.register(&format!("buyer-{tag}@example.com"), PASSWORD, "Ben Buyer").await?;
    let created =
        vendor.post("/vendors", json!({"name": format!("Acme {tag}"), "slug": format!("acme-{tag}")})).await?;
    let vendor_id = created.expect(201)?.text_at("/id")?;
    people.admin.post(&format!("/vendors/{vendor_id}/verify"), json!({})).await?.expect(200)?;
    say("The vendor is verified by an admin");

    let free = format!("log-reader-{tag}");
    let paid = format!("log-reader-pro-{tag}");
    vendor.post("/plugins", sample::skill(&free, &sample::free())).await?.expect(201)?;
    vendor.post("/plugins", sample::skill(&paid, &sample::one_time(PRICE, "USD"))).await?.expect(201)?;
    say("A free and a paid plugin are created");
    publish(&vendor, &free, "1.0.0").await?;
    let position = publish(&vendor, &paid, "1.0.0").await?;
    say("Both versions are handed in as archives, validated and approved");

    search(nobody, &free, tag, position).await?;
    say("Search finds both, with facets");
    let outcome = Outcome { free, paid, vendor, vendor_id, buyer };
    let license = purchase(&people.admin, &outcome, say).await?;
    use_license(nobody, &outcome, &license, say).await?;
    review(&outcome, say).await?;
    refund(nobody, &people.admin, &outcome, &license, say).await?;
    history(nobody, &outcome, say).await?;
    Ok(outcome)
}

/// Hands in a version and waits until it is approved; the position at which it was handed in.
///
/// # Errors
/// It was refused, or never approved.
pub async fn publish(vendor: &Client, plugin: &str, version: &str) -> Result<u64, String> {
    let archive = sample::skill_archive(version);
    let answer = vendor.submit(plugin, &sample::manifest(plugin, version), archive).await?.expect(202)?;
    let submitted = answer.position.ok_or("no Souk-Position on a submitted version")?;
    let versions = format!("/plugins/{plugin}/versions");
    let status = |answer: &Answer| version_status(&answer.body, version).map(str::to_owned);
    let settled = vendor
        .until(&versions, |answer| matches!(status(answer).as_deref(), Some("approved" | "rejected" | "needs_review")))
        .await?;
    match status(&settled).as_deref() {
        Some("approved") => Ok(submitted),
        other => Err(format!("version {version} of {plugin} is {other:?}: {}", settled.text)),
    }
}

fn version_status<'a>(body: &'a Value, version: &str) -> Option<&'a str> {
    let items = body["items"].as_array()?;
    items.iter().find(|item| item["version"] == version)?["status"].as_str()
}

fn check(holds: bool, what: &str, answer: &Answer) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what}, but the answer was {} {}", answer.status, answer.text)) }
}

async fn search(nobody: &Client, free: &str, tag: &str, position: u64) -> Result<(), String> {
    let path = format!("/plugins?q={tag}&kind=skill");
    nobody.get_at(&path, position).await?.expect(200)?;
    // The approval came later, and nobody was told its position: it is waited for.
    let found = nobody.until(&path, |answer| answer.body["total"] == 2).await?;
    check(found.body["total"] == 2, "search should find two plugins", &found)?;
    check(found.body["facets"]["kind"]["skill"] == 2, "facets should count two skills", &found)?;
    let only_free = nobody.get(&format!("/plugins?q={tag}&pricing=free")).await?.expect(200)?;
    let names: Vec<&Value> =
        only_free.body["items"].as_array().into_iter().flatten().map(|item| &item["name"]).collect();
    check(names == [&json!(free)], "only the free plugin should be found", &only_free)
}

/// A license that was bought.
struct License {
    id: String,
    key: String,
    order: String,
}

async fn purchase(admin: &Client, o: &Outcome, say: Narrator<'_>) -> Result<License, String> {
    o.buyer.post(&format!("/plugins/{}/install", o.free), json!({})).await?.expect(201)?;
    say("The buyer installs the free one");
    let refused = o.buyer.post(&format!("/plugins/{}/install", o.paid), json!({})).await?.expect(403)?;
    check(refused.code() == "not_entitled", "the paid plugin should need a license", &refused)?;
    say("The paid one is refused without a license");

    let order = o.buyer.post("/orders", json!({"plugin": o.paid, "gateway": "manual"})).await?.expect(201)?;
    check(order.body["amount"] == PRICE && order.body["status"] == "pending", "the order should be pending", &order)?;
    let order_id = order.text_at("/id")?;
    let body = json!({"reference": format!("bank-{order_id}"), "amount": PRICE, "currency": "USD"});
    let paid = admin.post(&format!("/orders/{order_id}/payments"), body).await?.expect(200)?;
    check(paid.body["status"] == "paid", "the order should be paid", &paid)?;
    say("It is ordered, and the bank transfer is recorded");

    let licenses = o.buyer.until("/me/licenses", |answer| answer.body["items"][0]["key"].is_string()).await?;
    let license =
        License { id: licenses.text_at("/items/0/id")?, key: licenses.text_at("/items/0/key")?, order: order_id };
    say("The license arrives");
    Ok(license)
}

async fn use_license(nobody: &Client, o: &Outcome, license: &License, say: Narrator<'_>) -> Result<(), String> {
    let valid = nobody.post("/licenses/validate", json!({"key": license.key})).await?.expect(200)?;
    check(valid.body["valid"] == true && valid.body["code"] == "VALID", "the license should be valid", &valid)?;
    let activations = format!("/licenses/{}/activations", license.id);
    for machine in ["one", "two", "three"] {
        o.buyer.post(&activations, json!({"fingerprint": machine, "label": machine})).await?.expect(201)?;
    }
    o.buyer.post(&activations, json!({"fingerprint": "three", "label": "three"})).await?.expect(200)?;
    o.buyer.post(&activations, json!({"fingerprint": "four", "label": "four"})).await?.expect(409)?;
    let one = json!({"key": license.key, "fingerprint": "one"});
    let valid = nobody.post("/licenses/validate", one).await?.expect(200)?;
    check(valid.body["code"] == "VALID", "an activated machine should be valid", &valid)?;
    let four = json!({"key": license.key, "fingerprint": "four"});
    let other = nobody.post("/licenses/validate", four).await?.expect(200)?;
    check(other.body["valid"] == false, "a machine that is not activated should not be valid", &other)?;
    say("It is valid, and activates three machines, not four");
    o.buyer.post(&format!("/plugins/{}/install", o.paid), json!({})).await?.expect(201)?;
    say("The paid plugin installs");
    Ok(())
}

async fn review(o: &Outcome, say: Narrator<'_>) -> Result<(), String> {
    let path = format!("/plugins/{}/reviews/mine", o.paid);
    let body = json!({"rating": 5, "title": "Found it at once", "body": "It named the broken line of a 2 GB log."});
    let own = o.vendor.put(&path, body.clone()).await?.expect(403)?;
    check(own.code() == "not_entitled", "a vendor should not review its own plugin", &own)?;
    let written = o.buyer.put(&path, body).await?.expect(201)?;
    let position = written.position.ok_or("no Souk-Position on a review")?;
    let plugin = o.buyer.get_at(&format!("/plugins/{}", o.paid), position).await?.expect(200)?;
    check(
        plugin.body["rating"]["count"] == 1 && plugin.body["installs"] == 1,
        "one review and one install should show",
        &plugin,
    )?;
    let reviews = o.buyer.get_at(&format!("/plugins/{}/reviews", o.paid), position).await?.expect(200)?;
    check(reviews.body["items"][0]["title"] == "Found it at once", "the review should be listed", &reviews)?;
    let reliability = o.buyer.get_at(&format!("/plugins/{}/reliability", o.paid), position).await?.expect(200)?;
    check(
        reliability.body["score"].as_i64().is_some_and(|score| score >= 90),
        "reliability should be high",
        &reliability,
    )?;
    let analytics =
        o.vendor.get_at(&format!("/vendors/{}/analytics?currency=USD", o.vendor_id), position).await?.expect(200)?;
    let totals = &analytics.body["totals"];
    check(totals["grossRevenue"] == PRICE, "gross revenue should be the price", &analytics)?;
    check(totals["commission"] == 735, "commission should be 15 percent", &analytics)?;
    check(totals["netRevenue"] == PRICE - 735, "net revenue should be the rest", &analytics)?;
    check(totals["installs"] == 2 && totals["reviews"] == 1, "two installs and a review should show", &analytics)?;
    say("It is reviewed; rating, reliability, installs and revenue show it");
    Ok(())
}

async fn refund(
    nobody: &Client,
    admin: &Client,
    o: &Outcome,
    license: &License,
    say: Narrator<'_>,
) -> Result<(), String> {
    let body = json!({"reason": "changed their mind"});
    let refunded = admin.post(&format!("/orders/{}/refunds", license.order), body).await?.expect(200)?;
    check(refunded.body["status"] == "refunded", "the order should be refunded", &refunded)?;
    let key = json!({"key": license.key});
    for attempt in 0.. {
        let answer = nobody.post("/licenses/validate", key.clone()).await?.expect(200)?;
        if answer.body["code"] == "REVOKED" {
            break;
        }
        check(attempt < 200, "the license should be revoked after the refund", &answer)?;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let library = o.buyer.until("/me/library", |answer| answer.text.contains("\"blocked\"")).await?;
    check(library.status == 200, "the installation should be blocked", &library)?;
    say("It is refunded in full: the license is revoked, the installation blocked");
    Ok(())
}

async fn history(nobody: &Client, o: &Outcome, say: Narrator<'_>) -> Result<(), String> {
    let done = |answer: &Answer| answer.text.contains("installation.blocked");
    let answer = nobody.until(&format!("/plugins/{}/history?limit=100", o.paid), done).await?;
    let items = answer.body["items"].as_array().cloned().unwrap_or_default();
    let types: Vec<&str> = items.iter().filter_map(|item| item["type"].as_str()).collect();
    let wanted = [
        "plugin.created",
        "plugin.version_submitted",
        "validation.requested",
        "validation.concluded",
        "plugin.version_approved",
        "order.placed",
        "payment.completed",
        "license.issued",
        "license.activated",
        "installation.installed",
        "review.submitted",
        "payment.refunded",
        "license.revoked",
        "installation.blocked",
    ];
    let mut rest = types.iter();
    for event in wanted {
        check(rest.any(|found| *found == event), &format!("the history should hold {event} in its place"), &answer)?;
    }
    let positions: Vec<u64> = items.iter().filter_map(|item| item["position"].as_u64()).collect();
    check(positions.windows(2).all(|pair| pair[0] < pair[1]), "positions should grow", &answer)?;
    say(&format!("The plugin's history tells all of it: {} events in order", items.len()));
    Ok(())
}
