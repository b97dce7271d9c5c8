//! Where clamd listens.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where clamd listens: `tcp://host:port` (IPv6 in brackets) or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host and a port, `host:port`.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Why a text is no address of clamd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected tcp://HOST:PORT or unix:/PATH")]
pub struct NoAddress;

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            // `unix://path` is a common spelling of `unix:/path`.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.starts_with('/') && path.len() > 1 { Ok(Self::Unix(path.into())) } else { Err(NoAddress) };
        }
        let place = text.strip_prefix("tcp://").ok_or(NoAddress)?;
        let (host, port) = place.rsplit_once(':').ok_or(NoAddress)?;
        let is_bracketed = host.starts_with('[') && host.ends_with(']') && host.len() > 2;
        let is_name = !host.is_empty() && !host.contains(['/', '@', ':', '[', ']', '?', '#', ' ']);
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if (is_bracketed || is_name) && is_port { Ok(Self::Tcp(place.to_owned())) } else { Err(NoAddress) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) => write!(f, "tcp://{place}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in ["tcp://127.0.0.1:3310", "tcp://clamav:3310", "tcp://[::1]:3310", "unix:/run/clamav/clamd.ctl"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("unix:///run/c".parse(), Ok(Address::Unix("/run/c".into())));
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in [
            "",
            "clamav:3310",
            "tcp://clamav",
            "tcp://:3310",
            "tcp://a:0",
            "tcp://a:70000",
            "tcp://a:x",
            "tcp://a:1/b",
            "tcp://::1:3310",
            "tcp://[]:1",
            "http://a:1",
            "unix:run/clamd",
            "unix:",
            "unix://run",
            "tcp://u@h:1",
        ] {
            assert_eq!(text.parse::<Address>(), Err(NoAddress), "{text}");
        }
    }
}
