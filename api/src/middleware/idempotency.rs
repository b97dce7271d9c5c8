//! What is remembered of a request that was sent with an `Idempotency-Key`.

use std::{borrow::Cow, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use memchr::memmem;
use sha2::{Digest, Sha256};
use souk_domain::id::derive;
use souk_ports::store::{Claim, StoredAnswer};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    Api,
    answer::POSITION,
    error::{ApiError, Rendered},
};

const HEADER: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// For how long a running request keeps others with its key out, should it never end.
const LEASE: Duration = Duration::from_secs(30);
const NONCE: usize = 24;

/// The key that the client chose: a structured-field string, or the same without quotes; 1 to 255 visible ASCII characters.
///
/// # Errors
/// 400 `bad_request`.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let wrong =
        || ApiError::bad_header("Idempotency-Key", "must be 1 to 255 visible ASCII characters, in quotes or without");
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(wrong());
    }
    let text = value.to_str().map_err(|_| wrong())?.trim();
    let key = match text.strip_prefix('"') {
        Some(rest) => unquote(rest).ok_or_else(wrong)?,
        None => text.to_owned(),
    };
    let valid = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if valid { Ok(Some(key)) } else { Err(wrong()) }
}

/// The rest of a structured-field string behind its opening quote (RFC 9651, section 3.3.3). Parameters are ignored.
fn unquote(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\') => text.push(escaped),
                _ => return None,
            },
            plain => text.push(plain),
        }
    }
    let behind = characters.as_str().trim_start();
    (behind.is_empty() || behind.starts_with(';')).then_some(text)
}

/// The id of the command that `key` names: whoever asks, `route` with its method, and the key.
#[must_use]
pub fn command(tenant: &str, route: &str, key: &str) -> Uuid {
    derive(&["command", tenant, route, key])
}

/// What must be the same whenever a key is used again.
#[must_use]
pub fn fingerprint(method: &str, path_and_query: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), path_and_query.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A body as it is compared. Most clients draw the boundary of a form anew each time they send it, which makes it no other
/// form: the boundary is left out.
#[must_use]
pub fn comparable<'a>(content_type: &str, body: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(boundary) = boundary(content_type) else { return Cow::Borrowed(body) };
    let mut kept = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = memmem::find(rest, boundary.as_bytes()) {
        kept.extend_from_slice(&rest[..at]);
        kept.push(0);
        rest = &rest[at + boundary.len()..];
    }
    kept.extend_from_slice(rest);
    Cow::Owned(kept)
}

fn boundary(content_type: &str) -> Option<&str> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value.trim_matches('"'))
    });
    value.filter(|value| !value.is_empty())
}

/// What becomes of a request with a key.
pub enum Turn {
    /// It runs.
    Run,
    /// It ran; this was the answer.
    Replay(Response),
}

/// Claims `command` for a request, or finds its answer. Waits a little for a twin that runs.
///
/// # Errors
/// 422 for another request under the same key, 409 for one that runs on.
pub async fn claim(api: &Api, command: Uuid, fingerprint: [u8; 32]) -> Result<Turn, ApiError> {
    let until = Instant::now() + api.settings.duplicate_wait;
    let mut pause = Duration::from_millis(10);
    loop {
        match api.idempotency.claim(command, fingerprint, LEASE).await? {
            Claim::Claimed => return Ok(Turn::Run),
            Claim::Finished(answer) => return replay(api, command, answer).map(Turn::Replay),
            Claim::Mismatch => {
                let message = "this Idempotency-Key was used for another request";
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", message));
            }
            Claim::Running if Instant::now() >= until => {
                let message = "the same request is still running; ask again with the same key";
                return Err(ApiError::conflict("still_running", message).retry_after(1));
            }
            Claim::Running => {
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(200));
            }
        }
    }
}

/// Whether an answer is final. Others say that asking again may help.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error() && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS)
}

/// Stores the answer of a request that ran, or lets its key be used again. When that fails, the lease ends by itself, and the
/// command id finds what was done.
pub async fn settle(api: &Api, command: Uuid, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let kept = if is_final(parts.status) {
        let position = parts.headers.get(POSITION).and_then(|value| value.to_str().ok()?.parse().ok());
        match seal(api, command, &body) {
            Some(sealed) => {
                let answer = StoredAnswer { status: parts.status.as_u16(), position, body: sealed };
                api.idempotency.finish(command, answer).await
            }
            None => api.idempotency.release(command).await,
        }
    } else {
        api.idempotency.release(command).await
    };
    if let Err(error) = kept {
        tracing::warn!(%error, %command, "an idempotency record was not kept");
    }
    Response::from_parts(parts, Body::from(body))
}

fn replay(api: &Api, command: Uuid, answer: StoredAnswer) -> Result<Response, ApiError> {
    let broken = || ApiError::internal(&format!("the stored answer of command {command} cannot be read"));
    let body = open(api, command, &answer.body).ok_or_else(broken)?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| broken())?;
    let headers = response.headers_mut();
    if !body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(position) = answer.position {
        headers.insert(POSITION, HeaderValue::from(position));
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response.extensions_mut().insert(Rendered);
    *response.body_mut() = Body::from(body);
    Ok(response)
}

fn seal(api: &Api, command: Uuid, body: &Bytes) -> Option<Vec<u8>> {
    let mut sealed = vec![0; NONCE];
    api.app.ports().random.fill(&mut sealed);
    let nonce = XNonce::try_from(sealed.as_slice()).ok()?;
    let cipher = XChaCha20Poly1305::new(&api.answer_key.into());
    let payload = Payload { msg: body, aad: command.as_bytes() };
    sealed.extend(cipher.encrypt(&nonce, payload).ok()?);
    Some(sealed)
}

fn open(api: &Api, command: Uuid, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, text) = sealed.split_at_checked(NONCE)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    let cipher = XChaCha20Poly1305::new(&api.answer_key.into());
    cipher.decrypt(&nonce, Payload { msg: text, aad: command.as_bytes() }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Option<Option<String>> {
        key(&HeaderMap::from_iter([(HeaderName::from_static(HEADER), HeaderValue::from_str(value).unwrap())])).ok()
    }

    #[test]
    fn keys_come_in_quotes_or_without() {
        let some = |text: &str| Some(Some(text.to_owned()));
        assert_eq!(parse("\"8e03978e\""), some("8e03978e"));
        assert_eq!(parse("8e03978e"), some("8e03978e"));
        assert_eq!(parse("\"a\\\"b\""), some("a\"b"));
        assert_eq!(parse("\"a\";x=1"), some("a"));
        assert_eq!(parse(&"k".repeat(255)), some(&"k".repeat(255)));
        for wrong in ["", "\"\"", "\"open", "a b", "\"a\"b", "\"a\\b\"", &"k".repeat(256)] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fingerprints_tell_parts_apart() {
        assert_ne!(fingerprint("POST", "/a", b"b"), fingerprint("POST", "/ab", b""));
        assert_eq!(fingerprint("POST", "/a", b"b"), fingerprint("POST", "/a", b"b"));
    }

    #[test]
    fn the_boundary_of_a_form_does_not_count() {
        let form = |boundary: &str, part: &str| {
            let body = format!("--{boundary}\r\n\r\n{part}\r\n--{boundary}--\r\n");
            comparable(&format!("multipart/form-data; boundary=\"{boundary}\""), body.as_bytes()).into_owned()
        };
        assert_eq!(form("one", "a"), form("two-two", "a"));
        assert_ne!(form("one", "a"), form("one", "b"));
        assert_eq!(*comparable("application/json; boundary=a", b"abc"), *b"abc");
    }

    #[test]
    fn commands_are_of_one_tenant_and_route() {
        let id = command("user 1", "POST /plugins", "k");
        assert_ne!(id, command("user 2", "POST /plugins", "k"));
        assert_ne!(id, command("user 1", "POST /orders", "k"));
        assert_eq!(id, command("user 1", "POST /plugins", "k"));
    }
}
