//! The hosts that a run may reach.

use std::net::IpAddr;

use http::uri::Authority;
use souk_ports::{SandboxError, sandbox::ANY_HOST};

/// The hosts that a run may reach: what is declared, as far as it is granted.
#[derive(Default)]
pub(crate) struct Hosts {
    declared: Vec<Pattern>,
    granted: Vec<Pattern>,
}

/// Hosts with their ports; without one it is the port of the scheme.
struct Pattern {
    name: Name,
    port: Option<u16>,
}

#[derive(PartialEq)]
enum Name {
    /// `*`
    Any,
    /// `*.example.com`: what ends in `.example.com`.
    Below(String),
    /// `example.com`
    Exactly(String),
}

impl Name {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(domain) => host.len() > domain.len() && host.ends_with(domain.as_str()),
            Self::Exactly(name) => name == host,
        }
    }

    /// Whether there is a host that both cover.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Exactly(host), other) | (other, Self::Exactly(host)) => other.covers(host),
            (Self::Below(one), Self::Below(other)) => one.ends_with(other.as_str()) || other.ends_with(one.as_str()),
        }
    }
}

impl Hosts {
    /// What is declared and granted.
    pub(crate) fn of(declared: &[String], granted: &[String]) -> Result<Self, SandboxError> {
        let declared = declared.iter().map(|host| parsed(host)).collect::<Result<Vec<_>, _>>()?;
        let granted = granted.iter().filter_map(|host| parsed(host).ok()).collect();
        Ok(Self { declared, granted })
    }

    /// Whether no host can be both.
    pub(crate) fn is_empty(&self) -> bool {
        let granted = |name: &Name| self.granted.iter().any(|other| other.name.meets(name));
        !self.declared.iter().any(|host| granted(&host.name))
    }

    /// Whether a request may go to `host`, which is normal. Who grants all hosts grants all ports.
    pub(crate) fn permit(&self, host: &str, port: u16, tls: bool) -> bool {
        let usual = if tls { 443 } else { 80 };
        let reaches = |pattern: &Pattern| pattern.name.covers(host) && pattern.port.unwrap_or(usual) == port;
        self.declared.iter().any(reaches)
            && self.granted.iter().any(|pattern| pattern.name == Name::Any || reaches(pattern))
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

fn parsed(host: &str) -> Result<Pattern, SandboxError> {
    if host == ANY_HOST {
        return Ok(Pattern { name: Name::Any, port: None });
    }
    let (rest, below) = host.strip_prefix("*.").map_or((host, false), |rest| (rest, true));
    let authority = rest.parse().ok().filter(|_| !rest.contains('*'));
    let split = authority.as_ref().and_then(split);
    let (name, port) = split.ok_or_else(|| SandboxError::InvalidTask(format!("{host:?} is no host")))?;
    let name = if below { Name::Below(format!(".{name}")) } else { Name::Exactly(name) };
    Ok(Pattern { name, port })
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
    fn a_star_stands_for_what_is_in_front() {
        let below = hosts(&["*.a.example"], &["*"]);
        assert!(below.permit("b.a.example", 443, true) && below.permit("c.b.a.example", 80, false));
        assert!(!below.permit("a.example", 443, true) && !below.permit("ba.example", 443, true));
        assert!(!below.permit("b.a.example", 8080, false), "a port has to be declared");
        let any = hosts(&["*"], &["*.a.example", "c.example:8080"]);
        assert!(any.permit("b.a.example", 443, true) && !any.permit("b.example", 443, true));
        assert!(
            !any.permit("c.example", 443, true) && !any.permit("c.example", 8080, false),
            "only one of the two is said"
        );
        assert!(hosts(&["c.example:8080"], &["c.example:8080"]).permit("c.example", 8080, false));
        for (declared, granted, none) in [
            ("*.a.example", "b.a.example", false),
            ("*.a.example", "*.b.a.example", false),
            ("*.a.example", "*.b.example", true),
            ("a.example", "*.a.example", true),
            ("*", "a.example", false),
        ] {
            assert_eq!(hosts(&[declared], &[granted]).is_empty(), none, "{declared} {granted}");
        }
    }

    #[test]
    fn and_not_otherwise() {
        assert!(hosts(&["a.example"], &["b.example"]).is_empty());
        assert!(hosts(&[], &["*"]).is_empty());
        assert!(!hosts(&["a.example"], &["*"]).permit("b.a.example", 443, true));
        assert!(!hosts(&["a.example"], &["*"]).permit("a.example", 80, true));
        assert!(!hosts(&["a.example"], &["*"]).permit("a.example", 8080, false));
        for host in ["", "*.", "a.*.example", "*a.example", "user@a.example", "a.example:99999", "a b"] {
            assert!(Hosts::of(&[host.to_owned()], &[]).is_err(), "{host}");
        }
    }
}
