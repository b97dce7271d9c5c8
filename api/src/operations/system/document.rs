//! `GET /openapi.json`

use axum::{
    http::{HeaderName, header},
    response::IntoResponse,
};

use crate::{asyncapi, openapi::shared_text};

/// The description of everything else; it does not describe itself.
pub async fn openapi_document() -> impl IntoResponse {
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    (headers, shared_text())
}

/// The description of public events and of where they are told.
pub async fn asyncapi_document() -> impl IntoResponse {
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];
    (headers, asyncapi::shared_text())
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn it_describes_what_there_is() {
        let answer = World::new().nobody().get("/openapi.json").await;
        assert_eq!((answer.status, answer.body["openapi"].as_str()), (200, Some("3.1.0")));
        assert!(answer.body["paths"]["/api/v1/plugins/{plugin}"]["get"].is_object());
    }
}
