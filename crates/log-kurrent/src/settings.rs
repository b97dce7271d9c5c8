//! Connection strings: what the client library would take silently, misread or panic on is refused here, with a reason.

use std::path::Path;

use kurrentdb::{Authentication, ClientSettings, Credentials};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use url::Url;

/// Why a connection string is no good. Never holds its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// It is not what KurrentDB calls a connection string.
    #[error("not a connection string of KurrentDB (kurrentdb://user:password@host:2113?tls=true): {0}")]
    Invalid(String),
    /// A file that it names cannot be used.
    #[error("{parameter} `{path}`: {why}")]
    File {
        /// The parameter that names it.
        parameter: &'static str,
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A connection string, understood.
#[derive(Clone)]
pub struct Settings {
    pub client: ClientSettings,
    /// Who calls; the library itself would send a password as it stands in the string, percent signs and all.
    pub authentication: Option<Authentication>,
}

impl Settings {
    /// # Errors
    /// See [`SettingsError`].
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let client: ClientSettings = text.parse().map_err(|error: kurrentdb::ClientSettingsParseError| {
            let told = error.error().is_none() && SAFE.iter().any(|start| error.message().starts_with(start));
            let why = if told { error.message().to_owned() } else { "its hosts cannot be read".to_owned() };
            SettingsError::Invalid(why)
        })?;
        for endpoint in client.hosts() {
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-_[]:".contains(c);
            if endpoint.host.is_empty() || !endpoint.host.chars().all(plain) {
                return Err(SettingsError::Invalid("a host name has characters that none has".to_owned()));
            }
        }
        if let Some(name) = parameter(text, "connectionname")
            && !name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(SettingsError::Invalid("connectionName takes visible ASCII characters only".to_owned()));
        }
        check_files(&client)?;
        Ok(Self { client, authentication: authentication(text) })
    }
}

/// Starts of the library's messages that hold nothing of the part with the password.
const SAFE: [&str; 5] = [
    "Unknown URL scheme",
    "Invalid format for param",
    "Unknown node preference",
    "Invalid user certificate",
    "Connection string doesn't",
];

/// The string as a URL: several hosts are none of a URL's, so only the first is kept.
fn url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let (hosts, query) = rest.split_once('?').map_or((rest, ""), |(hosts, query)| (hosts, query));
    let (user, hosts) = hosts.rsplit_once('@').map_or(("", hosts), |(user, hosts)| (user, hosts));
    let host = hosts.split([',', '/']).next().unwrap_or_default();
    let at = if user.is_empty() { "" } else { "@" };
    format!("{scheme}://{user}{at}{host}?{query}").parse().ok()
}

fn parameter(text: &str, name: &str) -> Option<String> {
    let url = url(text)?;
    let found = url.query_pairs().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.into_owned())
}

fn authentication(text: &str) -> Option<Authentication> {
    let url = url(text)?;
    if url.username().is_empty() {
        return None;
    }
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).collect::<Vec<u8>>();
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    Some(Authentication::Basic(Credentials::new(user, password)))
}

/// The library panics on a malformed certificate.
fn check_files(client: &ClientSettings) -> Result<(), SettingsError> {
    if let Some(path) = client.tls_ca_file() {
        let mut roots = RootCertStore::empty();
        for certificate in certificates("tlsCaFile", path)? {
            roots.add(certificate).map_err(|error| unusable("tlsCaFile", path, error.to_string()))?;
        }
    }
    if let Some((certificate, key)) = client.user_certificate() {
        certificates("userCertFile", certificate)?;
        PrivateKeyDer::from_pem_file(Path::new(key))
            .map_err(|error| unusable("userKeyFile", key, error.to_string()))?;
    }
    Ok(())
}

fn certificates(parameter: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let read = CertificateDer::pem_file_iter(Path::new(path)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(parameter, path, error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(parameter, path, "it holds no certificate in PEM form".to_owned()));
    }
    Ok(certificates)
}

fn unusable(parameter: &'static str, path: &str, why: String) -> SettingsError {
    SettingsError::File { parameter, path: path.to_owned(), why }
}

#[cfg(test)]
mod tests;
