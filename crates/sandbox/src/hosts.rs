//! The hosts that a run may reach.

use std::net::IpAddr;

use http::uri::Authority;
use souk_ports::{SandboxError, sandbox::ANY_HOST};

/// Hosts with their ports; without one it is the port of the scheme.
#[derive(Default)]
pub(crate) struct Hosts(Vec<(String, Option<u16>)>);

impl Hosts {
    /// What is declared and granted.
    pub(crate) fn of(declared: &[String], granted: &[String]) -> Result<Self, SandboxError> {
        let any = granted.iter().any(|host| host == ANY_HOST);
        let declared = declared.iter().map(|host| parsed(host)).collect::<Result<Vec<_>, _>>()?;
        let granted: Vec<_> = granted.iter().filter_map(|host| parsed(host).ok()).collect();
        Ok(Self(declared.into_iter().filter(|host| any || granted.contains(host)).collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request may go to `host`, which is normal.
    pub(crate) fn permit(&self, host: &str, port: u16, tls: bool) -> bool {
        let usual = if tls { 443 } else { 80 };
        self.0.iter().any(|(name, declared)| name == host && declared.unwrap_or(usual) == port)
    }

    /// One spelling of every host: lower case, no dot at the end, addresses as they are printed, without brackets.
    fn normal(host: &str) -> String {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase(),
        }
    }
}

fn parsed(host: &str) -> Result<(String, Option<u16>), SandboxError> {
    let authority = host.parse().ok().filter(|_| !host.contains('*'));
    let split = authority.as_ref().and_then(split);
    split.ok_or_else(|| SandboxError::InvalidTask(format!("{host:?} is no host")))
}

/// The normal host and the port of an authority that has nothing else. A port that is no number of 16 bits is none, and not an absent one.
pub(crate) fn split(authority: &Authority) -> Option<(String, Option<u16>)> {
    let host = authority.host();
    let port = match authority.as_str().strip_prefix(host)? {
        "" => None,
        rest => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    Some((Hosts::normal(host), port)).filter(|(host, _)| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    fn hosts(declared: &[&str], granted: &[&str]) -> Hosts {
        let owned = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        Hosts::of(&owned(declared), &owned(granted)).expect("are hosts")
    }

    #[test]
    fn a_host_is_reached_when_it_is_declared_and_granted() {
        assert!(hosts(&["a.example"], &["A.example."]).permit("a.example", 443, true));
        assert!(hosts(&["a.example", "b.example"], &["*"]).permit("b.example", 80, false));
        assert!(hosts(&["a.example:8080"], &["*"]).permit("a.example", 8080, false));
        assert!(hosts(&["[::1]:8080"], &["*"]).permit("::1", 8080, false));
    }

    #[test]
    fn and_not_otherwise() {
        assert!(hosts(&["a.example"], &["b.example"]).is_empty());
        assert!(hosts(&[], &["*"]).is_empty());
        assert!(!hosts(&["a.example"], &["*"]).permit("b.a.example", 443, true));
        assert!(!hosts(&["a.example"], &["*"]).permit("a.example", 80, true));
        assert!(!hosts(&["a.example"], &["*"]).permit("a.example", 8080, false));
        for host in ["", "*.example", "user@a.example", "a.example:99999", "a b"] {
            assert!(Hosts::of(&[host.to_owned()], &[]).is_err(), "{host}");
        }
    }
}
