//! Files of any size that lie on no disk of ours, and what it costs the server's memory to pass them on.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, RequestBuilder};

use super::client::{Client, send};
use super::program::Program;
use super::regency::Actor;

/// What may be added to the server's resident set, whatever the size of the file.
pub const ALLOWED_MIB: u64 = 64;
const PIECE: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(1800);

/// One way of a large file.
#[derive(Debug)]
pub struct Passage {
    pub way: &'static str,
    pub added_mib: u64,
    pub megabytes_a_second: f64,
}

/// In by one multipart request, out again, and in by one resumable upload, each measured by itself.
pub async fn passages(program: &mut Program, size: u64) -> Vec<Passage> {
    let process = program.process();
    let clerk = program.actor(Actor::Clerk);
    // What any first request costs is not the large file's: code that is loaded, connections, caches.
    let small = multipart(&clerk, 0, 1 << 20).await;
    download(&clerk, &small, 0, 1 << 20).await;
    let (multipart_in, document) = measured(process, "up, multipart", size, multipart(&clerk, 1, size)).await;
    let (out, ()) = measured(process, "down", size, download(&clerk, &document, 1, size)).await;
    let (tus_in, _) = measured(process, "up, tus", size, tus(&clerk, 2, size)).await;
    vec![multipart_in, out, tus_in]
}

async fn measured<T>(process: u32, way: &'static str, size: u64, work: impl Future<Output = T>) -> (Passage, T) {
    forget_peak(process);
    let before = kib(process, "VmRSS:");
    let started = Instant::now();
    let done = work.await;
    let seconds = started.elapsed().as_secs_f64();
    let added_mib = kib(process, "VmHWM:").saturating_sub(before).div_ceil(1024);
    (Passage { way, added_mib, megabytes_a_second: size as f64 / 1e6 / seconds }, done)
}

async fn multipart(caller: &Client, seed: u8, size: u64) -> String {
    let file = Part::stream_with_length(body(seed, size), size).file_name("besar.bin");
    let form = Form::new().text("metadata", "{}").part("file", file);
    let request = caller.request(Method::POST, "/api/v1/documents").multipart(form).timeout(PATIENCE);
    send(request).await.is(201).json()["id"].as_str().expect("an id").to_owned()
}

async fn tus(caller: &Client, seed: u8, size: u64) -> String {
    let tus = |request: RequestBuilder| request.header("Tus-Resumable", "1.0.0").timeout(PATIENCE);
    // `{}` in base64.
    let begin = tus(caller.request(Method::POST, "/api/v1/uploads")).header("Upload-Length", size);
    let begun = send(begin.header("Upload-Metadata", "metadata e30=")).await.is(201);
    let request = tus(caller.request(Method::PATCH, begun.header("location"))).header("Upload-Offset", 0);
    let request = request.header("Content-Type", "application/offset+octet-stream").header("Content-Length", size);
    send(request.body(body(seed, size))).await.is(204).header("lumbung-document").to_owned()
}

/// Compared as it comes.
async fn download(caller: &Client, document: &str, seed: u8, size: u64) {
    let request = caller.request(Method::GET, &format!("/api/v1/documents/{document}/content")).timeout(PATIENCE);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let mut came = answer.bytes_stream();
    let mut expected = std::pin::pin!(pieces(seed, size));
    let mut rest = Bytes::new();
    let mut total = 0;
    while let Some(bytes) = came.next().await {
        let mut bytes = bytes.expect("the whole comes");
        total += bytes.len() as u64;
        while !bytes.is_empty() {
            if rest.is_empty() {
                rest = expected.next().await.expect("no more bytes than were sent").expect("made");
            }
            let both = bytes.len().min(rest.len());
            assert!(bytes.split_to(both) == rest.split_to(both), "other bytes than were sent, before {total}");
        }
    }
    assert_eq!(total, size);
}

fn body(seed: u8, size: u64) -> Body {
    Body::wrap_stream(pieces(seed, size))
}

/// Numbered pieces of a kind that is kept and not read.
fn pieces(seed: u8, size: u64) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let mut piece = vec![0; PIECE];
    for (at, byte) in piece.iter_mut().enumerate() {
        *byte = (at as u8).wrapping_mul(167) ^ (at >> 8) as u8 ^ seed;
    }
    let count = size.div_ceil(PIECE as u64);
    stream::iter(0..count).map(move |number| {
        piece[8..16].copy_from_slice(&number.to_le_bytes());
        let length = (size - number * PIECE as u64).min(PIECE as u64);
        Ok(Bytes::copy_from_slice(&piece[..length as usize]))
    })
}

/// The largest resident set counts anew from here.
fn forget_peak(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").expect("a process of ours");
}

fn kib(process: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
