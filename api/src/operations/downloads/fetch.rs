//! `GET /downloads/{id}`

use std::ops::Range;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use data_encoding::{BASE64, HEXLOWER};
use futures::StreamExt;
use semver::Version;
use serde::Deserialize;
use souk_app::downloads;
use souk_domain::download::Download;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    Api,
    error::ApiError,
    extract::{PathParams, QueryParams},
};

/// What the address carries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Address {
    /// Until when it is good, seconds since 1970.
    expires: i64,
    /// Souk's seal of it.
    signature: String,
}

/// A name for the file of a version.
pub fn filename(plugin: &str, version: &Version) -> String {
    format!("{plugin}-{version}.zip")
}

/// An archive, by an address that was given out. Whole or a part of it (`Range`), with its digest as `ETag` and in `Repr-Digest`.
#[utoipa::path(get, path = "/downloads/{id}", tag = "versions",
    params(("id" = Uuid, Path, description = "Which download"), Address),
    responses((status = 200, description = "The archive", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, description = "The part that was asked for", body = Vec<u8>, content_type = "application/octet-stream")))]
pub async fn fetch_download(
    State(api): State<Api>,
    method: Method,
    headers: HeaderMap,
    PathParams(id): PathParams<Uuid>,
    QueryParams(address): QueryParams<Address>,
) -> Result<Response, ApiError> {
    let download = downloads::find(&api.app, id.into(), address.expires, &address.signature).await?;
    let etag = format!("\"{}\"", download.digest);
    if lists(&headers, header::IF_NONE_MATCH, &etag) {
        return Ok(([(header::ETAG, etag)], StatusCode::NOT_MODIFIED).into_response());
    }
    // A part of what it was when it was asked for first; of anything else all of it.
    let fresh = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == etag.as_bytes());
    let asked = headers.get(header::RANGE).filter(|_| fresh).and_then(|range| range.to_str().ok());
    let part = match asked.map_or(Asked::All, |range| parse(range, download.size)) {
        Asked::All => None,
        Asked::Part(range) => Some(range),
        Asked::Beyond => {
            let message = format!("the archive has {} bytes", download.size);
            let mut answer =
                ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", message).into_response();
            if let Ok(size) = HeaderValue::from_str(&format!("bytes */{}", download.size)) {
                answer.headers_mut().insert(header::CONTENT_RANGE, size);
            }
            return Ok(answer);
        }
    };
    let range = part.clone().unwrap_or(0..download.size);
    let body = if method == Method::HEAD { Body::empty() } else { bytes(&api, &download, range.clone()).await? };
    let mut answer = Response::new(body);
    if part.is_some() {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    describe(&mut answer, &download, &etag, &range, part.is_some());
    Ok(answer)
}

/// The bytes; once the last one is out, the download is complete.
async fn bytes(api: &Api, download: &Download, range: Range<u64>) -> Result<Body, ApiError> {
    let chunks = downloads::read(&api.app, download, range.clone()).await?;
    let (app, last, download) = (api.app.clone(), range.end == download.size, download.clone());
    let end = futures::stream::once(async move {
        if last && let Err(error) = downloads::complete(&app, &download).await {
            tracing::warn!(%error, download = %download.id, "a download was not recorded as complete");
        }
        None
    });
    // Behind an error nothing follows, and nothing is complete.
    let all = chunks.map(Some).chain(end).filter_map(async |chunk| chunk);
    Ok(Body::from_stream(all))
}

fn describe(answer: &mut Response, download: &Download, etag: &str, range: &Range<u64>, part: bool) {
    let digest = HEXLOWER.decode(download.digest.as_bytes()).unwrap_or_default();
    let mut set = |name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::ETAG, etag.to_owned());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::CONTENT_LENGTH, (range.end - range.start).to_string());
    set(header::CACHE_CONTROL, "private, max-age=900, immutable".to_owned());
    set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.zip\"", download.digest));
    // RFC 9530: of the whole archive, whichever part this is.
    set(header::HeaderName::from_static("repr-digest"), format!("sha-256=:{}:", BASE64.encode(&digest)));
    if part {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, download.size));
    }
}

fn lists(headers: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim).any(|known| known == etag || known == "*")
}

#[derive(Debug, PartialEq)]
enum Asked {
    All,
    Part(Range<u64>),
    Beyond,
}

/// One range of bytes, RFC 9110 section 14. Several at once, other units and nonsense are answered with everything, as it allows.
fn parse(text: &str, size: u64) -> Asked {
    let number =
        |text: &str| text.trim().parse::<u64>().ok().filter(|_| text.trim().bytes().all(|b| b.is_ascii_digit()));
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Asked::All;
    };
    match (first.trim(), last.trim()) {
        ("", length) => match number(length) {
            Some(0) => Asked::Beyond,
            Some(length) if size > 0 => Asked::Part(size.saturating_sub(length)..size),
            Some(_) => Asked::Beyond,
            None => Asked::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => Asked::Beyond,
            (Some(first), None) if last.is_empty() => Asked::Part(first..size),
            (Some(first), Some(last)) if first <= last => Asked::Part(first..size.min(last.saturating_add(1))),
            _ => Asked::All,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::World;

    #[test]
    fn ranges_are_those_of_http() {
        for (text, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=2-", Asked::Part(2..10)),
            ("bytes=2-99", Asked::Part(2..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-99", Asked::Part(0..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-12", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=5-4", Asked::All),
            ("bytes=0-1,3-4", Asked::All),
            ("bytes=+1-2", Asked::All),
            ("lines=0-1", Asked::All),
            ("bytes=", Asked::All),
            ("bytes=18446744073709551615-", Asked::Beyond),
            ("bytes=0-18446744073709551615", Asked::Part(0..10)),
        ] {
            assert_eq!(parse(text, 10), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn parts_make_the_whole_and_forged_addresses_nothing() {
        let world = World::new();
        world.seller("acme").await.published("log-reader", "1.0.0").await;
        let ada = world.person("ada").await;
        let begun = ada.post("/plugins/log-reader/versions/1.0.0/download", json!({})).await.body;
        let url = begun["url"].as_str().unwrap();
        let path = format!("!{}", &url[url.find("/api").unwrap()..]);
        let size = begun["size"].as_u64().unwrap();
        let get = async |range: &str| {
            world
                .nobody()
                .send("GET", &path, |request| request.header("range", range).body(Body::empty()).unwrap())
                .await
        };
        let whole = world.nobody().get(&path).await;
        let (first, rest) = (get("bytes=0-9").await, get("bytes=10-").await);
        assert_eq!((first.status, rest.status), (206, 206));
        assert_eq!(first.header("content-range"), format!("bytes 0-9/{size}"));
        assert_eq!([first.bytes.clone(), rest.bytes.clone()].concat(), whole.bytes);
        assert_eq!(get(&format!("bytes={size}-")).await.status, 416);
        let known = begun["digest"].as_str().unwrap();
        let nobody = world.nobody();
        let again = nobody.send("GET", &path, |request| {
            request.header("if-none-match", format!("\"{known}\"")).body(Body::empty()).unwrap()
        });
        assert_eq!(again.await.status, 304);
        assert_eq!(whole.header("repr-digest").len(), "sha-256=::".len() + 44);

        let forged = path.replace("signature=", "signature=00");
        assert_eq!(world.nobody().get(&forged).await.status, 403);
        let later = path.replace("expires=", "expires=9");
        assert_eq!(world.nobody().get(&later).await.status, 403);
        world.clock.advance(std::time::Duration::from_secs(16 * 60));
        assert_eq!(world.nobody().get(&path).await.status, 403);
    }
}
