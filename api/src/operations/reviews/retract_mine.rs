//! `DELETE /plugins/{plugin}/reviews/mine`

use axum::extract::State;
use souk_app::reviews;

use crate::{
    Api,
    answer::Gone,
    error::ApiError,
    extract::{PathParams, SignedIn},
};

/// Takes the caller's review back.
#[utoipa::path(delete, path = "/plugins/{plugin}/reviews/mine", tag = "reviews",
    params(("plugin" = String, Path, description = "Id or name")), security(("bearer" = []), ("apiKey" = [])),
    responses((status = 204, description = "It is gone")))]
pub async fn retract_review(
    State(api): State<Api>,
    who: SignedIn,
    PathParams(plugin): PathParams<String>,
) -> Result<Gone, ApiError> {
    Ok(Gone(reviews::retract(&api.app, &who.context, &plugin.as_str().into()).await?.position))
}

#[cfg(test)]
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_review_is_taken_back_by_its_author() {
        let world = World::new();
        let reviewed = world.reviewed("log-reader").await;
        let path = "/plugins/log-reader/reviews/mine";
        assert_eq!(world.nobody().delete(path).await.status, 401);
        assert_eq!(world.person("ben").await.delete(path).await.status, 404);
        assert_eq!(reviewed.author.delete(path).await.status, 204);
    }
}
