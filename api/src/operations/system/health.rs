//! `GET /health`

use axum::Json;
use serde_json::{Value, json};

/// Whether the process lives.
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, description = "It does", body = Object)))]
pub async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::World;

    #[tokio::test]
    async fn it_lives() {
        let answer = World::new().nobody().get("!/health").await;
        assert_eq!((answer.status, answer.body), (200, json!({"status": "ok"})));
    }
}
