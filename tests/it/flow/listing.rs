//! Lists of documents by what they are, and where one without a date stands.

use serde_json::{Value, json};

use super::id;
use crate::support::app::{TestApp, both_stacks};
use crate::support::client::Client;
use crate::support::regency::Actor;

async fn kept(owner: &Client, metadata: Value) -> String {
    let text = format!("tanggul blencong, {metadata}\n");
    id(&owner.upload_and_read("surat.txt", text.into_bytes(), metadata).await)
}

async fn listed(caller: &Client, asked: &str) -> Vec<String> {
    let list = caller.get(&format!("/api/v1/documents?{asked}")).await.is(200).json();
    list["items"].as_array().expect("items").iter().map(id).collect()
}

fn today(app: &TestApp) -> String {
    app.clock.now().day(&app.app.zone).to_string()
}

both_stacks!(a_list_holds_what_each_of_its_filters_lets_by, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let invited = json!({ "kind": "surat undangan", "classification": "400.10.2", "date": "2025-12-15" });
    let reported = json!({
        "kind": "laporan", "classification": "400.10", "date": "2025-12-16", "security_class": "terbatas",
    });
    let [invitation, report] = [kept(&clerk, invited).await, kept(&clerk, reported).await];
    let near_code = kept(&clerk, json!({ "classification": "400.1", "date": "2025-12-17" })).await;
    let other = app.actor(Actor::OtherClerk);
    let open = kept(&other, json!({ "kind": "laporan", "reach": "kabupaten" })).await;
    kept(&other, json!({ "kind": "laporan" })).await;
    let theirs = format!("office={}", other.office());
    let expected: [(&str, &[&String]); 9] = [
        ("limit=200", &[&near_code, &report, &invitation]),
        ("kind=laporan", &[&report]),
        ("security_class=terbatas", &[&report]),
        ("security_class=biasa", &[&near_code, &invitation]),
        ("classification=400.10", &[&report, &invitation]),
        ("classification=400.1", &[&near_code]),
        ("from=2025-12-16&to=2025-12-16", &[&report]),
        ("kind=laporan&security_class=biasa", &[]),
        (&theirs, &[&open]),
    ];
    for (asked, documents) in expected {
        assert_eq!(listed(&clerk, asked).await.iter().collect::<Vec<_>>(), documents, "{asked}");
    }
});

both_stacks!(a_document_without_a_date_counts_by_the_day_on_which_it_was_received, async |app| {
    let clerk = app.actor(Actor::Clerk);
    let dated = kept(&clerk, json!({ "date": "2025-12-15" })).await;
    let undated = kept(&clerk, json!({})).await;
    let day = today(app);
    assert_eq!(listed(&clerk, "limit=200").await, [undated.clone(), dated.clone()]);
    assert_eq!(listed(&clerk, &format!("from={day}&to={day}")).await, std::slice::from_ref(&undated));
    assert_eq!(listed(&clerk, "to=2025-12-31").await, [dated]);
    let found = clerk.get(&format!("/api/v1/search?q=blencong&from={day}&to={day}")).await.is(200).json();
    assert_eq!((&found["total"], &found["items"][0]["document"]["id"]), (&json!(1), &json!(undated)), "{found}");
    assert_eq!(found["facets"]["year"], json!([{ "value": &day[..4], "label": &day[..4], "count": 1 }]));
});
