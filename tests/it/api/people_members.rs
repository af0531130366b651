//! Members, activation, second persons, tokens.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::both_stacks;
use crate::support::client::{Client, send};
use crate::support::regency::{Actor, PASSWORD};

fn members(client: &Client) -> String {
    format!("/api/v1/offices/{}/members", client.office())
}

fn newcomer(login: &str, role: &str) -> Value {
    json!({ "login": login, "name": "Nama Baru", "role": role })
}

async fn post_of(client: &Client, login: &str) -> String {
    let listed = client.get(&members(client)).await.is(200).json();
    let items = listed["items"].as_array().expect("items");
    let member = items.iter().find(|member| member["person"]["login"] == login).expect("a member");
    member["post"].as_str().expect("an id").to_owned()
}

both_stacks!(a_member_is_invited_activates_once_and_leaves, async |app| {
    let admin = app.actor(Actor::Admin);
    let invited = admin.post(&members(&admin), newcomer("baru", "clerk")).await.is(201).json();
    assert_eq!(invited["state"], "done");
    let activation = &invited["activation"];
    let (url, secret) = (activation["url"].as_str().expect("a url"), activation["secret"].as_str().expect("a secret"));
    assert!(url.starts_with(&app.base) && url.ends_with(&format!("#{secret}")), "{url}");
    let activate = async |password: &str| {
        app.nobody().post("/api/v1/activations", json!({ "secret": secret, "password": password })).await
    };
    let problem = activate("pendek").await.refusal(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/password");
    assert_eq!(activate(PASSWORD).await.is(200).json()["person"]["login"], "baru");
    activate(PASSWORD).await.refusal(404, "activation-unusable");
    let noted = app.noted("account.activate").await;
    assert_eq!(
        (noted[0]["person_name"].as_str(), noted[0]["network"].as_str()),
        (Some("Nama Baru"), Some("127.0.0.0/24")),
        "{noted:?}"
    );
    let session = app.nobody().log_in("baru", PASSWORD).await.is(201).json();
    let client = app.nobody().with_token(session["access_token"].as_str().expect("a token"));
    let listed = admin.get(&members(&admin)).await.is(200).json();
    let member = listed["items"].as_array().expect("items").iter().find(|member| member["person"]["login"] == "baru");
    assert_eq!(member.expect("listed")["activated_from"], "127.0.0.0/24");
    let post = invited["post"].as_str().expect("an id");
    admin.delete(&format!("{}/{post}", members(&admin))).await.is(204);
    client.get("/api/v1/me").await.refusal(401, "unauthorized");
    app.nobody().log_in("baru", PASSWORD).await.refusal(403, "no-post");
});

both_stacks!(a_repeated_invitation_gives_the_same_link_to_the_same_person_only, async |app| {
    let admin = app.actor(Actor::Admin);
    let invite = async |by: &Client, login: &str| {
        let request = by.request(Method::POST, &members(by)).header("Idempotency-Key", "satu");
        send(request.json(&newcomer(login, "clerk"))).await
    };
    let first = invite(&admin, "baru").await.is(201).json();
    assert_eq!(invite(&admin, "baru").await.is(201).json(), first);
    invite(&admin, "lain").await.refusal(422, "idempotency-key-reused");
    invite(&app.actor(Actor::Head), "baru").await.refusal(422, "idempotency-key-reused");
});

both_stacks!(a_head_and_a_reset_take_two_people, async |app| {
    let (admin, head) = (app.actor(Actor::Admin), app.actor(Actor::Head));
    let waits = admin.post(&members(&admin), newcomer("penjabat", "head")).await.is(201).json();
    assert_eq!((waits["state"].as_str(), waits["activation"].as_object()), (Some("waiting"), None));
    let consents = format!("/api/v1/offices/{}/consents", admin.office());
    let agree = |id: &Value| format!("{consents}/{}/agree", id.as_str().expect("an id"));
    admin.post(&agree(&waits["consent"]), json!({})).await.refusal(403, "second-person");
    let agreed = head.post(&agree(&waits["consent"]), json!({})).await.is(200).json();
    assert!(agreed["activation"]["secret"].is_string());

    let post = post_of(&admin, "clerk").await;
    let reset = format!("{}/{post}/reset", members(&admin));
    let waits = admin.post(&reset, json!({})).await.is(202).json();
    let clerk = app.actor(Actor::Clerk);
    clerk.get("/api/v1/me").await.is(200);
    let decided = head.post(&agree(&waits["consent"]), json!({})).await.is(200).json();
    clerk.get("/api/v1/me").await.refusal(401, "unauthorized");
    app.nobody().log_in("clerk", PASSWORD).await.refusal(401, "login-refused");
    let body = json!({ "secret": decided["activation"]["secret"], "password": PASSWORD });
    app.nobody().post("/api/v1/activations", body).await.is(200);
    let told = app.actor(Actor::Archivist).get(&consents).await.is(200).json();
    assert_eq!(
        (told["items"][0]["kind"].as_str(), told["items"][0]["state"].as_str()),
        (Some("reset"), Some("agreed"))
    );
    let waits = admin.post(&reset, json!({})).await.is(202).json();
    admin.delete(&format!("{consents}/{}", waits["consent"].as_str().expect("an id"))).await.is(204);
    head.post(&agree(&waits["consent"]), json!({})).await.refusal(409, "consent-settled");
});

both_stacks!(what_goes_on_inside_an_office_is_not_there_for_others, async |app| {
    let office = app.account(Actor::Clerk).office;
    for actor in [Actor::OtherClerk, Actor::OtherHead, Actor::AgencyHead, Actor::Auditor] {
        let client = app.actor(actor);
        for part in ["members", "tokens", "consents"] {
            client.get(&format!("/api/v1/offices/{office}/{part}")).await.refusal(404, "not-found");
        }
        for part in ["members", "tokens"] {
            client.post(&format!("/api/v1/offices/{office}/{part}"), json!({})).await.refusal(404, "not-found");
        }
    }
    let path = format!("/api/v1/offices/{office}/members");
    app.actor(Actor::Provisioner).get(&path).await.is(200);
    let refused = app.actor(Actor::Provisioner).post(&path, newcomer("susupan", "clerk")).await;
    refused.refusal(403, "office-runs-itself");
    let refused = app.actor(Actor::PlatformAdmin).post(&path, newcomer("susupan", "clerk")).await;
    refused.refusal(403, "no-accounts-inside-offices");
    app.actor(Actor::Clerk).post(&path, newcomer("susupan", "clerk")).await.refusal(403, "not-your-role");
});

both_stacks!(a_token_is_shown_once_and_does_what_scopes_and_maker_both_allow, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let path = format!("/api/v1/offices/{}/tokens", clerk.office());
    let body = json!({ "label": "mesin pindai", "scopes": ["upload", "manage"], "expires_at": "2030-01-01T00:00:00Z" });
    let made = clerk.post(&path, body.clone()).await.is(201).json();
    let narrow = clerk.with_token(made["token"].as_str().expect("shown once"));
    let me = narrow.get("/api/v1/me").await.is(200).json();
    assert_eq!(me["may"], json!(["upload", "edit"]), "no members, no audit: its maker is a clerk");
    narrow.get("/api/v1/sessions").await.refusal(403, "session-needed");
    let listed = clerk.get(&path).await.is(200).json();
    let shown = listed["items"].as_array().expect("items").iter().find(|token| token["id"] == made["id"]);
    assert!(shown.expect("listed").get("token").is_none());
    let wide = json!({ "label": "x", "scopes": ["read"], "expires_at": "2029-01-01T00:00:00Z" });
    narrow.post(&path, wide).await.refusal(403, "token-exceeds-maker");
    let past = json!({ "label": "x", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z" });
    clerk.post(&path, past).await.refusal(422, "invalid");
    let id = made["id"].as_str().expect("an id");
    app.actor(Actor::Archivist).delete(&format!("{path}/{id}")).await.refusal(404, "not-found");
    clerk.post(&format!("{path}/{id}/adopt"), json!({})).await.refusal(403, "not-your-role");
    let adopted = app.actor(Actor::Admin).post(&format!("{path}/{id}/adopt"), json!({})).await.is(200).json();
    assert_eq!(adopted["maker"]["name"], "admin");
    assert_eq!(narrow.get("/api/v1/me").await.is(200).json()["may"], json!(["members", "audit"]));
    app.actor(Actor::Admin).delete(&format!("{path}/{id}")).await.is(204);
    narrow.get("/api/v1/me").await.refusal(401, "unauthorized");
});
