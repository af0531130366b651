//! Fields take as much as the configuration says, and so do the pages that take them.

use serde_json::json;

use super::plain::{Plain, between};
use crate::limits::lengths::SMALL;
use crate::share::drops::{drop_terms, way};
use crate::share::letter;
use crate::support::app::TestApp;
use crate::support::regency::{Actor, Stack};

const DETAILS: &[&str] = &[
    "name=\"title\" maxlength=\"21\"",
    "name=\"kind\" maxlength=\"24\"",
    "name=\"number\" maxlength=\"22\"",
    "name=\"sender\" maxlength=\"22\"",
    "name=\"recipient\" maxlength=\"22\"",
    "name=\"classification\" maxlength=\"24\"",
    "name=\"summary\" maxlength=\"23\"",
];

#[tokio::test(flavor = "multi_thread")]
async fn fields_take_as_much_as_the_configuration_says() {
    let settings = [SMALL, &[("search.max_question_chars", "300")][..]].concat();
    let app = TestApp::with(Stack::Embedded, &settings).await;
    let member = app.actor(Actor::Clerk);
    let document = letter(&member, "biasa").await;
    let clerk = Plain::of_member(&app, "clerk").await;
    let (own, share) = (format!("/dokumen/{document}"), format!("/dokumen/{document}/bagikan"));
    let pages: [(&str, &[&str]); 6] = [
        ("/unggah", DETAILS),
        (own.as_str(), DETAILS),
        (own.as_str(), &["name=\"note\" maxlength=\"25\"", "maxlength=\"300\" list=\"saran\""]),
        (
            share.as_str(),
            &["autocomplete=\"off\" maxlength=\"29\"", "min=\"1\" max=\"31\"", "name=\"label\" maxlength=\"28\""],
        ),
        (
            "/kiriman/baru",
            &["name=\"label\" maxlength=\"28\"", "max=\"32\"", "max=\"3\"", "autocomplete=\"off\" maxlength=\"29\""],
        ),
        ("/akun", &["minlength=\"10\" maxlength=\"66\""]),
    ];
    for (path, fields) in pages {
        let page = clerk.page(path).await;
        for field in fields {
            assert!(page.contains(field), "{path} lacks {field}: {page}");
        }
    }
    let lives = clerk.page("/kiriman/baru").await;
    let lives = between(&lives, "name=\"berlaku\">", "</select>");
    assert!(lives.contains("value=\"7\"") && !lives.contains("value=\"30\""), "ten days are the most: {lives}");

    let made = member.post("/api/v1/drops", drop_terms(&app, json!({}))).await.is(201).json();
    let (public, secret) = way(&made);
    let asked = Plain::of(&app).post(&format!("/d/{public}"), &format!("secret={secret}")).await;
    let asked = asked.text().await.expect("a page");
    for field in ["name=\"sender\" maxlength=\"22\"", "name=\"note\" maxlength=\"23\""] {
        assert!(asked.contains(field), "{field}: {asked}");
    }
    app.finish().await;
}

/// Half a reason would be kept as if it were the whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_note_of_a_version_that_is_too_long_is_refused_and_not_cut() {
    let app = TestApp::with(Stack::Embedded, SMALL).await;
    let member = app.actor(Actor::Clerk);
    let document = letter(&member, "biasa").await;
    let clerk = Plain::of_member(&app, "clerk").await;
    let path = format!("/dokumen/{document}/versi");
    let bring = async |note: &str| clerk.send(&path, &[("note", note)], "kedua.txt", b"isi kedua".to_vec()).await;
    let refused = bring(&"a".repeat(26)).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.expect("a page");
    assert!(page.contains("paling banyak 25 huruf") && page.contains("id=\"note-salah\""), "{page}");
    let versions =
        async || member.get(&format!("/api/v1/documents/{document}")).await.is(200).json()["versions"].clone();
    assert_eq!(versions().await, 1);
    assert_eq!(bring(&"a".repeat(25)).await.status(), 303);
    assert_eq!(versions().await, 2);
    app.finish().await;
}
