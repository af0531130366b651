//! Large files pass through in constant memory, and a small range of one is fetched by itself.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use lumbung::blob::{BlobStore, Memory, Settings};
use lumbung::error::Result;
use lumbung::seal::{Limits, Opener, seal_bytes, seal_stream};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::app::TestApp;
use crate::support::client::send;
use crate::support::minio;
use crate::support::regency::{Actor, Stack};
use crate::support::server::local;

const CHILD: &str = "LUMBUNG_TEST_MEASURES_MEMORY";
const SIZE: u64 = 512 << 20;
const ALLOWED_KIB: u64 = 64 << 10;
/// 64 KiB of plaintext and the tag of each.
const TWO_CHUNKS: u64 = 2 * (65_536 + 16);

/// Measured in a process of its own, because other tests of this one take memory too.
#[test]
fn half_a_gigabyte_goes_in_and_out_within_64_mib() {
    if std::env::var_os(CHILD).is_some() {
        return measure();
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "store::frugality::half_a_gigabyte_goes_in_and_out_within_64_mib", "--nocapture"]);
    let done = child.env(CHILD, "1").output().expect("runs");
    let said = String::from_utf8_lossy(&done.stderr);
    // A name that no test bears would be a success too.
    assert!(done.status.success() && said.contains("memory added:"), "{said}");
}

fn measure() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let before = peak_kib();
    runtime.block_on(there_and_back(folder.path()));
    let added = peak_kib() - before;
    eprintln!("memory added: {added} KiB");
    assert!(added <= ALLOWED_KIB, "{added} KiB");
}

async fn there_and_back(folder: &std::path::Path) {
    let store = BlobStore::open(&Settings::folder(folder.join("store"))).await.expect("opens");
    let piece = Bytes::from(vec![7; 64 << 10]);
    let plain = stream::iter(0..SIZE / piece.len() as u64).map(|_| -> Result<Bytes> { Ok(piece.clone()) });
    let (sealed, body) = seal_stream(plain, &Limits::new(folder.join("spool")), None).await.expect("seals");
    store.put(&sealed.name, &body).await.expect("stored");
    drop(body);
    let opener = Opener::new(&sealed.key);
    let plan = opener.plan_whole();
    let got = store.get(&sealed.name, Some(plan.sealed())).await.expect("there");
    let mut opened = std::pin::pin!(opener.open_stream(plan, got.stream));
    let (mut total, expected) = (0, [7; 64 << 10]);
    while let Some(piece) = opened.next().await {
        let piece = piece.expect("authentic");
        assert!(piece == expected[..piece.len()]);
        total += piece.len() as u64;
    }
    assert_eq!(total, SIZE);
}

/// The largest resident set that this process ever had.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[tokio::test]
async fn four_kib_across_a_border_inside_64_mib_take_one_fetch_of_two_chunks() {
    let memory = Memory::default();
    let store = BlobStore::from(memory.clone());
    let plain: Vec<u8> = (0..64u32 << 20).map(|at| (at >> 3) as u8).collect();
    let (sealed, body) = seal_bytes(&plain, None).expect("seals");
    store.put(&sealed.name, &body).await.expect("stored");
    let border = 500 * 65_536u64;
    let range = border - 2048..border + 2048;
    let opener = Opener::new(&sealed.key);
    let plan = opener.plan(range.clone()).expect("within");
    let got = store.get(&sealed.name, Some(plan.sealed())).await.expect("there");
    let opened = opener.open_range(&plan, &got.collect().await.expect("whole")).expect("authentic");
    assert_eq!(&opened[..], &plain[range.start as usize..range.end as usize]);
    assert_eq!(memory.fetched(), (1, TWO_CHUNKS));
}

#[tokio::test(flavor = "multi_thread")]
async fn four_kib_of_a_large_original_take_one_fetch_of_two_chunks_by_the_api_too() {
    let counter = Counter::before(minio::endpoint().await).await;
    // The vault's own reading of the store would be counted as well.
    let settings = [("storage.s3_endpoint", counter.endpoint.as_str()), ("verify.rolling", "false")];
    let app = TestApp::with(Stack::Networked, &settings).await;
    let clerk = app.actor(Actor::Clerk);
    let plain: Vec<u8> = (0..24u32 << 20).map(|at| (at >> 3) as u8).collect();
    let made = clerk.upload("data.bin", plain.clone(), json!({})).await;
    app.settled().await;
    counter.take();

    let border = 200 * 65_536usize;
    let range = border - 2048..border + 2048;
    let path = format!("/api/v1/documents/{}/content", made["id"].as_str().expect("an id"));
    let asked = clerk.request(Method::GET, &path);
    let asked = asked.header("Range", format!("bytes={}-{}", range.start, range.end - 1));
    assert!(send(asked).await.is(206).body == plain[range]);

    let Counted { ranges, answered } = counter.take();
    let [range] = ranges.as_slice() else { panic!("not one fetch: {ranges:?}") };
    assert_eq!(length_of(range), TWO_CHUNKS, "{range}");
    let around = answered.checked_sub(TWO_CHUNKS).expect("all that was asked for");
    assert!(around < 4096, "{around} bytes beside the two chunks are more than an answer's head");
    app.finish().await;
}

/// How many bytes `bytes=first-last` asks for.
fn length_of(range: &str) -> u64 {
    let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let (first, last) = ends.unwrap_or_else(|| panic!("no range: {range:?}"));
    last.parse::<u64>().expect("a number") - first.parse::<u64>().expect("a number") + 1
}

/// Passes everything on to the store's server and back, and counts what sealed objects are asked for.
struct Counter {
    endpoint: String,
    counted: Arc<Mutex<Counted>>,
    running: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counted {
    /// What each GET of an object said in its header `Range`; empty where it wanted everything.
    ranges: Vec<String>,
    /// All bytes of the answers to them.
    answered: u64,
}

impl Counter {
    async fn before(endpoint: String) -> Counter {
        let target: SocketAddr = endpoint.trim_start_matches("http://").parse().expect("an address and a port");
        let listener = TcpListener::bind(local(0)).await.expect("loopback has a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let counted = Arc::new(Mutex::new(Counted::default()));
        let noted = counted.clone();
        let running = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, target, noted.clone()));
            }
        });
        Counter { endpoint, counted, running }
    }

    /// What was counted since the last time.
    fn take(&self) -> Counted {
        std::mem::take(&mut *self.counted.lock().expect("no panic"))
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn pass(mut client: TcpStream, target: SocketAddr, counted: Arc<Mutex<Counted>>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut asked, mut answer) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut is_of_object = false;
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let range = range_of_get(&asked[..length]);
                is_of_object = range.is_some();
                counted.lock().expect("no panic").ranges.extend(range);
                if to_server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if is_of_object {
                    counted.lock().expect("no panic").answered += length as u64;
                }
                if to_client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The header `Range` of a request for a sealed object; nothing for all else. A client sends such a request in one piece.
fn range_of_get(request: &[u8]) -> Option<String> {
    if !request.starts_with(b"GET /") {
        return None;
    }
    let head = String::from_utf8_lossy(request);
    let mut lines = head.split("\r\n");
    lines.next().filter(|line| line.contains("/o/"))?;
    let range = lines.find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("range")));
    Some(range.map(|(_, value)| value.trim().to_owned()).unwrap_or_default())
}
