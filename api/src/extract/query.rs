//! Parameters behind the question mark.

use axum::{extract::FromRequestParts, http::request::Parts};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::body::field_of;
use crate::{Api, error::ApiError};

/// Parameters behind the question mark. Unknown ones are ignored.
pub struct QueryParams<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Api> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let readable = percent_decode_str(query).decode_utf8().is_ok_and(|text| !text.contains('\0'));
    if !readable {
        return Err(ApiError::invalid_field("", "the query must be UTF-8 without NUL"));
    }
    let deserializer = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let (field, problem) = (if path == "." { "" } else { path.as_str() }, error.inner().to_string());
        ApiError::invalid_field(field_of(field, &problem), problem)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use souk_domain::listing::Kind;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    struct Params {
        limit: Option<u32>,
        kind: Option<Kind>,
        q: Option<String>,
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (query, field) in [
            ("limit=x", "limit"),
            ("kind=spaceship", "kind"),
            ("limit=1&limit=2", "limit"),
            ("q=%00", ""),
            ("q=%ff", ""),
        ] {
            let error = read::<Params>(query).unwrap_err();
            assert_eq!(error.status.as_u16(), 422, "{query}");
            let details = error.details.unwrap();
            let problem = format!("{}{}", details["fields"][0]["field"], details["fields"][0]["problem"]);
            assert!(problem.contains(field), "{query}: {problem}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        #[derive(Debug, Deserialize)]
        struct Needed {
            #[expect(dead_code, reason = "it only has to be there")]
            execution: String,
        }
        let details = read::<Needed>("limit=1").unwrap_err().details.unwrap();
        assert_eq!(details["fields"][0]["field"], "execution");
    }

    #[test]
    fn the_rest_is_read() {
        let params: Params = read("q=a%20b+c&kind=mcp_server&unknown=1").unwrap();
        assert_eq!(params, Params { limit: None, kind: Some(Kind::McpServer), q: Some("a b c".to_owned()) });
        assert_eq!(read::<Params>("").unwrap(), Params::default());
    }
}
