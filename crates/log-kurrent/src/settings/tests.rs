use std::io::Write;

use super::*;

fn refused(text: &str) -> String {
    Settings::parse(text).err().unwrap_or_else(|| panic!("`{text}` is taken")).to_string()
}

#[test]
fn every_scheme_and_a_cluster_are_taken() {
    for text in [
        "kurrentdb://localhost:2113?tls=false",
        "kurrentdb+discover://cluster.example:2113",
        "esdb://localhost",
        "kurrentdb://user:secret@one:2113,two:2113,three:2113?tls=true&nodePreference=leader",
    ] {
        assert!(Settings::parse(text).is_ok(), "{text}");
    }
    let cluster = Settings::parse("kurrentdb://user:secret@one:2113,two:2114").unwrap();
    assert_eq!(cluster.client.hosts().len(), 2);
    assert!(cluster.authentication.is_some());
}

#[test]
fn a_bad_string_is_named_without_its_password() {
    for (text, why) in [
        ("", "its hosts cannot be read"),
        ("postgres://user:hunter2@localhost", "Unknown URL scheme: postgres"),
        ("kurrentdb://user:hunter2@localhost:99999", "its hosts cannot be read"),
        ("kurrentdb://user:hunter2@one:1,two:hunter2", "its hosts cannot be read"),
        ("kurrentdb://user:hunter2@localhost?tls=perhaps", "'tls'"),
        ("kurrentdb://user:hunter2@localhost?nodePreference=best", "best"),
        ("kurrentdb://user:hunter2@localhost?userCertFile=x", "userKeyFile"),
        ("kurrentdb://user:hunter2@local%20host", "host name"),
        ("kurrentdb://user:hunter2@localhost?connectionName=a%0Ab", "connectionName"),
    ] {
        let message = refused(text);
        assert!(message.contains(why), "{text}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn passwords_are_decoded() {
    let settings = Settings::parse("kurrentdb://ad%40min:p%40ss%2Fword@localhost?tls=false").unwrap();
    let Some(Authentication::Basic(given)) = settings.authentication else { panic!("no password") };
    assert_eq!(given, Credentials::new("ad@min", "p@ss/word"));
}

#[test]
fn a_malformed_certificate_is_an_error_and_no_panic() {
    let missing = refused("kurrentdb://localhost?tlsCaFile=/nowhere/ca.pem");
    assert!(missing.contains("tlsCaFile `/nowhere/ca.pem`"), "{missing}");
    for content in [
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let message = refused(&format!("kurrentdb://localhost?tlsCaFile={}", file.path().display()));
        assert!(message.starts_with("tlsCaFile"), "{content:?}: {message}");
    }
}
