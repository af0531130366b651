//! 4 GiB in by multipart, out again, and in by tus, through the real program: what that adds to its resident set.
//!
//!     cargo bench --bench large                 SQLite and a folder
//!     cargo bench --bench large -- networked    PostgreSQL and MinIO
//!
//! The file is made while it is sent and compared while it comes back, so that only the server's disk is used: three
//! times its size. Ends with 1 where a passage adds more than 64 MiB.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

// The tests' servers, of which a bench needs a part.
#[allow(dead_code, unused_imports, unused_macros)]
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::process::ExitCode;

use support::large::{ALLOWED_MIB, passages};
use support::program::Program;
use support::regency::Stack;

const SIZE: u64 = 4 << 30;

#[tokio::main]
async fn main() -> ExitCode {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| given.iter().any(|given| given == word);
    // `cargo test --all-targets` starts benches too; there is a test of 300 MiB.
    if !has("--bench") && !has("run") {
        println!("give `run` to measure a build that is not optimised");
        return ExitCode::SUCCESS;
    }
    let stack = if has("networked") { Stack::Networked } else { Stack::Embedded };
    let mut program = Program::start(stack, &[]).await;
    let mut is_frugal = true;
    for passage in passages(&mut program, SIZE).await {
        println!(
            "{:<14} {:>4.0} MB/s, {:>3} MiB added (at most {ALLOWED_MIB})",
            passage.way, passage.megabytes_a_second, passage.added_mib
        );
        is_frugal &= passage.added_mib <= ALLOWED_MIB;
    }
    if is_frugal { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
