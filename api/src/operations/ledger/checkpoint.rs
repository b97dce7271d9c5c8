//! `GET /ledger/checkpoint`

use axum::{
    extract::State,
    http::{HeaderName, StatusCode, header},
};

use crate::{Api, error::ApiError, operations::ledger::proof::failed};

/// The head of the tree that was signed last, as C2SP's `tlog-checkpoint`, a signed note: name of the log, leaves, root (base64), and
/// behind a blank line the signature. `souk ledger key` prints what checks it.
#[utoipa::path(get, path = "/ledger/checkpoint", tag = "ledger",
    responses((status = 200, description = "A signed note", body = String, content_type = "text/plain"),
        (status = 404, description = "`not_yet_in_ledger`: nothing was signed yet", body = Object)))]
pub async fn ledger_checkpoint(State(api): State<Api>) -> Result<([(HeaderName, &'static str); 2], String), ApiError> {
    let checkpoint = api.app.ports().ledger.checkpoint().await.map_err(failed)?;
    let checkpoint = checkpoint.ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "not_yet_in_ledger", "no tree was signed yet; try again").retry_after(1)
    })?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, checkpoint.note))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn the_newest_signed_head_is_told_to_anyone_and_not_kept() {
        let world = World::new();
        let answer = world.nobody().get("!/ledger/checkpoint").await;
        assert_eq!((answer.status, answer.code()), (404, "not_yet_in_ledger"));
        world.person("ada").await;
        let answer = world.nobody().get("!/ledger/checkpoint").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("cache-control"), "no-store");
        let events = world.memory.events().len().to_string();
        assert_eq!(answer.text.lines().take(2).collect::<Vec<_>>(), ["souk.test", &events]);
    }
}
