//! What answers every question and takes nothing new: a store or a disk that may only be read, a database that became a
//! replica. It is told to whoever uploads and to whoever asks whether the node is ready; what is there stays readable.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;

use super::disk::{is_root, on_small_disk};
use super::*;
use crate::support::app::TestApp;
use crate::support::client::form;
use crate::support::fault::{Fault, Faults};
use crate::support::postgres;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

/// A write that went well is believed for ten seconds.
const NOTICED: Duration = Duration::from_secs(20);

async fn readiness_is(caller: &Client, expected: &str) {
    let begun = Instant::now();
    loop {
        let told = caller.get("/readyz").await.text();
        if told == expected {
            return;
        }
        assert!(begun.elapsed() < NOTICED, "{told} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn uploads_are_refused(clerk: &Client, slug: &str) {
    for (cookie, words) in [("lang=en", "try again"), ("lang=id", "coba lagi")] {
        let form = form("surat.txt", b"Perihal: ditolak".to_vec(), json!({}));
        let request = clerk.request(Method::POST, "/api/v1/documents").multipart(form);
        let problem = send(request.header("Cookie", cookie)).await.refusal(503, slug);
        assert!(problem["detail"].as_str().is_some_and(|said| said.contains(words)), "{problem}");
    }
}

/// The upload after it goes well, and nothing of those that were refused is there.
async fn goes_on(clerk: &Client) {
    readiness_is(clerk, "ready\n").await;
    let made = clerk.try_upload("surat.txt", b"Perihal: diterima".to_vec(), json!({})).await.is(201).json();
    let all = clerk.get("/api/v1/documents").await.is(200).json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2), "{all}");
    assert_eq!(clerk.settled(made["id"].as_str().expect("an id")).await["state"], "ready");
}

async fn first_letter(clerk: &Client) -> String {
    let made = clerk.upload_and_read("lama.txt", b"Perihal: sawah lama".to_vec(), json!({})).await;
    let path = format!("/api/v1/documents/{}/content", made["id"].as_str().expect("an id"));
    // Noted in the audit, so that it may be read again for a while without a change of the database.
    clerk.get(&path).await.is(200);
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_what_is_new_is_told_before_an_upload_fails() {
    let faults = Faults::ready().await;
    let app = TestApp::behind(&faults, &[]).await;
    let clerk = app.actor(Actor::Clerk);
    let letter = first_letter(&clerk).await;
    faults.store.now(Fault::ReadOnly).await;
    readiness_is(&clerk, "not ready: store\n").await;
    uploads_are_refused(&clerk, "store-unavailable").await;
    assert_eq!(clerk.get(&letter).await.is(200).text(), "Perihal: sawah lama");
    faults.store.now(Fault::None).await;
    goes_on(&clerk).await;
    app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_is_told_and_gives_what_it_has() {
    let mut program = Program::started_by(Stack::Embedded, &[], on_small_disk("4m", Some("store"))).await;
    let clerk = program.actor(Actor::Clerk);
    let letter = first_letter(&clerk).await;
    remount(&mut program, "ro");
    uploads_are_refused(&clerk, "disk-unusable").await;
    readiness_is(&clerk, "not ready: store\n").await;
    assert_eq!(clerk.get(&letter).await.is(200).text(), "Perihal: sawah lama");
    remount(&mut program, "rw");
    goes_on(&clerk).await;
}

fn remount(program: &mut Program, way: &str) {
    let process = program.process().to_string();
    let place = program.home.dir.join("store");
    let begun = Instant::now();
    // While a file is being written the kernel refuses.
    let is_done = || {
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &process, "--mount"]);
        if !is_root() {
            enter.args(["--user", "--preserve-credentials"]);
        }
        let done = enter.args(["mount", "-o"]).arg(format!("remount,{way}")).arg(&place).output();
        done.expect("nsenter runs").status.success()
    };
    while !is_done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "it does not become {way}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_on_a_disk_that_fails_is_told_and_goes_on_without_a_restart() {
    let mut program = Program::start(Stack::Embedded, &[]).await;
    let clerk = program.actor(Actor::Clerk);
    let letter = first_letter(&clerk).await;
    for (calls, error, slug) in [("fsync,fdatasync", "EIO", "database-unwritable"), ("pwrite64", "EROFS", "disk-full")]
    {
        let failing = Failing::disk(&mut program, calls, error);
        readiness_is(&clerk, "not ready: database\n").await;
        uploads_are_refused(&clerk, slug).await;
        assert_eq!(clerk.get(&letter).await.is(200).text(), "Perihal: sawah lama", "{error}");
        drop(failing);
        readiness_is(&clerk, "ready\n").await;
    }
    goes_on(&clerk).await;
}

/// What is written to the database's log fails as long as this lives.
struct Failing(Child);

impl Failing {
    fn disk(program: &mut Program, calls: &str, error: &str) -> Failing {
        let process = program.process().to_string();
        let log = program.home.dir.join("lumbung.db-wal");
        assert!(log.exists(), "the database's log lies elsewhere");
        let fault = format!("inject={calls}:error={error}");
        let attach = ["-f", "-qq", "-o", "/dev/null", "-e", &fault, "-p", &process, "-P"];
        let strace = Command::new("strace").args(attach).arg(&log).spawn().expect("strace runs");
        let traced = format!("/proc/{process}/status");
        let begun = Instant::now();
        while std::fs::read_to_string(&traced).expect("it runs").contains("TracerPid:\t0\n") {
            assert!(begun.elapsed() < Duration::from_secs(10), "strace does not attach");
            std::thread::sleep(Duration::from_millis(20));
        }
        Failing(strace)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        // Asked to end, it lets go of the program; killed, it might take it along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_became_a_replica_is_told_and_gives_nothing_out_unnoted() {
    let app = TestApp::start(Stack::Networked).await;
    let clerk = app.actor(Actor::Clerk);
    let letter = first_letter(&clerk).await;
    let address = app.app.config.database.url.clone();
    postgres::takes_changes(&address, false);
    // A connection that was used within a second is not asked whether it still is one.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    readiness_is(&clerk, "not ready: database\n").await;
    uploads_are_refused(&clerk, "database-unwritable").await;
    clerk.get("/api/v1/documents").await.is(200);
    // That it was read could not be noted.
    clerk.get(&letter).await.refusal(503, "database-unwritable");
    postgres::takes_changes(&address, true);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    goes_on(&clerk).await;
    app.finish().await;
}
