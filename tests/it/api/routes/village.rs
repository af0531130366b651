//! The village whose things everybody tries to get at: one of each, so that every route is asked for something real.

use std::collections::HashMap;
use std::time::Duration;

use lumbung::jobs::Reindex;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::table::{CALLERS, Caller};
use crate::share::{Handed, anyone, at, handed, letter, open, terms, try_link};
use crate::support::app::TestApp;
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, PASSWORD};

const TUS: (&str, &str) = ("Tus-Resumable", "1.0.0");

pub struct Village<'a> {
    app: &'a TestApp,
    pub office: String,
    pub letter: String,
    /// A document that goes to the trash and comes back.
    pub bin: String,
    pub link: Handed,
    /// One that may be paused.
    pub paused_link: String,
    pub drop: Handed,
    /// One that may be ended.
    pub ended_drop: String,
    pub job: String,
    pub upload: String,
    /// What came by the upload-only link: whole for its receipt, begun for everything else.
    pub brought: String,
    pub session: String,
    pub to_agree: String,
    pub to_refuse: String,
    pub asset: String,
    /// Made anew before each attempt at it.
    pub post: String,
    pub token: String,
    pub revision: String,
    holders: HashMap<Caller, Holder>,
    invited: u32,
}

/// How somebody shows who they are: a bearer's token, and on the pages a cookie where they have one.
#[derive(Clone, Debug)]
pub struct Holder {
    bearer: Client,
    cookie: Option<String>,
}

impl Holder {
    pub fn request(&self, app: &TestApp, method: Method, path: &str) -> RequestBuilder {
        let is_page = !path.starts_with("/api/");
        match &self.cookie {
            Some(cookie) if is_page => app.nobody().request(method, path).header("Cookie", cookie),
            _ => self.bearer.request(method, path),
        }
    }
}

impl<'a> Village<'a> {
    pub async fn settle(app: &'a TestApp) -> Village<'a> {
        let clerk = app.actor(Actor::Clerk);
        let letter = letter(&clerk, "biasa").await;
        let bin = text(&clerk.upload_and_read("buang.txt", b"Untuk dibuang".to_vec(), json!({})).await["id"]);
        let wanted = terms(app, anyone(), "download", json!({}));
        let link = handed(&try_link(&clerk, &letter, &wanted).await.is(201).json());
        let paused_link = text(&try_link(&clerk, &letter, &wanted).await.is(201).json()["id"]);
        let (drop, ended_drop) = (drop_box(app, &clerk).await, drop_box(app, &clerk).await.id);
        let (_, session) = session(app, "clerk").await;
        let mut village = Village {
            app,
            office: clerk.office().to_owned(),
            letter,
            bin,
            link,
            paused_link,
            drop,
            ended_drop,
            job: dead_job(app).await,
            upload: String::new(),
            brought: String::new(),
            session,
            to_agree: String::new(),
            to_refuse: String::new(),
            asset: asset(app).await,
            post: String::new(),
            token: String::new(),
            revision: String::new(),
            holders: HashMap::new(),
            invited: 0,
        };
        village.to_agree = text(&village.invite("head").await["consent"]);
        village.to_refuse = text(&village.invite("head").await["consent"]);
        village.upload = village.begin_upload().await;
        for caller in CALLERS {
            let holder = village.enter(caller).await;
            village.holders.insert(caller, holder);
        }
        village
    }

    pub fn holder(&self, caller: Caller) -> &Holder {
        &self.holders[&caller]
    }

    /// Lets somebody in: by a session and a cookie of their own, by a token, by an opened link.
    pub async fn enter(&self, caller: Caller) -> Holder {
        let nobody = self.app.nobody();
        match caller {
            Caller::Nobody => Holder { bearer: nobody, cookie: None },
            Caller::Grant => {
                let opened = open(&nobody, &self.link, json!({})).await.is(200).json();
                let grant = text(&opened["grant"]);
                Holder { bearer: nobody.with_token(&grant), cookie: Some(format!("lumbung_buka={grant}")) }
            }
            Caller::Person(actor) => {
                let login = self.app.account(actor).login;
                let (access, _) = session(self.app, &login).await;
                Holder { bearer: nobody.with_token(&access), cookie: Some(cookie(self.app, &login).await) }
            }
            Caller::Token(scope) => {
                let token = text(&self.make_token(scope, 2).await["token"]);
                Holder { bearer: nobody.with_token(&token), cookie: None }
            }
        }
    }

    /// Puts what the route is about into the state in which the act is possible.
    pub async fn prepare(&mut self, route: &str) {
        let head = self.app.actor(Actor::Head);
        let bin = format!("/api/v1/documents/{}", self.bin);
        match route {
            "POST /dokumen/{id}/sampah" => drop(head.post(&format!("{bin}/restore"), json!({})).await),
            "POST /dokumen/{id}/pulihkan" | "POST /api/v1/documents/{id}/restore" => drop(head.delete(&bin).await),
            "POST /dokumen/{id}" => {
                let now = head.get(&format!("/api/v1/documents/{}", self.letter)).await.is(200);
                self.revision = now.header("etag").trim_matches('"').to_owned();
            }
            "DELETE /api/v1/uploads/{id}" => {
                let clerk = self.app.actor(Actor::Clerk);
                let old = format!("/api/v1/uploads/{}", self.upload);
                send(clerk.request(Method::DELETE, &old).header(TUS.0, TUS.1)).await;
                self.upload = self.begin_upload().await;
            }
            "GET /api/v1/drops/{id}/files/{upload}" => self.brought = self.bring(4).await,
            _ if route.contains("{upload}") => self.brought = self.bring(2).await,
            _ if route.contains("{session}") => self.session = session(self.app, "clerk").await.1,
            _ if route.contains("{post}") => self.post = text(&self.invite("clerk").await["post"]),
            _ if route.contains("{token}") => self.token = text(&self.make_token("read", 1).await["id"]),
            _ => {}
        }
    }

    /// What somebody new would be called; each name once.
    pub fn newcomer(&mut self, role: &str) -> Value {
        self.invited += 1;
        json!({ "login": format!("baru{}", self.invited), "name": "Orang Baru", "role": role })
    }

    async fn invite(&mut self, role: &str) -> Value {
        let body = self.newcomer(role);
        let path = format!("/api/v1/offices/{}/members", self.office);
        self.app.actor(Actor::Admin).post(&path, body).await.is(201).json()
    }

    async fn make_token(&self, scope: &str, days: u32) -> Value {
        let path = format!("/api/v1/offices/{}/tokens", self.office);
        let body = json!({ "label": scope, "scopes": [scope], "expires_at": at(self.app, Duration::from_secs(86_400) * days) });
        self.app.actor(Actor::Clerk).post(&path, body).await.is(201).json()
    }

    /// Four bytes by the upload-only link, or the first of them.
    async fn bring(&self, sent: usize) -> String {
        let path = format!("/api/v1/drops/{}/files", self.drop.public);
        let request = self.app.nobody().request(Method::POST, &path).header(TUS.0, TUS.1);
        let request = request.header("Lumbung-Secret", &self.drop.secret).header("Upload-Length", 4);
        let request =
            request.header("Content-Type", "application/offset+octet-stream").body("surat"[..sent].to_owned());
        let begun = send(request.header("Upload-Metadata", "filename YS50eHQ=")).await.is(201);
        begun.header("location").rsplit('/').next().expect("an id").to_owned()
    }

    async fn begin_upload(&self) -> String {
        let request = self.app.actor(Actor::Clerk).request(Method::POST, "/api/v1/uploads").header(TUS.0, TUS.1);
        // `{}` in base64.
        let begun = send(request.header("Upload-Length", 10).header("Upload-Metadata", "metadata e30=")).await.is(201);
        begun.header("location").rsplit('/').next().expect("an id").to_owned()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// A posted form of a page.
pub fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = serde_urlencoded::to_string(fields).expect("plain fields");
    request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
}

/// The access token of a new session, and the session's id.
async fn session(app: &TestApp, login: &str) -> (String, String) {
    let access = text(&app.nobody().log_in(login, PASSWORD).await.is(201).json()["access_token"]);
    let listed = app.nobody().with_token(&access).get("/api/v1/sessions").await.is(200).json();
    let current = listed["items"].as_array().expect("items").iter().find(|one| one["current"] == true);
    (access, text(&current.expect("itself")["id"]))
}

async fn cookie(app: &TestApp, login: &str) -> String {
    let request = app.nobody().request(Method::POST, "/masuk").header("Sec-Fetch-Site", "same-origin");
    let entered = send(form(request, &[("login", login), ("password", PASSWORD)])).await.is(303);
    entered.header("set-cookie").split(';').next().expect("a cookie").to_owned()
}

async fn drop_box(app: &TestApp, clerk: &Client) -> Handed {
    let body = json!({
        "label": "Kiriman", "expires_at": at(app, Duration::from_secs(86_400)), "max_files": 100, "max_bytes": 100_000
    });
    let made = clerk.post("/api/v1/drops", body).await.is(201).json();
    let (_, secret) = made["url"].as_str().and_then(|url| url.split_once('#')).expect("a fragment");
    Handed { id: text(&made["id"]), public: text(&made["public_id"]), secret: secret.to_owned() }
}

/// A harmless job that had failed for good.
async fn dead_job(app: &TestApp) -> String {
    let mut tx = app.app.db.write().await.expect("a transaction");
    let job = app.app.queue.enqueue(&mut tx, &Reindex::all(), None).await.expect("enqueued");
    tx.execute("UPDATE job SET state = 'dead' WHERE kind = 'reindex'", vec![]).await.expect("given up");
    tx.commit().await.expect("committed");
    job.to_string()
}

async fn asset(app: &TestApp) -> String {
    let page = app.nobody().get("/masuk").await.is(200).text();
    let (_, rest) = page.split_once("/assets/").expect("a page names its assets");
    rest.split('"').next().expect("a name").to_owned()
}
