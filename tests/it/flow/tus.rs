//! Resumable uploads: the whole protocol, a public client, a cut link and a power cut.

use std::process::Command;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};
use tokio::io::AsyncWriteExt;

use super::{holds, id};
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::{Answer, Client, send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::{server, tools};

const OFFSET: &str = "application/offset+octet-stream";

fn pairs(name: &str, metadata: &Value) -> String {
    format!("filename {},metadata {}", STANDARD.encode(name), STANDARD.encode(metadata.to_string()))
}

fn tus(caller: &Client, method: Method, path: &str) -> reqwest::RequestBuilder {
    caller.request(method, path).header("Tus-Resumable", "1.0.0")
}

async fn begin(caller: &Client, length: usize, pairs: &str) -> String {
    let request = tus(caller, Method::POST, "/api/v1/uploads").header("Upload-Length", length);
    place(&send(request.header("Upload-Metadata", pairs)).await.is(201))
}

/// The path of an upload, wherever the server listens after a restart.
fn place(begun: &Answer) -> String {
    let location = begun.header("location");
    location[location.find("/api/v1/uploads/").expect("a place of ours")..].to_owned()
}

async fn go_on(caller: &Client, place: &str, offset: usize, bytes: &[u8]) -> Answer {
    let request = tus(caller, Method::PATCH, place).header("Upload-Offset", offset).header("Content-Type", OFFSET);
    send(request.body(bytes.to_vec())).await
}

async fn offset(caller: &Client, place: &str) -> usize {
    let head = send(tus(caller, Method::HEAD, place)).await.is(200);
    assert_eq!(head.header("cache-control"), "no-store");
    head.header("upload-offset").parse().expect("a number")
}

fn letter(size: usize) -> Vec<u8> {
    let line = "Perihal perbaikan tanggul blencong\n";
    line.repeat(size / line.len() + 1).into_bytes()[..size].to_vec()
}

async fn documents(caller: &Client) -> usize {
    caller.get("/api/v1/documents").await.is(200).json()["items"].as_array().expect("items").len()
}

both_stacks!(an_upload_in_pieces_becomes_the_document, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(3000);
    let able = send(app.nobody().request(Method::OPTIONS, "/api/v1/uploads")).await.is(204);
    assert_eq!(able.header("tus-version"), "1.0.0");
    for extension in ["creation", "creation-with-upload", "expiration", "checksum", "termination"] {
        assert!(able.header("tus-extension").split(',').any(|known| known == extension), "{extension}");
    }
    let algorithms: Vec<&str> = able.header("tus-checksum-algorithm").split(',').collect();
    assert_eq!(algorithms, ["sha1", "sha256", "sha512"], "the protocol demands the first");
    let place = begin(&clerk, bytes.len(), &pairs("../surat.txt", &json!({ "title": "Tanggul" }))).await;
    assert_eq!(offset(&clerk, &place).await, 0);
    let first = go_on(&clerk, &place, 0, &bytes[..1000]).await.is(204);
    assert_eq!((first.header("upload-offset"), first.header("lumbung-document")), ("1000", ""));
    assert!(first.header("upload-expires").ends_with(" GMT"), "{}", first.header("upload-expires"));
    assert_eq!(documents(&clerk).await, 0, "what is not complete is not there");
    go_on(&clerk, &place, 500, &bytes[500..]).await.refusal(409, "upload-offset");
    go_on(&clerk, &place, 2000, &bytes[2000..]).await.refusal(409, "upload-offset");
    let last = go_on(&clerk, &place, 1000, &bytes[1000..]).await.is(204);
    let document = last.header("lumbung-document").to_owned();
    let shown = clerk.settled(&document).await;
    assert_eq!((&shown["title"], &shown["file_name"]), (&json!("Tanggul"), &json!("surat.txt")));
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
    assert_eq!(clerk.finds("blencong").await, [document.as_str()]);
    let head = send(tus(&clerk, Method::HEAD, &place)).await.is(200);
    assert_eq!(head.header("lumbung-document"), document, "asked again it names the same document");
    assert_eq!(documents(&clerk).await, 1);
    let again = begin(&clerk, bytes.len(), &pairs("lagi.txt", &json!({}))).await;
    let again = go_on(&clerk, &again, 0, &bytes).await.is(204).header("lumbung-document").to_owned();
    let shown = clerk.get(&format!("/api/v1/documents/{again}")).await.is(200).json();
    assert_eq!(shown["duplicate_of"], document, "the headers of an upload cannot tell it, the document does");
});

both_stacks!(creation_with_upload_and_checksums_keep_only_what_arrived_whole, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(2000);
    let request = tus(&clerk, Method::POST, "/api/v1/uploads").header("Upload-Length", bytes.len());
    let request = request.header("Upload-Metadata", pairs("a.txt", &json!({}))).header("Content-Type", OFFSET);
    let begun = send(request.body(bytes[..700].to_vec())).await.is(201);
    assert_eq!(begun.header("upload-offset"), "700");
    let place = place(&begun);
    let checked = |algorithm: &str, digest: &[u8], from: usize, to: usize| {
        let request = tus(&clerk, Method::PATCH, &place).header("Upload-Offset", from).header("Content-Type", OFFSET);
        let checksum = format!("{algorithm} {}", STANDARD.encode(digest));
        send(request.header("Upload-Checksum", checksum).body(bytes[from..to].to_vec()))
    };
    checked("sha256", &Sha256::digest(b"other"), 700, 2000).await.refusal(460, "checksum-mismatch");
    checked("sha512", &Sha512::digest(b"other"), 700, 2000).await.refusal(460, "checksum-mismatch");
    assert_eq!(offset(&clerk, &place).await, 700, "nothing of a damaged piece is kept");
    checked("md5", b"AAA", 700, 2000).await.refusal(400, "upload-checksum");
    let more = checked("sha512", &Sha512::digest(&bytes[700..1200]), 700, 1200).await.is(204);
    assert_eq!(more.header("upload-offset"), "1200");
    let done = checked("sha256", &Sha256::digest(&bytes[1200..]), 1200, 2000).await.is(204);
    let path = format!("/api/v1/documents/{}/content", done.header("lumbung-document"));
    assert_eq!(clerk.get(&path).await.is(200).body, bytes);
});

/// A request that begins an upload of 2000 bytes and brings some.
fn begin_with(caller: &Client, bytes: &[u8]) -> reqwest::RequestBuilder {
    let request = tus(caller, Method::POST, "/api/v1/uploads").header("Upload-Length", 2000);
    let request = request.header("Upload-Metadata", pairs("a.txt", &json!({}))).header("Content-Type", OFFSET);
    request.body(bytes.to_vec())
}

async fn uploads(app: &TestApp) -> i64 {
    let row: Option<(i64,)> = app.app.db.one("SELECT count(*) FROM upload", vec![]).await.expect("it answers");
    row.expect("a row").0
}

both_stacks!(of_a_part_that_differs_from_its_content_digest_nothing_is_kept, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(2000);
    let sha256 = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    let begin = |digest: &str| send(begin_with(&clerk, &bytes[..700]).header("Content-Digest", digest));
    begin(&sha256(b"other")).await.refusal(400, "digest-mismatch");
    begin("sha-256=:AAAA:").await.refusal(400, "content-digest");
    assert_eq!(uploads(app).await, 0, "not even an upload whose address nobody knows");
    let begun = begin(&sha256(&bytes[..700])).await.is(201);
    assert_eq!(begun.header("upload-offset"), "700");
    let place = place(&begun);
    let go_on = |digest: &str| {
        let request = tus(&clerk, Method::PATCH, &place).header("Upload-Offset", 700).header("Content-Type", OFFSET);
        send(request.header("Content-Digest", digest).body(bytes[700..].to_vec()))
    };
    go_on(&sha256(b"other")).await.refusal(400, "digest-mismatch");
    go_on("sha-256=:AAAA:").await.refusal(400, "content-digest");
    assert_eq!(offset(&clerk, &place).await, 700);
    let sha512 = format!("md5=:AAAA:, sha-512=:{}:", STANDARD.encode(Sha512::digest(&bytes[700..])));
    let done = go_on(&sha512).await.is(204);
    let path = format!("/api/v1/documents/{}/content", done.header("lumbung-document"));
    assert_eq!(clerk.get(&path).await.is(200).body, bytes);
});

both_stacks!(an_upload_that_is_begun_again_with_the_same_key_is_the_same_upload, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let begin = |caller: &Client, length: usize, key: &str| {
        let request = tus(caller, Method::POST, "/api/v1/uploads").header("Upload-Length", length);
        send(request.header("Upload-Metadata", pairs("a.txt", &json!({}))).header("Idempotency-Key", key))
    };
    let first = begin(&clerk, 2000, "kunci").await.is(201);
    let place = place(&first);
    go_on(&clerk, &place, 0, &letter(700)).await.is(204);
    let again = begin(&clerk, 2000, "kunci").await.is(201);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(again.header("upload-offset"), "700", "how far it is by now");
    begin(&clerk, 2001, "kunci").await.refusal(422, "idempotency-key-reused");
    begin(&app.actor(Actor::Head), 2000, "kunci").await.refusal(422, "idempotency-key-reused");
    begin(&clerk, 2000, "dua kata").await.refusal(400, "idempotency-key");
    begin(&app.actor(Actor::OtherClerk), 2000, "kunci").await.is(201);
    assert_eq!(uploads(app).await, 2, "one of each office");
    let done = go_on(&clerk, &place, 700, &letter(2000)[700..]).await.is(204);
    let again = begin(&clerk, 2000, "kunci").await.is(201);
    assert_eq!(again.header("lumbung-document"), done.header("lumbung-document"));
    send(tus(&clerk, Method::DELETE, &place)).await.is(204);
    let again = begin(&clerk, 2000, "kunci").await.is(201);
    assert_eq!((again.header("location"), again.header("upload-offset")), (first.header("location"), ""));
    send(tus(&clerk, Method::HEAD, &place)).await.is(404);
    assert_eq!(documents(&clerk).await, 1);
    app.settled().await;
});

both_stacks!(a_beginning_that_is_cut_is_found_again_by_its_key, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(2000);
    let more =
        format!("Upload-Length: 2000\r\nUpload-Metadata: {}\r\nIdempotency-Key: kunci\r\n", pairs("a.txt", &json!({})));
    cut(&app.base, &clerk.account().token, "POST /api/v1/uploads", &more, 2000, &bytes[..700]).await;
    let mut found = send(begin_with(&clerk, &bytes).header("Idempotency-Key", "kunci")).await.is(201);
    for _ in 0..100 {
        if found.header("upload-offset") != "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = send(begin_with(&clerk, &bytes).header("Idempotency-Key", "kunci")).await.is(201);
    }
    assert_eq!(found.header("upload-offset"), "700", "what the cut left, and nothing that the repeat brought");
    assert_eq!(uploads(app).await, 1);
    let done = go_on(&clerk, &place(&found), 700, &bytes[700..]).await.is(204);
    let path = format!("/api/v1/documents/{}/content", done.header("lumbung-document"));
    assert_eq!(clerk.get(&path).await.is(200).body, bytes);
});

both_stacks!(an_upload_belongs_to_whoever_began_it_until_it_ends_or_expires, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let place = begin(&clerk, 100, &pairs("a.txt", &json!({}))).await;
    for actor in [Actor::OtherClerk, Actor::Head] {
        let stranger = app.actor(actor);
        assert_eq!(send(tus(&stranger, Method::HEAD, &place)).await.status, 404, "{actor:?}");
        go_on(&stranger, &place, 0, b"x").await.refusal(404, "not-found");
        send(tus(&stranger, Method::DELETE, &place)).await.refusal(404, "not-found");
    }
    send(clerk.request(Method::HEAD, &place)).await.is(412);
    go_on(&clerk, &place, 0, &letter(60)).await.is(204);
    let longer = go_on(&clerk, &place, 60, &letter(60)).await;
    longer.refusal(413, "too-large");
    send(tus(&clerk, Method::DELETE, &place)).await.is(204);
    send(tus(&clerk, Method::HEAD, &place)).await.is(404);
    let old = begin(&clerk, 100, &pairs("b.txt", &json!({}))).await;
    go_on(&clerk, &old, 0, &letter(60)).await.is(204);
    app.clock.advance(Duration::from_secs(49 * 3600));
    send(tus(&clerk, Method::HEAD, &old)).await.is(404);
    go_on(&clerk, &old, 60, &letter(40)).await.refusal(404, "not-found");
    assert_eq!(documents(&clerk).await, 0);
});

both_stacks!(mistakes_in_the_details_are_told_before_the_first_byte, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let ask = |length: &'static str, pairs: String| {
        let request = tus(&clerk, Method::POST, "/api/v1/uploads").header("Upload-Length", length);
        send(request.header("Upload-Metadata", pairs))
    };
    ask("10", pairs("a.txt", &json!({ "titel": "x" }))).await.refusal(422, "invalid");
    ask("10", format!("filename {}", STANDARD.encode("a.txt"))).await.refusal(422, "invalid");
    ask("10", "metadata !!".into()).await.refusal(400, "upload-metadata");
    ask("99999999999999", pairs("a.txt", &json!({}))).await.refusal(413, "too-large");
    ask("banyak", pairs("a.txt", &json!({}))).await.refusal(400, "upload-length");
});

both_stacks!(two_last_pieces_at_once_make_one_document, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(2000);
    let place = begin(&clerk, bytes.len(), &pairs("a.txt", &json!({}))).await;
    go_on(&clerk, &place, 0, &bytes[..1000]).await.is(204);
    let (one, two) =
        tokio::join!(go_on(&clerk, &place, 1000, &bytes[1000..]), go_on(&clerk, &place, 1000, &bytes[1000..]));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "{} {}", one.text(), two.text());
    assert_eq!(documents(&clerk).await, 1);
});

both_stacks!(held_photographs_become_one_pdf_with_each_photograph_unchanged, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let photographs = [photograph(40), photograph(200)];
    let mut uploads = Vec::new();
    for bytes in &photographs {
        let place = begin(&clerk, bytes.len(), &format!("filename {},hold", STANDARD.encode("foto.jpg"))).await;
        let held = go_on(&clerk, &place, 0, bytes).await.is(204);
        assert_eq!(held.header("lumbung-document"), "", "it waits");
        let upload = place.rsplit('/').next().expect("an id").to_owned();
        uploads.push(json!({ "id": upload, "turn": 0 }));
    }
    let ask = json!({ "metadata": { "title": "Dua halaman" }, "uploads": uploads });
    let made = clerk.post("/api/v1/documents/from-uploads", ask.clone()).await.is(201).json();
    assert_eq!((&made["title"], &made["media_type"]), (&json!("Dua halaman"), &json!("application/pdf")));
    let pdf = clerk.get(&format!("/api/v1/documents/{}/content", id(&made))).await.is(200).body;
    for bytes in &photographs {
        assert!(pdf.windows(bytes.len()).any(|part| part == bytes.as_slice()), "a photograph was changed");
    }
    assert!(holds(&pdf, "%PDF-"));
    assert_eq!(clerk.settled(&id(&made)).await["pages"], 2);
    clerk.post("/api/v1/documents/from-uploads", ask).await.refusal(404, "not-found");
    let noted = app.noted("document.upload").await;
    assert_eq!((noted.len(), &noted[0]["object"]), (1, &made["id"]), "{noted:?}");
});

#[tokio::test(flavor = "multi_thread")]
async fn one_photograph_named_a_hundred_times_is_refused_before_it_is_opened() {
    let app = TestApp::with(Stack::Embedded, &[("reading.max_input_bytes", "1048576")]).await;
    let clerk = app.actor(Actor::Clerk);
    let bytes = [photograph(40), vec![0; 100_000]].concat();
    let place = begin(&clerk, bytes.len(), &format!("filename {},hold", STANDARD.encode("foto.jpg"))).await;
    go_on(&clerk, &place, 0, &bytes).await.is(204);
    let upload = place.rsplit('/').next().expect("an id");
    let uploads = vec![json!({ "id": upload, "turn": 0 }); 20];
    let ask = json!({ "metadata": {}, "uploads": uploads });
    let refused = clerk.post("/api/v1/documents/from-uploads", ask).await.refusal(422, "invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/uploads");
    assert!(refused["errors"][0]["detail"].as_str().is_some_and(|said| said.contains("reading.max_input_bytes")));
    app.finish().await;
}

fn photograph(shade: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(120, 160, |x, y| image::Rgb([shade, x as u8, y as u8]));
    crate::reading::support::encoded(&picture, image::ImageFormat::Jpeg)
}

/// Stops in the middle, then a second client of the same kind goes on from the stored address.
const PUBLIC_CLIENT: &str = r#"
import sys
from tusclient import client
url, token, path = sys.argv[1:4]
tus = client.TusClient(url, headers={"Authorization": "Bearer " + token})
metadata = {"filename": "surat.txt", "metadata": '{"title": "Dari tuspy"}'}
first = tus.uploader(path, chunk_size=1000, metadata=metadata, upload_checksum=True)
first.upload(stop_at=2000)
second = tus.uploader(path, url=first.url, chunk_size=1500, upload_checksum=True)
assert second.offset == 2000, second.offset
second.upload()
print(second.request.response_headers["lumbung-document"])
"#;

both_stacks!(a_public_client_uploads_and_goes_on_where_it_stopped, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let file = server::scratch("tuspy").join("surat.txt");
    let bytes = letter(5000);
    std::fs::write(&file, &bytes).expect("our folder");
    let mut python = Command::new(tools::python());
    python.arg("-c").arg(PUBLIC_CLIENT).arg(format!("{}/api/v1/uploads", app.base));
    python.arg(&clerk.account().token).arg(&file);
    let done = tokio::task::spawn_blocking(move || python.output()).await.expect("waited").expect("python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let document = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    assert_eq!(clerk.settled(&document).await["title"], "Dari tuspy");
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
});

/// A PATCH whose link breaks after `sent` of `length` bytes.
async fn cut_patch(base: &str, token: &str, place: &str, from: usize, length: usize, sent: &[u8]) {
    cut(base, token, &format!("PATCH {place}"), &format!("Upload-Offset: {from}\r\n"), length, sent).await;
}

/// A request whose link breaks after `sent` of `length` bytes.
async fn cut(base: &str, token: &str, request: &str, more: &str, length: usize, sent: &[u8]) {
    let address = base.strip_prefix("http://").expect("plain");
    let mut link = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "{request} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n\
         {more}Content-Type: {OFFSET}\r\nContent-Length: {length}\r\n\r\n"
    );
    link.write_all(head.as_bytes()).await.expect("sent");
    link.write_all(sent).await.expect("sent");
    link.flush().await.expect("sent");
    // The server reads what lies in its buffers before it learns of the end.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

both_stacks!(a_cut_link_keeps_what_arrived, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter(20_000);
    let place = begin(&clerk, bytes.len(), &pairs("a.txt", &json!({}))).await;
    cut_patch(&app.base, &clerk.account().token, &place, 0, bytes.len(), &bytes[..7000]).await;
    let mut kept = 0;
    for _ in 0..100 {
        kept = offset(&clerk, &place).await;
        if kept > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(kept, 7000, "all that was sent is kept");
    let done = go_on(&clerk, &place, kept, &bytes[kept..]).await.is(204);
    let path = format!("/api/v1/documents/{}/content", done.header("lumbung-document"));
    assert_eq!(clerk.get(&path).await.is(200).body, bytes);
});

async fn goes_on_after_a_power_cut(stack: Stack) {
    let mut program = Program::start(stack, &[("upload.part_bytes", "65536")]).await;
    let clerk = program.actor(Actor::Clerk);
    let bytes = letter(400_000);
    let place = begin(&clerk, bytes.len(), &pairs("a.txt", &json!({}))).await;
    go_on(&clerk, &place, 0, &bytes[..100_000]).await.is(204);
    let (base, token) = (program.base.clone(), clerk.account().token.clone());
    cut_patch(&base, &token, &place, 100_000, 300_000, &bytes[100_000..300_000]).await;
    let told = offset(&clerk, &place).await;
    assert!(told >= 100_000, "{told}");
    program.cut_and_restart().await;
    let clerk = program.actor(Actor::Clerk);
    let kept = offset(&clerk, &place).await;
    assert!(kept >= told, "{kept} after {told} was told");
    let done = go_on(&clerk, &place, kept, &bytes[kept..]).await.is(204);
    let document = done.header("lumbung-document").to_owned();
    program.cut_and_restart().await;
    let clerk = program.actor(Actor::Clerk);
    assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
    assert_eq!(documents(&clerk).await, 1);
    assert_eq!(clerk.settled(&document).await["state"], "ready", "what was promised is read after the cut");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_power_cut_embedded() {
    goes_on_after_a_power_cut(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_power_cut_networked() {
    goes_on_after_a_power_cut(Stack::Networked).await;
}
