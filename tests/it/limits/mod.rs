//! What goes wrong outside of Lumbung: input that is not as it should be, clients that dawdle, disks that are full, servers
//! that are away. Each is answered by words that say what to do, nothing half-done is seen, nothing acknowledged is lost.

mod bodies;
mod clock;
mod disk;
mod durable;
mod housekeeping;
pub mod lengths;
mod lost_parts;
mod metadata;
mod outage;
mod panics;
mod quota;
mod slow;
mod stalled;
mod unwritable;
mod wrong_bytes;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::client::{Client, send};

/// One part of a `multipart/form-data` body as it goes over the wire.
#[derive(Clone, Copy)]
struct Raw<'a> {
    name: &'a str,
    file_name: Option<&'a [u8]>,
    bytes: &'a [u8],
}

const BOUNDARY: &str = "batas-uji";
const MULTIPART: &str = "multipart/form-data; boundary=batas-uji";

fn metadata(json: &str) -> Raw<'_> {
    Raw { name: "metadata", file_name: None, bytes: json.as_bytes() }
}

fn file(bytes: &[u8]) -> Raw<'_> {
    Raw { name: "file", file_name: Some(b"surat.txt"), bytes }
}

/// The parts byte for byte: a client library would tidy up what is being tested.
fn multipart(parts: &[Raw<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in parts {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"", part.name).bytes());
        if let Some(name) = part.file_name {
            body.extend(b"; filename=\"");
            body.extend(name);
            body.extend(b"\"\r\nContent-Type: application/octet-stream");
        }
        body.extend(b"\r\n\r\n");
        body.extend(part.bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

fn upload(caller: &Client, parts: &[Raw<'_>]) -> RequestBuilder {
    let request = caller.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART);
    request.body(multipart(parts))
}

/// Of `Upload-Metadata`: no details, and a picture that waits for others.
const NO_DETAILS: &str = "metadata e30=";
const HELD: &str = "hold";

fn tus(caller: &Client, method: Method, path: &str) -> RequestBuilder {
    caller.request(method, path).header("Tus-Resumable", "1.0.0")
}

/// Begins a resumable upload of so many bytes; its path.
async fn begin_upload(caller: &Client, length: usize, more: &str) -> String {
    let pairs = format!("filename {},{more}", STANDARD.encode("surat.txt"));
    let request = tus(caller, Method::POST, "/api/v1/uploads").header("Upload-Length", length);
    let begun = send(request.header("Upload-Metadata", pairs)).await.is(201);
    let location = begun.header("location");
    location[location.find("/api/v1/uploads/").expect("a place of ours")..].to_owned()
}

fn append(caller: &Client, place: &str, offset: usize, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
    let request = tus(caller, Method::PATCH, place).header("Upload-Offset", offset);
    request.header("Content-Type", "application/offset+octet-stream").body(bytes)
}

/// The same refusal in both languages, each in its own words; returns the English one.
async fn refused(request: impl Fn() -> RequestBuilder, status: u16, slug: &str) -> Value {
    let english = send(request()).await.refusal(status, slug);
    let indonesian = send(request().header("Cookie", "lang=id")).await.refusal(status, slug);
    for problem in [&english, &indonesian] {
        let said = problem["detail"].as_str().unwrap_or_default();
        assert!(
            said.len() > 20 && problem["request_id"].as_str().is_some_and(|id| id.starts_with("req_")),
            "{problem}"
        );
    }
    assert_ne!(english["detail"], indonesian["detail"]);
    assert_ne!(english["title"], indonesian["title"]);
    english
}

/// How many documents an office has.
async fn documents(caller: &Client) -> usize {
    caller.get("/api/v1/documents").await.is(200).json()["items"].as_array().expect("items").len()
}

/// Whether one of the field errors points there.
fn points_at(problem: &Value, pointer: &str) -> bool {
    problem["errors"].as_array().is_some_and(|errors| errors.iter().any(|error| error["pointer"] == pointer))
}

fn letter(size: usize) -> Vec<u8> {
    let line = "Perihal perbaikan tanggul blencong\n";
    line.repeat(size / line.len() + 1).into_bytes()[..size].to_vec()
}
