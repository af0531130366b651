//! An archive that lost everything but its bucket, or everything but a backup, is the same archive again.

mod backup;
mod bucket;
mod following;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lumbung::app::App;
use lumbung::cli;
use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::http::serve;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::flow::id;
use crate::reading::support::letter_pdf;
use crate::share::drops::{drop_terms, way};
use crate::share::{Handed, anyone, link, offices, open, terms};
use crate::support::app::TestApp;
use crate::support::client::{Client, form, send};
use crate::support::regency::{Actor, Stack};
use crate::support::{mail, minio, server};

/// Those whose view of the archive is compared.
const WATCHERS: [Actor; 7] =
    [Actor::Clerk, Actor::Head, Actor::Admin, Actor::OtherClerk, Actor::AgencyClerk, Actor::AgencyHead, Actor::Auditor];

/// Documents of every class, versions, links and what was done with them, and what the office has beside them.
struct Archive {
    office: String,
    documents: Vec<String>,
    handed: HandedOut,
}

/// What people outside the office have in their hands.
struct HandedOut {
    live: Handed,
    revoked: Handed,
    /// For one address alone.
    by_mail: Handed,
    address: String,
    /// Public id and secret of an upload-only link.
    drop: (String, String),
}

impl Archive {
    async fn fill(app: &TestApp) -> Archive {
        let documents = bring_in(app).await;
        let handed = hand_out(app, &documents).await;
        arrange(app).await;
        app.actor(Actor::Clerk).delete(&format!("/api/v1/documents/{}", documents[5])).await;
        app.settled().await;
        Archive { office: app.account(Actor::Clerk).office, documents, handed }
    }

    /// What everybody sees and may open, as one value that can be compared.
    async fn seen(&self, callers: &BTreeMap<String, Client>) -> Value {
        let mut seen = json!({});
        for (name, caller) in callers {
            let mut theirs = json!({});
            for path in self.lists() {
                theirs[&path] = plain(caller.get(&path).await);
            }
            for question in ["tanggul", "undangan", "perbaikan", "surat rahasia"] {
                let found = caller.request(Method::GET, "/api/v1/search").query(&[("q", question)]);
                let mut found = plain(send(found).await);
                found["body"]["took_ms"] = Value::Null;
                // An index that was built anew may put equals into another order.
                if let Some(items) = found["body"]["items"].as_array_mut() {
                    items.iter_mut().for_each(|item| item["score"] = Value::Null);
                    items.sort_by_key(|item| item["document"]["id"].to_string());
                }
                theirs[question] = found;
            }
            for document in &self.documents {
                for part in ["", "/pages/1/text"] {
                    let path = format!("/api/v1/documents/{document}{part}");
                    theirs[&path] = plain(caller.get(&path).await);
                }
                let content = caller.get(&format!("/api/v1/documents/{document}/content")).await;
                let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&content.body));
                theirs[document] = json!([content.status, if content.status == 200 { digest } else { String::new() }]);
            }
            for made in [&self.handed.live, &self.handed.revoked, &self.handed.by_mail] {
                theirs[&made.id] = plain(caller.get(&format!("/api/v1/links/{}/opens", made.id)).await);
            }
            seen[name] = theirs;
        }
        seen
    }

    fn lists(&self) -> [String; 6] {
        let office = format!("/api/v1/offices/{}", self.office);
        [
            "/api/v1/documents?limit=200".to_owned(),
            "/api/v1/documents?shared=with-us".to_owned(),
            "/api/v1/links?limit=200".to_owned(),
            "/api/v1/drops?limit=200".to_owned(),
            format!("{office}/consents"),
            // Its quota, and what it has used of it.
            office,
        ]
    }
}

async fn bring_in(app: &TestApp) -> Vec<String> {
    let (clerk, head) = (app.actor(Actor::Clerk), app.actor(Actor::Head));
    let mut documents = Vec::new();
    for class in ["biasa", "terbatas", "rahasia"] {
        let pdf = letter_pdf(&["Undangan rapat tanggul", class]);
        let metadata = json!({ "title": format!("Surat {class}"), "security_class": class, "number": "005/1/2026" });
        documents.push(id(&clerk.upload_and_read(&format!("{class}.pdf"), pdf, metadata).await));
    }
    let open_to_all = json!({ "title": "Pengumuman", "reach": "kabupaten", "labels": ["umum"] });
    documents.push(id(&clerk.upload_and_read("p.txt", b"pengumuman tanggul".to_vec(), open_to_all).await));
    let own = json!({ "title": "Hanya pimpinan", "security_class": "sangat_rahasia" });
    documents.push(id(&head.upload_and_read("s.pdf", letter_pdf(&["tanggul sangat rahasia"]), own).await));
    documents.push(id(&clerk.upload("acak.bin", vec![7; 200_000], json!({ "title": "Acak" })).await));
    let path = |at: usize| format!("/api/v1/documents/{}", documents[at]);
    let second = form("dua.pdf", letter_pdf(&["Undangan tanggul, perbaikan"]), json!({ "note": "perbaikan" }));
    send(clerk.request(Method::POST, &format!("{}/versions", path(0))).multipart(second)).await.is(201);
    clerk.settled(&documents[0]).await;
    clerk.patch(&path(1), json!({ "sender": "Desa Sukamaju" })).await.is(200);
    documents
}

async fn hand_out(app: &TestApp, documents: &[String]) -> HandedOut {
    let (clerk, agency) = (app.actor(Actor::Clerk), app.actor(Actor::AgencyClerk));
    let live = link(&clerk, &documents[0], &terms(app, anyone(), "download", json!({ "max_opens": 3 }))).await;
    open(&app.nobody(), &live, json!({})).await.is(200);
    let named = link(&clerk, &documents[3], &terms(app, offices(&[&agency]), "download", json!({}))).await;
    open(&agency, &named, json!({})).await.is(200);
    let revoked = link(&clerk, &documents[3], &terms(app, anyone(), "download", json!({}))).await;
    clerk.delete(&format!("/api/v1/links/{}", revoked.id)).await;
    let address = format!("u{}@example.id", lumbung::id::secret());
    let to_address = json!({ "kind": "email", "emails": [address] });
    let by_mail = link(&clerk, &documents[1], &terms(app, to_address, "view", json!({}))).await;
    let drop = way(&clerk.post("/api/v1/drops", drop_terms(app, json!({}))).await.is(201).json());
    HandedOut { live, revoked, by_mail, address, drop }
}

/// A quota of the office's own, and a request that waits for a second person.
async fn arrange(app: &TestApp) {
    let admin = app.actor(Actor::Admin);
    let office = format!("/api/v1/offices/{}", admin.office());
    app.actor(Actor::PlatformAdmin).patch(&office, json!({ "quota_bytes": 50_000_000 })).await.is(200);
    let members = admin.get(&format!("{office}/members")).await.is(200).json();
    let login = app.account(Actor::Archivist).login;
    let member =
        members["items"].as_array().expect("items").iter().find(|one| one["person"]["login"] == login.as_str());
    let post = member.and_then(|one| one["post"].as_str()).expect("the archivist's post");
    admin.post(&format!("{office}/members/{post}/reset"), json!({})).await.is(202);
}

/// Status and body, without what differs from request to request.
fn plain(answer: crate::support::client::Answer) -> Value {
    let mut body = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(answer.text()));
    if let Value::Object(fields) = &mut body {
        fields.remove("request_id");
    }
    json!({ "status": answer.status, "body": body })
}

/// Every entry, page by page.
async fn audit(auditor: &Client) -> Vec<Value> {
    let (mut entries, mut path) = (Vec::new(), "/api/v1/audit?limit=50".to_owned());
    loop {
        let page = auditor.get(&path).await.is(200).json();
        entries.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return entries };
        path = format!("/api/v1/audit?limit=50&cursor={cursor}");
    }
}

/// A machine on which nothing is but a configuration that names a store.
struct Machine {
    dir: PathBuf,
    file: PathBuf,
}

impl Machine {
    /// With the bucket of `app`, which must not run any more where that is a folder.
    fn with_store_of(app: &TestApp, url: Option<String>) -> Machine {
        let dir = server::scratch("machine");
        let url = url.unwrap_or_else(|| format!("sqlite:{}", dir.join("lumbung.db").display()));
        let smtp = mail::port();
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = {dir:?}\n[database]\nurl = {url:?}\nmax_connections = 8\n\
             [mail]\nhost = \"127.0.0.1\"\nport = {smtp}\nsecurity = \"none\"\n\
             [reading]\nrequire_jail = false\n[search]\npoll_milliseconds = 100\ngather_milliseconds = 20\n[log]\nlevel = \"warn\"\n[records]\nevery_seconds = 50\n\
             [metrics]\nlisten = \"\"\n"
        );
        match &app.bucket {
            None => {
                std::fs::rename(app.dir().join("store"), dir.join("store")).expect("the store is moved");
            }
            Some(bucket) => {
                let secret = dir.join("s3-secret");
                server::write_secret(&secret, minio::SECRET_KEY);
                text.push_str(&format!(
                    "[storage]\nkind = \"s3\"\ns3_endpoint = {:?}\ns3_bucket = {:?}\ns3_access_key = {:?}\ns3_secret_key_file = {secret:?}\n",
                    bucket.endpoint, bucket.name, minio::ACCESS_KEY
                ));
            }
        }
        std::fs::write(dir.join("recovery.txt"), app.recovery_identity()).expect("our folder is writable");
        let file = dir.join("lumbung.toml");
        std::fs::write(&file, text).expect("our folder is writable");
        Machine { dir, file }
    }

    fn command(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lumbung"));
        command.args(args).arg("--config").arg(&self.file).current_dir(&self.dir);
        command.output().expect("the program runs")
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> Value {
        let output = self.command(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    async fn serve(&self, clock: Clock) -> serve::Running {
        let config = Config::load(Some(&self.file), []).expect("a valid configuration");
        let program = PathBuf::from(env!("CARGO_BIN_EXE_lumbung"));
        let app = App::open(config, clock, program).await.expect("the parts come together");
        let router = cli::router(&app);
        serve::start(app, router).await.expect("the server starts")
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// The file of the newest record, where the store is a folder.
    fn newest_record(&self) -> PathBuf {
        let listed = std::fs::read_dir(self.dir.join("store/r")).expect("records");
        listed.flatten().map(|entry| entry.path()).max().expect("a record")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn base(running: &serve::Running) -> String {
    format!("http://{}", running.address)
}

/// Waits until the index holds every document.
async fn indexed(app: &App, documents: usize) {
    for _ in 0..600 {
        let behind = lumbung::jobs::indexing::pending(app).await.expect("the index answers").len();
        if !app.index.is_fresh() && behind == 0 && app.index.size().0 as usize >= documents {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the index does not rebuild itself");
}

fn known(app: &TestApp) -> BTreeMap<String, Client> {
    WATCHERS.iter().map(|actor| (format!("{actor:?}"), app.actor(*actor))).collect()
}

/// Names and digests of all sealed objects, and of the records.
async fn stored(app: &TestApp, machine: Option<&Machine>) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    if let Some(bucket) = &app.bucket {
        for (name, _) in bucket.objects().await {
            found.insert(name.clone(), Sha256::digest(bucket.read(&name).await).to_vec());
        }
        return found;
    }
    let root = machine.map_or_else(|| app.dir().join("store"), |machine| machine.dir.join("store"));
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap_or(Path::new("")).display().to_string();
                found.insert(name, Sha256::digest(std::fs::read(&path).expect("a file")).to_vec());
            }
        }
    }
    found
}

fn originals(all: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    all.into_iter().filter(|(name, _)| name.starts_with("o/")).collect()
}
