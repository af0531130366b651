//! SECURITY.md says which test holds which threat, tests/README.md which test holds which promise. A name that nothing bears
//! would be a promise that nothing keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::{Response, multipart};
use serde_json::json;

use crate::share::drops::{drop_terms, way};
use crate::share::{anyone, letter, link, terms};
use crate::support::app::{TestApp, run_on};
use crate::support::regency::{Actor, Stack};
use crate::web::plain::Plain;

const FOLDERS: [&str; 6] = [".ci/", "deploy/", "schema/", "src/", "tests/", "tools/"];

const THREATS: &str = "SECURITY.md";
const PROMISES: &str = "tests/README.md";

#[test]
fn every_test_that_the_threat_model_names_exists() {
    names_only_tests(THREATS, 200);
}

#[test]
fn every_test_that_the_map_of_promises_names_exists() {
    names_only_tests(PROMISES, 100);
}

fn names_only_tests(file: &str, least: usize) {
    let names = named(file, |text| text.contains("::"));
    assert!(names.len() > least, "only {} names: {file} is not written as this test reads it", names.len());
    let missing: Vec<String> = names.into_iter().filter(|name| !is_a_test(name)).collect();
    assert!(missing.is_empty(), "{file} names tests that do not exist:\n{}", missing.join("\n"));
}

#[test]
fn every_place_that_the_threat_model_names_exists() {
    let places = named(THREATS, |text| FOLDERS.iter().any(|folder| text.starts_with(folder)));
    let missing: Vec<String> = places.into_iter().filter(|place| !Path::new(place).exists()).collect();
    assert!(missing.is_empty(), "SECURITY.md names places that do not exist:\n{}", missing.join("\n"));
}

/// What finds every name right holds nothing, so it is shown wrong ones too.
#[test]
fn a_name_that_no_test_bears_is_found_out() {
    for right in [
        "security::a_name_that_no_test_bears_is_found_out",
        "reading::fairness::a_single_letter_is_found_within_seconds_while_a_cabinet_of_another_office_waits",
        "search_index::asking::no_text_makes_an_error",
        "finding::rebuilding::a_rebuild_that_was_cut_goes_on_where_it_was",
        "seal::open::tests::one_flipped_bit_of_the_payload_is_refused",
        "account::tests::session::garbage_is_nobody",
        "mail::tests::an_address_has_one_spelling_and_no_tricks",
    ] {
        assert!(is_a_test(right), "{right} is not found");
    }
    for wrong in [
        "a_name_that_no_test_bears_is_found_out",
        "security::a_name_that_no_test_bears_is_found",
        "security::is_a_test",
        "tidy::a_name_that_no_test_bears_is_found_out",
        "nowhere::a_name_that_no_test_bears_is_found_out",
        "seal::open::one_flipped_bit_of_the_payload_is_refused",
        "seal::key::tests::one_flipped_bit_of_the_payload_is_refused",
    ] {
        assert!(!is_a_test(wrong), "{wrong} is taken for a test");
    }
}

/// What stands between backticks in the file.
fn named(file: &str, is_meant: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let text = fs::read_to_string(file).expect("it is there");
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|&text| is_meant(text)).map(str::to_owned).collect()
}

fn is_a_test(name: &str) -> bool {
    let Some((place, test)) = name.rsplit_once("::") else { return false };
    files_of(place).iter().any(|file| fs::read_to_string(file).is_ok_and(|text| holds(&text, test)))
}

/// The files in which a module may lie: the library's if its name goes through `tests`, else those of this binary.
fn files_of(place: &str) -> Vec<String> {
    let path = place.replace("::", "/");
    let either = |path: String| [format!("{path}.rs"), format!("{path}/mod.rs")];
    if !place.split("::").any(|part| part == "tests") {
        return either(format!("tests/it/{path}")).to_vec();
    }
    let mut files = either(format!("src/{path}")).to_vec();
    // The library's tests stand in a file of their own or at the end of the file that they try.
    if let Some(tried) = path.strip_suffix("/tests") {
        files.extend(either(format!("src/{tried}")));
        files.push(format!("src/{tried}_tests.rs"));
    }
    files
}

fn holds(text: &str, test: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let (on_both_stacks, on_each_stack) = (format!("both_stacks!({test},"), format!("{test}: "));
    let is_listed = |line: &str| line.starts_with(&on_each_stack) && text.contains("on_each_stack! {");
    (0..lines.len()).any(|at| {
        lines[at].starts_with(&on_both_stacks)
            || is_listed(lines[at])
            || is_function(lines[at], test) && is_marked_as_test(&lines[..at])
    })
}

fn is_function(line: &str, name: &str) -> bool {
    let bare = line.strip_prefix("async ").unwrap_or(line);
    let rest = bare.strip_prefix("fn ").and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with('('))
}

/// Whether one of the attributes right above a function makes it a test; comments may stand between them.
fn is_marked_as_test(above: &[&str]) -> bool {
    let mut head = above.iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    head.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_answer_bears_the_headers_that_browsers_obey() {
    run_on(Stack::Embedded, async |app| {
        let plain = Plain::of_member(app, "clerk").await;
        let page = plain.page("/").await;
        let (_, rest) = page.split_once("/assets/").expect("a stylesheet");
        let asset = format!("/assets/{}", rest.split('"').next().expect("a name"));
        for path in ["/", "/masuk", "/s/aaaaaaaaaaaaaaaa", "/api/v1/documents/doc_zz", "/nowhere", asset.as_str()] {
            let answer = plain.get(path).await;
            let policy = header(&answer, "content-security-policy").to_owned();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
            assert!(
                policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"),
                "{path}: {policy}"
            );
            assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
            assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
            assert!(!header(&answer, "referrer-policy").is_empty(), "{path}");
        }
        let left = plain.post("/keluar", "").await;
        assert_eq!(header(&left, "clear-site-data"), "\"storage\"");
        assert!(header(&left, "set-cookie").contains("HttpOnly; SameSite=Lax; Max-Age=0"));
    })
    .await;
}

/// Nobody has been asked who they are before the fields of such a form are read.
#[tokio::test(flavor = "multi_thread")]
async fn the_text_fields_of_a_form_are_bounded_together() {
    let app = TestApp::with(Stack::Embedded, &[("server.json_bytes", "20000")]).await;
    let plain = Plain::of_member(&app, "clerk").await;
    let document = letter(&app.actor(Actor::Clerk), "biasa").await;
    let made = app.actor(Actor::Clerk).post("/api/v1/drops", drop_terms(&app, json!({}))).await.is(201).json();
    let (public, secret) = way(&made);
    let form = || multipart::Form::new().text("secret", secret.clone());
    let many = || (0..500).fold(form(), |form, n| form.text(format!("field{n}"), ""));
    let long = || form().text("note", "a".repeat(30_000));
    for path in [&format!("/d/{public}/kirim"), "/unggah", &format!("/dokumen/{document}/versi")] {
        // A form that knows one field does not keep the others.
        let keeps_all = !path.ends_with("versi");
        for (what, form) in
            [("many", many()), ("long", long())].into_iter().filter(|(what, _)| keeps_all || *what == "long")
        {
            let file = multipart::Part::bytes(vec![1; 100]).file_name("surat.bin");
            let answer = plain.form(path, form.part("file", file)).await;
            let (status, said) = (answer.status(), answer.text().await.expect("a page"));
            assert!(status.is_client_error(), "{what} fields to {path}: {status}");
            assert!(said.contains("server.json_bytes"), "{what} fields to {path}: {said}");
        }
    }
    app.finish().await;
}

/// What somebody writes into a title is shown as it was written, and never runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_title_and_file_name_are_shown_as_text() {
    run_on(Stack::Embedded, async |app| {
        let clerk = app.actor(Actor::Clerk);
        let hostile = "<img src=x onerror=alert(1)>\"'&<script>x</script>";
        let metadata = json!({ "title": hostile, "sender": hostile, "summary": hostile, "labels": [hostile] });
        let made = clerk.upload_and_read("<b>surat.txt", hostile.as_bytes().to_vec(), metadata).await;
        let document = made["id"].as_str().expect("an id").to_owned();
        let handed = link(&clerk, &document, &terms(app, anyone(), "download", json!({ "label": hostile }))).await;
        let plain = Plain::of_member(app, "clerk").await;
        let paths = ["/", "/dokumen", "/cari?q=script", "/tautan"].map(str::to_owned);
        let more = [format!("/dokumen/{document}"), format!("/tautan/{}", handed.id), format!("/cari?q={hostile}")];
        for path in paths.into_iter().chain(more) {
            let page = plain.page(&path).await;
            assert!(!page.contains("<img src=x") && !page.contains("<script>x"), "{path}");
            assert!(!page.contains("<b>surat"), "{path}");
        }
        assert!(plain.page(&format!("/dokumen/{document}")).await.contains("onerror=alert(1)"), "it is shown");
    })
    .await;
}
