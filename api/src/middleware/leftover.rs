//! Bodies that were answered before they were read.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use futures::StreamExt;
use http_body::{Frame, SizeHint};
use tokio::time::timeout;

const MOST: usize = 64 << 20;
const LONGEST: Duration = Duration::from_secs(10);

/// What is left of a body, once those that it was lent to have dropped it.
#[derive(Default)]
pub struct Leftover(Arc<Mutex<Option<Body>>>);

/// A body that comes back when it is dropped.
struct Lent {
    body: Body,
    back: Arc<Mutex<Option<Body>>>,
}

impl Leftover {
    /// `body`, to be read by others.
    pub fn lend(&self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Lent { body, back: Arc::clone(&self.0) })
    }

    /// Lets a client finish what it is sending, within reason: most clients read no answer before, and see a broken connection
    /// instead of the reason why they are refused.
    pub async fn discard(self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(body) = left else { return };
        let mut stream = body.into_data_stream();
        let mut seen = 0;
        let reading = async {
            while let Some(Ok(chunk)) = stream.next().await {
                seen += chunk.len();
                if seen > MOST {
                    break;
                }
            }
        };
        // Whether it finished does not matter: the answer is sent either way.
        let _ = timeout(LONGEST, reading).await;
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let body = std::mem::take(&mut self.body);
        if !body.is_end_stream() {
            *self.back.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}
