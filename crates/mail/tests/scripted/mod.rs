//! A server that does as it is told, for what no real one does on demand.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What happens once, when a command comes that begins so; the greeting is the command "", the end of a mail is ".".
#[derive(Clone, Debug)]
pub enum Step {
    /// It is answered with this.
    Answer(&'static str, &'static str),
    /// It is never answered.
    Hang(&'static str),
    /// The connection ends.
    Drop(&'static str),
}

#[derive(Default)]
struct Seen {
    connections: usize,
    taken: usize,
    heard: Vec<String>,
    steps: Vec<Step>,
}

/// The server.
pub struct Scripted {
    pub port: u16,
    /// PEM, where it has one.
    pub certificate: String,
    seen: Arc<Mutex<Seen>>,
}

impl Scripted {
    /// One that takes everything but for the steps, in their order.
    pub async fn start(steps: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen { steps: steps.concat(), ..Seen::default() }));
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                let shared = Arc::clone(&shared);
                tokio::spawn(async move {
                    let _ = serve(stream, &shared).await;
                });
            }
        });
        Self { port, certificate: String::new(), seen }
    }

    /// One that offers STARTTLS and nothing else, and passes on what comes then to the server at `behind`.
    pub async fn starttls(behind: u16) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let _ = upgrade(stream, &acceptor, behind).await;
                });
            }
        });
        let der = data_encoding::BASE64.encode(made.cert.der());
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
        Self { port, certificate, seen: Arc::default() }
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// Mails that it took.
    pub fn taken(&self) -> usize {
        self.seen.lock().unwrap().taken
    }

    /// What it was told, but for mails.
    pub fn heard(&self) -> Vec<String> {
        self.seen.lock().unwrap().heard.clone()
    }
}

async fn upgrade(stream: TcpStream, acceptor: &TlsAcceptor, behind: u16) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 upgrade.example\r\n").await?;
    let mut line = String::new();
    while !line.starts_with("STARTTLS") {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4) {
            Some("EHLO") => b"250-upgrade.example\r\n250 STARTTLS\r\n",
            Some("STAR") => b"220 go on\r\n",
            _ => b"530 5.7.0 STARTTLS first\r\n",
        };
        stream.write_all(answer).await?;
    }
    let mut safe = acceptor.accept(stream.into_inner()).await?;
    let mut behind = BufReader::new(TcpStream::connect(("127.0.0.1", behind)).await?);
    behind.read_line(&mut String::new()).await?;
    tokio::io::copy_bidirectional(&mut safe, &mut behind).await?;
    Ok(())
}

/// The step for `command`, if it is the next one.
fn step(seen: &Mutex<Seen>, command: &str) -> Option<Step> {
    let mut seen = seen.lock().unwrap();
    let at = match seen.steps.first()? {
        Step::Answer(at, _) | Step::Hang(at) | Step::Drop(at) => *at,
    };
    let is_it = if at.is_empty() { command.is_empty() } else { command.starts_with(at) };
    is_it.then(|| seen.steps.remove(0))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Mutex<Seen>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut command, mut in_mail) = (String::new(), false);
    loop {
        let usual = match command.get(..4).unwrap_or(&command) {
            "" => "220 scripted.example",
            "EHLO" => "250 scripted.example",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 2.0.0 fine",
        };
        let answer = match step(seen, &command) {
            Some(Step::Answer(_, answer)) => answer,
            Some(Step::Hang(_)) => return std::future::pending().await,
            Some(Step::Drop(_)) => return Ok(()),
            None => {
                in_mail = command == "DATA";
                seen.lock().unwrap().taken += usize::from(command == ".");
                usual
            }
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        command.clear();
        loop {
            command.clear();
            if stream.read_line(&mut command).await? == 0 {
                return Ok(());
            }
            command.truncate(command.trim_end().len());
            if !in_mail {
                seen.lock().unwrap().heard.push(command.clone());
                break;
            }
            if command == "." {
                in_mail = false;
                break;
            }
        }
    }
}
