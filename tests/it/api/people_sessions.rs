//! Logging in and out, refreshing, one-time codes and passwords.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{TestApp, both_stacks};
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, PASSWORD};

async fn opened(app: &TestApp, login: &str) -> (Client, Value) {
    let session = app.nobody().log_in(login, PASSWORD).await.is(201).json();
    let client = app.nobody().with_token(session["access_token"].as_str().expect("a token"));
    (client, session)
}

both_stacks!(a_session_opens_is_listed_and_ends_at_once, async |app| {
    let (client, session) = opened(app, "clerk").await;
    assert_eq!(session["expires_in"], 900);
    assert_eq!(session["person"]["login"], "clerk");
    assert_eq!(session["posts"][0]["role"], "clerk");
    assert_eq!(session["posts"][0]["office"]["id"], app.account(Actor::Clerk).office.as_str());
    let me = client.get("/api/v1/me").await.is(200).json();
    assert_eq!((me["via"].as_str(), me["roles"][0].as_str()), (Some("session"), Some("clerk")));
    assert!(me["may"].as_array().expect("acts").contains(&json!("upload")));
    let (second, _) = opened(app, "clerk").await;
    let listed = client.get("/api/v1/sessions").await.is(200).json();
    let other = listed["items"].as_array().expect("items").iter().find(|session| session["current"] == false);
    let other = other.expect("the second session")["id"].as_str().expect("an id").to_owned();
    let (stranger, _) = opened(app, "other.clerk").await;
    stranger.delete(&format!("/api/v1/sessions/{other}")).await.refusal(404, "not-found");
    let head = client.get("/api/v1/sessions?limit=1").await.is(200).json();
    let next = head["next_cursor"].as_str().expect("more");
    let tail = client.get(&format!("/api/v1/sessions?limit=1&cursor={next}")).await.is(200).json();
    assert_ne!(head["items"][0]["id"], tail["items"][0]["id"]);
    client.get("/api/v1/sessions?limit=0").await.refusal(422, "invalid");
    client.get("/api/v1/sessions?cursor=x").await.refusal(422, "invalid");
    client.get("/api/v1/sessions?unknown=1").await.refusal(422, "invalid");
    client.delete(&format!("/api/v1/sessions/{other}")).await.is(204);
    second.get("/api/v1/me").await.refusal(401, "unauthorized");
    client.delete("/api/v1/sessions/current").await.is(204);
    client.get("/api/v1/me").await.refusal(401, "unauthorized");
});

both_stacks!(a_refresh_token_works_once_and_its_reuse_ends_the_family, async |app| {
    let (_, session) = opened(app, "clerk").await;
    let first = session["refresh_token"].as_str().expect("a token").to_owned();
    let refresh =
        async |token: &str| app.nobody().post("/api/v1/sessions/refresh", json!({ "refresh_token": token })).await;
    let pair = refresh(&first).await.is(200).json();
    let client = app.nobody().with_token(pair["access_token"].as_str().expect("a token"));
    client.get("/api/v1/me").await.is(200);
    refresh(&first).await.refusal(401, "unauthorized");
    client.get("/api/v1/me").await.refusal(401, "unauthorized");
    refresh(pair["refresh_token"].as_str().expect("a token")).await.refusal(401, "unauthorized");
});

both_stacks!(wrong_and_unknown_logins_answer_alike_and_wait_alike, async |app| {
    let mut seen = Vec::new();
    for login in ["clerk", "nobody.at.all"] {
        let mut answers = Vec::new();
        for _ in 0..8 {
            let answer = app.nobody().log_in(login, "salah sekali").await;
            let mut problem = answer.json();
            problem.as_object_mut().expect("a problem").remove("request_id");
            problem.as_object_mut().expect("a problem").remove("detail").filter(|_| answer.status == 429);
            answers.push((answer.status, problem));
        }
        let last = app.nobody().log_in(login, "salah sekali").await.is(429);
        assert!(last.header("retry-after").parse::<u64>().expect("seconds") <= 10);
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    opened(app, "head").await;
});

both_stacks!(a_request_that_is_not_as_described_says_what_is_wrong, async |app| {
    let nobody = app.nobody();
    let problem = nobody.post("/api/v1/sessions", json!({ "login": "clerk" })).await.refusal(422, "invalid");
    assert!(problem["errors"][0]["detail"].as_str().expect("a detail").contains("password"), "{problem}");
    let body = json!({ "login": "clerk", "password": "x", "remember": true });
    nobody.post("/api/v1/sessions", body).await.refusal(422, "invalid");
    let request = nobody.request(Method::POST, "/api/v1/sessions").body("login=clerk");
    send(request).await.refusal(415, "json-expected");
    let request = nobody.request(Method::POST, "/api/v1/sessions").header("content-type", "application/json");
    send(request.body("{")).await.refusal(400, "not-json");
    let request = app.actor(Actor::Clerk).request(Method::GET, "/api/v1/me").header("Lumbung-Office", "ofc_x");
    send(request).await.refusal(400, "lumbung-office");
    let foreign = app.account(Actor::OtherClerk).office;
    let request = app.actor(Actor::Clerk).request(Method::GET, "/api/v1/me").header("Lumbung-Office", foreign);
    send(request).await.refusal(403, "not-your-office");
});

both_stacks!(codes_are_enrolled_confirmed_asked_for_and_turned_off, async |app| {
    let (client, _) = opened(app, "archivist").await;
    let begin = json!({ "password": PASSWORD });
    app.actor(Actor::Archivist).post("/api/v1/me/totp", begin.clone()).await.refusal(403, "session-needed");
    let wrong = client.post("/api/v1/me/totp", json!({ "password": "bukan sandinya" })).await;
    assert_eq!(wrong.refusal(422, "invalid")["errors"][0]["pointer"], "/password");
    let secret = client.post("/api/v1/me/totp", begin).await.is(201).json();
    let code = |later: u64| {
        let secret = data_encoding::BASE32_NOPAD.decode(secret["secret"].as_str().expect("a secret").as_bytes());
        let totp = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret.expect("base32"), None, String::new());
        totp.expect("160 bits").generate(app.clock.now().0 as u64 / 1000 + later)
    };
    let confirm = |code: String| client.request(Method::PUT, "/api/v1/me/totp").json(&json!({ "code": code }));
    send(confirm("000000".into())).await.refusal(422, "invalid");
    send(confirm(code(0))).await.is(204);
    let log_in = async |code: Value| {
        let body = json!({ "login": "archivist", "password": PASSWORD, "code": code });
        app.nobody().post("/api/v1/sessions", body).await
    };
    log_in(Value::Null).await.refusal(401, "login-code");
    let next = code(30);
    log_in(json!(next)).await.is(201);
    log_in(json!(next)).await.refusal(401, "login-code");
    assert_eq!(client.get("/api/v1/me").await.is(200).json()["person"]["totp"], true);
    app.clock.advance(std::time::Duration::from_secs(120));
    let off = json!({ "password": PASSWORD, "code": code(0) });
    send(client.request(Method::DELETE, "/api/v1/me/totp").json(&off)).await.is(204);
    log_in(Value::Null).await.is(201);
    for action in ["totp.enrol", "totp.confirm", "totp.disable"] {
        let noted = app.noted(action).await;
        assert_eq!((noted.len(), noted[0]["person_name"].as_str()), (1, Some("archivist")), "{action}: {noted:?}");
    }
});

both_stacks!(codes_cannot_be_guessed_by_whoever_has_the_session_and_the_password, async |app| {
    let (client, _) = opened(app, "archivist").await;
    let secret = client.post("/api/v1/me/totp", json!({ "password": PASSWORD })).await.is(201).json();
    let secret = data_encoding::BASE32_NOPAD.decode(secret["secret"].as_str().expect("a secret").as_bytes());
    let totp = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret.expect("base32"), None, String::new());
    let code = totp.expect("160 bits").generate(app.clock.now().0 as u64 / 1000);
    send(client.request(Method::PUT, "/api/v1/me/totp").json(&json!({ "code": code }))).await.is(204);
    let off = json!({ "password": PASSWORD, "code": "000000" });
    let mut tried = 0;
    while send(client.request(Method::DELETE, "/api/v1/me/totp").json(&off)).await.status != 429 {
        tried += 1;
        assert!(tried < 20, "twenty wrong codes and no wait");
    }
    assert!(tried >= 3, "a slip of the finger costs nothing");
});

both_stacks!(a_new_password_is_checked_and_ends_other_sessions, async |app| {
    let ((client, _), (other, _)) = (opened(app, "clerk").await, opened(app, "clerk").await);
    let change = async |old: &str, new: &str| {
        let body = json!({ "password": old, "new_password": new });
        send(client.request(Method::PUT, "/api/v1/me/password").json(&body)).await
    };
    let problem = change(PASSWORD, "pendek").await.refusal(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/new_password");
    change("salah sekali", "lumbung yang penuh").await.refusal(422, "invalid");
    change(PASSWORD, "lumbung yang penuh").await.is(204);
    other.get("/api/v1/me").await.refusal(401, "unauthorized");
    client.get("/api/v1/me").await.is(200);
    app.nobody().log_in("clerk", "lumbung yang penuh").await.is(201);
    let noted = app.noted("password.change").await;
    assert_eq!((noted.len(), noted[0]["person_name"].as_str()), (1, Some("clerk")), "{noted:?}");
});
