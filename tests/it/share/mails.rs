//! Codes and notices, through a real mail server.

use super::*;
use crate::support::mail;

/// An address of this test alone.
fn address() -> String {
    format!("u{}@example.id", lumbung::id::secret())
}

both_stacks!(a_code_by_mail_proves_an_address_once, async |app: &TestApp| {
    let (village, nobody) = (app.actor(Actor::Clerk), app.nobody());
    let (listed, other) = (address(), address());
    let document = letter(&village, "terbatas").await;
    let audience = json!({ "kind": "email", "emails": [listed] });
    let made = link(&village, &document, &terms(app, audience, "view", json!({}))).await;
    open(&nobody, &made, json!({})).await.refusal(401, "link-code");
    let path = format!("/api/v1/shared/{}/code", made.public);
    nobody.post(&path, json!({ "secret": made.secret, "email": other })).await.is(202);
    nobody.post(&path, json!({ "secret": made.secret, "email": listed.to_uppercase() })).await.is(202);
    nobody.post(&path, json!({ "secret": "x", "email": listed })).await.refusal(404, "link-unusable");
    let letter = mail::wait_for(&listed, 1).await;
    let code: String = letter.text.lines().next().expect("a line").chars().filter(char::is_ascii_digit).collect();
    assert_eq!(code.len(), 8, "{}", letter.text);
    assert!(!letter.raw.contains("Undangan"), "a mail tells no title");
    open(&nobody, &made, json!({ "code": "00000000" })).await.refusal(401, "link-code");
    let opened = open(&nobody, &made, json!({ "code": code })).await.is(200);
    holder(app, &opened).get(&page(&made)).await.is(200);
    open(&nobody, &made, json!({ "code": code })).await.refusal(401, "link-code");
    let log = village.get(&format!("/api/v1/links/{}/opens", made.id)).await.is(200).json();
    let by: Vec<&Value> = log["items"].as_array().expect("items").iter().map(|line| &line["by"]["email"]).collect();
    assert!(by.contains(&&json!(listed)), "{log}");
    app.settled().await;
    assert!(mail::received(&other).is_empty());
});

both_stacks!(the_maker_is_told_of_an_opening_by_mail, async |app: &TestApp| {
    let village = app.actor(Actor::Clerk);
    let told = address();
    app.app
        .db
        .execute("UPDATE person SET email = $1 WHERE login = 'clerk'", vec![told.clone().into()])
        .await
        .expect("a person's address");
    let document = letter(&village, "biasa").await;
    let extra = json!({ "notify": true, "label": "Untuk \r rapat" });
    try_link(&village, &document, &terms(app, anyone(), "view", extra)).await.refusal(422, "invalid");
    let extra = json!({ "notify": true, "label": "Untuk rapat" });
    let made = link(&village, &document, &terms(app, anyone(), "view", extra)).await;
    open(&app.nobody(), &made, json!({})).await.is(200);
    let letter = mail::wait_for(&told, 1).await;
    assert!(letter.text.contains("Untuk rapat") && letter.text.contains(&made.id), "{}", letter.text);
    assert!(letter.text.contains("127.0.0.0/24"), "{}", letter.text);
    assert!(!letter.raw.contains("Undangan rapat") && !letter.raw.contains(&made.secret));
});

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_the_audience_email_is_not_offered_and_says_why() {
    let app = TestApp::with(Stack::Embedded, &[("mail.host", "")]).await;
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    let audience = json!({ "kind": "email", "emails": ["a@example.id"] });
    let refusal = try_link(&village, &document, &terms(&app, audience, "view", json!({}))).await;
    let problem = refusal.refusal(422, "mail-not-configured");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("mail.host")), "{problem}");
    app.finish().await;
}
