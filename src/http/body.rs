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

use super::digest::{Damaged, damaged};
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
    let error = if is_of::<Silence>(&cause) {
        too_slow()
    } else if is_of::<Damaged>(&cause) {
        damaged()
    } else if is_unreadable_head(&cause) {
        unreadable_head()
    } else {
        cut_off()
    };
    error.because(cause)
}

/// The parser takes no head of a part with a control character in it, as a file's name may have.
fn is_unreadable_head(cause: &(dyn std::error::Error + 'static)) -> bool {
    let fault = causes(cause).find_map(|cause| cause.downcast_ref::<multer::Error>());
    fault.is_some_and(|fault| {
        matches!(
            fault,
            multer::Error::ReadHeaderFailed(_)
                | multer::Error::DecodeHeaderName { .. }
                | multer::Error::DecodeHeaderValue { .. }
        )
    })
}

fn unreadable_head() -> Error {
    Error::bad_request(
        "part-unreadable",
        say(
            "Kepala salah satu bagian tidak dapat dibaca; mungkin nama berkasnya memuat huruf kendali atau ganti baris. Ganti nama berkasnya lalu kirim ulang, atau pakai unggahan bertahap (/api/v1/uploads), yang menerima nama apa pun.",
            "The head of one of the parts cannot be read; perhaps the file's name has a control character or a line break in it. Rename the file and send it again, or use resumable uploads (/api/v1/uploads), which take any name.",
        ),
    )
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

/// Whether one of the causes is of this kind, however often it was wrapped on its way.
fn is_of<E: std::error::Error + 'static>(cause: &(dyn std::error::Error + 'static)) -> bool {
    causes(cause).any(|cause| cause.is::<E>())
}

fn causes<'a>(
    cause: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(cause), |cause| cause.source())
}
