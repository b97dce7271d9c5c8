//! Asks a gateway, within a time and with a limit for the answer.

use std::{fmt, future::Future, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, redirect::Policy};
use serde_json::Value;
use souk_ports::payment::GatewayError;

/// Bytes of an answer that are read at most. The greatest, a list of a hundred objects, are a tenth of it.
const MOST: usize = 1 << 20;
/// Characters of a gateway's message that are kept.
const MESSAGE: usize = 500;

/// Why a gateway cannot be set up. Says nothing of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub(crate) String);

/// Asks one gateway.
pub struct Caller {
    client: Client,
    /// Without a slash at the end.
    base: String,
    timeout: Duration,
    /// What no message may repeat.
    secret: String,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("base", &self.base).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Caller {
    /// Will ask at `base`. Nothing is asked yet.
    ///
    /// # Errors
    /// `base` is no address, or one that the key would be sent to in the open, or `secret` is empty.
    pub fn new(base: &str, timeout: Duration, secret: &str) -> Result<Self, BadSettings> {
        let base = base.trim_end_matches('/');
        let url = Url::parse(base).map_err(|_| BadSettings(format!("{base} is no address")))?;
        let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
            return Err(BadSettings(format!("{base}: expected an address that begins with https://")));
        }
        if secret.trim().is_empty() {
            return Err(BadSettings("the secret key is empty".to_owned()));
        }
        let client = Client::builder()
            .timeout(timeout)
            .redirect(Policy::none())
            .user_agent(concat!("souk/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| BadSettings(format!("no client for HTTPS: {}", cause(&error))))?;
        Ok(Self { client, base: base.to_owned(), timeout, secret: secret.to_owned() })
    }

    /// A request of `path`, which begins with a slash.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Does `work`, which may be several calls, within the time for one.
    ///
    /// # Errors
    /// Those of `work`, and [`GatewayError::Unavailable`] when it takes too long.
    pub async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, GatewayError>> + Send,
    ) -> Result<T, GatewayError> {
        tokio::time::timeout(self.timeout, work).await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Sends `request` and reads the JSON that answers it.
    ///
    /// # Errors
    /// See [`GatewayError`].
    pub async fn call(&self, request: RequestBuilder) -> Result<Value, GatewayError> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        let status = response.status();
        if is_passing(status) {
            // What it says more is welcome and not needed.
            let said = self.body(response).await.ok().and_then(|body| refusal(&body)).map(|(code, message)| {
                let separator = if message.is_empty() { "" } else { ": " };
                format!(": {code}{separator}{message}")
            });
            return Err(GatewayError::Unavailable(self.clean(&format!("HTTP {status}{}", said.unwrap_or_default()))));
        }
        let body = self.body(response).await?;
        if status.is_success() {
            let value = serde_json::from_slice(&body).ok().filter(Value::is_object);
            return value.ok_or_else(|| GatewayError::Garbled(format!("HTTP {status} without a JSON object")));
        }
        match refusal(&body) {
            Some((code, message)) if status.is_client_error() => {
                Err(GatewayError::Refused { code: self.clean(&code), message: self.clean(&message) })
            }
            // Also redirects, which nobody may send a key along.
            _ => Err(GatewayError::Garbled(format!("HTTP {status} without an error of its protocol"))),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, GatewayError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.lost(&error))? {
            if body.len() + chunk.len() > MOST {
                return Err(GatewayError::Garbled(format!("the answer is longer than {MOST} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn lost(&self, error: &reqwest::Error) -> GatewayError {
        if error.is_timeout() { self.too_slow() } else { GatewayError::Unavailable(self.clean(&cause(error))) }
    }

    fn too_slow(&self) -> GatewayError {
        GatewayError::Unavailable(format!("no answer within {:?}", self.timeout))
    }

    /// As operators may read it: on one line, not too long, without the key.
    fn clean(&self, text: &str) -> String {
        text.replace(&self.secret, "…").replace(char::is_control, " ").chars().take(MESSAGE).collect()
    }
}

/// Whether the same may be asked again: it was busy, or failed by itself. 409 is what both gateways answer while another request with the
/// same idempotency key is under way.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}

/// Code and message of a refusal. Stripe says `error.code` (or only `error.type`) and `error.message`, Razorpay `error.code` and
/// `error.description`.
fn refusal(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let text = |name: &str| error.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = text("message").or_else(|| text("description")).unwrap_or_default();
    Some((text("code").or_else(|| text("type"))?.to_owned(), message.to_owned()))
}

/// The reason, which is at the end of the chain. The address is not part of it.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A gateway's name of something, as it may stand in a path.
///
/// # Errors
/// [`GatewayError::Refused`] when it holds anything but letters, digits, `_` and `-`: no gateway makes such names, and in a path they would
/// mean something else.
pub fn plain(reference: &str) -> Result<&str, GatewayError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !reference.is_empty() && reference.len() <= 255 && reference.bytes().all(is_plain) {
        return Ok(reference);
    }
    Err(refused("malformed_reference", "this is no name that the gateway makes"))
}

/// A refusal that does not need the gateway.
pub fn refused(code: &str, message: &str) -> GatewayError {
    GatewayError::Refused { code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_sent_in_the_open() {
        let new = |base| Caller::new(base, Duration::from_secs(1), "sk").map(|caller| caller.base);
        assert_eq!(new("https://api.example.com/"), Ok("https://api.example.com".to_owned()));
        assert_eq!(new("http://127.0.0.1:12111"), Ok("http://127.0.0.1:12111".to_owned()));
        for base in ["http://api.example.com", "ftp://localhost", "api.example.com", "", "http://localhost.example.com"]
        {
            new(base).unwrap_err();
        }
        Caller::new("https://api.example.com", Duration::from_secs(1), " ").unwrap_err();
    }

    #[test]
    fn messages_hold_no_key_and_no_control_characters() {
        let caller = Caller::new("https://api.example.com", Duration::from_secs(1), "sk_secret").unwrap();
        assert_eq!(caller.clean("bad key sk_secret\n!"), "bad key … !");
        assert_eq!(caller.clean(&"x".repeat(2_000)).len(), MESSAGE);
        assert!(!format!("{caller:?}").contains("sk_secret"));
    }

    #[test]
    fn names_that_would_change_a_path_are_refused() {
        assert_eq!(plain("sub_1N-a"), Ok("sub_1N-a"));
        for name in ["", "a/b", "a?b", "..", "a b", "ä", &"x".repeat(256)] {
            assert!(matches!(plain(name), Err(GatewayError::Refused { .. })), "{name}");
        }
    }
}
