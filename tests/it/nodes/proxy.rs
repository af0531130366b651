//! Two nodes behind a real nginx with the configuration of `deploy/`: what a client meets there is one server, also while a
//! node dies.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::json;

use crate::attack::wire::ambiguous;
use crate::flow::id;
use crate::support::client::{Answer, Client, form, send, try_send};
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::server::{Server, free_port, throw_away};
use crate::support::tools;

struct Proxied {
    first: Program,
    second: Program,
    /// With TLS, and without.
    secure: String,
    plain: String,
    nginx: Server,
}

impl Proxied {
    async fn start() -> Proxied {
        let settings = [("server.trusted_proxies", "[\"127.0.0.1/32\"]"), ("queue.lease_seconds", "10")];
        let first = Program::start(Stack::Networked, &settings).await;
        let second = first.beside().await;
        let (tls, http) = (free_port(), free_port());
        let nginx = nginx(&[&first, &second], tls, http);
        let (secure, plain) = (format!("https://127.0.0.1:{tls}"), format!("http://127.0.0.1:{http}"));
        Proxied { first, second, secure, plain, nginx }
    }

    fn actor(&self, actor: Actor) -> Client {
        Client::of(&self.secure, self.first.actor(actor).account().clone()).unverified()
    }
}

/// The example as it is, but for the places that only its machine has: nodes, ports, certificate.
fn nginx(nodes: &[&Program], tls: u16, http: u16) -> Server {
    let dir = throw_away("nginx");
    certificate(&dir);
    let mut site = std::fs::read_to_string("deploy/nginx.conf").expect("our own file");
    for (at, node) in nodes.iter().enumerate() {
        let name = format!("lumbung{}:8080", at + 1);
        assert!(site.contains(&name), "the example names {name}");
        site = site.replace(&format!("server {name}"), &format!("server {}", node.base.trim_start_matches("http://")));
    }
    let own = site
        .replace("listen 80;", &format!("listen 127.0.0.1:{http};"))
        .replace("listen 443 ssl", &format!("listen 127.0.0.1:{tls} ssl"))
        .replace("/etc/lumbung/tls", &dir.display().to_string());
    let own: Vec<&str> = own.lines().filter(|line| !line.contains("listen [::]")).collect();
    let whole = format!(
        "daemon off; pid {0}/pid; error_log stderr; worker_processes 1; events {{}}\nhttp {{ access_log off;\n\
         client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/f; uwsgi_temp_path {0}/u;\n\
         scgi_temp_path {0}/s;\n{1}\n}}\n",
        dir.display(),
        own.join("\n")
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, whole).expect("our folder is writable");
    let mut serve = Command::new(tools::program("nginx"));
    serve.arg("-c").arg(&file).arg("-p").arg(&dir).args(["-e", "stderr"]);
    let mut server = Server::start("nginx", dir, "TERM", &serve);
    server.wait_for_port(tls);
    server
}

/// A key and a certificate for it, as a proxy or a server reads them.
pub fn certificate(dir: &Path) {
    let made = Command::new(tools::program("openssl"))
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-keyout"])
        .arg(dir.join("privkey.pem"))
        .arg("-out")
        .arg(dir.join("fullchain.pem"))
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_proxy_two_nodes_are_one_server() {
    let proxied = Proxied::start().await;
    let moved = Client::nobody(&proxied.plain).get("/unggah?a=1").await.is(308);
    assert_eq!(moved.header("location"), "https://127.0.0.1/unggah?a=1", "everything goes to TLS");
    let clerk = proxied.actor(Actor::Clerk);
    let page = Client::nobody(&proxied.secure).unverified().get("/masuk").await.is(200);
    assert_eq!(page.headers.get_all("strict-transport-security").iter().count(), 1);

    // Each request may come to the other node.
    let bytes = "Perihal perbaikan tanggul blencong\n".repeat(300).into_bytes();
    let tus = |method: Method, path: &str| clerk.request(method, path).header("Tus-Resumable", "1.0.0");
    let name = format!("filename {},metadata {}", STANDARD.encode("surat.txt"), STANDARD.encode("{}"));
    let begun = tus(Method::POST, "/api/v1/uploads").header("Upload-Length", bytes.len());
    let begun = send(begun.header("Upload-Metadata", name)).await.is(201);
    let location = begun.header("location");
    let place = &location[location.find("/api/v1/uploads/").expect("a place of ours")..];
    let (mut at, mut document) = (0, String::new());
    for piece in bytes.chunks(1500) {
        let sent = tus(Method::PATCH, place).header("Upload-Offset", at);
        let sent = sent.header("Content-Type", "application/offset+octet-stream").body(piece.to_vec());
        document = send(sent).await.is(204).header("lumbung-document").to_owned();
        at += piece.len();
    }
    clerk.settled(&document).await;
    for _ in 0..6 {
        assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, bytes);
    }
    // What a client says of its own address is not believed: the proxy's word counts, and that is loopback here.
    let claimed = clerk.request(Method::PATCH, &format!("/api/v1/documents/{document}"));
    let claimed = claimed.header("X-Forwarded-For", "203.0.113.7").header("If-Match", "\"1\"");
    send(claimed.json(&json!({ "title": "Tanggul" }))).await.is(200);
    let audit = format!("/api/v1/audit?object={document}&action=document.edit");
    let told = proxied.actor(Actor::Auditor).get(&audit).await.is(200).text();
    assert!(told.contains("127.0.0") && !told.contains("203.0.113"), "{told}");
    let large = vec![b'a'; 20 << 20];
    clerk.upload("besar.bin", large, json!({})).await;
    assert_eq!(std::fs::read_dir(proxied.nginx.dir().join("body")).map_or(0, |files| files.count()), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_dies_behind_the_proxy_costs_a_retry_and_no_letter() {
    let mut proxied = Proxied::start().await;
    let (refused, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..4 {
        let (clerk, refused, taken) = (proxied.actor(Actor::Clerk), refused.clone(), taken.clone());
        senders.spawn(async move {
            let mut kept = Vec::new();
            for n in 0..25 {
                let bytes = format!("Perihal tanggul blencong nomor {sender}/{n}\n").into_bytes();
                let answer = until_taken(&clerk, &format!("{sender}-{n}"), &bytes, &refused).await;
                kept.push((id(&answer.json()), bytes));
                taken.fetch_add(1, Ordering::Relaxed);
            }
            kept
        });
    }
    while taken.load(Ordering::Relaxed) < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxied.first.cut();
    assert!(taken.load(Ordering::Relaxed) < 100, "it dies while letters come in");
    let kept: Vec<(String, Vec<u8>)> = senders.join_all().await.into_iter().flatten().collect();
    assert_eq!(kept.len(), 100);
    let clerk = proxied.second.actor(Actor::Clerk);
    for (document, bytes) in &kept {
        assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, *bytes);
    }
    let ids: std::collections::HashSet<&String> = kept.iter().map(|(document, _)| document).collect();
    assert_eq!(ids.len(), 100, "a letter that was sent again is the same letter");
    eprintln!("100 letters acknowledged, {} requests sent again, 0 lost", refused.load(Ordering::Relaxed));
}

/// As a client does whose connection breaks: the same request again, by its name the same letter.
async fn until_taken(clerk: &Client, name: &str, bytes: &[u8], refused: &AtomicUsize) -> Answer {
    let begun = Instant::now();
    loop {
        let request = clerk.request(Method::POST, "/api/v1/documents").header("Idempotency-Key", name);
        match try_send(request.multipart(form("surat.txt", bytes.to_vec(), json!({})))).await {
            Ok(answer) if answer.status == 201 => return answer,
            Ok(answer) => assert!(answer.status >= 500 || answer.status == 409, "{}", answer.text()),
            Err(_) => {}
        }
        refused.fetch_add(1, Ordering::Relaxed);
        assert!(begun.elapsed() < Duration::from_secs(60), "{name} is not taken");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// What comes back through TLS for these bytes, until the proxy closes or says nothing more.
fn said_through(secure: &str, sent: &[u8]) -> String {
    let mut link = Command::new(tools::program("timeout"))
        .arg("1")
        .arg(tools::program("openssl"))
        .args(["s_client", "-quiet", "-connect", secure.trim_start_matches("https://")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl runs");
    let mut to = link.stdin.take().expect("a pipe");
    to.write_all(sent).expect("sent");
    // Kept open: whoever closes first ends the talk before it is answered.
    let heard = link.wait_with_output().expect("it ends");
    drop(to);
    String::from_utf8_lossy(&heard.stdout).into_owned()
}

/// Proxy and node talk over connections that every client's requests share: one that ends elsewhere for the one than for the
/// other would hand a stranger's request to the next client.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_end_could_be_read_in_two_ways_reaches_nobody_elses_connection() {
    let proxied = Proxied::start().await;
    let hidden = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = hidden.len();
    let next = Client::nobody(&proxied.secure).unverified();
    let both = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n"),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
    ];
    for head in ambiguous(length).into_iter().chain(both) {
        let request = format!("POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\n{head}\r\n{hidden}");
        let secure = proxied.secure.clone();
        let heard = tokio::task::spawn_blocking(move || said_through(&secure, request.as_bytes())).await.expect("ends");
        assert!(heard.starts_with("HTTP/1.1 4") || heard.starts_with("HTTP/1.1 501"), "{head:?}: {heard}");
        assert_eq!(heard.matches("HTTP/1.1 ").count(), 1, "{head:?}: {heard}");
        for _ in 0..4 {
            assert_eq!(next.get("/healthz").await.is(200).text(), "ok\n", "somebody else's answer after {head:?}");
        }
    }
}
