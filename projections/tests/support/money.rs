//! Events of money: payouts, invoices, subscriptions, and what else only a seller or a buyer of something does.

use souk_domain::{
    download,
    id::{DownloadId, PayoutId, SeriesId, SubscriptionId, WebhookId},
    listing::{Interval, Pricing, Terms},
    money::BasisPoints,
    order::{self, Gateway, OrderStatus},
    series::{self, Document, Kind},
    stream::{Category, StreamId},
    subscription::{self, Contract, Standing},
    traffic, vendor, webhook,
};
use souk_ports::Clock;

use super::{Market, license_of, order as order_id, plugin, user, uuid, vendor as vendor_id};

pub fn payout(number: usize) -> PayoutId {
    PayoutId::new(uuid(5, number))
}

pub fn subscription_of(number: usize) -> SubscriptionId {
    SubscriptionId::of(order_id(number))
}

impl Market {
    pub async fn request_payout(&self, number: usize, who: usize, amount: i64, currency: &str) {
        let event = vendor::Event::PayoutRequested {
            payout_id: payout(number),
            vendor_id: vendor_id(who),
            amount,
            currency: currency.parse().unwrap(),
            batch_id: number.is_multiple_of(2).then(|| uuid(6, number / 4)),
            requested_at: self.clock.now(),
        };
        self.vendor_event(who, event).await;
    }

    pub async fn payout_paid(&self, number: usize, who: usize, amount: i64, currency: &str) {
        let event = vendor::Event::PayoutPaid {
            payout_id: payout(number),
            amount,
            currency: currency.parse().unwrap(),
            reference: format!("bank {number}"),
            paid_at: self.clock.now(),
        };
        self.vendor_event(who, event).await;
    }

    pub async fn payout_failed(&self, number: usize, who: usize, amount: i64, currency: &str) {
        let (currency, reason) = (currency.parse().unwrap(), "no such account".to_owned());
        let event = vendor::Event::PayoutFailed { payout_id: payout(number), amount, currency, reason };
        self.vendor_event(who, event).await;
    }

    /// The document `number` of its kind, about an order.
    pub async fn invoice(&self, kind: Kind, number: u64, of: usize, bought: usize, amount: i64, currency: &str) {
        let document = Box::new(Document {
            source_id: uuid(7, usize::try_from(number).unwrap()),
            order_id: order_id(of),
            buyer_id: user(0),
            plugin_id: plugin(bought),
            vendor_id: vendor_id(0),
            amount,
            tax: 0,
            currency: currency.parse().unwrap(),
            issued_at: self.clock.now(),
        });
        let event = match kind {
            Kind::Invoice => series::Event::InvoiceIssued { number, document },
            Kind::CreditNote => series::Event::CreditNoteIssued { number, document },
        };
        let stream = StreamId::of(Category::Invoice, SeriesId::of(vendor_id(0), kind));
        self.emit(stream, event, None, Some(vendor_id(0))).await;
    }

    pub async fn subscription_event(&self, number: usize, of: usize, event: subscription::Event) {
        let stream = StreamId::of(Category::Subscription, subscription_of(number));
        self.emit(stream, event, Some(plugin(of)), Some(vendor_id(0))).await;
    }

    pub async fn subscribe(&self, number: usize, of: usize, who: usize, interval: Interval, trial: bool) {
        let currency = "USD".parse().unwrap();
        let contract = Box::new(Contract {
            subscription_id: subscription_of(number),
            order_id: order_id(number),
            buyer_id: user(who),
            plugin_id: plugin(of),
            vendor_id: vendor_id(0),
            license_id: license_of(number),
            pricing: Pricing::Subscription { amount: 1_200, currency, interval, trial_days: None },
            terms: Terms::default(),
            gateway: Gateway::Manual,
            reference: None,
            commission_basis_points: BasisPoints::DEFAULT_COMMISSION,
            payout_account: None,
        });
        let now = self.clock.now();
        let period_end = now + chrono::Duration::days(30);
        let event = subscription::Event::Started { contract, trial, started_at: now, period_end };
        self.subscription_event(number, of, event).await;
    }

    pub async fn renew(&self, number: usize, of: usize) {
        let now = self.clock.now();
        let event = subscription::Event::Renewed {
            order_id: None,
            period_end: now + chrono::Duration::days(30),
            previous_period_end: now,
            standing: Standing::Active,
            as_of: now,
        };
        self.subscription_event(number, of, event).await;
    }

    pub async fn lapse(&self, number: usize, of: usize) {
        let event = subscription::Event::Lapsed { reason: subscription::Reason::Unpaid, lapsed_at: self.clock.now() };
        self.subscription_event(number, of, event).await;
    }

    pub async fn download(&self, number: usize, of: usize, who: usize) {
        let download_id = DownloadId::new(uuid(10, number));
        let event = download::Event::Initiated {
            download_id,
            user_id: user(who),
            plugin_id: plugin(of),
            vendor_id: vendor_id(0),
            version: "1.0.0".parse().unwrap(),
            digest: "0".repeat(64),
            size: 1_000,
            license_id: None,
            expires_at: self.clock.now(),
        };
        let stream = StreamId::of(Category::Download, download_id);
        self.emit(stream, event, Some(plugin(of)), Some(vendor_id(0))).await;
    }

    /// That the page of a plugin was looked at so often.
    pub async fn looks(&self, number: usize, of: usize, views: u64) {
        let page = traffic::Page { plugin_id: plugin(of), vendor_id: vendor_id(0), views };
        let event = traffic::Event::Counted { pages: vec![page], until: self.clock.now() };
        self.emit(StreamId::new(Category::Traffic, uuid(13, number)), event, None, None).await;
    }

    /// What a gateway told, which waits for something.
    pub async fn webhook(&self, number: usize) {
        let webhook_id = WebhookId::new(uuid(11, number));
        let stream = StreamId::of(Category::Webhook, webhook_id);
        let event = webhook::Event::Received {
            webhook_id,
            gateway: Gateway::Stripe,
            event_id: format!("evt_{number}"),
            kind: "charge.refunded".to_owned(),
            digest: "0".repeat(64),
            received_at: self.clock.now(),
        };
        self.emit(stream, event, None, None).await;
        let event = webhook::Event::Failed { reason: "`amount` is missing".to_owned() };
        self.emit(stream, event, None, None).await;
    }

    /// The payer contests all of a payment, or that is over.
    pub async fn dispute(&self, number: usize, of: usize, (amount, currency): (i64, &str), won: bool) {
        let (dispute_id, currency) = (format!("dp_{number}"), currency.parse().unwrap());
        let commission = BasisPoints::DEFAULT_COMMISSION.of(amount);
        let event = if won {
            let (came_back, tax, status) = (true, 0, OrderStatus::Paid);
            order::Event::DisputeWon { dispute_id, amount, currency, came_back, commission, tax, status }
        } else {
            let (reason, tax, status) = ("fraudulent".to_owned(), 0, OrderStatus::Disputed);
            order::Event::Disputed { dispute_id, amount, currency, reason, commission, tax, status }
        };
        self.order_event(number, of, event).await;
    }

    /// Money that pays nothing, and goes back.
    pub async fn unmatched(&self, number: usize, of: usize, amount: i64) {
        let (reference, currency) = (format!("odd_{number}"), "EUR".parse().unwrap());
        let problem = order::Mismatch::Currency;
        let kept = order::Event::PaymentUnmatched { reference: reference.clone(), amount, currency, problem };
        self.order_event(number, of, kept).await;
        let refund_reference = format!("re_odd_{number}");
        let returned = order::Event::UnmatchedReturned { reference, refund_reference, amount, currency };
        self.order_event(number, of, returned).await;
    }
}
