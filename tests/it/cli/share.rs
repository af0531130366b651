//! `lumbung search` and `lumbung share`, clients of the API.

use serde_json::json;

use super::Terminal;
use crate::reading::support::letter_pdf;
use crate::support::client::Client;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};
use crate::support::server::free_port;

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_found_and_shared_from_the_terminal() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let letter = letter_pdf(&["perbaikan tanggul blencong"]);
    let document = clerk.upload_and_read("a.pdf", letter, json!({ "title": "Permohonan tanggul" })).await;
    let id = document["id"].as_str().expect("an id");
    let terminal = Terminal::of(&program, Actor::Clerk);

    let found = terminal.run(&["search", "tanggul", "blencong"]).await.ends(0);
    assert!(found.out().starts_with(id) && found.out().contains("Permohonan tanggul"), "{}", found.out());
    assert!(found.err().contains("1 dokumen / documents"), "{}", found.err());
    let found = terminal.run(&["search", "blencong", "--json"]).await.ends(0).json();
    assert_eq!((&found["total"], &found["items"][0]["document"]["id"]), (&json!(1), &json!(id)));
    let none = terminal.run(&["search", "xylofon"]).await.ends(0);
    assert!(none.out().is_empty() && none.err().contains("0 dokumen"), "{}{}", none.out(), none.err());

    terminal.file("password", b"padi sawah\n");
    let password = ["--password-file", "password", "--rights", "download", "--max-opens", "1", "--label", "DPMD"];
    let shared = terminal.run(&[&["share", id][..], &password].concat()).await.ends(0);
    let url = shared.out().trim().to_owned();
    assert_eq!(url.lines().count(), 1, "the address alone, so that it can be piped: {url}");
    assert!(shared.err().contains("shown only once"), "{}", shared.err());
    let (address, secret) = url.split_once('#').expect("a fragment");
    let public = address.rsplit('/').next().expect("a public id");
    let open = |extra: serde_json::Value| {
        let nobody = Client::nobody(&program.base);
        let path = format!("/api/v1/shared/{public}/open");
        async move { nobody.post(&path, extra).await }
    };
    open(json!({ "secret": secret })).await.refusal(401, "link-password");
    open(json!({ "secret": secret, "password": "padi sawah" })).await.is(200);
    open(json!({ "secret": secret, "password": "padi sawah" })).await.refusal(404, "link-unusable");
    let listed = clerk.get("/api/v1/links").await.is(200).text();
    assert!(listed.contains("DPMD") && !listed.contains(secret), "the secret is nowhere any more");

    let agency = program.actor(Actor::AgencyClerk).office().to_owned();
    let report = terminal.run(&["share", id, "--office", &agency, "--json"]).await.ends(0).json();
    assert!(report["url"].as_str().is_some_and(|url| url.contains("/s/")), "{report}");
    assert_eq!(report["audience"]["kind"], "offices");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shared_is_told_with_the_servers_reason() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let document = clerk.upload("a.bin", vec![7; 1000], json!({})).await;
    let id = document["id"].as_str().expect("an id");
    let terminal = Terminal::of(&program, Actor::Clerk);
    terminal.run(&["share", id]).await.ends(2).says(&["lumbung: "]);
    terminal.run(&["share", "doc_nothing"]).await.ends(2);
    let unknown = lumbung::id::DocumentId::fresh(&lumbung::clock::Clock::default()).to_string();
    let told = terminal.run(&["share", &unknown]).await.ends(1).says(&["Not found, or not open to your office."]);
    assert_eq!(told.err().matches("Not found").count(), 1, "in one language, once: {}", told.err());
    terminal.run(&["share", id, "--password-file", "absent"]).await.ends(2).says(&["--password-file"]);
    let stranger = Terminal::of(&program, Actor::OtherClerk);
    stranger.run(&["share", id, "--rights", "download"]).await.ends(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_server_and_a_wrong_token_are_told_with_what_to_do() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let terminal = Terminal::new();
    terminal.run(&["search", "x"]).await.ends(2).says(&["--server", "config/lumbung/client.toml"]);
    let here = format!("server = {:?}\n", program.base);
    terminal.file("config/lumbung/client.toml", here.as_bytes());
    terminal.run(&["search", "x"]).await.ends(2).says(&["--token-file", "client.toml"]);
    terminal.file("token", b"lmb_wrong\n");
    let refused = terminal.run(&["search", "x", "--token-file", "token"]).await.ends(2);
    refused.says(&[&program.base, "does not accept the token in token", "Make a new token"]);
    terminal.file("accounts.json", b"[{ \"login\": \"a\" }]");
    terminal.run(&["search", "x", "--token-file", "accounts.json"]).await.ends(2).says(&["accounts.json", "lmb_"]);
    terminal.run(&["search", "x", "--token-file", "absent"]).await.ends(2).says(&["absent"]);
    let whole = format!("{here}token_file = \"token\"\n");
    terminal.file("config/lumbung/client.toml", whole.as_bytes());
    terminal.file("token", program.actor(Actor::Clerk).account().token.as_bytes());
    terminal.run(&["search", "x"]).await.ends(0);

    let nowhere = format!("http://127.0.0.1:{}", free_port());
    terminal.run(&["search", "x", "--server", &nowhere]).await.ends(3).says(&[&nowhere, "cannot be reached"]);
    terminal.run(&["search", "x", "--server", "lumbung.example.id"]).await.ends(2).says(&["https://"]);
}
