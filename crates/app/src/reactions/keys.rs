//! A key that a vendor registered is its own, also when that was before keys were reserved.

use async_trait::async_trait;
use souk_domain::{event::DomainEvent, vendor::Event};

use super::{Cause, Reaction};
use crate::{App, AppError, vendor_keys};

pub(super) struct VendorKeys;

#[async_trait]
impl Reaction for VendorKeys {
    fn name(&self) -> &'static str {
        "vendor-keys"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "vendor.key_registered"
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Vendor(Event::KeyRegistered { public_key, .. }) = &cause.event else { return Ok(()) };
        let vendor = cause.recorded.stream.uuid.into();
        if !vendor_keys::claim(app, &cause.ctx, vendor, public_key).await? {
            // Both did so when nothing kept them from it. Which of them it belongs to is nothing that Souk can tell.
            tracing::warn!(%vendor, "this vendor has a key that another one registered before");
        }
        Ok(())
    }
}
