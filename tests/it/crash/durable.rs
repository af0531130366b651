//! An acknowledgement comes after what it promises is durable. A killed process loses nothing that the kernel holds, so only
//! the order of the calls shows this: `strace` writes it down.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::story::fresh_word;
use crate::support::program::{Launch, Program};
use crate::support::regency::{Actor, Stack};
use crate::support::server::scratch;

const CALLS: &str = "trace=fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write,writev";

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_acknowledged_after_its_object_its_folder_and_its_row_are_durable() {
    let trace = scratch("calls").join("trace");
    let file = trace.to_str().expect("a plain path");
    let under = ["strace", "-f", "-qq", "-y", "-s", "64", "-o", file, "-e", CALLS];
    let mut program = Program::launch(Stack::Embedded, &[], &Launch { under: &under, ..Launch::default() }).await;
    assert!(program.becomes_ready().await, "{}", program.output());
    let clerk = program.actor(Actor::Clerk);
    let before = lines(&trace).len();
    clerk.upload("surat.bin", fresh_word().into_bytes(), json!({})).await;
    let calls = until_answered(&trace, before).await;
    let is_done = |line: &String| line.ends_with("= 0");
    let named = calls.iter().position(|line| line.contains("rename") && line.contains("/store/") && is_done(line));
    let named = named.unwrap_or_else(|| panic!("the object gets its name:\n{}", calls.join("\n")));
    let synced = |calls: &[String], what: &dyn Fn(&str) -> bool| {
        calls.iter().any(|line| line.contains("sync(") && is_done(line) && what(line))
    };
    let is_object = |line: &str| line.contains("/store/") && !line.contains("/store/o>");
    assert!(synced(&calls[..named], &is_object), "the bytes before the name:\n{}", calls.join("\n"));
    assert!(synced(&calls[named..], &|line| line.contains("/store/o")), "the folder:\n{}", calls.join("\n"));
    assert!(synced(&calls[named..], &|line| line.contains("lumbung.db-wal")), "the row:\n{}", calls.join("\n"));
}

/// Calls that were ended, one a line; what was cut in two by another thread is put together.
fn lines(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).unwrap_or_default();
    let (mut whole, mut begun) = (Vec::new(), std::collections::HashMap::new());
    for line in text.lines() {
        let (thread, call) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if let Some(first) = call.trim().strip_suffix("<unfinished ...>") {
            begun.insert(thread.to_owned(), first.to_owned());
        } else if let Some((_, rest)) = call.split_once("resumed>") {
            whole.push(format!("{}{rest}", begun.remove(thread).unwrap_or_default()));
        } else {
            whole.push(call.trim().to_owned());
        }
    }
    whole
}

/// Everything from `before` up to the answer.
async fn until_answered(trace: &Path, before: usize) -> Vec<String> {
    let started = Instant::now();
    loop {
        let calls = lines(trace).split_off(before);
        if let Some(answer) = calls.iter().position(|line| line.contains("HTTP/1.1 201")) {
            return calls[..answer].to_vec();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "no answer is seen:\n{}", calls.join("\n"));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
