//! The only place that writes to the terminal.

use std::io::Write;

/// A result, on standard output. A closed pipe is the reader's wish and no error.
pub fn result(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Progress or a hint, on standard error.
pub fn progress(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What went wrong, on standard error.
pub fn problem(line: &str) {
    let _ = writeln!(std::io::stderr(), "lumbung: {line}");
}

/// A report as one JSON object on standard output.
pub fn json(value: &impl serde::Serialize) {
    result(&serde_json::to_string(value).unwrap_or_default());
}
