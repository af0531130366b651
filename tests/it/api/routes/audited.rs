//! Whoever changes something leaves an entry, whatever route it was changed by.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::table::{CALLERS, Caller, lines};
use super::village::Village;
use super::walk::{asked, with_body};
use crate::share::{anyone, at, terms};
use crate::support::app::TestApp;
use crate::support::client::send;
use crate::support::regency::Stack;

/// Changes that leave no entry, and why.
const SILENT: &[(&str, &str)] = &[
    ("DELETE /api/v1/uploads/{id}", "what is not whole is no document yet"),
    ("DELETE /api/v1/drops/{id}/files/{upload}", "the same"),
    ("POST /api/v1/shared/{id}/peek", "looking opens nothing"),
    ("POST /api/v1/shared/{id}/renew", "the opening has its entry, and so has each thing that is read under it"),
];

/// What this walk brings to no good end, and what looks at its entry, or why there is none.
const ELSEWHERE: &[(&str, &str)] = &[
    ("DELETE /api/v1/documents/{id}", "crash::ledger"),
    ("DELETE /api/v1/links/{id}", "crash::ledger"),
    ("DELETE /api/v1/me/totp", "api::people_sessions"),
    ("PATCH /api/v1/drops/{id}/files/{upload}", "share::drop_uploads"),
    ("PATCH /api/v1/uploads/{id}", "crash::ledger"),
    ("POST /api/v1/activations", "api::people_members"),
    ("POST /api/v1/documents", "crash::ledger"),
    ("POST /api/v1/documents/from-uploads", "flow::tus"),
    ("POST /api/v1/documents/{id}/read", "reading::kinds"),
    ("POST /api/v1/documents/{id}/restore", "crash::ledger"),
    ("POST /api/v1/documents/{id}/versions", "crash::ledger"),
    ("POST /api/v1/drops/{id}/files", "share::drops"),
    ("POST /api/v1/links/{id}/release", "share::classes"),
    ("POST /api/v1/sessions", "api::people_access"),
    ("POST /api/v1/sessions/refresh", "only a stolen one is written down"),
    ("POST /api/v1/shared/{id}/code", "the opening by it is written down"),
    ("POST /api/v1/uploads", "what is not whole is no document yet"),
    ("PUT /api/v1/me/password", "api::people_sessions"),
    ("PUT /api/v1/me/totp", "api::people_sessions"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_change_by_the_api_leaves_an_entry() {
    let app = TestApp::start(Stack::Embedded).await;
    let mut village = Village::settle(&app).await;
    let (mut silent, mut never) = (BTreeSet::new(), BTreeSet::new());
    for line in lines() {
        let changes = ["POST", "PUT", "PATCH", "DELETE"].contains(&line.method);
        if !changes || !line.path.starts_with("/api/v1/") {
            continue;
        }
        let route = line.route();
        let mut is_done = false;
        for caller in CALLERS.into_iter().rev() {
            village.prepare(&route).await;
            let before = entries(&app).await;
            let answer = send(complete(&app, &mut village, caller, &route)).await;
            if (200..300).contains(&answer.status) {
                is_done = true;
                if entries(&app).await == before {
                    silent.insert(route.clone());
                }
                break;
            }
        }
        if !is_done {
            never.insert(route);
        }
    }
    let named = |list: &[(&str, &str)]| list.iter().map(|(route, _)| (*route).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(silent, named(SILENT), "say why nothing is written down, or write it down");
    assert_eq!(never, named(ELSEWHERE), "say where its entry is looked at");
    app.finish().await;
}

async fn entries(app: &TestApp) -> i64 {
    let counted: Option<(i64,)> = app.app.db.one("SELECT COUNT(*) FROM audit", vec![]).await.expect("counted");
    counted.map_or(0, |(count,)| count)
}

/// The request with everything that it needs to be done.
fn complete(app: &TestApp, village: &mut Village<'_>, caller: Caller, route: &str) -> RequestBuilder {
    let line = lines().into_iter().find(|line| line.route() == route).expect("in the table");
    let holder = village.holder(caller).clone();
    let request = asked(app, village, &holder, line);
    match body(app, route) {
        Some(body) => request.header("If-Match", "*").json(&body),
        None => with_body(app, village, route, request),
    }
}

fn body(app: &TestApp, route: &str) -> Option<Value> {
    let tomorrow = at(app, Duration::from_secs(86_400));
    Some(match route {
        "PATCH /api/v1/documents/{id}" => json!({ "summary": "Undangan untuk semua RT" }),
        "POST /api/v1/documents/{id}/links" => terms(app, anyone(), "download", json!({})),
        "PATCH /api/v1/links/{id}" => json!({ "label": "Untuk RT 03" }),
        "POST /api/v1/drops" => {
            json!({ "label": "Kiriman", "expires_at": tomorrow, "max_files": 10, "max_bytes": 100_000 })
        }
        "PATCH /api/v1/offices/{office}" => json!({ "name": "Desa Setia Maju" }),
        _ => return None,
    })
}
