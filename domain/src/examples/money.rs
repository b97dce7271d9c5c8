//! Purchases, and what comes of them.

use super::*;

pub fn refund_id() -> RefundId {
    id(7)
}

pub fn placed_through(gateway: order::Gateway, amount: i64, commission: u16) -> order::Event {
    order::Event::Placed {
        order_id: order_id(),
        buyer_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        amount,
        currency: usd(),
        pricing: one_time(amount),
        terms: terms(),
        gateway,
        commission_basis_points: basis_points(commission),
        subscription: None,
        payout_account: None,
        placed_at: time("2026-11-21T09:00:00.250Z"),
    }
}

pub fn placed(amount: i64, commission: u16) -> order::Event {
    placed_through(order::Gateway::Manual, amount, commission)
}

pub fn paid(amount: i64, commission: i64) -> order::Event {
    order::Event::PaymentCompleted {
        reference: "transfer-1".to_owned(),
        names: vec!["transfer-1".to_owned()],
        amount,
        currency: usd(),
        tax: 0,
        commission,
        fee: None,
        country: None,
        paid_at: Some(time("2026-11-21T09:05:00Z")),
    }
}

pub fn contract() -> subscription::Contract {
    subscription::Contract {
        subscription_id: SubscriptionId::of(order_id()),
        order_id: order_id(),
        buyer_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        license_id: license_id(),
        pricing: monthly(900),
        terms: terms(),
        gateway: order::Gateway::Stripe,
        reference: Some("sub_1".to_owned()),
        commission_basis_points: basis_points(1_500),
        payout_account: None,
    }
}

pub fn monthly(amount: i64) -> Pricing {
    Pricing::Subscription { amount, currency: usd(), interval: Interval::Monthly, trial_days: None }
}

pub fn started() -> subscription::Event {
    subscription::Event::Started {
        contract: Box::new(contract()),
        trial: false,
        started_at: time("2026-11-21T09:00:00Z"),
        period_end: time("2026-12-21T09:00:00Z"),
    }
}

pub fn download() -> download::Download {
    download::Download {
        id: id(8),
        user: user_id(),
        plugin: plugin_id(),
        vendor: vendor_id(),
        version: version("1.0.0"),
        digest: "ab".repeat(32),
        size: 4_096,
        expires_at: time("2026-11-21T09:15:00Z"),
        completed: false,
    }
}

pub fn download_initiated() -> download::Event {
    download::Event::Initiated {
        download_id: id(8),
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        version: version("1.0.0"),
        digest: "ab".repeat(32),
        size: 4_096,
        license_id: Some(license_id()),
        expires_at: time("2026-11-21T09:15:00Z"),
    }
}

pub fn document(n: u128) -> series::Document {
    series::Document {
        source_id: Uuid::from_u128(n),
        order_id: order_id(),
        buyer_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        amount: 5_831,
        tax: 931,
        currency: usd(),
        issued_at: time("2026-11-21T09:05:00Z"),
    }
}

pub fn counted() -> traffic::Event {
    let page = traffic::Page { plugin_id: plugin_id(), vendor_id: vendor_id(), views: 12 };
    traffic::Event::Counted { pages: vec![page], until: time("2026-11-21T09:05:00Z") }
}

pub fn webhook_id() -> WebhookId {
    WebhookId::of(order::Gateway::Stripe, "evt_1")
}

pub fn webhook_received() -> webhook::Event {
    webhook::Event::Received {
        webhook_id: webhook_id(),
        gateway: order::Gateway::Stripe,
        event_id: "evt_1".to_owned(),
        kind: "charge.dispute.created".to_owned(),
        digest: "cd".repeat(32),
        received_at: time("2026-11-21T09:05:01Z"),
    }
}

pub fn waits() -> webhook::Wait {
    let names = vec!["pi_1".to_owned()];
    webhook::Wait { reason: "no payment has this name yet".to_owned(), names, order_id: None }
}

pub fn payout_requested(n: u128, amount: i64) -> vendor::Event {
    vendor::Event::PayoutRequested {
        payout_id: id(n),
        vendor_id: vendor_id(),
        amount,
        currency: usd(),
        batch_id: Some(Uuid::from_u128(99)),
        requested_at: time("2026-12-01T00:00:00Z"),
    }
}

pub fn issued() -> license::Event {
    issued_as(license::LicenseKind::Perpetual, None)
}

pub fn issued_as(kind: license::LicenseKind, expires_at: Option<DateTime<Utc>>) -> license::Event {
    license::Event::Issued {
        license_id: license_id(),
        order_id: order_id(),
        subscription_id: None,
        user_id: user_id(),
        plugin_id: plugin_id(),
        vendor_id: vendor_id(),
        kind,
        terms: terms(),
        expires_at,
    }
}

pub fn activated(fingerprint: &str, activations: u32) -> license::Event {
    license::Event::Activated {
        fingerprint: fingerprint.to_owned(),
        label: personal("Desk"),
        activated_at: time("2026-11-21T09:00:00Z"),
        activations,
    }
}

pub fn sales() -> Vec<DomainEvent> {
    let payment = Some(license::PaymentCause { order_id: order_id(), order_version: 3 });
    let holder = || Holder { holder_id: order_id().uuid() };
    vec![
        placed(4_900, 1_500).into(),
        order::Event::CheckoutOpened { reference: "cs_1".to_owned() }.into(),
        order::Event::Canceled { reason: order::Cancellation::Expired }.into(),
        paid(4_900, 735).into(),
        order::Event::PaymentFailed { reference: "evt_2".to_owned(), code: "card_declined".to_owned() }.into(),
        order::Event::PaymentUnmatched {
            reference: "pi_2".to_owned(),
            amount: 4_800,
            currency: usd(),
            problem: order::Mismatch::Amount,
        }
        .into(),
        order::Event::UnmatchedReturned {
            reference: "pi_2".to_owned(),
            refund_reference: "re_2".to_owned(),
            amount: 4_800,
            currency: usd(),
        }
        .into(),
        issued().into(),
        activated("machine-1", 1).into(),
        license::Event::Deactivated { fingerprint: "machine-1".to_owned(), activations: 0 }.into(),
        license::Event::Suspended { reason: "Disputed.".to_owned(), status: license::Status::Suspended, payment }
            .into(),
        license::Event::Reinstated { status: license::Status::Active, payment: None }.into(),
        license::Event::Revoked { reason: "Refunded.".to_owned(), status: license::Status::Revoked, payment }.into(),
        license::Event::Extended {
            expires_at: Some(time("2027-01-21T09:00:00Z")),
            previous_expires_at: Some(time("2026-12-21T09:00:00Z")),
            kind: license::LicenseKind::Subscription,
        }
        .into(),
        license::Event::Expired { expired_at: time("2027-01-21T09:00:00Z"), for_good: false }.into(),
        license::Event::Used {
            purpose: license::Purpose::Download,
            amount: 1,
            total: 3,
            used_at: time("2026-11-21T09:10:00Z"),
        }
        .into(),
        license::Event::KeyRotated { generation: 1 }.into(),
        download_initiated().into(),
        download::Event::Completed {}.into(),
        reservation::Event::ReferenceReserved(holder()).into(),
        reservation::Event::ReferenceReleased(holder()).into(),
        reservation::Event::TrialReserved(holder()).into(),
        reservation::Event::TrialReleased(holder()).into(),
        reservation::Event::KeyReserved(holder()).into(),
        reservation::Event::KeyReleased(holder()).into(),
    ]
}

pub fn money_back() -> Vec<DomainEvent> {
    let (amount, currency, dispute_id) = (4_900, usd(), "dp_1".to_owned());
    vec![
        order::Event::RefundRequested { refund_id: refund_id(), amount, currency, reason: "Changed mind.".to_owned() }
            .into(),
        order::Event::PaymentRefunded {
            refund_id: Some(refund_id()),
            reference: Some("re_1".to_owned()),
            amount,
            currency,
            refunded_total: 4_900,
            commission: 735,
            tax: 0,
            full: true,
            reason: "Changed mind.".to_owned(),
            status: order::OrderStatus::Refunded,
        }
        .into(),
        order::Event::RefundFailed {
            refund_id: refund_id(),
            reference: "re_1".to_owned(),
            amount,
            currency,
            code: "expired_or_canceled_card".to_owned(),
            came_back: true,
            refunded_total: 0,
            commission: 735,
            tax: 0,
            status: order::OrderStatus::Paid,
        }
        .into(),
        order::Event::Disputed {
            dispute_id: dispute_id.clone(),
            amount,
            currency,
            reason: "fraudulent".to_owned(),
            commission: 735,
            tax: 0,
            status: order::OrderStatus::Disputed,
        }
        .into(),
        order::Event::DisputeWon {
            dispute_id: dispute_id.clone(),
            amount,
            currency,
            came_back: true,
            commission: 735,
            tax: 0,
            status: order::OrderStatus::Paid,
        }
        .into(),
        order::Event::DisputeLost {
            dispute_id,
            amount,
            currency,
            taken_now: false,
            commission: 0,
            tax: 0,
            status: order::OrderStatus::Disputed,
        }
        .into(),
        vendor::Event::PayoutAccountSet { gateway: order::Gateway::Stripe, account: Some("acct_1".to_owned()) }.into(),
        payout_requested(31, 4_165).into(),
        vendor::Event::PayoutPaid {
            payout_id: id(31),
            amount: 4_165,
            currency,
            reference: "bank-1".to_owned(),
            paid_at: time("2026-12-02T00:00:00Z"),
        }
        .into(),
        vendor::Event::PayoutFailed {
            payout_id: id(31),
            amount: 4_165,
            currency,
            reason: "Account closed.".to_owned(),
        }
        .into(),
        series::Event::InvoiceIssued { number: 1, document: Box::new(document(41)) }.into(),
        series::Event::CreditNoteIssued { number: 1, document: Box::new(document(42)) }.into(),
    ]
}

pub fn subscriptions_and_webhooks() -> Vec<DomainEvent> {
    let as_of = time("2026-12-21T09:00:00Z");
    vec![
        started().into(),
        subscription::Event::Renewed {
            order_id: Some(id(44)),
            period_end: time("2027-01-21T09:00:00Z"),
            previous_period_end: as_of,
            standing: subscription::Standing::Active,
            as_of,
        }
        .into(),
        subscription::Event::PastDue { code: "card_declined".to_owned(), as_of }.into(),
        subscription::Event::Canceled { ends_at: time("2027-01-21T09:00:00Z"), as_of }.into(),
        subscription::Event::Resumed { as_of }.into(),
        subscription::Event::Lapsed { reason: subscription::Reason::Unpaid, lapsed_at: as_of }.into(),
        webhook_received().into(),
        webhook::Event::Deferred { wait: waits() }.into(),
        webhook::Event::Failed { reason: "`amount` is missing".to_owned() }.into(),
        webhook::Event::Settled { outcome: webhook::Outcome::Applied, order_id: Some(order_id()) }.into(),
        counted().into(),
    ]
}
