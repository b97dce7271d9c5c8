//! How the server is reached, and what it keeps where.

use std::{net::SocketAddr, path::PathBuf};

use souk_artifacts::{Patience, S3Artifacts, S3Settings};
pub use souk_test_s3::{ACCESS_KEY, BUCKET, SECRET, Server};

pub const PREFIX: &str = "market/artifacts";

pub trait Reached {
    /// How it is reached.
    fn settings(&self) -> S3Settings;

    /// A store in it.
    fn store(&self) -> S3Artifacts;

    /// The file that keeps the object of `digest`.
    fn file_of(&self, digest: &str) -> PathBuf;
}

impl Reached for Server {
    fn settings(&self) -> S3Settings {
        settings(self.address)
    }

    fn store(&self) -> S3Artifacts {
        S3Artifacts::new(&self.settings()).unwrap()
    }

    fn file_of(&self, digest: &str) -> PathBuf {
        self.bucket().join(PREFIX).join(&digest[..2]).join(&digest[2..])
    }
}

/// How the server at `address` is reached.
pub fn settings(address: SocketAddr) -> S3Settings {
    S3Settings {
        bucket: BUCKET.to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: Some(format!("http://{address}")),
        prefix: PREFIX.to_owned(),
        access_key_id: ACCESS_KEY.to_owned(),
        secret_access_key: SECRET.to_owned().into(),
        allow_http: true,
        patience: Patience::default(),
    }
}
