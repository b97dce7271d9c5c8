use super::*;
use crate::{
    examples::{order_id, time, waits, webhook_id, webhook_received},
    testing::given,
};

fn receive() -> Command {
    Command::Receive {
        id: webhook_id(),
        gateway: Gateway::Stripe,
        event_id: "evt_1".to_owned(),
        kind: "charge.dispute.created".to_owned(),
        digest: "cd".repeat(32),
        now: time("2026-11-21T09:05:01Z"),
    }
}

fn conclude(progress: Progress) -> Command {
    Command::Conclude { progress, order: Some(order_id()) }
}

fn settled(outcome: Outcome) -> Event {
    Event::Settled { outcome, order_id: Some(order_id()) }
}

#[test]
fn a_webhook_counts_once() {
    given::<Webhooks>([]).when(receive()).then(webhook_received());
    given::<Webhooks>([webhook_received()]).when(receive()).then_nothing();
    given::<Webhooks>([]).when(conclude(Progress::New)).then_refused(Error::NotReceived);
    assert_ne!(WebhookId::of(Gateway::Stripe, "evt_1"), WebhookId::of(Gateway::Razorpay, "evt_1"));
}

#[test]
fn what_waits_or_failed_can_still_be_taken_in_and_what_was_taken_in_stays_so() {
    let deferred = || Event::Deferred { wait: waits() };
    let applied = || conclude(Progress::Settled(Outcome::Applied));
    given::<Webhooks>([webhook_received()]).when(conclude(Progress::Waiting(waits()))).then(deferred());
    given::<Webhooks>([webhook_received(), deferred()]).when(conclude(Progress::Waiting(waits()))).then_nothing();
    given::<Webhooks>([webhook_received(), deferred()]).when(applied()).then(settled(Outcome::Applied));
    let failed = Event::Failed { reason: "`amount` is missing".to_owned() };
    given::<Webhooks>([webhook_received(), failed]).when(applied()).then(settled(Outcome::Applied));
    let done = || [webhook_received(), settled(Outcome::Applied)];
    given::<Webhooks>(done()).when(conclude(Progress::Settled(Outcome::NothingNew))).then_nothing();
    given::<Webhooks>(done()).when(conclude(Progress::Failed("late".to_owned()))).then_nothing();
}
