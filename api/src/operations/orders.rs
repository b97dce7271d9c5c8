//! Purchases.

pub mod get;
pub mod pay;
pub mod place;
pub mod refund;
