//! Where the money is: a double-entry ledger of what was paid, given back, contested and paid out, with invoices.
//!
//! A transaction is an event; its entries sum to zero. Debits are positive and credits negative, so the account `vendor` is
//! below zero by what is owed to vendors. Balances are sums of entries by day, and what is held back is looked up among the latest payments.

use souk_domain::stream::Category;
use souk_projector::{Changes, Projection};

mod days;
mod fold;
pub mod ledger;
mod query;
mod statement;

pub use query::{
    Balance, Entry, Invoice, Payout, Span, balances, batch, earned, entries, invoices_of_order, invoices_of_vendor,
    owed, payout, payouts,
};
pub use statement::{Line, Statement, TooLong, statement};

/// Where the money is.
#[derive(Clone, Copy, Debug)]
pub struct Earnings;

impl Projection for Earnings {
    fn name(&self) -> &'static str {
        "earnings"
    }

    fn schema_sql(&self) -> &'static str {
        include_str!("schema.sql")
    }

    fn index_sql(&self) -> &'static str {
        include_str!("indexes.sql")
    }

    fn tables(&self) -> &'static [&'static str] {
        &["earnings_order", "earnings_entry", "earnings_day", "earnings_payout", "earnings_invoice"]
    }

    fn wants(&self, category: Category) -> bool {
        matches!(category, Category::Order | Category::Vendor | Category::Invoice)
    }

    fn begin(&self) -> Box<dyn Changes> {
        Box::<fold::EarningsChanges>::default()
    }
}
