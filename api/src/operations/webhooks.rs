//! What payment gateways tell, and what operators make of it.

pub mod get;
pub mod list;
pub mod payload;
pub mod receive;
pub mod retry;
