//! Web addresses.

use fluent_uri::{Uri, UriRef};

use crate::Trouble;

const LONGEST: usize = 2_048;

/// An absolute address of the web, without a fragment, which is not sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(String);

/// The parts that a request needs.
pub(crate) struct Parts<'a> {
    pub(crate) tls: bool,
    /// Host, and port where one is named.
    pub(crate) authority: &'a str,
    pub(crate) path_and_query: &'a str,
}

impl Address {
    /// Reads an address that somebody named.
    pub(crate) fn read(text: &str) -> Result<Self, Trouble> {
        let invalid = |why: &str| Trouble::new("source_invalid", format!("{text:?} {why}"));
        let uri = Uri::parse(text).map_err(|error| invalid(&format!("is no web address: {error}")))?;
        Self::of(&uri).map_err(invalid)
    }

    fn of(uri: &Uri<&str>) -> Result<Self, &'static str> {
        let scheme = uri.scheme().as_str().to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err("is neither http nor https");
        }
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or("names no host")?;
        if authority.has_userinfo() {
            return Err("names a user; leave that out");
        }
        let path = match uri.path().as_str() {
            "" => "/",
            path => path,
        };
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let text = format!("{scheme}://{}{path}{query}", authority.as_str().to_ascii_lowercase());
        if text.len() > LONGEST { Err("is longer than 2,048 characters") } else { Ok(Self(text)) }
    }

    /// The address that `location` means on this page.
    pub(crate) fn resolve(&self, location: &str) -> Result<Self, Trouble> {
        let invalid = |why: String| Trouble::new("redirect_invalid", format!("it leads to {location:?}, which {why}"));
        let reference = UriRef::parse(location).map_err(|error| invalid(format!("is no address: {error}")))?;
        let base = Uri::parse(self.as_str()).map_err(|error| invalid(error.to_string()))?;
        let resolved = reference.resolve_against(&base).map_err(|error| invalid(error.to_string()))?;
        Self::of(&resolved.borrow()).map_err(|why| invalid(why.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn parts(&self) -> Parts<'_> {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("http", &self.0));
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at(at);
        Parts { tls: scheme == "https", authority, path_and_query }
    }

    /// The host without its port.
    pub(crate) fn host(&self) -> &str {
        host(&self.0)
    }
}

/// The host of an address, without its port; what is no address is a host of its own.
pub(crate) fn host(address: &str) -> &str {
    let Some((_, rest)) = address.split_once("://") else { return address };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_sent() {
        let read = Address::read("HTTPS://Docs.Example:8443?q=1#part").unwrap();
        assert_eq!((read.as_str(), read.host()), ("https://docs.example:8443/?q=1", "docs.example"));
        let parts = read.parts();
        assert_eq!((parts.tls, parts.authority, parts.path_and_query), (true, "docs.example:8443", "/?q=1"));
        assert_eq!(Address::read("http://[::1]/a").unwrap().host(), "[::1]");
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for text in [
            "",
            "docs.example",
            "/a",
            "ftp://a.example/",
            "http:///a",
            "http://u:p@a.example/",
            "http://a b/",
            "file:///etc/passwd",
            "javascript:1",
        ] {
            assert_eq!(Address::read(text).unwrap_err().reason, "source_invalid", "{text}");
        }
    }

    #[test]
    fn redirects_are_resolved() {
        let page = Address::read("https://a.example/x/y?z").unwrap();
        for (location, to) in [
            ("/b", "https://a.example/b"),
            ("b#c", "https://a.example/x/b"),
            ("//B.example", "https://b.example/"),
            ("http://c.example:80/d", "http://c.example:80/d"),
        ] {
            assert_eq!(page.resolve(location).unwrap().as_str(), to);
        }
        assert!(page.resolve("file:///etc/passwd").is_err() && page.resolve("a b").is_err());
    }
}
