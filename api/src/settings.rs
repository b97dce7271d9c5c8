//! What can be set of the HTTP interface.

use std::{net::IpAddr, time::Duration};

/// What can be set of the HTTP interface.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where others find this Souk, e.g. `https://souk.example`; addresses in answers begin with it. What the request was sent to when none.
    pub public_url: Option<String>,
    /// How much one caller may do; none: as much as they like.
    pub rate_limits: Option<RateLimits>,
    /// The greatest JSON body, bytes.
    pub json_body_bytes: usize,
    /// The greatest archive, bytes.
    pub archive_bytes: usize,
    /// Addresses whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// How long a request may take to arrive, and then to be answered.
    pub request_timeout: Duration,
    /// How long an archive may take to arrive.
    pub upload_timeout: Duration,
    /// How many archives are held in memory at once, from before the first byte until the answer; at least 1.
    pub uploads_at_once: usize,
    /// How long a further archive waits for its turn before it is refused.
    pub upload_wait: Duration,
    /// How long a read waits for `Souk-Min-Position`.
    pub position_wait: Duration,
    /// How long a duplicate of a running request waits for it.
    pub duplicate_wait: Duration,
    /// Streams of events at once, of all partners.
    pub streams_at_once: usize,
    /// How often a stream without events says that it is there.
    pub heartbeat: Duration,
    /// As much do all streams together send.
    pub stream_bytes_per_second: u32,
    /// How long a client may take nothing of its stream before that is cut.
    pub stream_stall: Duration,
    /// How long a refresh token is good for.
    pub refresh_lifetime: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: None,
            rate_limits: Some(RateLimits::default()),
            json_body_bytes: 1 << 20,
            archive_bytes: 50 << 20,
            trusted_proxies: Vec::new(),
            request_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(300),
            uploads_at_once: 4,
            upload_wait: Duration::from_secs(5),
            position_wait: Duration::from_secs(2),
            duplicate_wait: Duration::from_secs(2),
            streams_at_once: 2_000,
            heartbeat: Duration::from_secs(15),
            stream_bytes_per_second: 8 << 20,
            stream_stall: Duration::from_secs(30),
            refresh_lifetime: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// So many in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub quota: u32,
    /// In what time.
    pub window: Duration,
}

/// How much one caller, known by API key, account or address, may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests.
    pub requests: RateLimit,
    /// Submitted versions, each of which is validated.
    pub validations: RateLimit,
    /// Executions of plugins.
    pub executions: RateLimit,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            requests: RateLimit { quota: 1_000, window: Duration::from_secs(15 * 60) },
            validations: RateLimit { quota: 50, window: Duration::from_secs(60) },
            executions: RateLimit { quota: 100, window: Duration::from_secs(60) },
        }
    }
}
