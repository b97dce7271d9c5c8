//! Requests to other hosts: only to those that are declared and granted, only to public addresses, only so many and only so large.
//!
//! A name is looked up once, its addresses are checked, and the connection goes to the very address that was checked: a second look-up could
//! answer otherwise. A redirect is an answer like any other; a plugin that follows it sends a new request, which is checked anew.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, Uri, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use rustls::{ClientConfig, pki_types::ServerName};
use souk_ports::sandbox::Refusal;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
    task::spawn_blocking,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, io::TokioIo};

use crate::{
    addresses::public,
    hosts::{Hosts, split},
    settings::HttpSettings,
};

/// Refusals that a report keeps.
const REFUSALS: usize = 16;

/// What hyper asks of a buffer at least.
const SMALLEST_BUFFER: usize = 8 << 10;

/// Lines of headers.
const HEADERS: usize = 64;

/// What goes over the network for one run.
#[derive(Clone)]
pub(crate) struct Outbound {
    pub(crate) settings: Arc<HttpSettings>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) lookups: Arc<Semaphore>,
    pub(crate) refused: Refused,
    pub(crate) sent: u32,
}

/// What was refused so far.
#[derive(Clone, Default)]
pub(crate) struct Refused(Arc<Mutex<Vec<Refusal>>>);

impl Refused {
    pub(crate) fn all(&self) -> Vec<Refusal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, code: &'static str, target: &str) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < REFUSALS {
            refused.push(Refusal { code, target: target.to_owned() });
        }
    }
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        64 << 10
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        self.sent = self.sent.saturating_add(1);
        let outbound = self.clone();
        Box::new(async move { outbound.send(request, options.unwrap_or_default()).await })
    }
}

/// Where a request goes.
struct Target {
    host: String,
    port: u16,
    tls: bool,
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, Error> {
        let (host, port) = uri.authority().and_then(split).ok_or(Error::HttpRequestUriInvalid)?;
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        Ok(Self { host, port: port.unwrap_or(if tls { 443 } else { 80 }), tls })
    }

    fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Outbound {
    async fn send(self, request: Request<WasiBody>, options: RequestOptions) -> Result<Sent, Error> {
        let target = Target::of(request.uri())?;
        let name = target.name();
        if !self.hosts.permit(&target.host, target.port, target.tls) {
            self.refused.note("host_not_declared", &name);
            return Err(Error::HttpRequestDenied);
        }
        if self.sent > self.settings.requests {
            self.refused.note("too_many_requests", &name);
            return Err(Error::ConnectionLimitReached);
        }
        let request = self.checked(request, &name)?;
        let limit = |asked: Option<Duration>, most: Duration| asked.map_or(most, |asked| asked.min(most));
        let connect = limit(options.connect_timeout, self.settings.connect);
        let stream = timeout(connect, self.connect(&target, &name)).await.map_err(|_| Error::ConnectionTimeout)??;
        let mut builder = http1::Builder::new();
        builder.max_headers(HEADERS).max_buf_size(self.settings.headers.max(SMALLEST_BUFFER));
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        let connection = wasmtime_wasi::runtime::spawn(async move { connection.await.map_err(Error::from) });
        let wait = limit(options.first_byte_timeout, self.settings.wait);
        let response = timeout(wait, sender.send_request(request)).await.map_err(|_| Error::HttpResponseTimeout)??;
        if size(response.headers()) > self.settings.headers {
            self.refused.note("response_too_large", &name);
            return Err(Error::HttpResponseHeaderSectionSize(None));
        }
        let (most, refused) = (self.settings.response, self.refused);
        let response = response.map(|body| {
            let code = "response_too_large";
            Capped { body, left: most, exceeded: Error::HttpResponseBodySize, code, name, refused }.boxed_unsync()
        });
        Ok((response, Box::new(connection)))
    }

    /// The request as it goes over the wire.
    fn checked(&self, request: Request<WasiBody>, name: &str) -> Result<Request<WasiBody>, Error> {
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        if size(request.headers()).saturating_add(path.len()) > self.settings.headers {
            self.refused.note("request_too_large", name);
            return Err(Error::HttpRequestHeaderSectionSize(None));
        }
        let (mut parts, body) = request.into_parts();
        // To a host itself, and not to a proxy, goes the path alone.
        parts.uri = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
        let body = Capped {
            body,
            left: self.settings.request,
            exceeded: Error::HttpRequestBodySize,
            code: "request_too_large",
            name: name.to_owned(),
            refused: self.refused.clone(),
        };
        Ok(Request::from_parts(parts, body.boxed_unsync()))
    }

    async fn connect(&self, target: &Target, name: &str) -> Result<Pin<Box<dyn Stream>>, Error> {
        let address = self.address(target, name).await?;
        let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
        if !target.tls {
            return Ok(Box::pin(stream));
        }
        let server = ServerName::try_from(target.host.clone()).map_err(|_| Error::HttpRequestUriInvalid)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(server, stream).await.map_err(Error::Tls)?;
        Ok(Box::pin(stream))
    }

    /// The address to connect to. One that may not be reached among a name's addresses spoils them all: honest names have none.
    async fn address(&self, target: &Target, name: &str) -> Result<SocketAddr, Error> {
        let known = target.host.parse::<IpAddr>().ok().map(|address| vec![address]);
        let addresses = match known.or_else(|| self.settings.names.get(&target.host).cloned()) {
            Some(addresses) => addresses,
            None => self.look_up(target).await?,
        };
        let mut first = None;
        for address in addresses.into_iter().map(|address| SocketAddr::new(address, target.port)) {
            if !public(address.ip()) && !self.settings.exempt.contains(&address) {
                self.refused.note("address_refused", name);
                return Err(Error::DestinationIpProhibited);
            }
            first.get_or_insert(address);
        }
        first.ok_or(Error::DestinationNotFound)
    }

    /// Asks the system. A look-up cannot be stopped, so its permit goes with it: names that are never answered take a few threads and no more.
    async fn look_up(&self, target: &Target) -> Result<Vec<IpAddr>, Error> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await.map_err(|_| Error::DestinationNotFound)?;
        let name = (target.host.clone(), target.port);
        let work = spawn_blocking(move || {
            let _permit = permit;
            name.to_socket_addrs()
        });
        let found = work.await.map_err(|_| Error::DestinationNotFound)?.map_err(|_| Error::DestinationNotFound)?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + 'static> Stream for T {}

fn size(headers: &http::HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// A body that ends in an error when it is longer than it may be.
struct Capped<B> {
    body: B,
    left: u64,
    exceeded: fn(Option<u64>) -> Error,
    code: &'static str,
    name: String,
    refused: Refused,
}

impl<B> Body for Capped<B>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context).map_err(Error::from);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match self.left.checked_sub(length) {
                Some(left) => self.left = left,
                None => {
                    self.refused.note(self.code, &self.name);
                    return Poll::Ready(Some(Err((self.exceeded)(None))));
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
