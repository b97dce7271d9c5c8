//! Whoever asks.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, request::Builder},
};
use serde_json::Value;

use crate::router::Http;

/// Asks a router, with the same headers every time.
#[derive(Clone)]
pub struct Client {
    http: Http,
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
    pub fn new(http: Http) -> Self {
        Self { http, headers: Vec::new() }
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
        let response = self.http.answer(self.request(method, path, make)).await;
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

/// An event of a stream.
#[derive(Debug)]
pub struct Sent {
    pub id: String,
    pub event: String,
    pub data: String,
}

/// A stream that is being read.
pub struct Stream {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Stream {
    /// What comes next, and whether anything did.
    async fn more(&mut self) -> bool {
        match futures::StreamExt::next(&mut self.body).await {
            Some(piece) => {
                self.text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
                true
            }
            None => false,
        }
    }

    /// The next event; comments are passed over.
    pub async fn event(&mut self) -> Sent {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                self.text = rest;
                let field = |name: &str| {
                    let found = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    found.unwrap_or_default().to_owned()
                };
                if !field("data").is_empty() {
                    return Sent { id: field("id"), event: field("event"), data: field("data") };
                }
            }
            assert!(self.more().await, "the stream ended: {}", self.text);
        }
    }

    /// Reads until this came.
    pub async fn until(&mut self, text: &str) {
        while !self.text.contains(text) {
            assert!(self.more().await, "the stream ended: {}", self.text);
        }
    }

    /// Everything up to its end.
    pub async fn rest(&mut self) -> String {
        while self.more().await {}
        std::mem::take(&mut self.text)
    }
}

impl Client {
    async fn open(&self, path: &str, last: Option<&str>) -> axum::response::Response {
        let request = self.request("GET", path, |request| {
            let request = match last {
                Some(id) => request.header("last-event-id", id),
                None => request,
            };
            request.body(Body::empty()).unwrap()
        });
        self.http.answer(request).await
    }

    /// A stream, behind the event `last`.
    pub async fn stream(&self, path: &str, last: Option<&str>) -> Stream {
        let response = self.open(path, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The refusal of a stream: status and body.
    pub async fn stream_answer(&self, path: &str, last: Option<&str>) -> (u16, String) {
        let (parts, body) = self.open(path, last).await.into_parts();
        assert!(!parts.status.is_success());
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
    }
}
