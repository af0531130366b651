//! The program that `tools/fuzz` runs: feeds the target that `LUMBUNG_FUZZ` names.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use lumbung::fuzz;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("LUMBUNG_FUZZ").unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| panic!("LUMBUNG_FUZZ names no target: {name:?}"))
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
