//! Sellers.

pub mod analytics;
pub mod commission;
pub mod create;
pub mod earnings;
pub mod earnings_entries;
pub mod get;
pub mod invoices;
pub mod list_keys;
pub mod list_payouts;
pub mod payout_account;
pub mod payout_failed;
pub mod payout_paid;
pub mod register_key;
pub mod request_payout;
pub mod revoke_key;
pub mod statement;
pub mod suspend;
pub mod verify;
