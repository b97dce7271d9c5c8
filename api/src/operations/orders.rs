//! Purchases.

pub mod cancel;
pub mod confirm;
pub mod get;
pub mod invoices;
pub mod pay;
pub mod place;
pub mod refund;
