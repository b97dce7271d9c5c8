//! A client of a marketplace's HTTP interface, which waits when it is told to and explains what is refused.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, header::RETRY_AFTER, redirect::Policy};
use serde_json::Value;
use souk_package::shown;

use crate::{failure::Failure, output::note};

/// How long one answer may take; the greatest archive on a slow line takes minutes.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Seconds that are waited at most, all waiting together, when the marketplace says so.
const WAITING: u64 = 600;
/// Bytes of an answer that are read at most; those of a marketplace are far smaller.
const MOST: usize = 4 << 20;
/// What is waited when it says that it is too much, but not for how long.
const UNSAID: u64 = 5;

/// Talks to one marketplace in one person's name.
pub struct Client {
    http: reqwest::Client,
    /// Without a slash at the end.
    base: String,
    token: String,
}

/// An answer that is no failure of the way there.
pub struct Answer {
    pub status: StatusCode,
    /// Null when it is no JSON.
    pub body: Value,
    /// `Souk-Position`
    pub position: Option<u64>,
    /// `Location`
    location: Option<String>,
}

/// A request, made anew for each attempt.
pub type Prepare<'a> = &'a (dyn Fn(RequestBuilder) -> Result<RequestBuilder, Failure> + Sync);

impl Client {
    /// Will speak to `url`.
    ///
    /// # Errors
    /// The address is none, or there are no authorities to trust.
    pub fn new(url: &str, token: &str) -> Result<Self, Failure> {
        // Who copies the address of the interface means the marketplace.
        let base = url.trim_end_matches('/').trim_end_matches("/api/v1");
        let expected =
            || Failure::new(format!("--url {url}: expected an address that begins with https:// or http://"));
        let parsed = reqwest::Url::parse(base).map_err(|_| expected())?;
        let is_local = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match parsed.scheme() {
            "https" => {}
            "http" if is_local => {}
            "http" => note(format!("souk: {base} is not encrypted: everybody on the way can read the token")),
            _ => return Err(expected()),
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(PATIENCE)
            // A token goes to whom it was given for, and to nobody that they point to.
            .redirect(Policy::none())
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Failure::new)?;
        Ok(Self { http, base: base.to_owned(), token: token.to_owned() })
    }

    /// The marketplace's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Reads `path`, as it is at `position` or later.
    ///
    /// # Errors
    /// Those of [`Self::send`].
    pub async fn get(&self, path: &str, position: Option<u64>) -> Result<Answer, Failure> {
        self.send(Method::GET, path, &|request| {
            Ok(match position {
                Some(position) => request.header("Souk-Min-Position", position),
                None => request,
            })
        })
        .await
    }

    /// Sends a request below `/api/v1`, and again when it is told to come back.
    ///
    /// # Errors
    /// Nobody answers, or only after longer than anybody waits. A refusal is an answer.
    pub async fn send(&self, method: Method, path: &str, prepare: Prepare<'_>) -> Result<Answer, Failure> {
        let mut waited = 0;
        loop {
            let request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.base));
            let sent = prepare(request.bearer_auth(&self.token))?.send().await;
            let response = sent.map_err(|error| self.unreachable(&error))?;
            let seconds = match (response.status(), header(&response, RETRY_AFTER.as_str())) {
                (StatusCode::TOO_MANY_REQUESTS, after) => after.and_then(|text| text.parse().ok()).unwrap_or(UNSAID),
                (StatusCode::SERVICE_UNAVAILABLE, Some(after)) => after.parse().unwrap_or(UNSAID),
                _ => return self.answer(response).await,
            };
            waited += seconds.max(1);
            if waited > WAITING {
                let problem =
                    format!("{} asks to come back in {seconds} seconds, which is longer than this waits", self.base);
                return Err(Failure::new(problem));
            }
            note(format!("{} is busy: once more in {} seconds", self.base, seconds.max(1)));
            tokio::time::sleep(Duration::from_secs(seconds.max(1))).await;
        }
    }

    async fn answer(&self, mut response: Response) -> Result<Answer, Failure> {
        let position = header(&response, "souk-position").and_then(|text| text.parse().ok());
        let (status, location) = (response.status(), header(&response, "location"));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MOST {
                return Err(Failure::new(format!("{} answers without end; is it a marketplace (--url)?", self.base)));
            }
        }
        Ok(Answer { status, position, location, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        // The reason is at the end of the chain: "connection refused", a name that nobody knows, a certificate.
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let what = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
        Failure::new(format!("{} {what}: {cause}; is this the address of a marketplace (--url)?", self.base))
    }
}

fn header(response: &Response, name: &str) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

impl Answer {
    /// The answer, if it has this status.
    ///
    /// # Errors
    /// It has another one; the failure says what that means for `what`, which was asked for, and what to do.
    pub fn expect(self, status: StatusCode, what: &str) -> Result<Self, Failure> {
        if self.status == status { Ok(self) } else { Err(self.refused(what)) }
    }

    /// A text at a JSON pointer of the body, as it may be shown.
    pub fn text(&self, pointer: &str) -> String {
        self.body.pointer(pointer).and_then(Value::as_str).map(|text| shown(text.as_bytes())).unwrap_or_default()
    }

    /// What a refusal means.
    fn refused(&self, what: &str) -> Failure {
        let message = self.text("/error/message");
        let reason = self.text("/error/details/reason");
        let advice = match (self.status.as_u16(), reason.as_str()) {
            (401, _) => {
                "hand in a token that is valid (--token or SOUK_TOKEN); access tokens live 15 minutes, API keys until they are revoked"
            }
            (403, _) => "the token must be that of the plugin's vendor, and the vendor must be verified",
            (409, "digest_changed") => "this version was handed in with other contents: raise `version` in souk.json",
            (409, "version_not_increasing") => "raise `version` in souk.json above every version that was handed in",
            (409, "name_taken") => "somebody has this name: choose another one in souk.json",
            (413, _) => "the archive is larger than this marketplace takes: .soukignore names what to leave out",
            (422, _) if self.text("/error/code") == "invalid_signature" => {
                "register the key's public half first (POST /api/v1/vendors/{id}/keys), or hand in without --key"
            }
            (300..=399, _) => "it points elsewhere; name that address with --url if you trust it",
            (404 | 405, _) if self.body.pointer("/error/code").is_none() => {
                "is this the address of a marketplace (--url)?"
            }
            _ => "",
        };
        let mut text = format!("{what}: refused with {}", self.status.as_u16());
        let said =
            [message, self.location.as_deref().map(|to| shown(to.as_bytes())).unwrap_or_default(), advice.to_owned()];
        for part in said.iter().filter(|part| !part.is_empty()) {
            text.push_str(": ");
            text.push_str(part);
        }
        let fields = self.body.pointer("/error/details/fields").and_then(Value::as_array).into_iter().flatten();
        for field in fields {
            let part = |name: &str| {
                field.get(name).and_then(Value::as_str).map(|text| shown(text.as_bytes())).unwrap_or_default()
            };
            text.push_str(&format!("\n  {}: {}", part("field"), part("problem")));
        }
        Failure::new(text)
    }

    /// The body's `items`.
    pub fn items(&self) -> impl Iterator<Item = &Value> {
        self.body.get("items").and_then(Value::as_array).into_iter().flatten()
    }
}
