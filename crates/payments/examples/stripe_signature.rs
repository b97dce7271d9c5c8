//! Signs a webhook as Stripe would, or says whether Souk takes one for Stripe's. `scripts/interop-payments` compares it with Stripe's own
//! library.
//!
//! `stripe_signature sign SECRET TIMESTAMP` reads a body and prints the header; `stripe_signature verify SECRET NOW HEADER` reads a body
//! and prints the event. Times are Unix seconds.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{
    error::Error,
    io::{Read, stdin},
};

use chrono::DateTime;
use souk_payments::{Stripe, StripeSettings};
use souk_ports::payment::{Headers, PaymentGateway};

struct Signature(String);

impl Headers for Signature {
    fn get(&self, name: &str) -> Option<&str> {
        (name == "stripe-signature").then_some(self.0.as_str())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut body = Vec::new();
    stdin().read_to_end(&mut body)?;
    match arguments[..] {
        ["sign", secret, timestamp] => println!("{}", Stripe::sign(secret, timestamp.parse()?, &body)),
        ["verify", secret, now, header] => {
            let mut settings = StripeSettings::new("sk_test_unused".to_owned(), String::new(), String::new());
            settings.webhook_secrets = vec![secret.to_owned()];
            let now = DateTime::from_timestamp(now.parse()?, 0).ok_or("NOW is no time")?;
            let event = Stripe::new(settings)?.authenticate(&Signature(header.to_owned()), &body, now)?;
            println!("{} {}", event.event_id, event.kind);
        }
        _ => return Err("expected: sign SECRET TIMESTAMP, or verify SECRET NOW HEADER".into()),
    }
    Ok(())
}
