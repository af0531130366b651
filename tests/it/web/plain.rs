//! Pages without a script, asked for by plain requests.

use reqwest::{Client, Method, Response, StatusCode, redirect};

use crate::support::app::{TestApp, run_on};
use crate::support::regency::{PASSWORD, Stack};

struct Plain {
    http: Client,
    base: String,
}

impl Plain {
    fn of(app: &TestApp) -> Plain {
        let http = Client::builder().cookie_store(true).redirect(redirect::Policy::none()).build().expect("a client");
        Plain { http, base: app.base.clone() }
    }

    async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.expect("an answer")
    }

    async fn post(&self, path: &str, fields: &str) -> Response {
        let request = self.http.request(Method::POST, format!("{}{path}", self.base)).body(fields.to_owned());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").send().await.expect("an answer")
    }

    async fn log_in(&self) {
        let fields = format!("login=clerk&password={}", PASSWORD.replace(' ', "+"));
        assert_eq!(self.post("/masuk", &fields).await.status(), StatusCode::SEE_OTHER);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_has_the_same_landing_page_and_looking_counts_nothing() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        let page = async |id: &str| {
            let answer = plain.get(&format!("/s/{id}")).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
            answer.text().await.expect("a page").replace(id, "")
        };
        assert_eq!(page("aaaaaaaaaaaaaaaa").await, page("bbbbbbbbbbbbbbbb").await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_changes_nothing() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        plain.log_in().await;
        let request = plain.http.post(format!("{}/keluar", plain.base)).header("sec-fetch-site", "cross-site");
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
        assert_eq!(plain.get("/").await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_comes_back_after_the_login() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        let answer = plain.get("/cari?q=tanah").await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()["location"], "/masuk?ke=%2Fcari%3Fq%3Dtanah");
        let fields = format!("login=clerk&password={}&ke=%2Fcari%3Fq%3Dtanah", PASSWORD.replace(' ', "+"));
        assert_eq!(plain.post("/masuk", &fields).await.headers()["location"], "/cari?q=tanah");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_uploaded_without_a_script_and_its_twin_is_named() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        plain.log_in().await;
        for (title, twin) in [("Surat pertama", false), ("Surat kedua", true)] {
            let file = reqwest::multipart::Part::bytes(b"Perihal: panen raya".to_vec()).file_name("surat.txt");
            let form = reqwest::multipart::Form::new()
                .text("title", title)
                .text("security_class", "terbatas")
                .part("file", file);
            let request = plain.http.post(format!("{}/unggah", plain.base)).header("sec-fetch-site", "same-origin");
            let answer = request.multipart(form).send().await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::SEE_OTHER);
            let rows =
                plain.get(answer.headers()["location"].to_str().expect("text")).await.text().await.expect("a page");
            assert!(rows.contains(title) && rows.contains("Terbatas"), "{rows}");
            assert_eq!(rows.contains("Berkas yang sama sudah ada"), twin);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_is_a_page_for_people_and_a_problem_for_programs() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        let page = plain.get("/tidak/ada").await;
        assert_eq!(
            (page.status().as_u16(), page.headers()["content-type"].as_bytes()),
            (404, &b"text/html; charset=utf-8"[..])
        );
        assert!(page.text().await.expect("a page").contains("Ke Beranda"));
        let problem = plain.get("/api/v1/nothing").await;
        assert_eq!(
            (problem.status().as_u16(), problem.headers()["content-type"].as_bytes()),
            (404, &b"application/problem+json"[..])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_light_and_their_assets_are_kept_for_good() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of(app);
        plain.log_in().await;
        for path in ["/", "/unggah", "/cari?q=surat", "/tautan", "/sistem"] {
            let request = plain.http.get(format!("{}{path}", plain.base)).header("accept-encoding", "gzip");
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
            let bytes = answer.bytes().await.expect("a page").len();
            assert!(bytes < 60_000, "{path}: {bytes} bytes");
        }
        let page = plain.get("/").await.text().await.expect("a page");
        let asset = page.split('"').find(|part| part.starts_with("/assets/")).expect("an asset");
        let caching = plain.get(asset).await.headers()["cache-control"].to_str().expect("text").to_owned();
        assert_eq!(caching, "public, max-age=31536000, immutable");
    })
    .await;
}
