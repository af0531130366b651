//! What a server on the network can get wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use lumbung::blob::{BlobStore, Listed, Prefix, Settings};
use lumbung::error::Kind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{body, name_of, s3_store, settings_of, spooled};
use crate::support::minio::fresh_bucket;

#[tokio::test]
async fn an_object_lies_in_the_bucket_under_its_digest_with_its_checksum() {
    let bucket = fresh_bucket().await;
    let store = s3_store(&bucket).await;
    let body = body(5000, 1);
    store.put(&name_of(&body), &body).await.expect("stored");
    assert_eq!(bucket.objects().await, [(name_of(&body).to_string(), 5000)]);
    let head = bucket.client().head_object().bucket(&bucket.name).key(name_of(&body).to_string());
    let head = head.checksum_mode(aws_sdk_s3::types::ChecksumMode::Enabled).send().await.expect("there");
    let checksum = data_encoding::BASE64.encode(body.digest());
    assert_eq!(head.checksum_sha256(), Some(checksum.as_str()));
}

#[tokio::test]
async fn a_put_whose_answer_got_lost_is_found_done() {
    let bucket = fresh_bucket().await;
    let spool = tempfile::tempdir().expect("temporary folder");
    let upload = lumbung::id::UploadId::fresh(&lumbung::clock::Clock::default());
    for (small, name) in [(true, None), (false, None), (true, Some(lumbung::blob::ObjectName::part(upload, 1)))] {
        let proxy = Proxy::start(&bucket.endpoint, 1).await;
        let store = store_at(&bucket, &proxy.endpoint).await;
        let body = if small { body(30_000, 4) } else { spooled(2 << 20, spool.path()).await };
        let name = name.unwrap_or_else(|| name_of(&body));
        store.put(&name, &body).await.expect("done, though the answer was lost");
        assert!(proxy.connections.load(Ordering::SeqCst) > 1, "the first answer was to be lost");
        assert_eq!(store.head(&name).await.expect("answers"), Some(body.size()));
    }
}

#[tokio::test]
async fn an_object_altered_in_the_bucket_is_a_conflict_and_not_silently_taken() {
    let bucket = fresh_bucket().await;
    let store = s3_store(&bucket).await;
    let body = body(1000, 1);
    // The stock client sends another checksum than SHA-256: then only reading it tells.
    for other in [vec![0; 1000], vec![0; 999]] {
        bucket.write(&name_of(&body).to_string(), other).await;
        let refusal = store.put(&name_of(&body), &body).await.expect_err("taken by other bytes");
        assert_eq!(refusal.kind(), Kind::Conflict, "{}", refusal.chain());
    }
    bucket.write(&name_of(&body).to_string(), super::bytes(1000, 1).to_vec()).await;
    store.put(&name_of(&body), &body).await.expect("the right bytes, whoever wrote them");
}

#[tokio::test]
async fn a_key_that_is_not_ours_is_listed_without_a_name() {
    let bucket = fresh_bucket().await;
    bucket.write("backup of my photos/1.jpg", vec![1]).await;
    let listed: Vec<Listed> = s3_store(&bucket).await.list(Prefix::All).try_collect().await.expect("lists");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name(), None);
}

#[tokio::test]
async fn a_bucket_is_made_only_when_asked() {
    let mut bucket = fresh_bucket().await;
    bucket.name.push_str("-absent");
    let plain = s3_store(&bucket).await;
    assert_eq!(plain.probe().await.expect_err("no bucket").kind(), Kind::Unavailable);
    let mut asked = settings_of(&bucket);
    asked.create_bucket = true;
    for _ in 0..2 {
        let store = BlobStore::open(&Settings::s3(asked.clone())).await.expect("made, or there already");
        store.probe().await.expect("answers");
    }
}

#[tokio::test]
async fn a_wrong_key_or_a_server_that_is_away_is_unavailable_within_seconds() {
    let bucket = fresh_bucket().await;
    let mut wrong = settings_of(&bucket);
    wrong.secret_key = "wrong".into();
    let mut away = settings_of(&bucket);
    away.endpoint = "http://127.0.0.1:1".into();
    for settings in [wrong, away] {
        let store = BlobStore::open(&Settings::s3(settings)).await.expect("not asked yet");
        let body = body(100, 1);
        let begin = Instant::now();
        assert_eq!(store.put(&name_of(&body), &body).await.expect_err("refused").kind(), Kind::Unavailable);
        assert_eq!(store.get(&name_of(&body), None).await.expect_err("refused").kind(), Kind::Unavailable);
        assert_eq!(store.head(&name_of(&body)).await.expect_err("refused").kind(), Kind::Unavailable);
        let listed: Result<Vec<Listed>, _> = store.list(Prefix::All).try_collect().await;
        assert_eq!(listed.expect_err("refused").kind(), Kind::Unavailable);
        assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
    }
}

async fn store_at(bucket: &crate::support::minio::Bucket, endpoint: &str) -> BlobStore {
    let mut settings = settings_of(bucket);
    settings.endpoint = endpoint.to_owned();
    BlobStore::open(&Settings::s3(settings)).await.expect("opens")
}

/// Passes requests on, and on the first connections drops the answer when it comes.
struct Proxy {
    endpoint: String,
    connections: Arc<AtomicU32>,
}

impl Proxy {
    async fn start(target: &str, losses: u32) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let target = target.trim_start_matches("http://").to_owned();
        let connections = Arc::new(AtomicU32::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let loses = counted.fetch_add(1, Ordering::SeqCst) < losses;
                tokio::spawn(pass_on(client, target.clone(), loses));
            }
        });
        Proxy { endpoint, connections }
    }
}

async fn pass_on(mut client: TcpStream, target: String, loses: bool) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    if !loses {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        return;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let mut answer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            _ = tokio::io::copy(&mut from_client, &mut to_server) => return,
            read = from_server.read(&mut answer) => {
                let Ok(len @ 1..) = read else { return };
                // "Go on and send the body" is no answer yet.
                if !answer[..len].starts_with(b"HTTP/1.1 100") {
                    return;
                }
                if to_client.write_all(&answer[..len]).await.is_err() {
                    return;
                }
            }
        }
    }
}
