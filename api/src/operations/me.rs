//! What belongs to whoever asks.

pub mod create_api_key;
pub mod delete_api_key;
pub mod erase;
pub mod export;
pub mod get;
pub mod library;
pub mod licenses;
pub mod list_api_keys;
pub mod orders;
pub mod subscriptions;
