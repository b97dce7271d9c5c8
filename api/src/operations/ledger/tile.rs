//! `GET /ledger/tile/{level}/{number}`

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderName, StatusCode, header},
};
use bytes::Bytes;
use souk_ports::ledger::Tile;

use crate::{Api, error::ApiError, operations::ledger::proof::failed};

/// A part of the tree, as C2SP's `tlog-tiles` has it. `level` is `entries` (the leaves: each behind its length, two bytes, big-endian)
/// or 0 to 63 (hashes of subtrees with 256^level leaves, 32 bytes each). `number` is written in groups of three digits, with an `x`
/// before all but the last (`x001/234`), and `.p/W` behind it asks for the first W of one that is not complete.
#[utoipa::path(get, path = "/ledger/tile/{level}/{*number}", tag = "ledger",
    params(("level" = String, Path, description = "`entries`, or 0 to 63"),
        ("number" = String, Path, description = "Such as `000`, `x001/234` or `005.p/17`; its slashes are not escaped")),
    responses((status = 200, description = "Never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 400, description = "`bad_request`: no tile is named so", body = Object),
        (status = 404, description = "`not_found`: the tree has no such tile, or not so much of it", body = Object)))]
pub async fn ledger_tile(
    State(api): State<Api>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<([(HeaderName, &'static str); 2], Bytes), ApiError> {
    let named = path.ok().and_then(|Path((level, number))| Tile::parse(&level, &number));
    let tile = named.ok_or_else(|| {
        let message = "a tile is named by its level (entries, or 0 to 63) and its number in groups of three digits, such as x001/234";
        ApiError::new(StatusCode::BAD_REQUEST, "bad_request", message)
    })?;
    let found = api.app.ports().ledger.tile(tile).await.map_err(failed)?;
    let bytes = found.ok_or_else(|| ApiError::not_found("this tile"))?;
    // What is in the tree stays there.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, bytes))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn tiles_are_told_for_ever_as_far_as_the_tree_goes() {
        let world = World::new();
        world.person("ada").await;
        let events = world.memory.events().len();
        for level in ["0", "entries"] {
            let answer = world.nobody().get(&format!("!/ledger/tile/{level}/000.p/{events}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_eq!(answer.header("content-type"), "application/octet-stream");
            assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
            for beyond in [format!("000.p/{}", events + 1), "000".to_owned(), "x001/000.p/1".to_owned()] {
                let answer = world.nobody().get(&format!("!/ledger/tile/{level}/{beyond}")).await;
                assert_eq!((answer.status, answer.code()), (404, "not_found"), "{beyond}");
            }
        }
        assert_eq!(world.nobody().get("!/ledger/tile/0/000.p/1").await.bytes.len(), 32);
        assert_eq!(world.nobody().get("!/ledger/tile/8/x018/x446/x744/x073/x709/x551/615").await.status, 404);
    }

    #[tokio::test]
    async fn what_names_no_tile_is_refused() {
        let world = World::new();
        world.person("ada").await;
        for odd in ["0/0", "0/000.p/0", "0/000.p/256", "64/000", "data/000", "0/x000/001", "0/%2e%2e/x", "0/x%ff"] {
            let answer = world.nobody().get(&format!("!/ledger/tile/{odd}")).await;
            assert_eq!((answer.status, answer.code()), (400, "bad_request"), "{odd}");
        }
    }
}
