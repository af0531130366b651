//! Finding through the running server: what changes is found, or no longer found, at once; what was lost comes back; and
//! every filter, order and mark of an answer is what the caller asked for.

mod asking;
mod at_once;
mod rebuilding;

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Client, send};

/// A letter of one page that can be found.
pub async fn letter(owner: &Client, text: &str, metadata: Value) -> String {
    let document = owner.upload_and_read("surat.txt", format!("{text}\n").into_bytes(), metadata).await;
    document["id"].as_str().expect("an id").to_owned()
}

pub async fn ask(caller: &Client, query: &[(&str, &str)]) -> Value {
    send(caller.request(Method::GET, "/api/v1/search").query(query)).await.is(200).json()
}

pub async fn suggest(caller: &Client, start: &str) -> Value {
    send(caller.request(Method::GET, "/api/v1/search/suggest").query(&[("q", start)])).await.is(200).json()
}

pub fn ids(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().expect("items");
    items.iter().map(|item| item["document"]["id"].as_str().expect("an id")).collect()
}

/// How often a word is found by whatever counts: items, total, facets, suggestions. All of them have to agree.
pub async fn counted(caller: &Client, word: &str) -> u64 {
    let answer = caller.search(word).await;
    let total = answer["total"].as_u64().expect("a total");
    let matches = answer["items"].as_array().expect("items").iter().filter(|item| item["near"] == false).count() as u64;
    let facet: u64 = answer["facets"]["office"]
        .as_array()
        .expect("a facet")
        .iter()
        .map(|office| office["count"].as_u64().expect("a count"))
        .sum();
    let offered = suggest(caller, &word[..word.len() - 2]).await;
    let offered = offered["items"].as_array().expect("items").iter().find(|item| item["text"] == word).cloned();
    let offered = offered.map_or(0, |item| item["count"].as_u64().expect("a count"));
    assert_eq!((matches, facet, offered), (total, total, total), "{word}: {answer}");
    total
}

/// Asks until it is so, and says how long that took.
pub async fn until(most: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !is_so().await {
        assert!(started.elapsed() < most, "{what}: not within {most:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    started.elapsed()
}

pub fn path(document: &str) -> String {
    format!("/api/v1/documents/{document}")
}

pub fn untitled() -> Value {
    json!({})
}
