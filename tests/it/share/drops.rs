//! Upload-only links from outside.

use super::*;

pub fn drop_terms(app: &TestApp, extra: Value) -> Value {
    let mut terms = json!({ "label": "Laporan", "expires_at": at(app, DAY), "max_files": 2, "max_bytes": 100_000 });
    for (name, value) in extra.as_object().into_iter().flatten() {
        terms[name] = value.clone();
    }
    terms
}

/// Public id and secret.
pub fn way(made: &Value) -> (String, String) {
    let url = made["url"].as_str().expect("an address");
    let (address, secret) = url.split_once('#').expect("a fragment");
    (address.split_once("/d/").expect("an upload-only link").1.into(), secret.into())
}

async fn bring(app: &TestApp, public: &str, secret: &str, name: &str, bytes: Vec<u8>) -> Answer {
    let part = reqwest::multipart::Part::bytes(bytes).file_name(name.to_owned());
    let form = reqwest::multipart::Form::new().part("file", part);
    let path = format!("/api/v1/drops/{public}/files");
    send(app.nobody().request(Method::POST, &path).header("Lumbung-Secret", secret).multipart(form)).await
}

both_stacks!(a_sender_brings_files_within_the_limits_and_learns_nothing, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let known = letter_pdf(&["Laporan yang sudah ada"]);
    village.upload_and_read("ada.pdf", known.clone(), json!({})).await;
    let made = village.post("/api/v1/drops", drop_terms(app, json!({ "types": ["pdf"] }))).await.is(201).json();
    let (public, secret) = way(&made);

    let receipt = bring(app, &public, &secret, "../laporan.pdf", known.clone()).await.is(201).json();
    let fields: Vec<&String> = receipt.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["file_name", "fingerprint", "received_at", "size"], "nothing of what the office has");
    assert_eq!(receipt["file_name"], "laporan.pdf");
    bring(app, &public, &secret, "foto.pdf", b"not a pdf at all".to_vec()).await.refusal(415, "type-not-accepted");
    bring(app, &public, &secret, "besar.pdf", vec![b'%'; 200_000]).await.refusal(413, "too-large");
    bring(app, &public, "00000000000000000000000000000000", "x.pdf", known.clone()).await.refusal(404, "link-unusable");
    bring(app, &public, &secret, "dua.pdf", letter_pdf(&["Laporan kedua"])).await.is(201);
    bring(app, &public, &secret, "tiga.pdf", known).await.refusal(404, "link-unusable");

    let id = made["id"].as_str().expect("an id");
    let seen = village.get(&format!("/api/v1/drops/{id}")).await.is(200).json();
    assert_eq!((&seen["files"], seen.get("url")), (&json!(2), None));
    let documents = village.get("/api/v1/documents").await.is(200).json();
    let dropped = documents["items"].as_array().expect("items").iter().filter(|one| one["origin"] == "drop").count();
    assert_eq!(dropped, 2);
    let noted = app.noted("document.upload").await;
    let brought =
        noted.iter().filter(|entry| entry["detail"]["drop"] == made["id"] && entry["person"] == Value::Null).count();
    assert_eq!(brought, 2, "{noted:?}");
    app.settled().await;
});

both_stacks!(an_ended_drop_takes_nothing_and_others_do_not_see_it, async |app: &TestApp| {
    let (village, other) = (app.actor(Actor::Clerk), app.actor(Actor::OtherClerk));
    let made = village.post("/api/v1/drops", drop_terms(app, json!({}))).await.is(201).json();
    let (public, secret) = way(&made);
    let path = format!("/api/v1/drops/{}", made["id"].as_str().expect("an id"));
    other.get(&path).await.refusal(404, "not-found");
    other.delete(&path).await.refusal(404, "not-found");
    assert_eq!(other.get("/api/v1/drops").await.is(200).json()["items"], json!([]));
    assert_eq!(village.get("/api/v1/drops").await.is(200).json()["items"][0]["id"], made["id"]);
    village.delete(&path).await.is(204);
    bring(app, &public, &secret, "a.txt", b"halo".to_vec()).await.refusal(404, "link-unusable");
});
