//! TLS, with an authority that only these tests trust.

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, Empty};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Semaphore,
};
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::{Error, RequestOptions};

use super::{Outbound, Refused};
use crate::{hosts::Hosts, settings::HttpSettings};

/// Asks for `https://tls.example/` a server whose certificate is for `name`. The body of the answer.
async fn ask(name: &str) -> Result<Vec<u8>, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).expect("is signed");
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("is a key");
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("has versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("fits");
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("is a certificate");
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("has versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("has an address");
    let serving = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("somebody comes");
        let Ok(mut stream) = TlsAcceptor::from(Arc::new(server)).accept(stream).await else { return };
        assert_ne!(stream.read(&mut [0; 4096]).await.expect("asks"), 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.expect("listens");
        stream.shutdown().await.expect("ends");
    });
    let host = format!("tls.example:{}", address.port());
    let mut settings = HttpSettings { exempt: vec![address], ..HttpSettings::default() };
    settings.names.insert("tls.example".into(), vec![address.ip()]);
    let outbound = Outbound {
        settings: Arc::new(settings),
        tls: Arc::new(client),
        hosts: Arc::new(Hosts::of(std::slice::from_ref(&host), std::slice::from_ref(&host)).expect("is a host")),
        lookups: Arc::new(Semaphore::new(1)),
        refused: Refused::default(),
        sent: 1,
    };
    let body = Empty::new().map_err(Error::from).boxed_unsync();
    let request = Request::get(format!("https://{host}/")).body(body).expect("is a request");
    let answer = outbound.send(request, RequestOptions::default()).await;
    let answer = match answer {
        Ok((response, _connection)) => Ok(response.into_body().collect().await?.to_bytes().to_vec()),
        Err(error) => Err(error),
    };
    serving.await.expect("serves");
    answer
}

#[tokio::test]
async fn a_server_is_who_it_says() {
    assert_eq!(ask("tls.example").await.expect("answers"), b"ok");
}

#[tokio::test]
async fn or_nothing_is_sent_to_it() {
    assert!(matches!(ask("other.example").await, Err(Error::Tls(_))));
}
