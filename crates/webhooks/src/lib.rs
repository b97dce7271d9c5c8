//! Calls webhooks of others. An address is whatever a stranger wrote, so what it leads to is looked at before anything is sent: only HTTPS,
//! only public addresses, and the connection goes to the very address that was looked at. Redirects are not followed, and no more of an answer
//! is read than its head and a little.

mod guard;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client, Response, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header,
    redirect::Policy,
};
use souk_ports::partner::{CallError, HookCaller, Outgoing, Reply};
use tokio::time::{Instant, timeout_at};

pub use self::guard::is_public;

/// Bytes of an answer that are read at most, so that its connection can be used again.
const MOST: usize = 16 * 1024;

/// How webhooks are called.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How long a call may take, from the first byte to the last.
    pub timeout: Duration,
    /// Also calls private addresses, and without TLS. For development.
    pub anywhere: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), anywhere: false }
    }
}

/// Calls webhooks over HTTPS.
#[derive(Clone, Debug)]
pub struct GuardedCaller {
    client: Client,
    options: Options,
}

/// Why there is no caller.
#[derive(Debug)]
pub struct NoClient(String);

impl std::fmt::Display for NoClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no client for webhooks: {}", self.0)
    }
}

impl std::error::Error for NoClient {}

impl GuardedCaller {
    /// A caller. Nothing is called yet.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(options: Options) -> Result<Self, NoClient> {
        let client = Client::builder()
            .redirect(Policy::none())
            // A proxy would look names up by itself, and connect where it likes.
            .no_proxy()
            .referer(false)
            .https_only(!options.anywhere)
            .dns_resolver(Arc::new(Guarded { anywhere: options.anywhere }))
            .pool_max_idle_per_host(1)
            .user_agent(concat!("souk-webhooks/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| NoClient(error.to_string()))?;
        Ok(Self { client, options })
    }

    /// The address, if nothing about its text is wrong.
    fn parse(&self, text: &str) -> Result<Url, CallError> {
        let forbidden = |problem: &str| CallError::Forbidden(problem.to_owned());
        let url = Url::parse(text).map_err(|_| forbidden("must be an address"))?;
        let secure = url.scheme() == "https" || (self.options.anywhere && url.scheme() == "http");
        if !secure {
            return Err(forbidden("must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(forbidden("must not hold a user or a password"));
        }
        let host = url.host_str().ok_or_else(|| forbidden("must name a host"))?;
        // The parser has made one form of all the ways to write an address.
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        if address.is_ok_and(|address| !self.options.anywhere && !is_public(address)) {
            return Err(forbidden("names an address that is not public"));
        }
        Ok(url)
    }

    async fn send(&self, url: Url, outgoing: Outgoing) -> Result<Reply, CallError> {
        let mut request = self.client.post(url).header(header::CONTENT_TYPE, "application/json").body(outgoing.body);
        for (name, value) in outgoing.headers {
            request = request.header(name, value);
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let wait = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let reply = Reply { status: response.status().as_u16(), retry_after: wait.map(Duration::from_secs) };
        drain(response).await;
        Ok(reply)
    }
}

/// Reads what little there should be. What there is more closes the connection.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MOST {
            return;
        }
    }
}

#[async_trait]
impl HookCaller for GuardedCaller {
    async fn check(&self, url: &str) -> Result<(), CallError> {
        let url = self.parse(url)?;
        let Some(host) = url.host_str() else { return Ok(()) };
        if self.options.anywhere || host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
            return Ok(());
        }
        let looked_up = tokio::time::timeout(self.options.timeout, look_up(host, false)).await;
        looked_up.map_err(|_| CallError::Timeout(self.options.timeout))?.map(drop)
    }

    async fn call(&self, outgoing: Outgoing) -> Result<Reply, CallError> {
        let url = self.parse(&outgoing.url)?;
        let until = Instant::now() + self.options.timeout;
        let answered = timeout_at(until, self.send(url, outgoing)).await;
        answered.unwrap_or(Err(CallError::Timeout(self.options.timeout)))
    }
}

/// The addresses of a host, if all of them are public: one that is not is no accident.
async fn look_up(host: &str, anywhere: bool) -> Result<Vec<SocketAddr>, CallError> {
    let unknown = |problem: String| CallError::Unreachable(format!("the host cannot be looked up: {problem}"));
    let found = tokio::net::lookup_host((host, 0)).await.map_err(|error| unknown(error.to_string()))?;
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(unknown("it has no address".to_owned()));
    }
    if !anywhere && found.iter().any(|address| !is_public(address.ip())) {
        return Err(CallError::Forbidden("leads to an address that is not public".to_owned()));
    }
    Ok(found)
}

/// Looks hosts up for the client, which connects to nothing else than what it is told here.
#[derive(Debug)]
struct Guarded {
    anywhere: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let anywhere = self.anywhere;
        Box::pin(async move {
            let found = look_up(name.as_str(), anywhere).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The reason, which is at the end of the chain.
fn unreachable(error: &reqwest::Error) -> CallError {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    loop {
        if let Some(known) = cause.downcast_ref::<CallError>() {
            return known.clone();
        }
        match cause.source() {
            Some(deeper) => cause = deeper,
            None => break,
        }
    }
    let text: String = cause.to_string().replace(char::is_control, " ").chars().take(300).collect();
    CallError::Unreachable(text)
}

#[cfg(test)]
mod tests;
