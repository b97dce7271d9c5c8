//! Reviews.

pub mod flag;
pub mod hide;
pub mod list;
pub mod put_mine;
pub mod reply;
pub mod restore;
pub mod retract_mine;
pub mod unflag;

use souk_app::reviews::Written;
use souk_domain::id::UserId;
use souk_ports::Position;

use super::shared::{now, soon};
use crate::{Api, wire::reviews::Review};

/// The review that `author` has just written.
async fn written_by(api: &Api, written: Written, author: UserId, position: Position) -> Review {
    let plugin = written.plugin.uuid();
    if let Ok(Some(review)) = api.reads.review_of(soon(position), plugin, author).await {
        return review;
    }
    let before = api.reads.review_of(now(), plugin, author).await.ok().flatten();
    Review::of_stream(written, before)
}
