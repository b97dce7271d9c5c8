//! A gateway on this machine that keeps what it was asked and answers as it is told, well or badly.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// How it answers once.
#[derive(Clone)]
pub enum Reply {
    /// With JSON.
    Json(u16, Value),
    /// With a text that is none.
    Text(u16, &'static str),
    /// Not at all.
    Never,
    /// With so many bytes.
    Long(u16, usize),
    /// With the beginning of an answer.
    Half,
    /// With another address.
    Elsewhere(u16, String),
}

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Asked {
    /// `METHOD /path`
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The fields of a form.
    pub fn form(&self) -> BTreeMap<String, String> {
        assert_eq!(self.header("content-type"), Some("application/x-www-form-urlencoded"));
        let fields: Vec<(String, String)> = form_urlencoded::parse(&self.body).into_owned().collect();
        let all = fields.len();
        let fields: BTreeMap<_, _> = fields.into_iter().collect();
        assert_eq!(fields.len(), all, "a field stands twice");
        fields
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Inside {
    replies: VecDeque<Reply>,
    asked: Vec<Asked>,
}

/// The gateway. It is gone when this is dropped.
pub struct StandIn {
    pub base: String,
    inside: Arc<Mutex<Inside>>,
    serving: JoinHandle<()>,
}

impl StandIn {
    /// One that gives these answers, in this order.
    pub async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let inside = Arc::new(Mutex::new(Inside { replies: replies.into_iter().collect(), asked: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&inside));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, inside, serving }
    }

    /// What it was asked. Every answer must have been wanted.
    pub fn asked(&self) -> Vec<Asked> {
        let inside = self.inside.lock().unwrap();
        assert_eq!(inside.replies.len(), 0, "it was not asked everything");
        inside.asked.clone()
    }

    /// The same, when it was asked once.
    pub fn asked_once(&self) -> Asked {
        let [asked] = self.asked().try_into().unwrap();
        asked
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(inside): State<Arc<Mutex<Inside>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let asked = Asked { method: parts.method.to_string(), path: parts.uri.to_string(), headers, body };
    let reply = {
        let mut inside = inside.lock().unwrap();
        inside.asked.push(asked);
        inside.replies.pop_front()
    };
    let status = |code| StatusCode::from_u16(code).unwrap();
    match reply {
        Some(Reply::Json(code, value)) => (status(code), axum::Json(value)).into_response(),
        Some(Reply::Text(code, text)) => (status(code), text).into_response(),
        Some(Reply::Never) => std::future::pending().await,
        Some(Reply::Long(code, bytes)) => (status(code), vec![b' '; bytes]).into_response(),
        Some(Reply::Half) => {
            let beginning = Ok::<_, std::io::Error>(Bytes::from_static(b"{\"id\":"));
            Body::from_stream(stream::iter([beginning]).chain(stream::pending())).into_response()
        }
        Some(Reply::Elsewhere(code, place)) => (status(code), [(header::LOCATION, place)]).into_response(),
        None => (StatusCode::IM_A_TEAPOT, "nobody expected this").into_response(),
    }
}
