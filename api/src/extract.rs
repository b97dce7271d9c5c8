//! What operations take from requests.

mod auth;
mod body;
mod min_position;
mod path;
mod query;

pub use auth::{Anyone, PartnerCaller, Privileged, Reader, SignedIn};
pub use body::{JsonBody, OptionalJson, read_json};
pub use min_position::MinPosition;
pub use path::PathParams;
pub use query::QueryParams;
