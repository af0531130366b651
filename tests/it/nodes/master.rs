//! The master key changes on two nodes, one after the other, while people work.

use std::time::{Duration, Instant};

use lumbung::seal::MasterKey;

use super::load::Load;
use crate::support::program::Program;
use crate::support::regency::{Actor, Stack};

const ROTATE: [&str; 3] = ["key", "rotate", "--master"];

fn rotates(program: &Program, step: &str) {
    let done = program.command(&ROTATE);
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success() && told.contains(step), "{told}{}", String::from_utf8_lossy(&done.stderr));
}

fn carry_key(from: &Program, to: &Program) {
    std::fs::copy(from.home.dir.join("master.key"), to.home.dir.join("master.key")).expect("copied");
}

async fn in_force(program: &Program) -> String {
    let db = program.home.open_database().await;
    let told = lumbung::db::installation(&db, "master_fingerprint").await.expect("asked").expect("set up");
    db.close().await;
    told
}

async fn goes_over(program: &Program, former: &MasterKey) {
    let begun = Instant::now();
    while in_force(program).await == former.fingerprint() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the database does not go over");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_master_key_changes_on_two_nodes_while_people_work() {
    let mut first = Program::start(Stack::Networked, &[]).await;
    let mut second = first.beside().await;
    let former = MasterKey::load(&first.home.dir.join("master.key")).expect("a key");
    let load = Load::begin([first.actor(Actor::Clerk), second.actor(Actor::Clerk)]);

    rotates(&first, "1/3");
    carry_key(&first, &second);
    first.cut_and_restart().await;
    second.cut_and_restart().await;
    rotates(&first, "2/3");
    goes_over(&first, &former).await;
    first.cut_and_restart().await;
    second.cut_and_restart().await;
    rotates(&first, "3/3");
    carry_key(&first, &second);
    first.cut_and_restart().await;
    second.cut_and_restart().await;

    let kept = load.end().await;
    assert!(kept.len() > 20, "{} letters are no load", kept.len());
    for program in [&first, &second] {
        let clerk = program.actor(Actor::Clerk);
        for (document, bytes) in &kept {
            assert_eq!(clerk.get(&format!("/api/v1/documents/{document}/content")).await.is(200).body, *bytes);
        }
    }
    assert!(former.fitting(&in_force(&first).await).is_none(), "the former key fits no more");
}

fn signal(program: &mut Program, name: &str) {
    let process = program.process().to_string();
    assert!(std::process::Command::new("kill").args([name, &process]).status().expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_left_behind_with_the_former_key_is_not_ready() {
    let mut first = Program::start(Stack::Networked, &[]).await;
    let mut second = first.beside().await;
    let former = MasterKey::load(&first.home.dir.join("master.key")).expect("a key");
    rotates(&first, "1/3");
    first.cut_and_restart().await;
    // It cannot have its turn at the change, which it would put off.
    signal(&mut second, "-STOP");
    rotates(&first, "2/3");
    goes_over(&first, &former).await;
    signal(&mut second, "-CONT");
    // Whoever stands before the nodes leaves it out until it has the key.
    assert_eq!(second.says_of_its_readiness().await, "not ready: key\n");
    assert_eq!(first.says_of_its_readiness().await, "ready\n");
    second.cut();
    let said = second.refuses_to_start().await;
    assert!(said.contains("master"), "{said}");
    carry_key(&first, &second);
    second.start_again().await;
    assert_eq!(second.says_of_its_readiness().await, "ready\n");
}
