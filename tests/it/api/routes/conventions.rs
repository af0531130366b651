//! What every call does with what it does not know: a query parameter, a method, an address, a language.

use lumbung::http::routes;
use reqwest::Method;

use crate::support::app::{TestApp, run_on};
use crate::support::client::{Answer, send};
use crate::support::regency::{Actor, Stack};

/// A path with something in each place that nothing is called.
fn somewhere(path: &str) -> String {
    let places = ["{id}", "{page}", "{office}", "{session}", "{post}", "{consent}", "{token}"];
    places.iter().fold(path.to_owned(), |path, place| path.replace(place, "1"))
}

/// The methods that an answer names, sorted.
fn ways(answer: &Answer) -> Vec<String> {
    let mut ways: Vec<String> = answer.header("allow").split(',').map(|way| way.trim().to_owned()).collect();
    ways.sort();
    ways
}

async fn ask(app: &TestApp, method: Method, path: &str, language: &str) -> Answer {
    let client = reqwest::Client::new();
    let request = client.request(method, format!("{}{path}", app.base)).header("Accept-Language", language);
    send(request.bearer_auth(app.account(Actor::Clerk).token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_parameter_that_a_call_does_not_know_is_refused_by_each() {
    run_on(Stack::Embedded, async |app| {
        for operation in routes::openapi().operations() {
            let (method, path) = (operation.method.parse::<Method>().expect("a method"), somewhere(operation.path));
            let answer = send(app.actor(Actor::Clerk).request(method.clone(), &format!("{path}?tak_dikenal=1"))).await;
            let is_refused = answer.status == 422 || operation.path.contains('{') && answer.status == 404;
            assert!(is_refused, "{method} {path}: {} {}", answer.status, answer.text());
            if !operation.is_public() && !operation.path.starts_with("/api/v1/shared/") {
                send(app.nobody().request(method, &format!("{path}?tak_dikenal=1"))).await.is(401);
            }
        }
        let problem = app.nobody().get("/api/v1/limits?tak_dikenal=1").await.refusal(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/query/tak_dikenal");
        app.nobody().get("/api/v1/openapi.json?tak_dikenal=1").await.is(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_method_or_address_says_so_as_a_problem() {
    run_on(Stack::Embedded, async |app| {
        let clerk = app.actor(Actor::Clerk);
        let answer = send(clerk.request(Method::PUT, "/api/v1/documents")).await;
        assert_eq!(ways(&answer), ["GET", "HEAD", "POST"]);
        answer.refusal(405, "method-not-allowed");
        for path in ["/api/v1/nowhere", "/api/v2/documents", "/api/v1/documents/"] {
            clerk.get(path).await.refusal(404, "not-found");
        }
        let can = send(app.nobody().request(Method::OPTIONS, "/api/v1/documents")).await.is(204);
        assert_eq!(ways(&can), ["GET", "HEAD", "POST"]);
        assert_eq!((can.header("access-control-allow-origin"), can.text()), ("", String::new()));
        let can = send(app.nobody().request(Method::OPTIONS, "/masuk")).await.is(204);
        assert_eq!(ways(&can), ["GET", "HEAD", "POST"]);
        let head = send(clerk.request(Method::HEAD, "/api/v1/me")).await.is(200);
        assert!(head.body.is_empty() && head.header("content-type") == "application/json");
        send(app.nobody().request(Method::HEAD, "/api/v1/me")).await.is(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_speaks_the_language_that_was_asked_for_and_indonesian_otherwise() {
    run_on(Stack::Embedded, async |app| {
        for (language, code) in
            [("en", "en"), ("en-GB,en;q=0.9", "en"), ("id", "id"), ("fr", "id"), ("*", "id"), ("", "id")]
        {
            let answer = ask(app, Method::GET, "/api/v1/nowhere", language).await;
            assert_eq!(answer.header("content-language"), code, "{language}");
            let problem = answer.refusal(404, "not-found");
            let title = if code == "en" { "Not found" } else { "Tidak ditemukan" };
            assert_eq!(problem["title"], title, "{language}");
            assert!(problem["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{problem}");
        }
    })
    .await;
}
