//! Public events, for partners and, as far as they are about what is on display, for everybody.

pub mod list;
pub mod schema;
pub mod stream;

use axum::http::StatusCode;
use serde_json::json;
use souk_app::{
    partners::{self, Denied, hooks},
    public::{Asked, Filter, Refusal},
};
use souk_domain::{id::VendorId, partner::Scopes};
use souk_ports::Position;

use crate::{Api, error::ApiError};

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused(Refusal::UnknownType(name)) => hooks::unknown("types", &name).into(),
            Denied::Refused(Refusal::BeyondScope { part, wanted }) => {
                Self::new(StatusCode::FORBIDDEN, "beyond_scope", format!("{wanted} is not in the scope `{part}`"))
                    .with_details(json!({ "scope": part, "wanted": wanted }))
            }
            Denied::Other(error) => error.into(),
        }
    }
}

/// Types that are asked for, with commas between.
fn types(text: Option<&str>) -> Vec<String> {
    let names = text.into_iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

async fn filter(
    api: &Api,
    scopes: &Scopes,
    wanted: Option<&str>,
    plugin: Option<&str>,
    vendor: Option<VendorId>,
) -> Result<Filter, ApiError> {
    let plugin = match plugin {
        Some(plugin) => Some(souk_app::plugins::resolve(&api.app, &plugin.into()).await?),
        None => None,
    };
    let asked = Asked { types: types(wanted), plugin, plugin_vendor: None, vendor };
    Ok(partners::filter(&api.app, scopes, asked).await?)
}

/// A position that a client sent.
pub(super) fn position(field: &str, text: &str) -> Result<Position, ApiError> {
    let position = text.trim().parse::<Position>().ok().filter(|position| i64::try_from(*position).is_ok());
    position.ok_or_else(|| ApiError::invalid_field(field, "must be a position"))
}

/// Refuses a position behind the end of the log: it is of another log, or of this one before it was restored.
pub(super) async fn check_cursor(api: &Api, after: Position) -> Result<(), ApiError> {
    partners::check_cursor(&api.app, after).await?.map_err(|head| ahead(after, head))
}

/// The same, and refuses a position that the log never gave: for who is told later, and would never hear why nothing comes.
pub(super) async fn check_start(api: &Api, after: Position) -> Result<(), ApiError> {
    partners::check_start(&api.app, after).await?.map_err(|head| ahead(after, head))
}

fn ahead(after: Position, head: Position) -> ApiError {
    let message = format!("the position {after} is behind the end of the log, {head}: nothing was told up to there");
    ApiError::new(StatusCode::BAD_REQUEST, "cursor_ahead", message)
        .with_details(json!({ "after": after, "head": head }))
}
