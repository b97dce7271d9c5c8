//! A client of Souk's HTTP interface.

use std::time::Duration;

use reqwest::{Method, multipart};
use serde_json::Value;

/// How often a write is given again while the read models are behind.
const BEHIND: u32 = 5;

/// Talks to one Souk, as one person or as nobody.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Souk-Position`
    pub position: Option<u64>,
    /// All headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body; null when empty or no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// The answer, if it has this status.
    ///
    /// # Errors
    /// It has another one; the text says which, and the body.
    pub fn expect(self, status: u16) -> Result<Self, String> {
        if self.status == status {
            Ok(self)
        } else {
            Err(format!("expected status {status}, got {}: {}", self.status, self.text))
        }
    }

    /// `error.code`
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// A text of the body by JSON pointer.
    ///
    /// # Errors
    /// There is none.
    pub fn text_at(&self, pointer: &str) -> Result<String, String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.map(str::to_owned).ok_or_else(|| format!("no text at {pointer} in {}", self.text))
    }
}

/// A request to be sent.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// JSON body.
    pub body: Option<Value>,
    /// `Idempotency-Key`
    pub key: Option<String>,
    /// `Souk-Min-Position`
    pub min_position: Option<u64>,
}

impl Client {
    /// A client that is nobody.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self { http: reqwest::Client::new(), base: base.to_owned(), token: None }
    }

    /// The same client as who `token` is of.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The token it sends.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The same client, speaking to another Souk.
    #[must_use]
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The address that it speaks to.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    fn url(&self, path: &str) -> String {
        match path.strip_prefix('!') {
            Some(path) => format!("{}{path}", self.base),
            None => format!("{}/api/v1{path}", self.base),
        }
    }

    /// A request that can still be changed. A path that begins with `!` has no base `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, self.url(path)).timeout(Duration::from_secs(60));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, String> {
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let position = headers.get("souk-position").and_then(|value| value.to_str().ok()?.parse().ok());
        let text = response.text().await.map_err(|error| error.to_string())?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { status, position, headers, body, text })
    }

    /// Sends a request with its usual parts. A write that is refused since the read models are behind is given again a few times, as its
    /// `Retry-After` says; a read is not: none may be refused so without having asked for a position.
    ///
    /// # Errors
    /// No answer came.
    pub async fn call(&self, method: Method, path: &str, call: Call) -> Result<Answer, String> {
        let patience = if method == Method::GET { 0 } else { BEHIND };
        for _ in 0..patience {
            let answer = self.ask(method.clone(), path, &call).await?;
            if answer.status != 503 || answer.body["error"]["code"] != "projection_behind" {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.ask(method, path, &call).await
    }

    async fn ask(&self, method: Method, path: &str, call: &Call) -> Result<Answer, String> {
        let mut request = self.request(method, path);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", format!("\"{key}\""));
        }
        if let Some(position) = call.min_position {
            request = request.header("Souk-Min-Position", position);
        }
        self.send(request).await
    }

    /// GET.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, path: &str) -> Result<Answer, String> {
        self.call(Method::GET, path, Call::default()).await
    }

    /// GET of what holds at `position` or later.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get_at(&self, path: &str, position: u64) -> Result<Answer, String> {
        self.call(Method::GET, path, Call { min_position: Some(position), ..Call::default() }).await
    }

    /// POST of JSON.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer, String> {
        self.call(Method::POST, path, Call { body: Some(body), ..Call::default() }).await
    }

    /// PUT of JSON.
    ///
    /// # Errors
    /// No answer came.
    pub async fn put(&self, path: &str, body: Value) -> Result<Answer, String> {
        self.call(Method::PUT, path, Call { body: Some(body), ..Call::default() }).await
    }

    /// PATCH of JSON.
    ///
    /// # Errors
    /// No answer came.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer, String> {
        self.call(Method::PATCH, path, Call { body: Some(body), ..Call::default() }).await
    }

    /// DELETE.
    ///
    /// # Errors
    /// No answer came.
    pub async fn delete(&self, path: &str) -> Result<Answer, String> {
        self.call(Method::DELETE, path, Call::default()).await
    }

    /// Hands in a version: multipart `manifest` and `artifact`.
    ///
    /// # Errors
    /// No answer came.
    pub async fn submit(&self, plugin: &str, manifest: &Value, archive: Vec<u8>) -> Result<Answer, String> {
        let manifest = multipart::Part::text(manifest.to_string())
            .mime_str("application/json")
            .map_err(|error| error.to_string())?;
        let artifact = multipart::Part::bytes(archive).file_name("artifact.zip");
        let form = multipart::Form::new().part("manifest", manifest).part("artifact", artifact);
        self.send(self.request(Method::POST, &format!("/plugins/{plugin}/versions")).multipart(form)).await
    }

    /// GET again and again until `done` says so, 30 seconds at most.
    ///
    /// # Errors
    /// It never did; the text holds the last answer.
    pub async fn until(&self, path: &str, done: impl Fn(&Answer) -> bool) -> Result<Answer, String> {
        let mut last = self.get(path).await?;
        for _ in 0..600 {
            if done(&last) {
                return Ok(last);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            last = self.get(path).await?;
        }
        Err(format!("{path} never came to what was awaited; last: {} {}", last.status, last.text))
    }

    /// Registers a person and speaks as them from now on.
    ///
    /// # Errors
    /// It was refused.
    pub async fn register(&self, email: &str, password: &str, name: &str) -> Result<Self, String> {
        let body = serde_json::json!({"email": email, "password": password, "displayName": name});
        let answer = self.post("/auth/register", body).await?.expect(201)?;
        Ok(self.with_token(&answer.text_at("/accessToken")?))
    }

    /// Logs a person in and speaks as them from now on.
    ///
    /// # Errors
    /// It was refused.
    pub async fn login(&self, email: &str, password: &str) -> Result<Self, String> {
        let body = serde_json::json!({"email": email, "password": password});
        let answer = self.post("/auth/login", body).await?.expect(200)?;
        Ok(self.with_token(&answer.text_at("/accessToken")?))
    }
}
