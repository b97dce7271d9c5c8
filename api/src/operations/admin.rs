//! What only admins do.

pub mod amend_partner;
pub mod cancel_rebuild;
pub mod create_partner;
pub mod create_partner_key;
pub mod delete_partner_key;
pub mod drop_parked;
pub mod erase_user;
pub mod get_partner;
pub mod grant_role;
pub mod list_mail;
pub mod list_parked;
pub mod list_partners;
pub mod list_projections;
pub mod pay_out;
pub mod payout_batch;
pub mod rebuild_projection;
pub mod retry_mail;
pub mod retry_parked;
pub mod retry_projection;
pub mod revoke_role;
pub mod skip_event;

use axum::http::StatusCode;
use serde::Deserialize;
use souk_app::Context;
use souk_ports::Position;
use utoipa::ToSchema;

use crate::{
    Api,
    control::{ControlError, ProjectionStatus},
    error::ApiError,
};

/// Which event of a projection.
#[derive(Default, Deserialize, ToSchema)]
pub struct EventBody {
    /// Its position; the event that stops the projection when absent.
    position: Option<Position>,
}

pub(super) fn require_admin(context: &Context) -> Result<(), ApiError> {
    if context.is_admin() {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::FORBIDDEN, "forbidden", "only an admin does this"))
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::UnknownProjection => Self::not_found("this projection"),
            ControlError::Conflict { reason, message } => Self::conflict(reason, message),
            ControlError::Unavailable(why) => Self::unavailable(&why),
        }
    }
}

/// Where the projection `name` stands.
async fn projection(api: &Api, name: &str) -> Result<ProjectionStatus, ApiError> {
    let all = api.projections.status().await?;
    all.into_iter().find(|status| status.name == name).ok_or_else(|| ControlError::UnknownProjection.into())
}
