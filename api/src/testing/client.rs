//! Whoever asks.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, request::Builder},
};
use serde_json::Value;
use tower::ServiceExt;

use crate::router::Http;

/// Asks a router, with the same headers every time.
#[derive(Clone)]
pub struct Client {
    router: Http,
    headers: Vec<(String, String)>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub text: String,
    /// Null when it is no JSON.
    pub body: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn reason(&self) -> &str {
        self.body["error"]["details"]["reason"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn position(&self) -> Option<u64> {
        self.header("souk-position").parse().ok()
    }
}

impl Client {
    pub fn new(router: Http) -> Self {
        Self { router, headers: Vec::new() }
    }

    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The request that `make` makes; a path that begins with `!` has no base.
    pub fn request(&self, method: &str, path: &str, make: impl FnOnce(Builder) -> Request<Body>) -> Request<Body> {
        let path = path.strip_prefix('!').map_or_else(|| format!("/api/v1{path}"), str::to_owned);
        // As an address on the wire would be.
        let path: String = path
            .bytes()
            .map(|byte| if byte.is_ascii() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect();
        let builder = Request::builder().method(method).uri(path);
        make(self.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value)))
    }

    pub async fn send(&self, method: &str, path: &str, make: impl FnOnce(Builder) -> Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(self.request(method, path, make)).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, bytes, text, body }
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, path, json(&body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, |request| request.body(Body::empty()).unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, |request| request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.json("PUT", path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, body).await
    }
}

/// A JSON body.
pub fn json(body: &Value) -> impl FnOnce(Builder) -> Request<Body> + use<> {
    let text = body.to_string();
    move |request| request.header("content-type", "application/json").body(Body::from(text)).unwrap()
}

/// A form of these parts.
pub fn multipart(parts: &[(&str, Vec<u8>)]) -> impl FnOnce(Builder) -> Request<Body> + use<> {
    let mut body = Vec::new();
    for (name, bytes) in parts {
        let head = format!("--limit\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--limit--\r\n");
    move |request| request.header("content-type", "multipart/form-data; boundary=limit").body(Body::from(body)).unwrap()
}
