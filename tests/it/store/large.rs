//! A large file passes through the real program in constant memory. `cargo bench --bench large` does it with 4 GiB.

use crate::support::large::{ALLOWED_MIB, Passage, passages};
use crate::support::program::Program;
use crate::support::regency::Stack;

async fn a_large_file_passes(stack: Stack, size: u64) {
    let mut program = Program::start(stack, &[]).await;
    let passages = passages(&mut program, size).await;
    assert_eq!(passages.len(), 3);
    for Passage { way, added_mib, megabytes_a_second } in &passages {
        eprintln!("{way}: {added_mib} MiB added, {megabytes_a_second:.0} MB/s");
        assert!(*added_mib <= ALLOWED_MIB, "{passages:?}\n{}", program.output());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_adds_at_most_64_mib_to_the_server_embedded() {
    a_large_file_passes(Stack::Embedded, 200 << 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_adds_at_most_64_mib_to_the_server_networked() {
    a_large_file_passes(Stack::Networked, 100 << 20).await;
}
