//! Details, questions and times that are not as they should be.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::support::app::{TestApp, both_stacks};
use crate::support::regency::{Actor, Stack};

both_stacks!(metadata_that_is_not_an_object_of_known_fields_is_refused_with_its_place, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    for torn in ["", "surat", "{\"title\":", "{} {}", "{'title': 'x'}"] {
        refused(|| upload(&clerk, &[metadata(torn), file(b"isi")]), 400, "not-json").await;
    }
    let cases = [
        ("[]", ""),
        (r#"["judul"]"#, ""),
        ("5", ""),
        ("null", ""),
        (r#"{"titel":"x"}"#, "/titel"),
        (r#"{"title":5}"#, "/title"),
        (r#"{"labels":"penting"}"#, "/labels"),
        (r#"{"labels":["penting",7]}"#, "/labels/1"),
        (r#"{"security_class":"bukan sifat"}"#, "/security_class"),
        (r#"{"date":"31-12-2025"}"#, "/date"),
        (r#"{"date":"2025-02-30"}"#, "/date"),
        (r#"{"title":"a\u0000b"}"#, "/title"),
        (r#"{"title":"a\nb"}"#, "/title"),
        (r#"{"title":""}"#, "/title"),
    ];
    for (json, pointer) in cases {
        let problem = refused(|| upload(&clerk, &[metadata(json), file(b"isi")]), 422, "invalid").await;
        assert!(points_at(&problem, pointer), "{json}: {problem}");
    }
    let long = json!({ "title": "a".repeat(501), "number": "b".repeat(501), "date": "x" }).to_string();
    let problem = refused(|| upload(&clerk, &[metadata(&long), file(b"isi")]), 422, "invalid").await;
    for pointer in ["/title", "/number", "/date"] {
        assert!(points_at(&problem, pointer), "every mistake at once: {problem}");
    }
    let bytes = Raw { name: "metadata", file_name: None, bytes: b"{\"title\":\"\xff\xfe\"}" };
    refused(|| upload(&clerk, &[bytes, file(b"isi")]), 400, "not-json").await;
    assert_eq!(documents(&clerk).await, 0);
});

async fn metadata_over_the_limit(stack: Stack) {
    let app = TestApp::with(stack, &[("server.json_bytes", "10000")]).await;
    let clerk = app.actor(Actor::Clerk);
    let huge = json!({ "summary": "a".repeat(20_000) }).to_string();
    let problem = refused(|| upload(&clerk, &[metadata(&huge), file(b"isi")]), 413, "too-large").await;
    assert!(problem["detail"].as_str().is_some_and(|said| said.contains("server.json_bytes")), "{problem}");
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    let answer = send(upload(&clerk, &[metadata(&deep), file(b"isi")])).await;
    assert!([400, 422].contains(&answer.status), "{}", answer.text());
    let body = json!({ "login": "clerk", "password": "a".repeat(20_000) });
    let post = || clerk.request(Method::POST, "/api/v1/sessions").json(&body);
    refused(post, 413, "too-large").await;
    assert_eq!(documents(&clerk).await, 0);
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_bodies_over_the_limit_are_refused_embedded() {
    metadata_over_the_limit(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_and_bodies_over_the_limit_are_refused_networked() {
    metadata_over_the_limit(Stack::Networked).await;
}

both_stacks!(questions_beyond_the_limits_of_a_list_are_refused, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    for list in ["documents", "links", "drops", "search?q=tanggul", "offices"] {
        let mark = if list.contains('?') { '&' } else { '?' };
        for limit in ["0", "-1", "201", "99999999999999999999", "banyak"] {
            let path = format!("/api/v1/{list}{mark}limit={limit}");
            refused(|| clerk.request(Method::GET, &path), 422, "invalid").await;
        }
        let path = format!("/api/v1/{list}{mark}cursor=bukan-penunjuk");
        refused(|| clerk.request(Method::GET, &path), 422, "invalid").await;
        let path = format!("/api/v1/{list}{mark}limitt=5");
        refused(|| clerk.request(Method::GET, &path), 422, "invalid").await;
    }
    let problem = refused(|| clerk.request(Method::GET, "/api/v1/documents?limit=201"), 422, "invalid").await;
    assert!(points_at(&problem, "/query/limit"), "{problem}");
    clerk.get("/api/v1/documents?limit=200").await.is(200);
});

both_stacks!(a_clients_wrong_clock_decides_nothing, async |app: &TestApp| {
    let clerk = app.actor(Actor::Clerk);
    let dated = |date: &'static str| upload(&clerk, &[metadata("{}"), file(date.as_bytes())]).header("Date", date);
    let mut made = Vec::new();
    for date in ["Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "kemarin"] {
        made.push(send(dated(date)).await.is(201).json());
    }
    let times: Vec<&str> = made.iter().map(|document| document["received_at"].as_str().expect("a time")).collect();
    assert!(times.iter().all(|time| time[..4] == times[0][..4]), "{times:?}");
    let path = format!("/api/v1/documents/{}/links", made[0]["id"].as_str().expect("an id"));
    let link = |expires_at: &'static str| {
        let terms = json!({ "audience": { "kind": "anyone" }, "rights": "view", "expires_at": expires_at });
        clerk.request(Method::POST, &path).json(&terms)
    };
    for wrong in ["1970-01-01T00:00:00Z", "2020-02-30T00:00:00Z", "besok", "99999-01-01T00:00:00Z"] {
        let problem = refused(|| link(wrong), 422, "invalid").await;
        assert!(points_at(&problem, "/expires_at"), "{wrong}: {problem}");
    }
    let answer = send(link("9999-12-31T23:59:59Z")).await;
    assert!((400..500).contains(&answer.status), "no link lives for ever: {}", answer.text());
});
