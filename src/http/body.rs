//! The body of a request on its way in. A client that falls silent, or sends next to nothing, is given up; a client that is refused before it has sent
//! everything is listened to for a little longer, because a connection closed in its face would take the answer with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    http::header,
};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep};

use crate::error::{Error, Kind, say};

/// So long, and for so many bytes, a refused client is listened to.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: usize = 256 << 20;

/// Puts the guard around a request's body.
pub(super) fn guarded(request: Request, idle: Duration, least: usize) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let asks_first = request.headers().contains_key(header::EXPECT);
    let (head, body) = request.into_parts();
    let guard = Guarded {
        body: Some(body.into_data_stream()),
        idle,
        least,
        silence: Box::pin(tokio::time::sleep(idle)),
        waits_since: None,
        waited: Duration::ZERO,
        heard: 0,
        began: !asks_first,
    };
    Request::from_parts(head, Body::from_stream(guard))
}

/// What to answer when a body breaks off.
pub fn broken_off(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    if is_silence(&cause) { too_slow().because(cause) } else { cut_off().because(cause) }
}

pub fn cut_off() -> Error {
    Error::bad_request(
        "cut-off",
        say(
            "Kiriman terputus atau tidak utuh. Kirim ulang; untuk sambungan lemah pakai unggahan bertahap (/api/v1/uploads).",
            "The body was cut off or is malformed. Send it again; on a weak link use resumable uploads (/api/v1/uploads).",
        ),
    )
}

fn too_slow() -> Error {
    Error::new(
        Kind::TimedOut,
        "too-slow",
        say(
            "Terlalu lama tidak ada, atau hampir tidak ada, kiriman yang datang (server.body_idle_seconds, server.body_least_bytes). Kirim ulang; untuk sambungan lemah pakai unggahan bertahap (/api/v1/uploads).",
            "Nothing, or next to nothing, came for too long (server.body_idle_seconds, server.body_least_bytes). Send it again; on a weak link use resumable uploads (/api/v1/uploads).",
        ),
    )
}

struct Guarded {
    /// Gone when it has ended, in whatever way.
    body: Option<BodyDataStream>,
    idle: Duration,
    /// So many bytes begin the patience anew; fewer do not, or a byte now and then would hold a connection for ever.
    least: usize,
    silence: Pin<Box<Sleep>>,
    /// While somebody waits for the next piece: only then does the client's silence count.
    waits_since: Option<Instant>,
    /// How long was waited for the last bytes, and how many they are.
    waited: Duration,
    heard: usize,
    /// False while the client waits for leave to send: then nothing is on its way.
    began: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the client sent next to nothing for too long")]
struct Silence;

impl Stream for Guarded {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Poll::Ready(piece) = body.poll_next_unpin(context) {
            this.began = true;
            this.waited += this.waits_since.take().map_or(Duration::ZERO, |since| since.elapsed());
            match &piece {
                Some(Ok(bytes)) => this.hear(bytes.len()),
                _ => this.body = None,
            }
            return Poll::Ready(piece);
        }
        if this.waits_since.is_none() {
            let now = Instant::now();
            this.waits_since = Some(now);
            this.silence.as_mut().reset(now + this.idle.saturating_sub(this.waited));
        }
        ready!(this.silence.as_mut().poll(context));
        this.body = None;
        Poll::Ready(Some(Err(axum::Error::new(Silence))))
    }
}

impl Guarded {
    fn hear(&mut self, bytes: usize) {
        self.heard += bytes;
        if self.heard >= self.least {
            (self.heard, self.waited) = (0, Duration::ZERO);
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let (true, Some(body)) = (self.began, self.body.take()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(LINGER, listen(body)));
        }
    }
}

async fn listen(mut body: BodyDataStream) {
    let mut heard = 0;
    while let Some(Ok(piece)) = body.next().await {
        heard += piece.len();
        if heard > LINGER_BYTES {
            return;
        }
    }
}

fn is_silence(cause: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(cause);
    while let Some(cause) = next {
        if cause.is::<Silence>() {
            return true;
        }
        next = cause.source();
    }
    false
}
