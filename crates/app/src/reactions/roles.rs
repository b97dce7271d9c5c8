//! Whoever owns a vendor has the role `vendor`, also when the registration ended half-way.

use async_trait::async_trait;
use souk_domain::{event::DomainEvent, vendor::Event};

use super::{Cause, Reaction};
use crate::{App, AppError, users};

pub(super) struct VendorRoles;

#[async_trait]
impl Reaction for VendorRoles {
    fn name(&self) -> &'static str {
        "vendor-roles"
    }

    fn handles(&self, event_type: &str) -> bool {
        event_type == "vendor.registered"
    }

    async fn react(&self, app: &App, cause: &Cause<'_>) -> Result<(), AppError> {
        let DomainEvent::Vendor(Event::Registered { owner_id, .. }) = &cause.event else { return Ok(()) };
        users::make_vendor(app, &cause.ctx, *owner_id).await.map(|_| ())
    }
}
