//! Purchases.

pub mod cancel;
pub mod get;
pub mod invoices;
pub mod pay;
pub mod place;
pub mod refund;
