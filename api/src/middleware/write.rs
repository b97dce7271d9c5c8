//! What every write passes through: its body arrives whole, it happens once for an `Idempotency-Key`, and it goes on when its
//! client does not wait.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use souk_domain::id::CommandId;
use tokio::{sync::OwnedSemaphorePermit, time::timeout};
use tracing::Instrument;
use uuid::Uuid;

use super::{
    Next,
    envelope::Trace,
    idempotency::{self, Turn},
    identify::Caller,
    route,
};
use crate::{
    Api,
    error::{self, ApiError},
};

/// The command that a write gives.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its id.
    pub id: CommandId,
    /// Whether the id was drawn for this request, so that no earlier one can have used it.
    pub fresh: bool,
}

/// A request whose body is there.
struct Arrived {
    request: Request,
    body: Bytes,
    /// Kept as long as the body is, where it is an archive.
    slot: Option<OwnedSemaphorePermit>,
}

/// Requests that are sent by POST and decide nothing, or hand out secrets that are never handed out twice.
const UNKEYED: [&str; 4] =
    ["/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/logout", "/api/v1/licenses/validate"];

/// Runs a write to its end, once.
pub async fn write(api: &Api, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || route(request.extensions()).is_empty()
    {
        let answer = timeout(api.settings.request_timeout, next.run(request)).await;
        return answer.unwrap_or_else(|_| late());
    }
    let key =
        if UNKEYED.contains(&route(request.extensions())) { Ok(None) } else { idempotency::key(request.headers()) };
    let key = match key {
        Ok(key) => key,
        Err(error) => return error.into_response(),
    };
    match arrive(api, request).await {
        Ok(arrived) => run(api.clone(), arrived, key, next).await,
        Err(error) => error.into_response(),
    }
}

async fn arrive(api: &Api, request: Request) -> Result<Arrived, ApiError> {
    let (parts, body) = request.into_parts();
    let known = parts.extensions.get::<Caller>().and_then(Caller::user).is_some();
    // Where archives are handed in, and counted as such: elsewhere nobody has reason to fill the memory.
    let expected = route(&parts.extensions).ends_with("/versions");
    let upload = known && expected && content_type(&parts.headers).starts_with("multipart/form-data");
    let (limit, patience) = if upload {
        // Beside the archive there is the manifest, and what keeps the parts apart.
        (api.settings.archive_bytes + api.settings.json_body_bytes, api.settings.upload_timeout)
    } else {
        (api.settings.json_body_bytes, api.settings.request_timeout)
    };
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(ApiError::too_large(limit));
    }
    let slot = if upload { Some(slot(api).await?) } else { None };
    let body = match timeout(patience, collect(body, limit)).await {
        Ok(collected) => collected?,
        Err(_) => {
            let message = "the request took too long to arrive";
            return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", message));
        }
    };
    Ok(Arrived { request: Request::from_parts(parts, Body::empty()), body, slot })
}

/// Leave to hold an archive.
async fn slot(api: &Api) -> Result<OwnedSemaphorePermit, ApiError> {
    let wait = api.settings.upload_wait;
    if let Ok(Ok(slot)) = timeout(wait, Arc::clone(&api.uploads).acquire_owned()).await {
        return Ok(slot);
    }
    let message = "too many archives are being handed in at once; nothing was done: try again";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(wait.as_secs().max(1)))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn collect(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().exact().is_some() {
        return to_bytes(body, limit).await.map_err(|_| broken_off());
    }
    let mut collected = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| broken_off())?;
        if collected.len() + chunk.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

fn broken_off() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad_request", "the body broke off")
}

async fn run(api: Api, arrived: Arrived, key: Option<String>, next: Next) -> Response {
    let Arrived { mut request, body, slot } = arrived;
    let named = key.map(|key| name(&request, &body, &key));
    if let Some((command, fingerprint)) = named {
        match idempotency::claim(&api, command, fingerprint).await {
            Ok(Turn::Run) => {}
            Ok(Turn::Replay(response)) => return response,
            Err(error) => return error.into_response(),
        }
    }
    let claimed = named.map(|(command, _)| command);
    let id = claimed.unwrap_or_else(|| api.app.ports().random.uuid());
    request.extensions_mut().insert(Command { id: CommandId::new(id), fresh: claimed.is_none() });
    *request.body_mut() = Body::from(body);
    let request_id = request.extensions().get::<Trace>().map(|trace| trace.request_id.clone()).unwrap_or_default();
    let patience = api.settings.request_timeout;

    // In a task of its own, so that a client that goes away does not leave a command half done or its key claimed.
    let task = tokio::spawn(
        async move {
            // Moved in here, because the archive is held for as long as this runs, and not only while its client waits.
            let _slot = slot;
            let response = AssertUnwindSafe(next.run(request))
                .catch_unwind()
                .await
                .unwrap_or_else(|_| ApiError::internal("the handler panicked").into_response());
            match claimed {
                Some(command) => {
                    let response = error::render(response, &request_id, || api.app.ports().clock.now());
                    idempotency::settle(&api, command, response).await
                }
                None => response,
            }
        }
        .in_current_span(),
    );
    match timeout(patience, task).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => ApiError::internal(&error.to_string()).into_response(),
        Err(_) => late(),
    }
}

/// The command that `key` names, and what must be the same whenever it is named again.
fn name(request: &Request, body: &[u8], key: &str) -> (Uuid, [u8; 32]) {
    let tenant = request.extensions().get::<Caller>().map(Caller::tenant).unwrap_or_default();
    let method = request.method().as_str();
    let command = idempotency::command(&tenant, &format!("{method} {}", route(request.extensions())), key);
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let body = idempotency::comparable(content_type(request.headers()), body);
    (command, idempotency::fingerprint(method, path, &body))
}

fn late() -> Response {
    ApiError::unavailable("a request was not answered in time").into_response()
}
