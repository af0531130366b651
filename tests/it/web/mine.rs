//! One's own account: the session and its cookie, where one is signed in, the password, one-time codes, the language.

use std::time::Duration;

use reqwest::StatusCode;

use super::clerk::Clerk;
use super::plain::{Plain, between, leads_to};
use crate::share::letter;
use crate::support::app::{TestApp, run_on};
use crate::support::regency::{Actor, PASSWORD, Stack};

#[tokio::test(flavor = "multi_thread")]
async fn the_session_is_a_cookie_that_no_script_reads_and_no_cache_keeps_its_pages() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        let wrong = plain.post("/masuk", "login=clerk&password=bukan+ini").await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
        assert!(wrong.headers().get("set-cookie").is_none());
        let page = wrong.text().await.expect("a page");
        assert!(page.contains("belum benar") && page.contains("value=\"clerk\""), "{page}");
        assert!(!page.contains("bukan ini"), "a password is never shown again");

        let fields = format!("login=clerk&password={}", PASSWORD.replace(' ', "+"));
        let entered = plain.post("/masuk", &fields).await;
        let cookie = entered.headers()["set-cookie"].to_str().expect("text").to_owned();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert_eq!(plain.get("/").await.headers()["cache-control"], "private, no-store");
        let out = plain.post("/keluar", "").await;
        assert_eq!(leads_to(&out), "/masuk");
        assert!(out.headers()["set-cookie"].to_str().expect("text").contains("Max-Age=0"));
        let name_and_value = cookie.split(';').next().expect("a cookie");
        let stolen = Plain::of(app).http.get(format!("{}/", app.base)).header("cookie", name_and_value);
        let answer = stolen.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "the session ended with the logout");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_logging_out_the_way_back_shows_nothing() {
    run_on(Stack::Embedded, async |app| {
        letter(&app.actor(Actor::Clerk), "terbatas").await;
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.searches("undangan").await;
        clerk.sees(".hits mark").await;
        clerk.logs_out().await;
        for _ in 0..2 {
            clerk.goes_back().await;
            clerk.sees("#login").await;
            assert!(!clerk.says("body").await.contains("Undangan rapat"));
        }
        clerk.goes_home().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sessions_are_seen_and_ended() {
    run_on(Stack::Embedded, async |app| {
        let (here, there) = (Plain::of_member(app, "clerk").await, Plain::of_member(app, "clerk").await);
        let page = here.page("/akun").await;
        assert_eq!(page.matches("/akun/sesi/").count(), page.matches("terakhir dipakai").count() - 1, "{page}");
        assert!(page.contains("Sesi ini"), "{page}");
        // The newest stands first.
        let end = format!("/akun/sesi/{}", between(&page, "/akun/sesi/", "\""));
        assert_eq!(there.get("/").await.status(), StatusCode::OK);
        assert_eq!(leads_to(&here.post(&end, "").await), "/akun?beres=sesi");
        assert_eq!(there.get("/").await.status(), StatusCode::SEE_OTHER);
        assert_eq!(here.get("/").await.status(), StatusCode::OK);
        let other = Plain::of_member(app, "other.clerk").await;
        let foreign = between(&other.page("/akun").await, "Tempat Anda masuk", "</section>").to_owned();
        assert!(!foreign.contains(&end), "{foreign}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_every_other_session() {
    run_on(Stack::Embedded, async |app| {
        let (here, there) = (Plain::of_member(app, "clerk").await, Plain::of_member(app, "clerk").await);
        let old = PASSWORD.replace(' ', "+");
        let change = async |now: &str, new: &str, again: &str| {
            here.post("/akun/sandi", &format!("sekarang={now}&password={new}&again={again}")).await
        };
        let differing = change(&old, "satu+dua+tiga+empat", "lain").await.text().await.expect("a page");
        assert!(differing.contains("Kedua kata sandi belum sama"), "{differing}");
        let wrong = change("salah", "satu+dua+tiga+empat", "satu+dua+tiga+empat").await.text().await.expect("a page");
        assert!(wrong.contains("id=\"sekarang-salah\""), "{wrong}");
        let weak = change(&old, "pendek", "pendek").await.text().await.expect("a page");
        assert!(weak.contains("id=\"password-salah\""), "{weak}");
        let changed = change(&old, "satu+dua+tiga+empat", "satu+dua+tiga+empat").await;
        assert_eq!(leads_to(&changed), "/akun?beres=sandi");
        assert_eq!(there.get("/").await.status(), StatusCode::SEE_OTHER);
        let fresh = Plain::of(app).post("/masuk", "login=clerk&password=satu+dua+tiga+empat").await;
        assert_eq!(leads_to(&fresh), "/");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_phone_is_asked_for_once_it_is_turned_on() {
    run_on(Stack::Embedded, async |app| {
        let clerk = Clerk::sits_down(&app.base, 360, 740).await;
        clerk.logs_in("clerk").await;
        clerk.goes_to("/akun").await;
        clerk.finds_no_fault().await;
        clerk.fills("#mulai-sandi", "bukan sandinya").await;
        clerk.presses("form[action='/akun/kode'] button").await;
        clerk.reads("Kata sandi belum benar").await;
        clerk.expects_a_refusal().await;
        clerk.finds_no_fault().await;
        clerk.fills("#mulai-sandi", PASSWORD).await;
        clerk.presses("form[action='/akun/kode'] button").await;
        clerk.sees(".qr").await;
        let secret = clerk.says("#kunci").await;
        clerk.finds_no_fault().await;
        clerk.fills("#code", "000000").await;
        clerk.presses("main form button:not([data-copy])").await;
        clerk.reads("Kode belum benar").await;
        clerk.expects_a_refusal().await;
        assert_eq!(clerk.says("#kunci").await, secret, "the key is still there for another try");
        clerk.fills("#code", &code(app, &secret)).await;
        clerk.presses("main form button:not([data-copy])").await;
        clerk.arrives("beres=kode").await;
        clerk.finds_no_fault().await;
        clerk.logs_out().await;

        clerk.fills("#login", "clerk").await;
        clerk.fills("#password", PASSWORD).await;
        clerk.presses("main form button").await;
        clerk.sees("#code").await;
        clerk.expects_a_refusal().await;
        clerk.finds_no_fault().await;
        app.clock.advance(Duration::from_secs(30));
        clerk.fills("#password", PASSWORD).await;
        clerk.fills("#code", &code(app, &secret)).await;
        clerk.presses("main form button").await;
        clerk.sees("nav a[aria-current]").await;
        clerk.goes_home().await;
    })
    .await;
}

/// What an authenticator app shows now.
fn code(app: &TestApp, secret: &str) -> String {
    let secret = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().expect("base32");
    let app_on_a_phone = totp_rs::TOTP::new(totp_rs::Algorithm::SHA1, 6, 1, 30, secret, None, String::new());
    app_on_a_phone.expect("a secret of a good length").generate(app.clock.now().0 as u64 / 1000)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_switched_on_every_page_and_stays() {
    run_on(Stack::Embedded, async |app| {
        letter(&app.actor(Actor::Clerk), "biasa").await;
        let clerk = Clerk::sits_down(&app.base, 1280, 900).await;
        clerk.logs_in("clerk").await;
        clerk.searches("undangan").await;
        clerk.presses("footer button[value=en]").await;
        clerk.reads("1 document").await;
        assert!(clerk.at().await.contains("/cari?q=undangan"), "{}", clerk.at().await);
        assert_eq!(clerk.asks("return document.documentElement.lang").await, "en");
        clerk.finds_no_fault().await;
        clerk.goes_to("/").await;
        clerk.reads("Latest documents").await;
        clerk.presses("footer button[value=id]").await;
        clerk.reads("Dokumen terbaru").await;
        clerk.goes_home().await;
        // And without a script.
        let plain = Plain::of(app);
        assert_eq!(leads_to(&plain.post("/bahasa", "lang=en&kembali=%2Faktivasi").await), "/aktivasi");
        assert!(plain.page("/aktivasi").await.contains("Activate your account"));
    })
    .await;
}
