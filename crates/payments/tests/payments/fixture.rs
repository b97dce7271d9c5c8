//! Events as gateways send them, and what they are of.

use std::{
    fs,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use souk_domain::{
    id::{OrderId, RefundId, SubscriptionId},
    listing::Interval,
    money::Money,
};
use souk_payments::{Razorpay, RazorpaySettings, Stripe, StripeSettings};
use souk_ports::{
    clock::Clock,
    payment::{CheckoutRequest, Notice, PaymentGateway, Recurring, RefundRequest},
};

pub const ORDER: &str = "0195c0de-0000-4000-8000-00000000a001";
pub const REFUND: &str = "0195c0de-0000-4000-8000-00000000b002";
pub const SUBSCRIPTION: &str = "0195c0de-0000-4000-8000-00000000c003";
/// What [`Still`] says.
pub const NOW: i64 = 1_767_225_600;

pub fn order() -> OrderId {
    ORDER.parse().unwrap()
}

pub fn refund() -> RefundId {
    REFUND.parse().unwrap()
}

pub fn money(amount: i64, currency: &str) -> Money {
    Money { amount, currency: currency.parse().unwrap() }
}

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A clock that stands.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        at(NOW)
    }
}

/// How Stripe is reached at `base`.
pub fn settings(base: &str, timeout: Duration) -> StripeSettings {
    let back = |page: &str| format!("https://souk.example/{page}/{{order}}");
    let mut settings = StripeSettings::new("sk_test_secret".to_owned(), back("done"), back("back"));
    settings.api_base = base.to_owned();
    settings.timeout = timeout;
    settings
}

/// Stripe at `base`.
pub fn stripe(base: &str, timeout: Duration) -> Stripe {
    Stripe::new(settings(base, timeout)).unwrap()
}

/// Razorpay at `base`.
pub fn razorpay(base: &str, timeout: Duration) -> Razorpay {
    let mut settings = RazorpaySettings::new("rzp_test_id".to_owned(), "rzp_key_secret".to_owned());
    settings.api_base = base.to_owned();
    settings.timeout = timeout;
    Razorpay::new(settings, Arc::new(Still)).unwrap()
}

/// Those that nobody is asked through. Loading whom TLS trusts takes a while, so they are made once.
static STRIPE: LazyLock<Stripe> = LazyLock::new(|| stripe("https://gateway.example", Duration::from_secs(1)));
static RAZORPAY: LazyLock<Razorpay> = LazyLock::new(|| razorpay("https://gateway.example", Duration::from_secs(1)));

fn reader(gateway: &str) -> &'static dyn PaymentGateway {
    if gateway == "stripe" { &*STRIPE } else { &*RAZORPAY }
}

pub fn checkout(amount: i64, currency: &str) -> CheckoutRequest {
    CheckoutRequest {
        order: order(),
        price: money(amount, currency),
        description: "Ünïcode & more".to_owned(),
        subscription: None,
        vendor: None,
    }
}

pub fn recurring(interval: Interval, trial_days: u32) -> Recurring {
    let id: SubscriptionId = SUBSCRIPTION.parse().unwrap();
    Recurring { id, interval, trial_days }
}

pub fn refund_of(names: &[&str], amount: Money, split: bool) -> RefundRequest {
    let payment = names.iter().map(|name| (*name).to_owned()).collect();
    RefundRequest { refund: refund(), order: order(), payment, amount, split }
}

/// The event `gateway/name`.
pub fn event(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path).with_extension("json");
    serde_json::from_slice(&fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))).unwrap()
}

/// Every event of a gateway, by its path.
pub fn events(gateway: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(gateway);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| format!("{gateway}/{}", file.file_stem().unwrap().to_str().unwrap())).collect()
}

/// `event` with other values at some JSON pointers. What a pointer leads to need not be there, what holds it must.
pub fn with(mut event: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (holder, name) = pointer.rsplit_once('/').unwrap();
        let holder = event.pointer_mut(holder).unwrap_or_else(|| panic!("nothing holds {pointer}"));
        match holder {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.clone(),
            holder => holder[name] = value.clone(),
        }
    }
    event
}

/// `event` without what a pointer leads to.
pub fn without(mut event: Value, pointer: &str) -> Value {
    let (holder, name) = pointer.rsplit_once('/').unwrap();
    let removed = event.pointer_mut(holder).unwrap().as_object_mut().unwrap().remove(name);
    assert!(removed.is_some(), "nothing at {pointer}");
    event
}

/// What a gateway makes of an event.
pub fn read(gateway: &str, event: &Value) -> Result<Notice, String> {
    reader(gateway).read(&serde_json::to_vec(event).unwrap())
}

/// Every pointer into `value`.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| pointers(inner, &format!("{at}/{name}"), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

/// Puts nonsense everywhere into every event of a gateway. Nothing may panic, and an error says of which event it is.
pub fn nonsense_everywhere(gateway: &str) {
    let reader = reader(gateway);
    let nonsense = [json!(null), json!("x"), json!(-1), json!(i64::MAX), json!(0.5), json!([]), json!([1]), json!({})];
    let mut refused = 0;
    for path in events(gateway) {
        let event = event(&path);
        let mut all = Vec::new();
        pointers(&event, "", &mut all);
        for pointer in all.iter().filter(|pointer| !pointer.is_empty()) {
            for value in &nonsense {
                let body = with(event.clone(), &[(pointer.as_str(), value.clone())]);
                if let Err(problem) = reader.read(&serde_json::to_vec(&body).unwrap()) {
                    assert!(!problem.is_empty());
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 500, "{refused}");
}
