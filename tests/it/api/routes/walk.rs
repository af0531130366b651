//! Every route, asked by every caller for something real, answers as the table says.

use std::collections::BTreeSet;

use lumbung::http::routes;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::table::{CALLERS, Caller, Line, lines};
use super::village::{Holder, Village, form};
use crate::share::at;
use crate::support::app::{TestApp, both_stacks};
use crate::support::regency::PASSWORD;

#[test]
fn every_route_is_in_the_table_and_every_line_is_a_route() {
    let there: BTreeSet<String> =
        routes::every().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    let listed: BTreeSet<String> = lines().iter().map(Line::route).collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&there).collect();
    assert!(missing.is_empty(), "say in the table who may call {missing:?}");
    assert!(idle.is_empty(), "the table names what is no route: {idle:?}");
    for line in lines() {
        let cells: Vec<char> = line.cells.chars().filter(|cell| *cell != '|').collect();
        let is_whole = cells.len() == CALLERS.len() && cells.iter().all(|cell| "+?-0".contains(*cell));
        assert!(is_whole, "{}: one of + ? - 0 for each caller", line.route());
    }
    assert_eq!(lines().len(), listed.len(), "a route stands in the table twice");
}

#[test]
fn no_route_is_added_beside_the_lists() {
    // A route that is not in a list would not be in the table either.
    let mut folders = vec![std::path::PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let is_list = path.ends_with("http/plain.rs");
            for call in [".route(", ".route_service(", ".nest(", ".nest_service("] {
                assert!(is_list || !text.contains(call), "{}: {call}…) goes around the lists", path.display());
            }
        }
    }
}

both_stacks!(every_caller_gets_at_what_the_table_says_and_at_nothing_else, async |app| {
    let mut village = Village::settle(app).await;
    let mut wrong = Vec::new();
    for (column, caller) in CALLERS.into_iter().enumerate() {
        for line in lines() {
            village.prepare(&line.route()).await;
            let (cell, status) = attempt(app, &mut village, caller, line).await;
            if cell != line.cell(column) {
                wrong.push(format!("{}: {caller:?} gets {status}, not `{}`", line.route(), line.cell(column)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cells differ:\n{}", wrong.len(), wrong.join("\n"));
});

async fn attempt(app: &TestApp, village: &mut Village<'_>, caller: Caller, line: Line) -> (char, u16) {
    let route = line.route();
    let ends_itself = ["DELETE /api/v1/sessions/current", "POST /keluar"].contains(&route.as_str());
    let holder = match caller {
        Caller::Person(_) if ends_itself => village.enter(caller).await,
        _ => village.holder(caller).clone(),
    };
    let request = asked(app, village, &holder, line);
    let request = with_body(app, village, &route, request);
    // Not read to its end: events never end.
    let answer = request.send().await.unwrap_or_else(|cause| panic!("{route}: {cause:?}"));
    let status = answer.status().as_u16();
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let to_login = status == 303 && header("location").starts_with("/masuk") && header("set-cookie").is_empty();
    let cell = match status {
        401 => '?',
        _ if to_login => '?',
        403 => '-',
        404 => '0',
        429 | 500.. => 'x',
        _ => '+',
    };
    (cell, status)
}

/// The request with the village's things in its path, and the headers that have to be there for the act to be judged.
pub fn asked(app: &TestApp, village: &Village<'_>, holder: &Holder, line: Line) -> RequestBuilder {
    let method: Method = line.method.parse().expect("a method");
    let path = filled(village, line);
    let request = holder.request(app, method.clone(), &path).header("Sec-Fetch-Site", "same-origin");
    match line.path {
        path if path.starts_with("/api/v1/uploads") => request.header("Tus-Resumable", "1.0.0"),
        path if path.starts_with("/api/v1/drops/{id}/files/") => {
            request.header("Lumbung-Secret", &village.drop.secret).header("Tus-Resumable", "1.0.0")
        }
        "/api/v1/drops/{id}/files" => request.header("Lumbung-Secret", &village.drop.secret),
        // A stale state is refused, but only to those who may act on it: so nothing is lost for the next caller.
        "/api/v1/documents/{id}" | "/api/v1/links/{id}" if method == Method::DELETE => stale(request),
        "/api/v1/documents/{id}/restore" | "/api/v1/links/{id}/release" => stale(request),
        _ => request,
    }
}

fn stale(request: RequestBuilder) -> RequestBuilder {
    request.header("If-Match", "\"999999999\"")
}

fn filled(village: &Village<'_>, line: Line) -> String {
    let id = match line.path {
        "/api/v1/documents/{id}/restore" | "/dokumen/{id}/sampah" | "/dokumen/{id}/pulihkan" => &village.bin,
        path if path.starts_with("/api/v1/documents/") || path.starts_with("/dokumen/") => &village.letter,
        path if path.starts_with("/api/v1/uploads/") => &village.upload,
        path if path.starts_with("/api/v1/links/") => &village.link.id,
        path if path.starts_with("/api/v1/shared/") => &village.link.public,
        path if path.starts_with("/api/v1/drops/{id}/files") => &village.drop.public,
        "/api/v1/drops/{id}" if line.method == "DELETE" => &village.ended_drop,
        "/kiriman/{id}/akhiri" => &village.ended_drop,
        "/api/v1/drops/{id}" => &village.drop.id,
        "/tautan/{id}" => &village.paused_link,
        _ => &village.job,
    };
    let public = if line.path.starts_with("/d/") { &village.drop.public } else { &village.link.public };
    let consent = if line.method == "DELETE" { &village.to_refuse } else { &village.to_agree };
    line.path
        .replace("{id}", id)
        .replace("{public}", public)
        .replace("{page}", "1")
        .replace("{office}", &village.office)
        .replace("{session}", &village.session)
        .replace("{upload}", &village.brought)
        .replace("{number}", "1")
        .replace("{post}", &village.post)
        .replace("{consent}", consent)
        .replace("{token}", &village.token)
        .replace("{name}", &village.asset)
}

/// The body, where permission is judged by what is in it or needs it to be sound. Elsewhere none: whoever may act is told
/// that it is missing, and the others that they may not.
pub fn with_body(app: &TestApp, village: &mut Village<'_>, route: &str, request: RequestBuilder) -> RequestBuilder {
    let (link, drop) = (village.link.secret.clone(), village.drop.secret.clone());
    match route {
        "POST /api/v1/sessions" | "POST /api/v1/sessions/refresh" | "POST /api/v1/activations" => {
            request.json(&json!({}))
        }
        "PUT /api/v1/me/password" => {
            request.json(&json!({ "password": "salah sekali", "new_password": "lumbung yang penuh" }))
        }
        "POST /api/v1/me/totp" => request.json(&json!({ "password": PASSWORD })),
        "PUT /api/v1/me/totp" => request.json(&json!({ "code": "000000" })),
        "DELETE /api/v1/me/totp" => request.json(&json!({ "password": "salah sekali", "code": "000000" })),
        "POST /api/v1/offices/{office}/members" => request.json(&village.newcomer("clerk")),
        "POST /api/v1/offices/{office}/tokens" => {
            let until = at(app, std::time::Duration::from_secs(3600));
            request.json(&json!({ "label": "uji", "scopes": ["manage"], "expires_at": until }))
        }
        "POST /api/v1/shared/{id}/peek" | "POST /api/v1/shared/{id}/open" | "POST /api/v1/shared/{id}/code" => {
            request.json(&json!({ "secret": link }))
        }
        "POST /akun/kode" => form(request, &[("password", PASSWORD)]),
        "POST /masuk" => form(request, &[("login", "clerk"), ("password", PASSWORD)]),
        "POST /kantor-aktif" => form(request, &[("kantor", &village.office)]),
        "POST /dokumen/{id}" => form(request, &[("title", "Undangan rapat"), ("revision", village.revision.as_str())]),
        "POST /akun/kode/aktif" => form(request, &[("code", "000000")]),
        "POST /tautan/{id}" => form(request, &[("aksi", "jeda")]),
        "POST /s/{public}" => form(request, &[("secret", &link)]),
        "POST /d/{public}" => form(request, &[("secret", &drop)]),
        "POST /d/{public}/kirim" => request.multipart(reqwest::multipart::Form::new().text("secret", drop)),
        "POST /bahasa" | "POST /aktivasi" | "POST /dokumen/{id}/bagikan" | "POST /dokumen/{id}/buka" => {
            form(request, &[("untuk", "")])
        }
        _ => request,
    }
}
