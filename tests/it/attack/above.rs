//! Offices above a village: rank opens nothing.

use lumbung::access::Role;
use reqwest::Method;
use serde_json::json;

use crate::share::letter;
use crate::support::app::both_stacks;
use crate::support::client::send;
use crate::support::regency::{Actor, REGENCY, VILLAGE};

both_stacks!(a_district_and_the_regency_get_at_nothing_that_a_village_has_not_sent, async |app| {
    let village = app.actor(Actor::Clerk);
    let document = letter(&village, "biasa").await;
    assert_eq!(village.finds("pemutakhiran").await, std::slice::from_ref(&document));
    let district = &VILLAGE[..8];
    for (login, code, role) in [
        ("camat", district, Role::Head),
        ("staf.camat", district, Role::Clerk),
        ("bupati", REGENCY, Role::Head),
        ("staf.bupati", REGENCY, Role::Archivist),
    ] {
        let above = app.newcomer(login, code, role).await;
        assert!(above.finds("pemutakhiran").await.is_empty(), "{login}");
        assert_eq!(above.get("/api/v1/documents").await.is(200).json()["items"], json!([]), "{login}");
        let path = format!("/api/v1/documents/{document}");
        for part in ["", "/content", "/history", "/pages/1/image", "/pages/1/text"] {
            above.get(&format!("{path}{part}")).await.is(404);
        }
        let terms = json!({ "audience": { "kind": "anyone" }, "rights": "view", "expires_at": "2027-01-01T00:00:00Z" });
        above.post(&format!("{path}/links"), terms).await.refusal(404, "not-found");
        send(above.request(Method::DELETE, &path).header("If-Match", "\"1\"")).await.refusal(404, "not-found");
    }
});
