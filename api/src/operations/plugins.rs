//! Listings.

pub mod amend;
pub mod create;
pub mod deprecate;
pub mod get;
pub mod history;
pub mod reinstate;
pub mod reliability;
pub mod reliability_history;
pub mod search;
pub mod suspend;
pub mod transfer;
pub mod validation;
