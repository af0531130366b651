//! One MinIO for the test process, a fresh bucket for each test that asks.

use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};

use super::server::{Server, free_port, local, throw_away};
use super::tools;

pub const ACCESS_KEY: &str = "lumbung-tests";
pub const SECRET_KEY: &str = "only-on-loopback-and-thrown-away";

#[derive(Debug)]
pub struct Minio {
    endpoint: String,
    next: AtomicU32,
    server: Server,
}

static RUNNING: LazyLock<Minio> = LazyLock::new(Minio::start);

/// A bucket that nobody else uses, and where it is.
#[derive(Clone, Debug)]
pub struct Bucket {
    pub endpoint: String,
    pub name: String,
}

pub async fn fresh_bucket() -> Bucket {
    // Starting waits for a process: not on a thread that drives other tests.
    let running = tokio::task::spawn_blocking(|| &*RUNNING).await.expect("MinIO starts");
    let bucket = Bucket {
        endpoint: running.endpoint.clone(),
        name: format!("test-{}", running.next.fetch_add(1, Ordering::Relaxed)),
    };
    let made = bucket.client().create_bucket().bucket(&bucket.name).send().await;
    made.unwrap_or_else(|cause| panic!("no bucket: {cause:?}\n{}", running.server.output()));
    bucket
}

/// Where the server of all buckets listens, as `http://127.0.0.1:port`.
pub async fn endpoint() -> String {
    tokio::task::spawn_blocking(|| RUNNING.endpoint.clone()).await.expect("MinIO starts")
}

impl Bucket {
    /// The stock S3 client, to look at what Lumbung stored from outside.
    pub fn client(&self) -> Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "tests"))
            .force_path_style(true)
            .build();
        Client::from_conf(config)
    }

    /// Every key with its size.
    pub async fn objects(&self) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut pages = self.client().list_objects_v2().bucket(&self.name).into_paginator().send();
        while let Some(page) = pages.next().await {
            for object in page.expect("the bucket can be listed").contents() {
                let size = object.size().unwrap_or_default().max(0) as u64;
                found.push((object.key().unwrap_or_default().to_owned(), size));
            }
        }
        found
    }

    pub async fn read(&self, key: &str) -> Vec<u8> {
        let got = self.client().get_object().bucket(&self.name).key(key).send().await.expect("the object is there");
        got.body.collect().await.expect("the object can be read").to_vec()
    }

    pub async fn write(&self, key: &str, bytes: Vec<u8>) {
        let put = self.client().put_object().bucket(&self.name).key(key).body(bytes.into());
        put.send().await.expect("the object can be written");
    }
}

impl Minio {
    fn start() -> Minio {
        let dir = throw_away("minio");
        let port = free_port();
        let mut serve = Command::new(tools::minio());
        serve.args(["server", "--quiet", "--address", &local(port).to_string()]);
        serve.args(["--console-address", &local(free_port()).to_string()]).arg(dir.join("data"));
        serve.env("MINIO_ROOT_USER", ACCESS_KEY).env("MINIO_ROOT_PASSWORD", SECRET_KEY);
        // It asks nobody on the network whether there is news, and needs no web console.
        serve.env("MINIO_UPDATE", "off").env("MINIO_BROWSER", "off").env("HOME", &dir);
        let mut server = Server::start("minio", dir, "TERM", &serve);
        server.wait_for_port(port);
        server.wait_for("to be ready", |_| is_ready(port));
        Minio { endpoint: format!("http://{}", local(port)), next: AtomicU32::new(0), server }
    }
}

/// Its health page in one plain request; a blocking client is not worth a runtime of its own here.
fn is_ready(port: u16) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = std::net::TcpStream::connect(local(port)) else { return false };
    let asked = stream.write_all(b"GET /minio/health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let mut answer = String::new();
    asked.is_ok() && stream.read_to_string(&mut answer).is_ok() && answer.contains(" 200 ")
}
