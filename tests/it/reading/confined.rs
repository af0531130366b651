//! How well the reader is confined is told to the operator, and where it cannot be confined nothing is read unless the
//! operator says so.

use super::support::letter_pdf;
use crate::support::{
    app::both_stacks,
    client::Client,
    program::Program,
    regency::{Actor, PASSWORD, Stack},
};
use lumbung::read::Reason;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use serde_json::{Value, json};

/// The page of the system's state as a signed-in person sees it, in Indonesian.
async fn system_page(base: &str) -> String {
    let http = reqwest::Client::builder().cookie_store(true).build().expect("a client");
    let fields = format!("login=clerk&password={}", PASSWORD.replace(' ', "+"));
    let entered = http.post(format!("{base}/masuk")).body(fields);
    let entered = entered.header("content-type", "application/x-www-form-urlencoded");
    entered.header("sec-fetch-site", "same-origin").send().await.expect("an answer");
    let page = http.get(format!("{base}/sistem")).header("accept-language", "id").send().await.expect("an answer");
    page.text().await.expect("a page")
}

async fn status(client: &Client) -> Value {
    client.get("/api/v1/status").await.is(200).json()["reading"].clone()
}

both_stacks!(the_state_of_the_jail_is_told_by_the_api_and_on_the_page, async |app: &TestApp| {
    let told = status(&app.actor(Actor::Clerk)).await;
    let known = app.app.reader.status().await;
    let jail = json!({ "files": known.files, "abi": known.abi, "calls": known.calls, "limits": known.limits });
    assert_eq!((&told["jail"], &told["reads"]), (&jail, &json!(true)), "{told}");
    assert_eq!((&told["jail"]["calls"], &told["jail"]["limits"]), (&json!(true), &json!(true)));
    assert_eq!((&told["ocr"], &told["heic"]), (&json!(true), &json!(known.heif.is_some())));
    assert!(told["summary"].as_str().is_some_and(|line| line.contains("calls on, limits on")), "{told}");
    let page = system_page(&app.base).await;
    assert!(page.contains("Kurungan pembaca"), "{page}");
});

/// To the program that this thread starts, the kernel looks as if it had no Landlock.
fn without_landlock() {
    let arch = std::env::consts::ARCH.try_into().expect("a known processor");
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let calls = [(libc::SYS_landlock_create_ruleset, vec![])].into();
    let filter = SeccompFilter::new(calls, SeccompAction::Allow, absent, arch).expect("a sound filter");
    seccompiler::apply_filter(&BpfProgram::try_from(filter).expect("a sound filter")).expect("the kernel takes it");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_kernel_cannot_confine_the_reader_files_are_kept_and_not_read() {
    let strict = [("reading.require_jail", "true")];
    let mut program = Program::start_after(without_landlock, Stack::Embedded, &strict).await;
    let clerk = program.actor(Actor::Clerk);
    let told = status(&clerk).await;
    assert_eq!(
        (&told["reads"], &told["jail"]["files"], &told["jail"]["abi"]),
        (&json!(false), &json!("none"), &json!(0))
    );
    assert_eq!(told["jail"]["calls"], true, "system calls are refused all the same: {told}");
    let page = system_page(&program.base).await;
    assert!(page.contains("Berkas tidak dibaca") && page.contains("Landlock"), "{page}");
    let letter = letter_pdf(&["Undangan tentang tanggul blencong"]);
    let id = clerk.upload("surat.pdf", letter.clone(), json!({})).await["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/documents/{id}");
    let settled = clerk.settled(&id).await;
    assert_eq!((&settled["state"], &settled["reason"]), (&json!("unreadable"), &json!("no-jail")), "{settled}");
    assert_eq!(settled["reason_text"]["id"], Reason::NoJail.say().id.as_ref());
    assert_eq!(settled["reason_text"]["en"], Reason::NoJail.say().en.as_ref());
    assert_eq!(clerk.get(&format!("{path}/content")).await.is(200).body, letter, "it is kept");
    // The operator mends the kernel, the server starts again: now the same letter can be read.
    program.cut_and_restart().await;
    let clerk = program.actor(Actor::Clerk);
    clerk.post(&format!("{path}/read"), json!({})).await.is(202);
    if status(&clerk).await["reads"] == true {
        assert_eq!(clerk.settled(&id).await["state"], "ready");
        assert_eq!(clerk.finds("blencong").await, [id]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_accept_a_reader_that_is_confined_by_the_other_locks_alone() {
    let program = Program::start_after(without_landlock, Stack::Embedded, &[("reading.require_jail", "false")]).await;
    let clerk = program.actor(Actor::Clerk);
    let told = status(&clerk).await;
    assert_eq!((&told["reads"], &told["jail"]["files"]), (&json!(true), &json!("none")), "{told}");
    assert!(system_page(&program.base).await.contains("Tanpa kurungan berkas"));
    clerk.upload_and_read("surat.pdf", letter_pdf(&["tanggul blencong"]), json!({})).await;
}
