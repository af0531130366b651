//! Connections that hold a place without using it: one that sends nothing at all, one that does not take what it asked for,
//! and too many at once. What a request's headers and body may take is counted where they are read.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};

use crate::config::Server;

/// What accepts connections, with an end to patience.
#[derive(Clone)]
pub struct Patient<A> {
    inner: A,
    seats: Arc<Semaphore>,
    first_byte: Duration,
    taking: Duration,
}

impl<A> Patient<A> {
    pub fn new(inner: A, server: &Server) -> Patient<A> {
        Patient {
            inner,
            seats: Arc::new(Semaphore::new(server.max_connections)),
            first_byte: Duration::from_secs(server.header_seconds),
            taking: Duration::from_secs(server.body_idle_seconds),
        }
    }
}

impl<A, I, S> Accept<I, S> for Patient<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Watched<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        // Who comes when all are taken is not kept waiting: a proxy in front asks another node.
        let seat = self.seats.clone().try_acquire_owned();
        let accepting = self.inner.accept(stream, service);
        let (first_byte, taking) = (self.first_byte, self.taking);
        Box::pin(async move {
            let seat = seat.map_err(|_| io::Error::other("server.max_connections is reached"))?;
            let (stream, service) = accepting.await?;
            let silent = Some(Box::pin(tokio::time::sleep(first_byte)));
            Ok((Watched { stream, silent, taking, stuck: None, _seat: seat }, service))
        })
    }
}

/// A connection and what it still owes.
pub struct Watched<S> {
    stream: S,
    /// Runs until the first byte has come.
    silent: Option<Pin<Box<Sleep>>>,
    taking: Duration,
    /// Runs while the other side takes nothing of what is sent.
    stuck: Option<Pin<Box<Sleep>>>,
    _seat: OwnedSemaphorePermit,
}

impl<S> Watched<S> {
    /// The outcome of a write, or the end of patience.
    fn taken<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stuck = None;
            return outcome;
        }
        let taking = self.taking;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(taking)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_read(cx, buf);
        match (&outcome, &mut this.silent) {
            (Poll::Ready(_), _) => this.silent = None,
            (Poll::Pending, Some(silent)) => {
                ready!(silent.as_mut().poll(cx));
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            (Poll::Pending, None) => {}
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.taken(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.taken(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(cx);
        this.taken(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
