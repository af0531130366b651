//! Resumable uploads by an upload-only link: the limits hold, a cut goes on, and nothing of the office is told.

use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::TryStreamExt;
use lumbung::blob::Prefix;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::drops::{drop_terms, way};
use super::*;
use crate::support::program::Program;
use crate::support::{server, tools};

const OFFSET: &str = "application/offset+octet-stream";

/// A sender: an address and its secret, no account.
#[derive(Clone)]
struct Sender {
    nobody: Client,
    public: String,
    secret: String,
}

impl Sender {
    fn of(nobody: Client, made: &Value) -> Sender {
        let (public, secret) = way(made);
        Sender { nobody, public, secret }
    }

    fn files(&self) -> String {
        format!("/api/v1/drops/{}/files", self.public)
    }

    fn tus(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.nobody.request(method, path).header("Tus-Resumable", "1.0.0").header("Lumbung-Secret", &self.secret)
    }

    async fn try_begin(&self, name: &str, length: usize) -> Answer {
        let request = self.tus(Method::POST, &self.files()).header("Upload-Length", length);
        send(request.header("Upload-Metadata", format!("filename {}", STANDARD.encode(name)))).await
    }

    async fn begin(&self, name: &str, length: usize) -> String {
        place(&self.try_begin(name, length).await.is(201))
    }

    async fn go_on(&self, place: &str, offset: usize, bytes: &[u8]) -> Answer {
        let request = self.tus(Method::PATCH, place).header("Upload-Offset", offset).header("Content-Type", OFFSET);
        send(request.body(bytes.to_vec())).await
    }

    async fn head(&self, place: &str) -> Answer {
        send(self.tus(Method::HEAD, place)).await
    }
}

fn place(begun: &Answer) -> String {
    let location = begun.header("location");
    location[location.find("/api/v1/drops/").expect("a place of ours")..].to_owned()
}

async fn drop_box(owner: &Client, app: &TestApp, extra: Value) -> Value {
    owner.post("/api/v1/drops", drop_terms(app, extra)).await.is(201).json()
}

async fn counted(owner: &Client, made: &Value) -> (i64, i64) {
    let seen = owner.get(&format!("/api/v1/drops/{}", made["id"].as_str().expect("an id"))).await.is(200).json();
    (seen["files"].as_i64().expect("a number"), seen["bytes"].as_i64().expect("a number"))
}

both_stacks!(a_sender_uploads_in_pieces_and_gets_a_receipt, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let bytes = letter_pdf(&["Laporan tanggul blencong"]);
    village.upload_and_read("ada.pdf", bytes.clone(), json!({})).await;
    let made = drop_box(&village, app, json!({ "types": ["pdf"] })).await;
    let sender = Sender::of(app.nobody(), &made);
    let able = send(app.nobody().request(Method::OPTIONS, &sender.files())).await.is(204);
    assert!(able.header("tus-extension").contains("creation-with-upload"));

    let note = json!({ "sender": "Karang Taruna", "note": "Laporan bulan ini" }).to_string();
    let pairs = format!("filename {},metadata {}", STANDARD.encode("../laporan.pdf"), STANDARD.encode(note));
    let request = sender.tus(Method::POST, &sender.files()).header("Upload-Length", bytes.len());
    let request = request.header("Upload-Metadata", pairs).header("Content-Type", OFFSET);
    let begun = send(request.body(bytes[..200].to_vec())).await.is(201);
    assert_eq!(begun.header("upload-offset"), "200");
    let place = place(&begun);
    let asked = sender.head(&place).await.is(200);
    assert_eq!((asked.header("upload-offset"), asked.header("upload-length")), ("200", &*bytes.len().to_string()));
    assert_eq!(asked.header("cache-control"), "no-store");
    send(sender.tus(Method::GET, &place)).await.refusal(404, "not-found");
    sender.go_on(&place, 100, &bytes[100..]).await.refusal(409, "upload-offset");
    assert_eq!(counted(&village, &made).await, (0, 0), "what is not whole counts nothing");

    let last = sender.go_on(&place, 200, &bytes[200..]).await.is(204);
    assert_eq!(last.header("lumbung-document"), "", "a sender learns no id");
    let receipt = send(sender.tus(Method::GET, &place)).await.is(200).json();
    let fields: Vec<&String> = receipt.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["file_name", "fingerprint", "received_at", "size"], "nothing of what the office has");
    assert_eq!((&receipt["file_name"], &receipt["size"]), (&json!("laporan.pdf"), &json!(bytes.len())));
    assert_eq!(last.header("lumbung-fingerprint"), receipt["fingerprint"].as_str().expect("a text"));
    assert_eq!(sender.head(&place).await.is(200).header("lumbung-fingerprint"), last.header("lumbung-fingerprint"));
    assert_eq!(counted(&village, &made).await, (1, bytes.len() as i64), "asked again it is counted once");
    let listed = village.get("/api/v1/documents").await.is(200).json();
    let dropped = listed["items"].as_array().expect("items").iter().find(|one| one["origin"] == "drop");
    let dropped = dropped.expect("it is in the office's archive");
    assert_eq!((&dropped["sender"], &dropped["summary"]), (&json!("Karang Taruna"), &json!("Laporan bulan ini")));
    let noted = app.noted("document.upload").await;
    assert_eq!((&noted[0]["object"], &noted[0]["person"]), (&dropped["id"], &Value::Null), "{noted:?}");
    assert_eq!((&noted[0]["detail"]["drop"], &noted[0]["network"]), (&made["id"], &json!("127.0.0.0/24")), "{noted:?}");
    app.settled().await;
});

both_stacks!(every_request_shows_the_secret_and_the_password, async |app: &TestApp| {
    let (village, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let made = drop_box(&village, app, json!({ "password": "padi sawah" })).await;
    let sender = Sender::of(app.nobody(), &made);
    let with = |request: reqwest::RequestBuilder| request.header("Lumbung-Password", "padi sawah");
    let begin = || sender.tus(Method::POST, &sender.files()).header("Upload-Length", 10);
    send(begin()).await.refusal(401, "link-password");
    let place = place(&send(with(begin())).await.is(201));
    sender.go_on(&place, 0, b"0123456789").await.refusal(401, "link-password");
    sender.head(&place).await.is(401);
    let stranger = Sender { secret: "0".repeat(32), ..sender.clone() };
    stranger.go_on(&place, 0, b"0123456789").await.refusal(404, "link-unusable");
    send(stranger.tus(Method::DELETE, &place)).await.refusal(404, "link-unusable");
    // An upload belongs to its link: neither another link nor the office's own calls reach it.
    let elsewhere = Sender::of(app.nobody(), &drop_box(&other, app, json!({})).await);
    let id = place.rsplit('/').next().expect("an id");
    elsewhere.go_on(&format!("{}/{id}", elsewhere.files()), 0, b"0").await.refusal(404, "not-found");
    let own = village.request(Method::HEAD, &format!("/api/v1/uploads/{id}")).header("Tus-Resumable", "1.0.0");
    send(own).await.is(404);
    send(with(sender.nobody.request(Method::HEAD, &place)).header("Lumbung-Secret", &sender.secret)).await.is(412);
    let whole = sender.tus(Method::PATCH, &place).header("Upload-Offset", 0).header("Content-Type", OFFSET);
    send(with(whole).body("0123456789")).await.is(204);
    let hold = begin().header("Upload-Metadata", "hold");
    send(with(hold)).await.refusal(422, "invalid");
    send(with(begin()).header("Upload-Metadata", format!("metadata {}", STANDARD.encode(r#"{"title":"x"}"#))))
        .await
        .refusal(422, "invalid");
});

both_stacks!(the_limits_of_the_link_hold_for_files_in_pieces, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({ "types": ["pdf"], "max_files": 1, "max_bytes": 50_000 })).await;
    let sender = Sender::of(app.nobody(), &made);
    sender.try_begin("besar.pdf", 50_001).await.refusal(413, "too-large");
    let picture = sender.begin("gambar.pdf", 9).await;
    sender.go_on(&picture, 0, b"not a pdf").await.refusal(415, "type-not-accepted");
    sender.head(&picture).await.is(404);
    assert_eq!(counted(&village, &made).await, (0, 0));

    let bytes = letter_pdf(&["Laporan"]);
    let (one, two) = (sender.begin("a.pdf", bytes.len()).await, sender.begin("b.pdf", bytes.len()).await);
    let (first, second) = tokio::join!(sender.go_on(&one, 0, &bytes), sender.go_on(&two, 0, &bytes));
    let (won, lost, winner, loser) =
        if first.status == 204 { (first, second, &one, &two) } else { (second, first, &two, &one) };
    won.is(204);
    lost.refusal(413, "too-large");
    assert_eq!(counted(&village, &made).await, (1, bytes.len() as i64));
    // The link is full, and whoever brought the last file can still ask what became of it.
    sender.head(winner).await.is(200);
    send(sender.tus(Method::GET, winner)).await.is(200);
    sender.head(loser).await.is(404);
    sender.try_begin("c.pdf", 10).await.refusal(404, "link-unusable");
    app.settled().await;
});

both_stacks!(a_senders_parts_are_compared_and_a_repeat_begins_no_other_upload, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({})).await;
    let sender = Sender::of(app.nobody(), &made);
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    let begin = |key: &str, length: usize, digest: String| {
        let request = sender.tus(Method::POST, &sender.files()).header("Upload-Length", length);
        let request = request.header("Idempotency-Key", key).header("Content-Digest", digest);
        send(request.header("Content-Type", OFFSET).body(vec![7; 500]))
    };
    begin("lain", 2000, digest(b"other")).await.refusal(400, "digest-mismatch");
    let begun = begin("kunci", 2000, digest(&[7; 500])).await.is(201);
    let again = begin("kunci", 2000, digest(&[7; 500])).await.is(201);
    assert_eq!((again.header("location"), again.header("upload-offset")), (begun.header("location"), "500"));
    begin("kunci", 2001, digest(&[7; 500])).await.refusal(422, "idempotency-key-reused");
    let place = place(&begun);
    let patch = sender.tus(Method::PATCH, &place).header("Upload-Offset", 500).header("Content-Type", OFFSET);
    let patch = patch.header("Content-Digest", digest(b"other")).body(vec![7; 1500]);
    send(patch).await.refusal(400, "digest-mismatch");
    sender.go_on(&place, 500, &[7; 1500]).await.is(204);
    assert_eq!(counted(&village, &made).await, (1, 2000));
    app.settled().await;
});

both_stacks!(two_last_pieces_at_once_are_counted_once, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({ "max_files": 1 })).await;
    let sender = Sender::of(app.nobody(), &made);
    let place = sender.begin("a.bin", 2000).await;
    sender.go_on(&place, 0, &[7; 1000]).await.is(204);
    let (one, two) = tokio::join!(sender.go_on(&place, 1000, &[7; 1000]), sender.go_on(&place, 1000, &[7; 1000]));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409], "{} {}", one.text(), two.text());
    let (one, two) = tokio::join!(sender.head(&place), sender.head(&place));
    assert_eq!((one.status, two.status), (200, 200));
    assert_eq!(counted(&village, &made).await, (1, 2000));
});

both_stacks!(a_sender_whose_part_is_gone_is_told_to_begin_again, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({})).await;
    let sender = Sender::of(app.nobody(), &made);
    let place = sender.begin("a.bin", 2000).await;
    sender.go_on(&place, 0, &[7; 1000]).await.is(204);
    let part: Vec<_> = app.app.store.list(Prefix::Parts).try_collect().await.expect("the store lists");
    app.app.store.delete(&part[0].name().expect("a part")).await.expect("it is lost");
    sender.go_on(&place, 1000, &[7; 1000]).await.refusal(410, "upload-damaged");
    sender.head(&place).await.is(410);
    assert_eq!(counted(&village, &made).await, (0, 0), "what is lost counts nothing");
    let again = sender.begin("a.bin", 2000).await;
    sender.go_on(&again, 0, &[7; 2000]).await.is(204);
    assert_eq!(counted(&village, &made).await, (1, 2000));
    app.settled().await;
});

both_stacks!(strangers_cannot_use_up_the_uploads_of_the_office, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({ "max_bytes": 1000 })).await;
    let sender = Sender::of(app.nobody(), &made);
    sender.begin("a.bin", 900).await;
    let second = sender.begin("a.bin", 900).await;
    sender.try_begin("a.bin", 900).await.refusal(429, "too-many-uploads");
    send(sender.tus(Method::DELETE, &second)).await.is(204);
    sender.begin("a.bin", 900).await;
    let own = village.request(Method::POST, "/api/v1/uploads").header("Tus-Resumable", "1.0.0");
    let own = own.header("Upload-Length", 10).header("Upload-Metadata", format!("metadata {}", STANDARD.encode("{}")));
    send(own).await.is(201);
});

both_stacks!(a_revoked_link_stops_what_is_on_its_way, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({})).await;
    let sender = Sender::of(app.nobody(), &made);
    let place = sender.begin("a.bin", 2000).await;
    sender.go_on(&place, 0, &[7; 1000]).await.is(204);
    village.delete(&format!("/api/v1/drops/{}", made["id"].as_str().expect("an id"))).await.is(204);
    sender.go_on(&place, 1000, &[7; 1000]).await.refusal(404, "link-unusable");
    sender.head(&place).await.is(404);
    let listed = village.get("/api/v1/documents").await.is(200).json();
    assert_eq!(listed["items"], json!([]), "nothing came of it");

    let made = drop_box(&village, app, json!({})).await;
    let sender = Sender::of(app.nobody(), &made);
    let place = sender.begin("a.bin", 2000).await;
    app.clock.advance(DAY + Duration::from_secs(1));
    sender.go_on(&place, 0, &[7; 2000]).await.refusal(404, "link-unusable");
});

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_link_stops_one_long_request_in_its_midst() {
    let app = TestApp::with(Stack::Embedded, &[("upload.part_bytes", "65536")]).await;
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, &app, json!({ "max_bytes": 10_000_000 })).await;
    let sender = Sender::of(app.nobody(), &made);
    let place = sender.begin("a.bin", 4_000_000).await;
    let (more, pieces) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(pieces, |mut pieces| async move { Some((pieces.recv().await?, pieces)) });
    let body = reqwest::Body::wrap_stream(body);
    let request = sender.tus(Method::PATCH, &place).header("Upload-Offset", 0).header("Content-Type", OFFSET);
    let sending = tokio::spawn(request.body(body).send());
    for _ in 0..4 {
        more.send(Ok(vec![7; 65_536])).await.expect("it takes them");
    }
    village.delete(&format!("/api/v1/drops/{}", made["id"].as_str().expect("an id"))).await.is(204);
    let mut sent = 0;
    while more.send(Ok(vec![7; 65_536])).await.is_ok() && sent < 56 {
        sent += 1;
    }
    drop(more);
    // Who is still sending when the answer comes may only see that the connection ends.
    if let Ok(answer) = sending.await.expect("it ends") {
        assert_eq!(answer.status().as_u16(), 404);
    }
    let sql = "SELECT CAST(COALESCE(MAX(received), 0) AS BIGINT) FROM upload";
    let kept: Option<(i64,)> = app.app.db.one(sql, vec![]).await.expect("the database answers");
    assert!(kept.is_some_and(|(kept,)| kept < 4_000_000), "{kept:?}");
    app.finish().await;
}

/// Stops in the middle, then a second client of the same kind goes on from the stored address.
const PUBLIC_CLIENT: &str = r#"
import sys
from tusclient import client
url, secret, path = sys.argv[1:4]
tus = client.TusClient(url, headers={"Lumbung-Secret": secret})
first = tus.uploader(path, chunk_size=1000, metadata={"filename": "laporan.txt"}, upload_checksum=True)
first.upload(stop_at=2000)
second = tus.uploader(path, url=first.url, chunk_size=1500, upload_checksum=True)
assert second.offset == 2000, second.offset
second.upload()
print(second.request.response_headers["lumbung-fingerprint"])
"#;

both_stacks!(a_public_client_brings_a_file_and_goes_on_where_it_stopped, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let made = drop_box(&village, app, json!({})).await;
    let (public, secret) = way(&made);
    let file = server::scratch("tuspy-drop").join("laporan.txt");
    std::fs::write(&file, "Perihal perbaikan tanggul blencong\n".repeat(150)).expect("our folder");
    let mut python = Command::new(tools::python());
    python.arg("-c").arg(PUBLIC_CLIENT).arg(format!("{}/api/v1/drops/{public}/files", app.base)).arg(secret).arg(&file);
    let done = tokio::task::spawn_blocking(move || python.output()).await.expect("waited").expect("python runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("sha256:"));
    assert_eq!(counted(&village, &made).await.0, 1);
    app.settled().await;
});

#[tokio::test(flavor = "multi_thread")]
async fn a_senders_upload_goes_on_after_a_power_cut_and_no_log_names_the_link() {
    let mut program = Program::start(Stack::Embedded, &[("upload.part_bytes", "65536"), ("log.level", "info")]).await;
    let village = program.actor(Actor::Clerk);
    let until = lumbung::clock::Clock::default().now().plus(DAY).rfc3339();
    let terms = json!({ "label": "Laporan", "expires_at": until, "max_files": 1, "max_bytes": 1_000_000 });
    let made = village.post("/api/v1/drops", terms).await.is(201).json();
    let sender = Sender::of(Client::nobody(&program.base), &made);
    let bytes: Vec<u8> = (0..400_000u32).map(|at| (at / 7) as u8).collect();
    let place = sender.begin("a.bin", bytes.len()).await;
    cut_patch(&program.base, &sender, &place, bytes.len(), &bytes[..200_000]).await;
    let told: usize = sender.head(&place).await.is(200).header("upload-offset").parse().expect("a number");
    assert!(told >= 131_072, "{told}");
    let log = program.output();
    program.cut_and_restart().await;
    let kept: usize = sender.head(&place).await.is(200).header("upload-offset").parse().expect("a number");
    assert!(kept >= told, "{kept} after {told} was told");
    sender.go_on(&place, kept, &bytes[kept..]).await.is(204);
    let listed = program.actor(Actor::Clerk).get("/api/v1/documents").await.is(200).json();
    let document = listed["items"][0]["id"].as_str().expect("an id").to_owned();
    let content = program.actor(Actor::Clerk).get(&format!("/api/v1/documents/{document}/content")).await.is(200).body;
    assert!(content == bytes, "other bytes than were sent");
    for log in [log, program.output()] {
        assert!(log.contains("answered") && !log.contains(&sender.public), "half of an address is in the log: {log}");
    }
}

/// A PATCH whose link breaks after some of its bytes.
async fn cut_patch(base: &str, sender: &Sender, place: &str, length: usize, sent: &[u8]) {
    let address = base.strip_prefix("http://").expect("plain");
    let mut link = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "PATCH {place} HTTP/1.1\r\nHost: {address}\r\nLumbung-Secret: {}\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: 0\r\nContent-Type: {OFFSET}\r\nContent-Length: {length}\r\n\r\n",
        sender.secret
    );
    link.write_all(head.as_bytes()).await.expect("sent");
    link.write_all(sent).await.expect("sent");
    link.flush().await.expect("sent");
    // The server reads what lies in its buffers before it learns of the end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(link);
    tokio::time::sleep(Duration::from_millis(300)).await;
}
