//! A server that ends TLS itself, and one that is asked to do without.

use lumbung::config::Config;
use reqwest::Method;

use crate::nodes::proxy::certificate;
use crate::support::app::TestApp;
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, PASSWORD, Stack};
use crate::support::server;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_speaks_tls_alone_and_its_cookie_goes_by_tls_alone() {
    let dir = server::scratch("tls");
    certificate(&dir);
    let (chain, key) = (dir.join("fullchain.pem"), dir.join("privkey.pem"));
    let settings = [
        ("server.tls_certificate", chain.to_str().expect("text")),
        ("server.tls_key_file", key.to_str().expect("text")),
        ("server.public_url", "https://lumbung.example"),
    ];
    let app = TestApp::with(Stack::Embedded, &settings).await;
    let secure = Client::nobody(&app.base.replace("http://", "https://")).unverified();
    let page = secure.get("/masuk").await.is(200);
    assert!(page.header("strict-transport-security").starts_with("max-age="), "{:?}", page.headers);
    let fields = format!("login=clerk&password={}", PASSWORD.replace(' ', "+"));
    let login = secure.request(Method::POST, "/masuk").header("sec-fetch-site", "same-origin").body(fields);
    let entered = send(login.header("content-type", "application/x-www-form-urlencoded")).await.is(303);
    let cookie = entered.header("set-cookie");
    assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly"), "{cookie}");
    let clerk = secure.with_token(&app.account(Actor::Clerk).token);
    clerk.get("/api/v1/me").await.is(200);
    let plain = reqwest::get(format!("{}/masuk", app.base)).await;
    assert!(plain.is_err(), "it answers without TLS: {plain:?}");
    app.finish().await;
    let _ = std::fs::remove_dir_all(dir);
}

#[test]
fn a_public_address_without_tls_is_refused_unless_somebody_says_insecure() {
    let with = |more: &str| {
        let text = format!("[server]\nlisten = \"0.0.0.0:8080\"\npublic_url = \"http://arsip.example.go.id\"\n{more}");
        Config::from_layers(&text, [])
    };
    let refused = with("").err().map(|mistakes| format!("{mistakes:?}")).unwrap_or_default();
    assert!(refused.contains("server.insecure") || refused.contains("insecure"), "{refused}");
    assert!(with("insecure = true\n").is_ok());
}
