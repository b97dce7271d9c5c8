//! Parameters in paths.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::{Api, error::ApiError};

/// Parameters in the path. What cannot be an id, a version or a position names nothing: 404.
pub struct PathParams<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Api> for PathParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let found = Path::<T>::from_request_parts(parts, api).await;
        found.map(|Path(params)| Self(params)).map_err(|_| ApiError::not_found("what this address names"))
    }
}
