//! Faults of the servers that Lumbung stands on. A [`Proxy`] stands in front of one of them and passes bytes on, until it is
//! told to fail in one of the ways in which servers and networks fail.
//!
//! ```ignore
//! let faults = Faults::ready().await;
//! let app = TestApp::behind(&faults, &[]).await;
//! faults.store.now(Fault::SlowDown).await;
//! …
//! faults.store.now(Fault::None).await;
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::server::local;
use super::{minio, postgres};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Everything is passed on.
    None,
    /// Nobody listens.
    Refuse,
    /// The connection is reset as soon as something was asked.
    Reset,
    /// Every request is read and answered with 503 and S3's `SlowDown`.
    SlowDown,
    /// The same with 500 and S3's `InternalError`.
    InternalError,
    /// What was asked is done, and the answer comes a second later.
    Slow,
    /// What was asked is done, and in a long answer a bit here and there is another.
    WrongBytes,
    /// Everything is taken, nothing is passed on and nothing answered.
    Hang,
    /// What was asked is done, and its answer breaks off after some thousand bytes.
    Truncate,
    /// What was asked is done, and of a long answer some thousand bytes come and then no more, though the connection stays.
    Stall,
    /// What was asked is done, and the connection is reset instead of its answer.
    LoseAnswer,
    /// A listing that was asked for since this began is answered as it was the first time, whatever changed; all else is passed on.
    StaleListing,
    /// Everything is answered, and what is new is refused with 507 and MinIO's `XMinioStorageFull`.
    ReadOnly,
}

/// Both servers of the networked stack, each behind a proxy of its own.
#[derive(Debug)]
pub struct Faults {
    pub database: Proxy,
    pub store: Proxy,
}

impl Faults {
    pub async fn ready() -> Faults {
        let port = tokio::task::spawn_blocking(postgres::port).await.expect("PostgreSQL starts");
        let endpoint = minio::endpoint().await;
        let store = endpoint.trim_start_matches("http://").parse().expect("an address and a port");
        Faults { database: Proxy::before(local(port)).await, store: Proxy::before(store).await }
    }
}

/// Listens as long as it lives. A change of its fault ends or freezes the connections that are open, so that it strikes at once.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    struck: Arc<AtomicU32>,
    running: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub async fn before(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind(local(0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("bound");
        let (fault, heard) = watch::channel(Fault::None);
        let struck = Arc::new(AtomicU32::new(0));
        let running = tokio::spawn(listen(listener, target, heard, struck.clone()));
        Proxy { address, fault, struck, running }
    }

    /// Returns when the fault is in force.
    pub async fn now(&self, fault: Fault) {
        self.fault.send_replace(fault);
        while TcpStream::connect(self.address).await.is_ok() == (fault == Fault::Refuse) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have met a fault.
    pub fn struck(&self) -> u32 {
        self.struck.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn listen(first: TcpListener, target: SocketAddr, mut fault: watch::Receiver<Fault>, struck: Arc<AtomicU32>) {
    let address = first.local_addr().expect("bound");
    let remembered = Remembered::default();
    let mut listener = Some(first);
    loop {
        if *fault.borrow_and_update() == Fault::Refuse {
            listener = None;
            if fault.changed().await.is_err() {
                return;
            }
            continue;
        }
        if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the port is still ours"));
        }
        let listening = listener.as_ref().expect("just bound");
        tokio::select! {
            accepted = listening.accept() => {
                let Ok((client, _)) = accepted else { continue };
                tokio::spawn(serve(client, target, fault.clone(), struck.clone(), remembered.clone()));
            }
            changed = fault.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(
    client: TcpStream,
    target: SocketAddr,
    mut fault: watch::Receiver<Fault>,
    struck: Arc<AtomicU32>,
    remembered: Remembered,
) {
    let present = *fault.borrow_and_update();
    if present == Fault::None {
        return pass(client, target, fault, struck).await;
    }
    // A connection that asks nothing, as the proxy's own look does, has met nothing.
    if client.readable().await.is_err() || client.peek(&mut [0]).await.is_ok_and(|length| length == 0) {
        return;
    }
    struck.fetch_add(1, Ordering::SeqCst);
    match present {
        Fault::None | Fault::Refuse | Fault::Reset => reset(client),
        Fault::SlowDown => refuse(client, "503 Slow Down", "SlowDown").await,
        Fault::InternalError => refuse(client, "500 Internal Server Error", "InternalError").await,
        Fault::Slow => {
            answer_with(client, target, Flaw { wait: Duration::from_secs(1), ..Flaw::default() }, fault).await
        }
        Fault::WrongBytes => answer_with(client, target, Flaw { flipped: true, ..Flaw::default() }, fault).await,
        Fault::Hang => {
            let _ = fault.changed().await;
            reset(client);
        }
        Fault::Truncate => answer_with(client, target, Flaw { ends: Some(4000), ..Flaw::default() }, fault).await,
        Fault::Stall => answer_with(client, target, Flaw { stalls: Some(4000), ..Flaw::default() }, fault).await,
        Fault::LoseAnswer => answer_with(client, target, Flaw { ends: Some(0), ..Flaw::default() }, fault).await,
        Fault::StaleListing => match listing(&client).await {
            Some(asked) => answer_as_before(client, target, asked, &remembered).await,
            None => answer_with(client, target, Flaw { refuses_listings: true, ..Flaw::default() }, fault).await,
        },
        Fault::ReadOnly if begins_with_put(&client).await => {
            refuse(client, "507 Insufficient Storage", "XMinioStorageFull").await
        }
        Fault::ReadOnly => answer_with(client, target, Flaw { refuses_puts: true, ..Flaw::default() }, fault).await,
    }
}

/// Passes everything on until the fault changes.
async fn pass(mut client: TcpStream, target: SocketAddr, mut fault: watch::Receiver<Fault>, struck: Arc<AtomicU32>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return reset(client) };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = fault.changed() => {}
    }
    struck.fetch_add(1, Ordering::SeqCst);
    while *fault.borrow_and_update() == Fault::Hang {
        if fault.changed().await.is_err() {
            break;
        }
    }
    reset(client);
}

fn reset(client: TcpStream) {
    // Closing without lingering sends a reset instead of an orderly end.
    let _ = client.set_zero_linger();
}

/// Of the S3 API's `ListObjectsV2`.
const LISTING: &str = "list-type=2";

/// Answers by what was asked for.
type Remembered = Arc<Mutex<HashMap<String, Vec<u8>>>>;

fn first_line(request: &[u8]) -> String {
    let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// What a listing asks for; nothing for any other request.
async fn listing(client: &TcpStream) -> Option<String> {
    let mut head = vec![0; 4096];
    let length = client.peek(&mut head).await.ok()?;
    Some(first_line(&head[..length])).filter(|line| line.starts_with("GET ") && line.contains(LISTING))
}

async fn answer_as_before(mut client: TcpStream, target: SocketAddr, asked: String, remembered: &Remembered) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let known = remembered.lock().expect("no panic").get(&asked).cloned();
    let answer = match known {
        Some(answer) => answer,
        None => {
            let Ok(answer) = asked_once(target, &head).await else { return reset(client) };
            remembered.lock().expect("no panic").insert(asked, answer.clone());
            answer
        }
    };
    let _ = client.write_all(&answer).await;
    let _ = client.shutdown().await;
}

/// The whole answer: what was asked goes on with the wish that the server ends the connection behind it.
async fn asked_once(target: SocketAddr, head: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(target).await?;
    let line = head.iter().position(|byte| *byte == b'\n').unwrap_or(0) + 1;
    server.write_all(&[&head[..line], b"Connection: close\r\n", &head[line..]].concat()).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    Ok(answer)
}

async fn begins_with_put(client: &TcpStream) -> bool {
    let mut method = [0; 4];
    client.peek(&mut method).await.is_ok_and(|_| &method == b"PUT ")
}

async fn refuse(mut client: TcpStream, status: &str, code: &str) {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>Please try again.</Message></Error>"
    );
    let mut head = vec![0; 16 * 1024];
    if client.read(&mut head).await.is_err() {
        return;
    }
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
    // What is still being sent is read, so that the answer is not lost to a reset.
    let rest = async { while client.read(&mut head).await.is_ok_and(|length| length > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(5), rest).await;
}

/// What is wrong with an answer.
#[derive(Default)]
struct Flaw {
    /// After so many bytes on one connection.
    ends: Option<usize>,
    /// After so many bytes of each answer.
    stalls: Option<usize>,
    /// A put on a connection that was kept ends it: it is refused on the next one.
    refuses_puts: bool,
    /// The same with a listing.
    refuses_listings: bool,
    flipped: bool,
    wait: Duration,
}

impl Flaw {
    /// How many of the next bytes are told, when so many were passed on this connection and of this answer.
    fn told(&self, next: usize, passed: usize, of_answer: usize) -> usize {
        let left = |most: Option<usize>, before: usize| most.map_or(next, |most| next.min(most.saturating_sub(before)));
        left(self.ends, passed).min(left(self.stalls, of_answer))
    }
}

/// Passes what is asked on, and the answer with its flaw, until the fault changes.
async fn answer_with(mut client: TcpStream, target: SocketAddr, flaw: Flaw, mut fault: watch::Receiver<Fault>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return reset(client) };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut asked, mut answer) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let (mut passed, mut of_answer) = (0, 0);
    loop {
        tokio::select! {
            // Nobody keeps this connection for later, when another fault is in force.
            _ = fault.changed() => break,
            read = from_client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { break };
                // Nobody asks on a connection before the answer to what was asked last has come.
                of_answer = 0;
                let is_listing = asked.starts_with(b"GET ") && first_line(&asked[..length]).contains(LISTING);
                let refused = flaw.refuses_puts && asked.starts_with(b"PUT ") || flaw.refuses_listings && is_listing;
                if refused || to_server.write_all(&asked[..length]).await.is_err() {
                    break;
                }
            }
            read = from_server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { break };
                // "Go on and send the body" is no answer yet.
                let is_leave = answer[..length].starts_with(b"HTTP/1.1 100");
                let told = if is_leave { length } else { flaw.told(length, passed, of_answer) };
                for (at, byte) in answer[..told].iter_mut().enumerate() {
                    *byte ^= u8::from(flaw.flipped && (of_answer + at) % 20_000 == 3000);
                }
                if !is_leave && passed == 0 {
                    tokio::time::sleep(flaw.wait).await;
                }
                if to_client.write_all(&answer[..told]).await.is_err() {
                    break;
                }
                if told < length {
                    if flaw.stalls.is_some() {
                        let _ = fault.changed().await;
                    }
                    break;
                }
                if !is_leave {
                    passed += told;
                    of_answer += told;
                }
            }
        }
    }
    reset(client);
}
