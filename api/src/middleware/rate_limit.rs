//! How often one caller may ask.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use souk_domain::id::{ApiKeyId, PartnerId, UserId};
use tokio::time::Instant;

use crate::settings::{RateLimit, RateLimits};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Those with this API key.
    Program(ApiKeyId),
    /// Those with keys of this partner.
    Partner(PartnerId),
    /// Those with access tokens of this account.
    User(UserId),
    /// Those from this address; of IPv6, from this /64, which one subscriber has.
    Address(IpAddr),
}

impl Key {
    /// The key of a client that nothing else is known of.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & (u128::MAX << 64)).into()),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// How a limit stands after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    name: &'static str,
    limit: RateLimit,
    /// How many more.
    remaining: u32,
    /// Seconds until the count begins anew, at least 1.
    reset: u64,
    /// Whether this request was one too many.
    exceeded: bool,
}

impl Standing {
    /// After how many seconds the caller may ask again, if this request was one too many.
    #[must_use]
    pub const fn retry_after(&self) -> Option<u64> {
        if self.exceeded { Some(self.reset) } else { None }
    }
}

/// What costs so much that it has a limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costly {
    /// Submitting a version, which is validated.
    Validation,
    /// Running a plugin.
    Execution,
}

impl Costly {
    /// What a request to the route `template` costs.
    #[must_use]
    pub fn of(method: &Method, template: &str) -> Option<Self> {
        match template.rsplit_once('/') {
            _ if method != Method::POST => None,
            Some((_, "versions")) => Some(Self::Validation),
            Some((_, "execute")) => Some(Self::Execution),
            _ => None,
        }
    }
}

/// Counts the requests of callers in fixed windows that begin with the caller's first request.
pub struct Limiter {
    requests: Windows,
    validations: Windows,
    executions: Windows,
    partners: Windows,
}

impl Limiter {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self {
            requests: Windows::new("requests", limits.requests),
            validations: Windows::new("validations", limits.validations),
            executions: Windows::new("executions", limits.executions),
            // Each partner has a quota of its own.
            partners: Windows::new("requests", RateLimit { quota: 0, window: Duration::from_secs(60) }),
        }
    }

    /// Counts a request of a partner who has `quota` a minute; how that stands.
    pub fn count_partner(&self, partner: PartnerId, quota: u32) -> Standing {
        let limit = RateLimit { quota, ..self.partners.limit };
        self.partners.count_within(Key::Partner(partner), limit)
    }

    /// Counts a request, and where it is costly, that too; how the limits that apply to it stand.
    pub fn count(&self, key: Key, costly: Option<Costly>) -> Vec<Standing> {
        let mut standings = vec![self.requests.count(key)];
        let windows = match costly {
            Some(Costly::Validation) => &self.validations,
            Some(Costly::Execution) => &self.executions,
            None => return standings,
        };
        if !standings.iter().any(|standing| standing.exceeded) {
            standings.push(windows.count(key));
        }
        standings
    }
}

/// `RateLimit-Policy` and `RateLimit`.
pub fn set_headers(headers: &mut HeaderMap, standings: &[Standing]) {
    let list = |item: &dyn Fn(&Standing) -> String| {
        HeaderValue::from_str(&standings.iter().map(item).collect::<Vec<_>>().join(","))
    };
    let policy = |s: &Standing| format!("\"{}\";q={};w={}", s.name, s.limit.quota, s.limit.window.as_secs());
    let limit = |s: &Standing| format!("\"{}\";r={};t={}", s.name, s.remaining, s.reset);
    if let (Ok(policy), Ok(limit)) = (list(&policy), list(&limit)) {
        headers.insert(POLICY, policy);
        headers.insert(LIMIT, limit);
    }
}

/// As many callers as a shard remembers. Together some 130,000, which takes less than 10 MB.
const SHARD: usize = 8_192;
const SHARDS: usize = 16;

struct Windows {
    name: &'static str,
    limit: RateLimit,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<Key, Window>>>,
}

#[derive(Clone, Copy)]
struct Window {
    since: Instant,
    used: u32,
}

impl Windows {
    fn new(name: &'static str, limit: RateLimit) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { name, limit, hasher: RandomState::new(), shards }
    }

    fn count(&self, key: Key) -> Standing {
        self.count_within(key, self.limit)
    }

    fn count_within(&self, key: Key, limit: RateLimit) -> Standing {
        let now = Instant::now();
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        let mut windows = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= SHARD && !windows.contains_key(&key) {
            make_room(&mut windows, now, limit.window);
        }
        let window = windows.entry(key).or_insert(Window { since: now, used: 0 });
        if now.duration_since(window.since) >= limit.window {
            *window = Window { since: now, used: 0 };
        }
        let exceeded = window.used >= limit.quota;
        window.used = window.used.saturating_add(1);
        let left = limit.window.saturating_sub(now.duration_since(window.since));
        Standing {
            name: self.name,
            limit,
            remaining: limit.quota.saturating_sub(window.used),
            reset: left.as_millis().div_ceil(1000).max(1).try_into().unwrap_or(u64::MAX),
            exceeded,
        }
    }
}

/// Forgets windows that are over; when that is not enough, the older half, so that room is made seldom.
fn make_room(windows: &mut HashMap<Key, Window>, now: Instant, length: Duration) {
    windows.retain(|_, window| now.duration_since(window.since) < length);
    if windows.len() < SHARD {
        return;
    }
    let mut ages: Vec<Instant> = windows.values().map(|window| window.since).collect();
    let middle = ages.len() / 2;
    let (_, median, _) = ages.select_nth_unstable(middle);
    let median = *median;
    windows.retain(|_, window| window.since > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests: u32, costly: u32) -> Limiter {
        let window = Duration::from_secs(60);
        Limiter::new(RateLimits {
            requests: RateLimit { quota: requests, window },
            validations: RateLimit { quota: costly, window },
            executions: RateLimit { quota: costly, window },
        })
    }

    const ANN: Key = Key::User(UserId::new(uuid::Uuid::from_u128(1)));
    const BEN: Key = Key::User(UserId::new(uuid::Uuid::from_u128(2)));

    #[tokio::test(start_paused = true)]
    async fn one_caller_is_stopped_until_the_window_is_over_and_others_are_not() {
        let limiter = limiter(2, 9);
        let exceeded = |key| limiter.count(key, None)[0].retry_after();
        assert_eq!((exceeded(ANN), exceeded(ANN)), (None, None));
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!((exceeded(ANN), exceeded(BEN)), (Some(40), None));
        tokio::time::advance(Duration::from_secs(40)).await;
        assert_eq!(exceeded(ANN), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_costly_has_a_limit_of_its_own() {
        let limiter = limiter(9, 1);
        assert!(limiter.count(ANN, Some(Costly::Validation)).iter().all(|s| !s.exceeded));
        assert!(limiter.count(ANN, Some(Costly::Validation))[1].exceeded);
        assert!(limiter.count(ANN, None).iter().all(|s| !s.exceeded));
        assert!(limiter.count(ANN, Some(Costly::Execution)).iter().all(|s| !s.exceeded));
        assert!(limiter.count(ANN, Some(Costly::Execution))[1].exceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn each_partner_has_a_quota_of_its_own() {
        let limiter = limiter(1, 1);
        let count = |n, quota| limiter.count_partner(uuid::Uuid::from_u128(n).into(), quota).retry_after();
        assert_eq!(
            [count(1, 2), count(1, 2), count(1, 2), count(2, 1), count(2, 1)],
            [None, None, Some(60), None, Some(60)]
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(count(1, 2), None);
        assert_eq!(count(1, 1), Some(60), "less is allowed at once");
    }

    #[test]
    fn what_is_costly_is_known_by_its_route() {
        let of = |method: Method, template| Costly::of(&method, template);
        assert_eq!(of(Method::POST, "/api/v1/plugins/{plugin}/versions"), Some(Costly::Validation));
        assert_eq!(of(Method::POST, "/api/v1/plugins/{plugin}/execute"), Some(Costly::Execution));
        assert_eq!(of(Method::GET, "/api/v1/plugins/{plugin}/versions"), None);
        assert_eq!(of(Method::POST, "/api/v1/plugins/{plugin}/install"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_headers_follow_the_draft() {
        let limiter = limiter(100, 50);
        let mut headers = HeaderMap::new();
        set_headers(&mut headers, &limiter.count(ANN, Some(Costly::Validation)));
        assert_eq!(headers[POLICY], "\"requests\";q=100;w=60,\"validations\";q=50;w=60");
        assert_eq!(headers[LIMIT], "\"requests\";r=99;t=60,\"validations\";r=49;t=60");
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_take_bounded_memory() {
        let limiter = limiter(1, 1);
        for n in 0..(SHARD * SHARDS * 2) as u128 {
            limiter.count(Key::User(UserId::new(uuid::Uuid::from_u128(n))), None);
        }
        let held: usize = limiter.requests.shards.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= SHARD * SHARDS, "{held}");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_caller() {
        let key = |text: &str| Key::address(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
