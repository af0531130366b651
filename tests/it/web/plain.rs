//! Pages without a script, asked for by plain requests.

use serde_json::json;

use reqwest::{Client, Method, Response, StatusCode, multipart, redirect};

use crate::reading::support::letter_pdf;
use crate::share::{anyone, letter, link, shown, terms};
use crate::support::app::{TestApp, run_on};
use crate::support::regency::{Actor, PASSWORD, Stack};

/// A browser without a script, as requests: it keeps cookies and follows nothing by itself.
pub struct Plain {
    pub http: Client,
    base: String,
}

impl Plain {
    pub fn of(app: &TestApp) -> Plain {
        let http = Client::builder().cookie_store(true).redirect(redirect::Policy::none()).build().expect("a client");
        Plain { http, base: app.base.clone() }
    }

    pub async fn of_member(app: &TestApp, login: &str) -> Plain {
        let plain = Plain::of(app);
        plain.log_in(login).await;
        plain
    }

    pub async fn get(&self, path: &str) -> Response {
        self.http.get(format!("{}{path}", self.base)).send().await.expect("an answer")
    }

    /// The text of a page that has to be there.
    pub async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.expect("a page")
    }

    pub async fn post(&self, path: &str, fields: &str) -> Response {
        let request = self.http.request(Method::POST, format!("{}{path}", self.base)).body(fields.to_owned());
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.header("sec-fetch-site", "same-origin").send().await.expect("an answer")
    }

    pub async fn form(&self, path: &str, form: multipart::Form) -> Response {
        let request = self.http.post(format!("{}{path}", self.base)).header("sec-fetch-site", "same-origin");
        request.multipart(form).send().await.expect("an answer")
    }

    /// A form with a file, fields first.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)], file_name: &str, bytes: Vec<u8>) -> Response {
        let mut form = multipart::Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        form = form.part("file", multipart::Part::bytes(bytes).file_name(file_name.to_owned()));
        self.form(path, form).await
    }

    pub async fn log_in(&self, login: &str) {
        let fields = format!("login={login}&password={}", PASSWORD.replace(' ', "+"));
        assert_eq!(self.post("/masuk", &fields).await.status(), StatusCode::SEE_OTHER);
    }
}

/// Where an answer leads.
#[track_caller]
pub fn leads_to(answer: &Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()["location"].to_str().expect("text").to_owned()
}

/// What stands in a page between two marks.
#[track_caller]
pub fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} after {before}")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_has_the_same_landing_page_and_looking_counts_nothing() {
    run_on(Stack::Embedded, async |app| {
        let clerk = app.actor(Actor::Clerk);
        let document = letter(&clerk, "biasa").await;
        let made = async || link(&clerk, &document, &terms(app, anyone(), "download", json!({}))).await;
        let (live, revoked) = (made().await, made().await);
        clerk.delete(&format!("/api/v1/links/{}", revoked.id)).await.is(204);
        let plain = Plain::of(app);
        let page = async |id: &str| {
            let answer = plain.get(&format!("/s/{id}")).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
            assert_eq!(answer.headers()["x-robots-tag"], "noindex");
            answer.text().await.expect("a page").replace(id, "")
        };
        let unknown = page("aaaaaaaaaaaaaaaa").await;
        for id in [&live.public, &revoked.public] {
            for _ in 0..3 {
                assert_eq!(page(id).await, unknown, "it tells whether there is a link");
            }
        }
        assert_eq!(shown(&clerk, &live).await["opens"], 0, "a preview of a messenger opens nothing");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_goes_to_its_own_link_alone_and_to_no_script_or_other_site() {
    run_on(Stack::Embedded, async |app| {
        let clerk = app.actor(Actor::Clerk);
        let document = letter(&clerk, "biasa").await;
        let made = link(&clerk, &document, &terms(app, anyone(), "download", json!({}))).await;
        let plain = Plain::of(app);
        let fields = format!("langkah=buka&secret={}", made.secret);
        let opened = plain.post(&format!("/s/{}", made.public), &fields).await;
        assert_eq!(opened.status(), StatusCode::SEE_OTHER);
        let cookie = opened.headers()["set-cookie"].to_str().expect("text").to_owned();
        for part in ["HttpOnly", "SameSite=Strict", &format!("Path=/s/{};", made.public), "Max-Age="] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains(&made.secret), "the secret itself is kept nowhere");
        assert_eq!(plain.get(&leads_to(&opened)).await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_changes_nothing() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of_member(app, "clerk").await;
        let request = plain.http.post(format!("{}/keluar", plain.base)).header("sec-fetch-site", "cross-site");
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
        assert_eq!(plain.get("/").await.status(), StatusCode::OK);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_unencrypted_way_forms_are_known_by_their_origin() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of_member(app, "clerk").await;
        assert_eq!(plain.get("/").await.headers()["referrer-policy"], "same-origin");
        let leave = async |origin: &str| {
            let request = plain.http.post(format!("{}/keluar", plain.base)).header("origin", origin);
            request.send().await.expect("an answer").status()
        };
        for foreign in ["http://elsewhere.example", "null"] {
            assert_eq!(leave(foreign).await, StatusCode::FORBIDDEN, "{foreign}");
        }
        let enter = plain.http.post(format!("{}/masuk", plain.base)).header("origin", "http://elsewhere.example");
        assert_eq!(enter.send().await.expect("an answer").status(), StatusCode::FORBIDDEN);
        assert_eq!(leave(&plain.base).await, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_whose_room_is_nearly_full_is_told_where_it_uploads() {
    let app = TestApp::with(Stack::Embedded, &[("limits.office_bytes", "2000000")]).await;
    let clerk = Plain::of_member(&app, "clerk").await;
    let told = async || {
        let page = clerk.page("/unggah").await;
        let told = page.split("data-room>").nth(1).expect("the room is told").split("</p>").next().expect("ends");
        told.to_owned()
    };
    let api = app.actor(Actor::Clerk);
    api.upload("satu.bin", vec![7; 1_500_000], json!({})).await;
    let calm = told().await;
    assert!(calm.contains("terpakai 1,5 MB dari 2,0 MB") && !calm.contains("Hampir penuh"), "{calm}");
    api.upload("dua.bin", vec![8; 150_000], json!({})).await;
    let warned = told().await;
    assert!(warned.contains("Hampir penuh") && warned.contains("kosongkan tempat sampah"), "{warned}");
    app.finish().await;
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
        let plain = Plain::of_member(app, "clerk").await;
        for (title, twin) in [("Surat pertama", false), ("Surat kedua", true)] {
            let fields = [("title", title), ("security_class", "terbatas")];
            let answer = plain.send("/unggah", &fields, "surat.txt", b"Perihal: panen raya".to_vec()).await;
            let rows = plain.page(&leads_to(&answer)).await;
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
        let plain = Plain::of_member(app, "clerk").await;
        for path in ["/", "/unggah", "/cari?q=surat", "/tautan", "/kiriman", "/akun", "/sistem"] {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_page_names_no_other_host_and_holds_no_script_or_style_of_its_own() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of_member(app, "clerk").await;
        for path in ["/", "/unggah", "/cari?q=surat", "/tautan", "/kiriman/baru", "/akun", "/sistem", "/aktivasi"] {
            let page = plain.page(path).await;
            assert!(!page.contains("http://") && !page.contains("https://"), "{path} names another host");
            assert!(!page.contains("<style") && !page.contains(" style="), "{path} has a style");
            assert!(!page.contains("<script>") && !page.contains(" onclick="), "{path} has a script");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_main_job_goes_without_a_script() {
    run_on(Stack::Embedded, async |app| {
        let village = Plain::of_member(app, "clerk").await;
        let letter = letter_pdf(&["Undangan musyawarah perbaikan tanggul", "Nomor 005/9/Pemdes/2026"]);
        let fields = [("title", "Undangan musyawarah"), ("security_class", "terbatas")];
        let received = village.send("/unggah", &fields, "undangan.pdf", letter).await;
        let rows = leads_to(&received);
        let document = rows.split("dok=").nth(1).expect("an id").to_owned();
        app.settled().await;
        assert!(village.page(&rows).await.contains("Dapat dicari"));
        assert!(village.page("/cari?q=tanggul").await.contains("<mark>tanggul</mark>"));
        assert!(village.page(&format!("/dokumen/{document}?q=tanggul")).await.contains("<rect"));

        let made =
            village.post(&format!("/dokumen/{document}/bagikan"), "untuk=offices&kantor=DPMD&hak=view&berlaku=7").await;
        let made = made.text().await.expect("a page");
        let url = between(&made, "id=\"tautan\" value=\"", "\"");
        let link = between(&made, "/tautan/", "\"").to_owned();
        let way = url.split_once("/s/").expect("a link").1;
        let (public, secret) = way.split_once('#').expect("a secret");

        let agency = Plain::of_member(app, "agency.clerk").await;
        let asked =
            agency.post(&format!("/s/{public}"), &format!("secret={secret}")).await.text().await.expect("a page");
        assert!(asked.contains("mengirim dokumen kepada Anda"), "{asked}");
        let opened = agency.post(&format!("/s/{public}"), &format!("secret={secret}&langkah=buka")).await;
        assert!(agency.page(&leads_to(&opened)).await.contains("Undangan musyawarah"));

        assert!(village.page(&format!("/tautan/{link}")).await.contains("Dibuka oleh"));
        assert_eq!(leads_to(&village.post(&format!("/tautan/{link}"), "aksi=jeda").await), format!("/tautan/{link}"));
        assert!(village.page("/tautan?keadaan=dijeda").await.contains(&link));
        assert_eq!(agency.get(&format!("/s/{public}/lihat")).await.status(), StatusCode::NOT_FOUND);
        village.post(&format!("/tautan/{link}"), "aksi=lanjut").await;
        assert_eq!(agency.get(&format!("/s/{public}/lihat")).await.status(), StatusCode::OK);
        village.post(&format!("/tautan/{link}"), "aksi=cabut").await;
        assert_eq!(agency.get(&format!("/s/{public}/lihat")).await.status(), StatusCode::NOT_FOUND);
        assert!(village.page("/tautan?keadaan=dicabut").await.contains(&link));
        assert!(!village.page("/tautan?keadaan=aktif").await.contains(&link));
    })
    .await;
}
