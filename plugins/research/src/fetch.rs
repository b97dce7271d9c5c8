//! Fetching pages through the sandbox: all at once, each redirect looked at.

use std::collections::BTreeSet;

use wasip2::{
    clocks::monotonic_clock::{now, subscribe_instant},
    http::{
        outgoing_handler::handle,
        types::{
            ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, OutgoingRequest, RequestOptions,
            Scheme, http_error_code,
        },
    },
    io::{
        poll::{Pollable, poll},
        streams::{InputStream, StreamError},
    },
};

use crate::{Trouble, address::Address};

/// Redirects that are followed from one source.
const MOST_REDIRECTS: usize = 5;
/// Bytes of one page.
const LARGEST: usize = 4 << 20;
/// Bytes of all pages.
const MOST_BYTES: usize = 16 << 20;
/// Nanoseconds for all pages together: what is late must not cost the answer.
const PATIENCE: u64 = 20_000_000_000;
/// Nanoseconds until a host answers.
const FIRST_BYTE: u64 = 8_000_000_000;

/// A page as it came.
pub(crate) struct Fetched {
    /// Where it was found in the end.
    pub(crate) url: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What becomes of one request.
enum Got {
    Page(Fetched),
    Redirect(Address),
}

/// A source, and where it led so far.
struct Asked {
    source: Address,
    at: Address,
}

/// Fetches every source. Redirects are followed to hosts that are among the sources, and to no others.
pub(crate) fn all(sources: &[Address]) -> Vec<(Address, Result<Fetched, Trouble>)> {
    let hosts: BTreeSet<&str> = sources.iter().map(Address::host).collect();
    let deadline = now().saturating_add(PATIENCE);
    let mut asked: Vec<_> = sources.iter().map(|source| Asked { source: source.clone(), at: source.clone() }).collect();
    let (mut left, mut done) = (MOST_BYTES, Vec::with_capacity(sources.len()));
    for _ in 0..=MOST_REDIRECTS {
        let pending: Vec<_> = std::mem::take(&mut asked).into_iter().map(|asked| (send(&asked.at), asked)).collect();
        for (pending, from) in pending {
            let got = pending.and_then(|pending| receive(pending, &from.at, deadline, left));
            match got.and_then(|got| known(got, &hosts)) {
                Ok(Got::Page(page)) => {
                    left = left.saturating_sub(page.body.len());
                    done.push((from.source, Ok(page)));
                }
                Ok(Got::Redirect(at)) => asked.push(Asked { source: from.source, at }),
                Err(trouble) => done.push((from.source, Err(trouble))),
            }
        }
    }
    let lost = asked.into_iter().map(|asked| {
        let message = format!("it leads on and on, at last to {}", asked.at.as_str());
        (asked.source, Err(Trouble::new("too_many_redirects", message)))
    });
    done.extend(lost);
    done
}

fn known(got: Got, hosts: &BTreeSet<&str>) -> Result<Got, Trouble> {
    match got {
        Got::Redirect(to) if !hosts.contains(to.host()) => {
            let message =
                format!("it leads to {}, whose host is not among the sources; name it to have it read", to.as_str());
            Err(Trouble::new("redirect_to_other_host", message))
        }
        got => Ok(got),
    }
}

fn send(address: &Address) -> Result<FutureIncomingResponse, Trouble> {
    let parts = address.parts();
    let fields = [("accept", ACCEPT), ("accept-encoding", "identity"), ("user-agent", "souk-research")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let broken = || Trouble::new("request_failed", "the request could not be made");
    let headers = Fields::from_list(&fields).map_err(|_| broken())?;
    let request = OutgoingRequest::new(headers);
    request.set_scheme(Some(if parts.tls { &Scheme::Https } else { &Scheme::Http })).map_err(|()| broken())?;
    request.set_authority(Some(parts.authority)).map_err(|()| broken())?;
    request.set_path_with_query(Some(parts.path_and_query)).map_err(|()| broken())?;
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(FIRST_BYTE)).map_err(|()| broken())?;
    handle(request, Some(options)).map_err(|code| trouble(&code))
}

const ACCEPT: &str = "text/html,application/xhtml+xml,text/markdown,text/plain,application/json;q=0.9";

fn receive(pending: FutureIncomingResponse, at: &Address, deadline: u64, left: usize) -> Result<Got, Trouble> {
    wait(&pending.subscribe(), deadline)?;
    let answered = pending.get().and_then(Result::ok).ok_or_else(late)?;
    let response = answered.map_err(|code| trouble(&code))?;
    let headers = response.headers();
    let header = |name: &str| {
        headers.get(name).into_iter().next().map(|value| String::from_utf8_lossy(&value).trim().to_owned())
    };
    let status = response.status();
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        let location = header("location").ok_or_else(|| Trouble::new("redirect_invalid", "it leads nowhere"))?;
        return at.resolve(&location).map(Got::Redirect);
    }
    if status != 200 {
        return Err(Trouble::new("http_status", format!("the host answers {status}")));
    }
    if let Some(encoding) = header("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let message = format!("it is sent as `{encoding}`, which was not asked for");
        return Err(Trouble::new("unsupported_encoding", message));
    }
    let content_type = header("content-type");
    drop(headers);
    let body = body_of(response, deadline, left)?;
    Ok(Got::Page(Fetched { url: at.as_str().to_owned(), content_type, body }))
}

fn body_of(response: IncomingResponse, deadline: u64, left: usize) -> Result<Vec<u8>, Trouble> {
    let broken = |()| Trouble::new("request_failed", "the answer has no body to read");
    let body: IncomingBody = response.consume().map_err(broken)?;
    let stream = body.stream().map_err(broken)?;
    read(&stream, deadline, left)
}

fn read(stream: &InputStream, deadline: u64, left: usize) -> Result<Vec<u8>, Trouble> {
    let most = LARGEST.min(left);
    let mut bytes = Vec::new();
    loop {
        wait(&stream.subscribe(), deadline)?;
        match stream.read(64 << 10) {
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http_error_code(&error);
                return Err(
                    code.map_or_else(|| Trouble::new("request_failed", error.to_debug_string()), |code| trouble(&code))
                );
            }
        }
        if bytes.len() > most {
            let message = format!("a page may have {LARGEST} bytes, and all of them {MOST_BYTES}");
            return Err(Trouble::new("too_large", message));
        }
    }
}

/// Until it is ready, or too late.
fn wait(ready: &Pollable, deadline: u64) -> Result<(), Trouble> {
    let alarm = subscribe_instant(deadline);
    if poll(&[ready, &alarm]).contains(&0) { Ok(()) } else { Err(late()) }
}

fn late() -> Trouble {
    Trouble::new("timeout", "it took too long")
}

/// What an error of the sandbox means for whoever named the source.
fn trouble(code: &ErrorCode) -> Trouble {
    let (reason, message) = match code {
        ErrorCode::HttpRequestDenied => {
            ("host_not_granted", "plugins may not reach this host here; the operator grants hosts")
        }
        ErrorCode::DestinationIpProhibited => {
            ("address_refused", "the host has a private address, which plugins never reach")
        }
        ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
            ("host_not_found", "there is no such host")
        }
        ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => return late(),
        ErrorCode::ConnectionRefused | ErrorCode::DestinationUnavailable | ErrorCode::DestinationIpUnroutable => {
            ("unreachable", "the host does not answer")
        }
        ErrorCode::HttpResponseBodySize(_) => ("too_large", "the page is larger than the sandbox lets in"),
        ErrorCode::ConnectionLimitReached => ("too_many_requests", "the sandbox lets no more requests out of this run"),
        ErrorCode::TlsProtocolError | ErrorCode::TlsCertificateError | ErrorCode::TlsAlertReceived(_) => {
            ("tls_failed", "the host's certificate or protocol was refused")
        }
        _ => return Trouble::new("request_failed", format!("the request failed: {code}")),
    };
    Trouble::new(reason, message)
}
