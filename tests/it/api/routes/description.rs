//! The OpenAPI document and its page.

use lumbung::http::routes;
use serde_json::Value;

use crate::support::app::run_on;
use crate::support::regency::Stack;

const COMMITTED: &str = "schema/openapi.json";
const WRITE: &str = "LUMBUNG_WRITE_OPENAPI";

#[test]
fn the_committed_document_is_what_the_code_says() {
    let description = routes::openapi();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(COMMITTED, description.text()).expect("the checkout is writable");
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    let differs = committed.lines().zip(description.text().lines()).find(|(theirs, ours)| theirs != ours);
    assert!(
        committed == description.text(),
        "{COMMITTED} is not what the code says (first: {differs:?}). Look at what changed for clients, then refresh it:\n\
         {WRITE}=1 ./test the_committed_document_is_what_the_code_says"
    );
}

#[test]
fn every_call_says_what_it_takes_and_how_it_refuses() {
    let description = routes::openapi();
    assert_eq!(description.document()["openapi"], "3.1.0");
    for operation in description.operations() {
        let (told, name) = (operation.told, format!("{} {}", operation.method, operation.path));
        assert!(told["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}: no summary");
        assert!(told["tags"][0].is_string(), "{name}: no tag");
        for status in ["4XX", "5XX"] {
            let problem = &told["responses"][status]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{name}: {status}");
        }
        for (status, answer) in told["responses"].as_object().expect("answers") {
            assert!(
                answer["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{name}: {status} says nothing"
            );
        }
        for parameter in operation.parameters("header").chain(operation.parameters("query")) {
            let is_plain = parameter["description"].is_string() || parameter["in"] == "query";
            assert!(is_plain, "{name}: {} is not described", parameter["name"]);
        }
    }
}

#[test]
fn headers_are_described_where_they_count() {
    let description = routes::openapi();
    let has = |method: &str, path: &str, header: &str| {
        let operation = description.operations().find(|one| one.method == method && one.path == path);
        let operation = operation.unwrap_or_else(|| panic!("{method} {path} is described"));
        operation.parameters("header").any(|one| one["name"] == header)
    };
    for path in [
        "/documents",
        "/documents/from-uploads",
        "/documents/{id}/versions",
        "/uploads",
        "/documents/{id}/links",
        "/drops",
        "/drops/{id}/files",
        "/offices/{office}/tokens",
        "/offices/{office}/members",
    ] {
        assert!(has("POST", &format!("/api/v1{path}"), "Idempotency-Key"), "{path}");
    }
    for (method, path) in [
        ("PATCH", "/documents/{id}"),
        ("DELETE", "/documents/{id}"),
        ("PATCH", "/links/{id}"),
        ("DELETE", "/links/{id}"),
        ("POST", "/links/{id}/release"),
        ("POST", "/documents/{id}/restore"),
        ("PATCH", "/offices/{office}"),
    ] {
        assert!(has(method, &format!("/api/v1{path}"), "If-Match"), "{method} {path}");
    }
    for (method, path) in [("POST", "/documents"), ("POST", "/uploads"), ("PATCH", "/uploads/{id}")] {
        assert!(has(method, &format!("/api/v1{path}"), "Content-Digest"), "{method} {path}");
    }
    assert!(
        has("GET", "/api/v1/documents/{id}/content", "Range") && has("GET", "/api/v1/shared/{id}/content", "Range")
    );
    assert!(has("GET", "/api/v1/documents", "Lumbung-Office") && !has("GET", "/api/v1/status", "Lumbung-Office"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_is_served_and_its_page_needs_no_other_server() {
    run_on(Stack::Embedded, async |app| {
        let served = app.nobody().get("/api/v1/openapi.json").await.is(200);
        assert_eq!(served.header("content-type"), "application/json");
        assert_eq!(served.text(), routes::openapi().text());
        let page = app.nobody().get("/api/docs").await.is(200);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = page.text();
        for operation in routes::openapi().operations() {
            assert!(html.contains(&format!("<code>{}</code>", operation.path)), "{} is on the page", operation.path);
        }
        assert!(
            !html.contains("src=\"http") && !html.contains("href=\"http") && !html.contains("<script>"),
            "all is ours"
        );
        let shapes: Value = served.json();
        for name in shapes["components"]["schemas"].as_object().expect("schemas").keys() {
            assert!(html.contains(&format!("<code>{name}</code>")), "{name} is on the page");
        }
    })
    .await;
}
