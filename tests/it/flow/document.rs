//! The way of a document: it comes in, is read, found, looked at, changed, thrown away, brought back and replaced.

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::id;
use crate::reading::support::letter_pdf;
use crate::share::{anyone, link, open, terms};
use crate::support::app::both_stacks;
use crate::support::client::{Client, form, send};
use crate::support::regency::{Actor, VILLAGE};

const LINES: &[&str] = &["PEMERINTAH DESA", "Nomor 005/127/Pemdes", "Undangan musyawarah tentang tanggul blencong"];

fn path(document: &Value, rest: &str) -> String {
    format!("/api/v1/documents/{}{rest}", id(document))
}

async fn letter(owner: &Client) -> Value {
    let metadata = json!({ "title": "Undangan musyawarah", "number": "005/127/Pemdes", "date": "2025-12-15" });
    owner.upload_and_read("Surat undangan é.pdf", letter_pdf(LINES), metadata).await
}

both_stacks!(an_upload_is_answered_with_the_whole_document, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter_pdf(LINES);
    let metadata = json!({
        "title": "Undangan musyawarah", "kind": "surat undangan", "security_class": "terbatas", "urgency": "segera",
        "classification": "400.10.2", "reach": "kantor", "date": "2025-12-15", "number": "005/127/Pemdes",
        "sender": "Desa", "recipient": "Camat", "summary": "Tanggul", "labels": ["musdes", "2025"],
    });
    let made = clerk.upload("../undangan.pdf", bytes.clone(), metadata.clone()).await;
    for (field, value) in metadata.as_object().expect("fields") {
        assert_eq!(&made[field], value, "{field} of {made}");
    }
    assert!(id(&made).starts_with("doc_"), "{made}");
    assert_eq!(made["office"], json!({ "id": clerk.office(), "code": VILLAGE, "name": clerk.account().office_name }));
    assert_eq!(made["state"], "received");
    assert_eq!(made["media_type"], "application/pdf");
    assert_eq!(made["size"], bytes.len());
    assert_eq!(made["fingerprint"], format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes))));
    assert_eq!((&made["versions"], &made["file_name"]), (&json!(1), &json!("undangan.pdf")));
    assert!(made.get("duplicate_of").is_none(), "{made}");
    let settled = clerk.settled(&id(&made)).await;
    assert_eq!((&settled["state"], &settled["pages"], &settled["pages_read"]), (&json!("ready"), &json!(1), &json!(1)));
    let listed = clerk.get("/api/v1/documents?label=musdes&from=2025-12-01&to=2025-12-31").await.is(200).json();
    assert_eq!(listed["items"][0]["id"], made["id"]);
    assert_eq!(clerk.get("/api/v1/documents?label=mus").await.is(200).json()["items"], json!([]));
});

both_stacks!(what_an_upload_is_answered_with_is_what_is_kept, async |app| {
    let clerk = app.actor(Actor::Clerk);
    for class in ["biasa", "rahasia"] {
        let metadata = json!({
            "title": "Denah balai", "security_class": class, "date": "2025-12-15", "number": "005/1", "sender": "Desa",
            "summary": "Tanggul", "labels": ["musdes"],
        });
        let bytes = format!("\u{1}\u{2} bukan apa-apa {class}").into_bytes();
        let made = clerk.upload("denah.bin", bytes, metadata).await;
        assert_eq!(made["state"], "stored", "nobody reads it, so that nothing changes it: {made}");
        assert_eq!(made, clerk.get(&format!("/api/v1/documents/{}", id(&made))).await.is(200).json());
    }
});

both_stacks!(what_is_ready_is_found_with_its_words_marked_on_the_page, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk).await;
    let found = clerk.search("blencong").await;
    assert_eq!((&found["total"], &found["items"][0]["document"]["id"]), (&json!(1), &document["id"]), "{found}");
    assert_eq!((&found["items"][0]["page"], &found["items"][0]["near"]), (&json!(1), &json!(false)));
    let snippet = &found["items"][0]["snippet"];
    let text: Vec<char> = snippet["text"].as_str().expect("a text").chars().collect();
    let [start, end] = [0, 1].map(|at| snippet["highlights"][0][at].as_u64().expect("a place") as usize);
    assert_eq!(text[start..end].iter().collect::<String>(), "blencong");

    let words = clerk.get(&path(&document, "/pages/1/words?q=blencong")).await.is(200).json();
    assert_eq!(words["page"], 1);
    let words = words["words"].as_array().expect("words");
    let hits: Vec<&Value> = words.iter().filter(|word| word["hit"] == true).collect();
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0]["text"], "blencong");
    for word in words {
        let [x0, y0, x1, y1] = [0, 1, 2, 3].map(|at| word["box"][at].as_f64().expect("a number"));
        assert!(0.0 <= x0 && x0 < x1 && x1 <= 1.0 && 0.0 <= y0 && y0 < y1 && y1 <= 1.0, "{word}");
    }
    let text = clerk.get(&path(&document, "/pages/1/text")).await.is(200);
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(text.text().contains("tanggul blencong"), "{}", text.text());
    let picture = clerk.get(&path(&document, "/pages/1/image?width=240")).await.is(200);
    assert!(["image/jpeg", "image/png"].contains(&picture.header("content-type")));
    assert_eq!(image::load_from_memory(&picture.body).expect("a picture").width(), 240);
    clerk.get(&path(&document, "/pages/2/text")).await.refusal(404, "not-found");
    clerk.get(&path(&document, "/pages/0/image")).await.is(404);
});

both_stacks!(the_original_comes_back_whole_or_by_range_and_never_as_a_page, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let bytes = letter_pdf(LINES);
    let document = letter(&clerk).await;
    let content = path(&document, "/content");
    let whole = clerk.get(&content).await.is(200);
    assert_eq!(whole.body, bytes);
    let digest = Sha256::digest(&bytes);
    assert_eq!(whole.header("etag"), format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest)));
    assert_eq!(whole.header("repr-digest"), format!("sha-256=:{}:", STANDARD.encode(digest)));
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"Surat undangan _.pdf\"; filename*=UTF-8''Surat%20undangan%20%C3%A9.pdf"
    );
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(whole.header("content-security-policy").starts_with("sandbox"));
    assert_eq!(whole.header("accept-ranges"), "bytes");

    let asked = |headers: &[(&'static str, &str)]| {
        let mut request = clerk.request(Method::GET, &content);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request)
    };
    let last = bytes.len() - 1;
    for (range, from, to) in
        [("bytes=5-9", 5, 9), ("bytes=10-", 10, last), ("bytes=-4", last - 3, last), ("bytes=0-999999999", 0, last)]
    {
        let part = asked(&[("range", range)]).await.is(206);
        assert_eq!(part.header("content-range"), format!("bytes {from}-{to}/{}", bytes.len()), "{range}");
        assert_eq!(part.body, bytes[from..=to], "{range}");
    }
    assert_eq!(asked(&[("range", "bytes=5-9"), ("if-range", whole.header("etag"))]).await.is(206).body, bytes[5..10]);
    assert_eq!(asked(&[("range", "bytes=5-9"), ("if-range", "\"old\"")]).await.is(200).body, bytes);
    asked(&[("range", &format!("bytes={}-", bytes.len()))]).await.refusal(416, "range");
    assert!(asked(&[("if-none-match", whole.header("etag"))]).await.is(304).body.is_empty());

    let head = send(clerk.request(Method::HEAD, &content)).await.is(200);
    assert_eq!((head.header("content-length"), head.body.len()), (bytes.len().to_string().as_str(), 0));
    assert_eq!(head.header("etag"), whole.header("etag"));
});

both_stacks!(details_are_changed_by_whoever_has_seen_the_latest_ones, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk).await;
    let place = path(&document, "");
    let tag = clerk.get(&place).await.is(200).header("etag").to_owned();
    let change = |tag: Option<&str>, body: Value| {
        let request = clerk.request(Method::PATCH, &place).json(&body);
        send(match tag {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        })
    };
    change(None, json!({ "title": "Lain" })).await.refusal(428, "if-match-required");
    let changed = change(Some(&tag), json!({ "title": "Undangan kedua", "number": null })).await.is(200);
    assert_ne!(changed.header("etag"), tag);
    let shown = changed.json();
    assert_eq!((&shown["title"], &shown["number"]), (&json!("Undangan kedua"), &Value::Null));
    assert_eq!(shown["date"], "2025-12-15", "an absent field stays");
    change(Some(&tag), json!({ "title": "Tertimpa" })).await.refusal(412, "stale");
    let wrong = change(Some(changed.header("etag")), json!({ "titel": "x" })).await.refusal(422, "invalid");
    assert_eq!(wrong["errors"][0]["pointer"], "/titel", "{wrong}");
    assert_eq!(clerk.get(&place).await.is(200).json()["title"], "Undangan kedua");
    assert_eq!(clerk.finds("kedua").await, [id(&document)]);
});

both_stacks!(what_is_in_the_trash_is_nowhere_until_it_is_brought_back, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk).await;
    clerk.delete(&path(&document, "")).await.is(204);
    assert!(clerk.finds("blencong").await.is_empty());
    for rest in ["", "/content", "/pages/1/image", "/pages/1/text", "/pages/1/words", "/history"] {
        clerk.get(&path(&document, rest)).await.refusal(404, "not-found");
    }
    assert_eq!(clerk.get("/api/v1/documents").await.is(200).json()["items"], json!([]));
    let trash = clerk.get("/api/v1/documents?state=trashed").await.is(200).json();
    assert_eq!(trash["items"][0]["id"], document["id"]);
    assert!(trash["items"][0]["trashed_at"].is_string());
    clerk.post(&path(&document, "/restore"), json!({})).await.is(200);
    assert_eq!(clerk.finds("blencong").await, [id(&document)]);
    assert_eq!(clerk.get(&path(&document, "/content")).await.is(200).body, letter_pdf(LINES));
    assert_eq!(clerk.get("/api/v1/documents?state=trashed").await.is(200).json()["items"], json!([]));
});

both_stacks!(a_new_version_is_found_by_its_own_words_and_no_longer_by_the_old_ones, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk).await;
    let bytes = letter_pdf(&["Undangan musyawarah", "tentang jembatan kalijodo"]);
    let post = |form: Form| send(clerk.request(Method::POST, &path(&document, "/versions")).multipart(form));
    let made = post(form("kedua.pdf", bytes.clone(), json!({ "note": "salah ketik" }))).await.is(201).json();
    assert_eq!((&made["versions"], &made["file_name"]), (&json!(2), &json!("kedua.pdf")));
    assert_ne!(made["version"], document["version"]);
    assert_eq!(clerk.settled(&id(&document)).await["state"], "ready");
    assert_eq!(clerk.finds("kalijodo").await, [id(&document)]);
    assert!(clerk.finds("blencong").await.is_empty());
    assert_eq!(clerk.get(&path(&document, "/content")).await.is(200).body, bytes);
    let alone = Form::new().part("file", Part::bytes(letter_pdf(&["ketiga"])).file_name("ketiga.pdf"));
    assert_eq!(post(alone).await.is(201).json()["versions"], 3, "a note is not required");
    assert_eq!(clerk.settled(&id(&document)).await["state"], "ready");
});

both_stacks!(everything_that_happened_is_told_newest_first, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = letter(&clerk).await;
    clerk.get(&path(&document, "/content")).await.is(200);
    clerk.patch(&path(&document, ""), json!({ "title": "Kedua" })).await.is(200);
    clerk.delete(&path(&document, "")).await.is(204);
    clerk.post(&path(&document, "/restore"), json!({})).await.is(200);
    let made = link(&clerk, &id(&document), &terms(app, anyone(), "download", json!({}))).await;
    open(&app.nobody(), &made, json!({ "secret": "0".repeat(32) })).await.refusal(404, "link-unusable");
    open(&app.nobody(), &made, json!({})).await.is(200);
    clerk.patch(&format!("/api/v1/links/{}", made.id), json!({ "label": "Untuk camat" })).await.is(200);
    let second = link(&clerk, &id(&document), &terms(app, anyone(), "view", json!({}))).await;
    clerk.delete(&format!("/api/v1/links/{}", made.id)).await.is(204);
    let history = clerk.get(&path(&document, "/history")).await.is(200).json();
    let items = history["items"].as_array().expect("items");
    let of = |name: &str| items.iter().map(|item| item[name].as_str().unwrap_or_default()).collect::<Vec<_>>();
    let to_links = ["link.revoke", "link.make", "link.change", "link.open", "link.open", "link.make"];
    let to_itself = ["document.restore", "document.trash", "document.edit", "document.read", "document.upload"];
    assert_eq!(of("action"), [&to_links[..], &to_itself[..]].concat(), "{history}");
    assert_eq!(of("object")[..6], [&made.id, &second.id, &made.id, &made.id, &made.id, &made.id], "{history}");
    assert_eq!(of("result")[2..6], ["ok", "ok", "refused", "ok"], "{history}");
    let by_clerk = |item: &&Value| item["action"] != "link.open";
    assert!(items.iter().filter(by_clerk).all(|item| item["person_name"] == "clerk"), "{history}");
    assert!(items.iter().filter(by_clerk).all(|item| item["result"] == "ok"), "{history}");
    assert_eq!(in_pages(&clerk, &path(&document, "/history?limit=2")).await, *items);
    app.actor(Actor::OtherClerk).get(&path(&document, "/history")).await.refusal(404, "not-found");
});

/// All items of a list, page by page.
async fn in_pages(caller: &Client, first: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = first.to_owned();
    loop {
        let page = caller.get(&next).await.is(200).json();
        all.extend(page["items"].as_array().expect("items").iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        next = format!("{first}&cursor={cursor}");
    }
}

both_stacks!(versions_that_come_at_the_same_moment_are_all_kept, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let document = clerk.upload("denah.bin", vec![1, 2, 0], json!({})).await;
    let post = |n: u8| {
        let alone = Form::new().part("file", Part::bytes(vec![1, 2, n]).file_name("denah.bin"));
        send(clerk.request(Method::POST, &path(&document, "/versions")).multipart(alone))
    };
    let answers = futures_util::future::join_all((1..=12).map(post)).await;
    let mut counted: Vec<u64> =
        answers.into_iter().map(|answer| answer.is(201).json()["versions"].as_u64().expect("a number")).collect();
    counted.sort_unstable();
    assert_eq!(counted, (2..=13).collect::<Vec<u64>>());
});
