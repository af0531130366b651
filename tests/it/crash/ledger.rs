//! What was acknowledged, and whether it is there: bit for bit and findable, counted exactly, nothing half done beside it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use crate::support::client::{Client, send};

/// How long a node's index may be behind while three servers share two cores.
const FOLLOWS: Duration = Duration::from_secs(60);

/// A document whose making was acknowledged.
#[derive(Clone, Debug)]
pub struct Kept {
    pub bytes: Vec<u8>,
    /// A word that stands in no other document.
    pub word: String,
    pub trashed: bool,
}

/// A link whose making was acknowledged.
#[derive(Clone, Debug)]
pub struct Shared {
    pub public: String,
    pub secret: String,
    /// Openings that were answered; one more may have been counted when the answer was cut off.
    pub opened: u64,
    pub unanswered: u64,
    pub grant: Option<String>,
    pub revoked: bool,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub documents: BTreeMap<String, Kept>,
    pub links: BTreeMap<String, Shared>,
    /// Acts that were answered, by action and object: one entry of the audit each.
    pub acts: BTreeMap<(&'static str, String), u64>,
    /// Acts whose answer was cut off: an entry more is no fault.
    pub unanswered: BTreeMap<(&'static str, String), u64>,
    /// Documents that may be there, whole, without having been acknowledged.
    pub unacknowledged: usize,
}

impl Ledger {
    pub fn act(&mut self, action: &'static str, object: &str) {
        *self.acts.entry((action, object.to_owned())).or_default() += 1;
    }

    pub fn unanswered(&mut self, action: &'static str, object: &str) {
        *self.unanswered.entry((action, object.to_owned())).or_default() += 1;
    }

    /// Everything at once; `clerk` and `head` are of the office whose ledger this is.
    pub async fn check(&self, clerk: &Client, head: &Client) {
        for (id, kept) in &self.documents {
            self.check_document(clerk, id, kept).await;
        }
        self.check_nothing_else(clerk).await;
        for (id, link) in &self.links {
            check_link(clerk, id, link).await;
        }
        for ((action, object), times) in &self.acts {
            let at_most = times + self.unanswered.get(&(*action, object.clone())).copied().unwrap_or(0);
            let entries = entries(head, action, object).await;
            assert!((*times..=at_most).contains(&entries), "{action} of {object}: {entries} entries for {times} acts");
        }
    }

    /// The newest documents only: for a check after each of very many deaths.
    pub async fn check_newest(&self, clerk: &Client, most: usize) {
        for (id, kept) in self.documents.iter().rev().take(most) {
            self.check_document(clerk, id, kept).await;
        }
    }

    async fn check_document(&self, clerk: &Client, id: &str, kept: &Kept) {
        let path = format!("/api/v1/documents/{id}");
        if kept.trashed {
            clerk.get(&path).await.refusal(404, "not-found");
            assert!(clerk.finds(&kept.word).await.is_empty(), "{id} is found in the trash");
            return;
        }
        assert!(clerk.get(&format!("{path}/content")).await.is(200).body == kept.bytes, "{id} has other bytes");
        let settled = clerk.settled(id).await;
        assert_eq!(settled["state"], "ready", "{settled}");
        // What changed a moment ago is left out until this node's index has followed.
        let started = Instant::now();
        loop {
            let found = clerk.finds(&kept.word).await;
            if found == [id.to_owned()] {
                return;
            }
            assert!(started.elapsed() < FOLLOWS, "{} finds {found:?} and not {id}", kept.word);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A document that was not acknowledged is whole or not there at all.
    async fn check_nothing_else(&self, clerk: &Client) {
        let is_unknown = |item: &Value| !self.documents.contains_key(item["id"].as_str().unwrap_or_default());
        let unknown: Vec<Value> = every_document(clerk).await.into_iter().filter(is_unknown).collect();
        assert!(unknown.len() <= self.unacknowledged, "documents that nobody acknowledged: {unknown:?}");
        for document in unknown {
            let path = format!("/api/v1/documents/{}/content", document["id"].as_str().unwrap_or_default());
            let bytes = clerk.get(&path).await.is(200).body;
            assert_eq!(Some(bytes.len() as u64), document["size"].as_u64(), "half a document: {document}");
        }
    }
}

async fn every_document(clerk: &Client) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = clerk.get(&format!("/api/v1/documents?limit=200{cursor}")).await.is(200).json();
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

async fn check_link(clerk: &Client, id: &str, link: &Shared) {
    let shown = clerk.get(&format!("/api/v1/links/{id}")).await.is(200).json();
    let opens = shown["opens"].as_u64().expect("a count");
    assert!((link.opened..=link.opened + link.unanswered).contains(&opens), "{shown}: {link:?}");
    let log = clerk.get(&format!("/api/v1/links/{id}/opens?limit=200")).await.is(200).json();
    let lines = log["items"].as_array().expect("items").iter().filter(|line| line["result"] == "opened").count();
    assert_eq!(lines as u64, opens, "each counted opening has its line");
    if link.revoked {
        assert_eq!(shown["state"], "revoked");
        let body = serde_json::json!({ "secret": link.secret });
        clerk.post(&format!("/api/v1/shared/{}/peek", link.public), body).await.refusal(404, "link-unusable");
        if let Some(grant) = &link.grant {
            let used = clerk.with_token(grant).request(Method::GET, &format!("/api/v1/shared/{}/content", link.public));
            send(used).await.refusal(404, "link-unusable");
        }
    }
}

async fn entries(head: &Client, action: &str, object: &str) -> u64 {
    let path = format!("/api/v1/audit?action={action}&object={object}&limit=200");
    let found = head.get(&path).await.is(200).json();
    found["items"].as_array().expect("items").iter().filter(|line| line["result"] == "ok").count() as u64
}
