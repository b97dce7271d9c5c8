//! Somebody whose webhook is called: answers as a test says, and remembers every call.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What is answered.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// Nothing, until the caller hangs up.
    Hang,
    /// To go elsewhere: to where everything would be fine.
    Redirect,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    head: String,
    pub body: String,
}

impl Call {
    pub fn header(&self, name: &str) -> String {
        let found = self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        });
        found.unwrap_or_else(|| panic!("no header {name} in {}", self.head))
    }
}

/// Listens until it is dropped.
pub struct Receiver {
    url: String,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    calls: watch::Sender<Vec<Call>>,
    task: JoinHandle<()>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (replies, calls) = (Arc::<Mutex<VecDeque<Reply>>>::default(), watch::Sender::new(Vec::new()));
        let (next, heard) = (Arc::clone(&replies), calls.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (next, heard) = (Arc::clone(&next), heard.clone());
                tokio::spawn(async move { serve(stream, &next, &heard).await });
            }
        });
        Self { url, replies, calls, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next calls are answered so; those behind them with 204.
    pub fn answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.replies.lock().expect("whole").extend(replies);
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// Waits for as many calls; all there are then.
    pub async fn until(&self, count: usize) -> Vec<Call> {
        let mut calls = self.calls.subscribe();
        let waited = tokio::time::timeout(Duration::from_secs(60), calls.wait_for(|calls| calls.len() >= count)).await;
        waited.unwrap_or_else(|_| panic!("{} of {count} calls came", self.calls().len())).expect("open").clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection after the other call on it.
async fn serve(
    mut stream: TcpStream,
    replies: &Mutex<VecDeque<Reply>>,
    calls: &watch::Sender<Vec<Call>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let (head, start) = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break (String::from_utf8(bytes[..end].to_vec()).ok()?, end + 4);
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let call = Call { head, body: String::new() };
        let length: usize = call.header("content-length").parse().ok()?;
        while bytes.len() < start + length {
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        }
        let body = String::from_utf8(bytes[start..start + length].to_vec()).ok()?;
        bytes.drain(..start + length);
        let reply = replies.lock().ok()?.pop_front().unwrap_or(Reply::Status(204));
        let location = format!("location: http://{}/elsewhere\r\n", stream.local_addr().ok()?);
        calls.send_modify(|calls| calls.push(Call { body, ..call }));
        let (status, location) = match reply {
            Reply::Status(status) => (status, ""),
            Reply::Redirect => (307, location.as_str()),
            Reply::Hang => {
                let _ = stream.read(&mut [0; 1]).await;
                return None;
            }
        };
        let answer = format!("HTTP/1.1 {status} Answer\r\n{location}content-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}
