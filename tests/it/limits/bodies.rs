//! Files and the parts around them.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Body, Method};
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use super::*;
use crate::support::app::{TestApp, both_stacks};
use crate::support::regency::{Actor, Stack};

async fn with_small_limit(stack: Stack) -> TestApp {
    TestApp::with(stack, &[("upload.max_bytes", "100000"), ("server.json_bytes", "10000")]).await
}

/// A body whose length is not known beforehand, in pieces.
fn streamed(bytes: Vec<u8>) -> Body {
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = bytes.chunks(8192).map(|piece| Ok(piece.to_vec())).collect();
    Body::wrap_stream(futures_util::stream::iter(pieces))
}

async fn a_file_over_the_limit(stack: Stack) {
    let app = with_small_limit(stack).await;
    let clerk = app.actor(Actor::Clerk);
    let post = || clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART);
    for size in [100_001, 3_000_000] {
        let body = multipart(&[metadata("{}"), file(&letter(size))]);
        let announced = refused(|| post().body(body.clone()), 413, "too-large").await;
        assert!(announced["detail"].as_str().is_some_and(|said| said.contains("upload.max_bytes")), "{announced}");
        refused(|| post().body(streamed(body.clone())), 413, "too-large").await;
    }
    let tus = |length: usize| {
        let request = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
        request.header("Upload-Length", length).header("Upload-Metadata", "metadata e30=")
    };
    refused(|| tus(100_001), 413, "too-large").await;
    assert_eq!(documents(&clerk).await, 0);
    let whole = upload(&clerk, &[metadata("{}"), file(&letter(100_000))]);
    assert_eq!(send(whole).await.is(201).json()["size"], 100_000, "the limit itself is allowed");
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_the_limit_is_refused_by_its_length_and_while_it_streams_embedded() {
    a_file_over_the_limit(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_the_limit_is_refused_by_its_length_and_while_it_streams_networked() {
    a_file_over_the_limit(Stack::Networked).await;
}

both_stacks!(a_body_of_other_parts_than_metadata_and_file_is_refused, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let note = || Raw { name: "note", file_name: None, bytes: b"x" };
    let bodies = [
        ("the wrong order", vec![file(b"isi"), metadata("{}")]),
        ("a foreign part first", vec![note(), metadata("{}"), file(b"isi")]),
        ("a foreign part between", vec![metadata("{}"), note(), file(b"isi")]),
        ("a part after the file", vec![metadata("{}"), file(b"isi"), note()]),
        ("a second file", vec![metadata("{}"), file(b"isi"), file(b"lain")]),
        ("metadata twice", vec![metadata("{}"), metadata("{}"), file(b"isi")]),
        ("no file", vec![metadata("{}")]),
        ("nothing", vec![]),
    ];
    for (what, parts) in &bodies {
        let problem = refused(|| upload(&clerk, parts), 422, "invalid").await;
        assert!(problem["errors"].as_array().is_some_and(|errors| !errors.is_empty()), "{what}: {problem}");
    }
    let many: Vec<Raw<'_>> =
        [metadata("{}"), file(b"isi")].into_iter().chain((0..500).map(|_| file(b"lagi"))).collect();
    refused(|| upload(&clerk, &many), 422, "invalid").await;
    let post = |kind: &'static str| {
        clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", kind).body(b"--x--".to_vec())
    };
    refused(|| post("application/json"), 415, "multipart-expected").await;
    refused(|| post("multipart/form-data"), 415, "multipart-expected").await;
    let torn = || {
        let body = multipart(&[metadata("{}"), file(&letter(5000))]);
        clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART).body(body[..3000].to_vec())
    };
    refused(torn, 400, "cut-off").await;
    assert_eq!(documents(&clerk).await, 0);
});

both_stacks!(an_empty_file_is_refused, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let problem = refused(|| upload(&clerk, &[metadata("{}"), file(b"")]), 422, "invalid").await;
    assert!(points_at(&problem, "/file"), "{problem}");
    let tus = || {
        let request = clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
        request.header("Upload-Length", 0).header("Upload-Metadata", "metadata e30=")
    };
    assert!(points_at(&refused(tus, 422, "invalid").await, "/file"));
    assert_eq!(documents(&clerk).await, 0);
});

both_stacks!(bytes_that_differ_from_their_digest_are_refused, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let body = multipart(&[metadata("{}"), file(&letter(70_000))]);
    let post = |digest: String| {
        let request = clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART);
        request.header("Content-Digest", digest).body(body.clone())
    };
    let digest = |bytes: &[u8]| STANDARD.encode(Sha256::digest(bytes));
    refused(|| post(format!("sha-256=:{}:", digest(b"other"))), 400, "digest-mismatch").await;
    for unreadable in ["sha-256", "sha-256=abc", "sha-256=:!!:", "sha-256=:AAAA:"] {
        refused(|| post(unreadable.into()), 400, "content-digest").await;
    }
    assert_eq!(documents(&clerk).await, 0);
    send(post(format!("md5=:AAAA:, sha-256=:{}:", digest(&body)))).await.is(201);
    // What stands behind the last part is of the body too, and the parser has no need of it.
    let longer = [body.as_slice(), b"behind the last part"].concat();
    let long = |digest: String| {
        let request = clerk.request(Method::POST, "/api/v1/documents").header("Content-Type", MULTIPART);
        request.header("Content-Digest", format!("sha-256=:{digest}:")).body(streamed(longer.clone()))
    };
    refused(|| long(digest(&body)), 400, "digest-mismatch").await;
    assert_eq!(documents(&clerk).await, 1);
    send(long(digest(&longer))).await.is(201);
});

both_stacks!(json_that_differs_from_its_digest_changes_nothing, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let made = clerk.upload("surat.txt", b"Perihal: tanggul".to_vec(), json!({ "title": "Lama" })).await;
    let path = format!("/api/v1/documents/{}", made["id"].as_str().expect("an id"));
    app.settled().await;
    let etag = clerk.get(&path).await.is(200).header("etag").to_owned();
    let body = json!({ "title": "Baru" }).to_string();
    let patch = |digest: String| {
        let request = clerk.request(Method::PATCH, &path).header("If-Match", &etag).header("Content-Digest", digest);
        request.header("Content-Type", "application/json").body(body.clone())
    };
    let digest = |bytes: &[u8]| format!("sha-512=:{}:", STANDARD.encode(Sha512::digest(bytes)));
    refused(|| patch(digest(b"other")), 400, "digest-mismatch").await;
    refused(|| patch("sha-512=:AAAA:".into()), 400, "content-digest").await;
    assert_eq!(clerk.get(&path).await.is(200).json()["title"], "Lama");
    assert_eq!(send(patch(digest(body.as_bytes()))).await.is(200).json()["title"], "Baru");
});

both_stacks!(a_file_name_is_cleaned_and_never_leads_anywhere, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let long = format!("{}.txt", "surat panjang ".repeat(286));
    type Holds = fn(&str) -> bool;
    let names: [(&[u8], Holds); 5] = [
        (b"../../etc/passwd", |name| name == "passwd"),
        (b"C:\\Users\\desa\\surat.txt", |name| name == "surat.txt"),
        (long.as_bytes(), |name| name.ends_with(".txt")),
        (b"..", |name| !name.is_empty() && !name.contains("..")),
        (b"", |name| !name.is_empty()),
    ];
    for (sent, is_clean) in names {
        let file = Raw { name: "file", file_name: Some(sent), bytes: b"isi\x01\x1b\x7f\0" };
        let made = send(upload(&clerk, &[metadata("{}"), file])).await.is(201).json();
        let name = made["file_name"].as_str().expect("a name");
        assert!(is_clean(name), "{} became {name:?}", sent.escape_ascii());
        assert!(name.len() <= 255 && !name.chars().any(char::is_control), "{name:?}");
        assert!(made["title"].as_str().is_some_and(|title| title.chars().count() <= 500), "{made}");
        let path = format!("/api/v1/documents/{}/content", made["id"].as_str().expect("an id"));
        assert_eq!(clerk.get(&path).await.is(200).body, b"isi\x01\x1b\x7f\0", "of the file every byte is kept");
    }
    // The parser takes no head with one of these in it; tus does, below.
    for name in [b"a\x01\x1bb.txt".as_slice(), b"a\nb.txt"] {
        let torn = Raw { name: "file", file_name: Some(name), bytes: b"isi" };
        let problem = refused(|| upload(&clerk, &[metadata("{}"), torn]), 400, "part-unreadable").await;
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains("Rename the file")), "{problem}");
    }
    let tus =
        clerk.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0").header("Upload-Length", 3);
    let name = "../../a\u{1}\u{1b}\n\u{202e}b\u{7f}.txt";
    let pairs = format!("filename {},metadata {}", STANDARD.encode(name), STANDARD.encode("{}"));
    let tus = tus.header("Upload-Metadata", pairs).header("Content-Type", "application/offset+octet-stream");
    let document = send(tus.body("isi")).await.is(201).header("lumbung-document").to_owned();
    let shown = clerk.settled(&document).await;
    assert_eq!((shown["file_name"].as_str(), shown["title"].as_str()), (Some("ab.txt"), Some("ab")), "{shown}");
});
