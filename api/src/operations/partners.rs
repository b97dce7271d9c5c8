//! What partners do for themselves: where they stand, and their webhooks.

pub mod create_webhook;
pub mod delete_webhook;
pub mod deliveries;
pub mod disable_webhook;
pub mod enable_webhook;
pub mod get_webhook;
pub mod list_webhooks;
pub mod me;
pub mod replay_webhook;
pub mod rotate_secret;
pub mod test_webhook;

use souk_ports::partner::Hook;

use crate::{Api, error::ApiError, wire::partner::PartnerWebhook};

/// A webhook as it stands against the end of the log.
async fn shown(api: &Api, hook: Hook) -> Result<PartnerWebhook, ApiError> {
    Ok(PartnerWebhook::of(hook, api.app.public().head().await?))
}
