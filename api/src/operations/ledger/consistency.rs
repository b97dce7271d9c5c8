//! `GET /ledger/consistency`

use axum::{Json, extract::State, http::StatusCode};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use souk_ports::LedgerError;
use utoipa::{IntoParams, ToSchema};

use crate::{Api, error::ApiError, extract::QueryParams, operations::ledger::proof::failed};

/// Which trees.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConsistencyQuery {
    /// Leaves of the older tree, at least 1.
    #[param(minimum = 1)]
    from: u64,
    /// Leaves of the newer one, at least as many, at most those of the signed tree.
    #[param(minimum = 1)]
    to: u64,
}

/// That one tree continues another.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consistency {
    /// Leaves of the older tree.
    from: u64,
    /// Leaves of the newer one.
    to: u64,
    /// Hashes, base64, in the order of RFC 6962, section 2.1.2.
    proof: Vec<String>,
}

/// That the tree of `to` leaves has all of the tree of `from` leaves at its beginning (RFC 6962, section 2.1.2).
#[utoipa::path(get, path = "/ledger/consistency", tag = "ledger", params(ConsistencyQuery),
    responses((status = 200, description = "The proof", body = Consistency),
        (status = 404, description = "`not_yet_in_ledger`: the signed tree is smaller; `details.treeSize` has its leaves", body = Object),
        (status = 422, description = "`validation_failed`: `from` is 0, or greater than `to`", body = Object)))]
pub async fn ledger_consistency(
    State(api): State<Api>,
    QueryParams(ConsistencyQuery { from, to }): QueryParams<ConsistencyQuery>,
) -> Result<Json<Consistency>, ApiError> {
    if from == 0 {
        return Err(ApiError::invalid_field("from", "must be at least 1: every tree continues the empty one"));
    }
    if from > to {
        return Err(ApiError::invalid_field("from", "must not be greater than `to`: no tree continues a greater one"));
    }
    let proof = api.app.ports().ledger.consistency(from, to).await.map_err(|error| match error {
        LedgerError::BeyondTree { size } => {
            let message = format!("the signed tree has {size} leaves");
            ApiError::new(StatusCode::NOT_FOUND, "not_yet_in_ledger", message).with_details(json!({ "treeSize": size }))
        }
        other => failed(other),
    })?;
    Ok(Json(Consistency { from, to, proof: proof.iter().map(|hash| BASE64.encode(hash)).collect() }))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn trees_continue_each_other_as_far_as_they_go() {
        let world = World::new();
        for name in ["ada", "bob", "eve"] {
            world.person(name).await;
        }
        let size = world.memory.events().len();
        let answer = world.nobody().get(&format!("/ledger/consistency?from=1&to={size}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.body["proof"].as_array().unwrap().is_empty());
        let answer = world.nobody().get(&format!("/ledger/consistency?from={size}&to={size}")).await;
        assert_eq!(answer.body["proof"].as_array().unwrap().len(), 0);
        let answer = world.nobody().get(&format!("/ledger/consistency?from=1&to={}", size + 1)).await;
        assert_eq!((answer.status, answer.code()), (404, "not_yet_in_ledger"));
        assert_eq!(answer.body["error"]["details"]["treeSize"], size);
        for odd in ["from=0&to=1", "from=2&to=1", "from=1", "from=x&to=1", "from=-1&to=1"] {
            let answer = world.nobody().get(&format!("/ledger/consistency?{odd}")).await;
            assert!([400, 422].contains(&answer.status), "{odd}: {}", answer.text);
        }
    }
}
