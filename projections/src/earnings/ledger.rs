//! What events of orders and payouts are in a ledger.
//!
//! Pure: what an event says, and what its own stream said before it, come to entries that sum to zero.

use souk_domain::{order, vendor};

/// What an entry is booked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// Money at the gateways and the bank.
    Gateway,
    /// What is owed to vendors.
    Vendor,
    /// What Souk keeps.
    Commission,
    /// What is owed to tax offices.
    Tax,
    /// What gateways keep.
    Fees,
    /// Money that pays nothing, and what was taken back beyond what was paid.
    Suspense,
    /// Money on its way to vendors.
    Payout,
    /// What gateways paid to vendors directly.
    Transfer,
}

impl Account {
    /// Its name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Vendor => "vendor",
            Self::Commission => "commission",
            Self::Tax => "tax",
            Self::Fees => "fees",
            Self::Suspense => "suspense",
            Self::Payout => "payout",
            Self::Transfer => "transfer",
        }
    }

    /// Whether an entry on it stays when its amount is 0: it is what the transaction is about, and lists go by it.
    const fn is_shown(self) -> bool {
        matches!(self, Self::Vendor | Self::Transfer)
    }
}

/// What of an order later events of it are reckoned by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether the gateway pays the vendor directly.
    pub direct: bool,
    /// Minor units that were paid.
    pub captured: i64,
    /// Minor units that went back, or are taken away.
    pub returned: i64,
}

/// The kind of a transaction, and its entries, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What it is about, e.g. `refund`.
    pub kind: &'static str,
    /// They sum to zero.
    pub entries: Vec<(Account, i64)>,
}

impl Transaction {
    fn of(kind: &'static str, entries: &[(Account, i64)]) -> Self {
        let kept = entries.iter().filter(|(account, amount)| *amount != 0 || account.is_shown());
        Self { kind, entries: kept.copied().collect() }
    }
}

/// What an event of an order moves; none where no money moves.
pub fn of_order(known: &mut Known, event: &order::Event) -> Option<Transaction> {
    match event {
        order::Event::Placed { payout_account, .. } => {
            known.direct = payout_account.is_some();
            None
        }
        order::Event::PaymentCompleted { amount, tax, commission, fee, .. } => {
            known.captured = *amount;
            let fee = fee.unwrap_or(0);
            Some(Transaction::of(
                "payment",
                &[
                    (Account::Gateway, amount - fee),
                    (Account::Fees, fee),
                    (Account::Tax, -tax),
                    (Account::Commission, -commission),
                    (known.share(), commission + tax - amount),
                ],
            ))
        }
        order::Event::PaymentRefunded { amount, tax, commission, .. } => {
            Some(known.back("refund", *amount, *tax, *commission))
        }
        order::Event::RefundFailed { amount, tax, commission, came_back: true, .. } => {
            Some(known.back("refund_reversal", -amount, -tax, -commission))
        }
        order::Event::Disputed { amount, tax, commission, .. }
        | order::Event::DisputeLost { amount, tax, commission, taken_now: true, .. } => {
            Some(known.back("dispute", *amount, *tax, *commission))
        }
        order::Event::DisputeWon { amount, tax, commission, came_back: true, .. } => {
            Some(known.back("dispute_reversal", -amount, -tax, -commission))
        }
        order::Event::PaymentUnmatched { amount, .. } => {
            Some(Transaction::of("unmatched", &[(Account::Gateway, *amount), (Account::Suspense, -amount)]))
        }
        order::Event::UnmatchedReturned { amount, .. } => {
            Some(Transaction::of("unmatched_returned", &[(Account::Gateway, -amount), (Account::Suspense, *amount)]))
        }
        order::Event::CheckoutOpened { .. }
        | order::Event::Canceled { .. }
        | order::Event::PaymentFailed { .. }
        | order::Event::RefundRequested { .. }
        | order::Event::RefundFailed { came_back: false, .. }
        | order::Event::DisputeWon { came_back: false, .. }
        | order::Event::DisputeLost { taken_now: false, .. } => None,
    }
}

impl Known {
    /// The account of the vendor's share.
    const fn share(self) -> Account {
        if self.direct { Account::Transfer } else { Account::Vendor }
    }

    /// Money that goes back, or comes again where it is negative. A refund and a dispute may take back the same money; the vendor
    /// and Souk give back what was paid, once, and what is more waits for somebody to look into it.
    fn back(&mut self, kind: &'static str, amount: i64, tax: i64, commission: i64) -> Transaction {
        let paid_back = |returned: i64| returned.clamp(0, self.captured);
        let counted = paid_back(self.returned + amount) - paid_back(self.returned);
        self.returned += amount;
        Transaction::of(
            kind,
            &[
                (Account::Gateway, -amount),
                (Account::Tax, tax),
                (Account::Commission, commission),
                (self.share(), counted - tax - commission),
                (Account::Suspense, amount - counted),
            ],
        )
    }
}

/// What an event of a payout moves. `paid` says whether it was said before that the vendor has the money.
pub(super) fn of_payout(paid: bool, event: &vendor::Event) -> Option<Transaction> {
    match event {
        vendor::Event::PayoutRequested { amount, .. } => {
            Some(Transaction::of("payout_requested", &[(Account::Vendor, *amount), (Account::Payout, -amount)]))
        }
        vendor::Event::PayoutPaid { amount, .. } => {
            Some(Transaction::of("payout_paid", &[(Account::Payout, *amount), (Account::Gateway, -amount)]))
        }
        // What had left comes back to the bank, what had not was still on its way.
        vendor::Event::PayoutFailed { amount, .. } => {
            let from = if paid { Account::Gateway } else { Account::Payout };
            Some(Transaction::of("payout_failed", &[(from, *amount), (Account::Vendor, -amount)]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
