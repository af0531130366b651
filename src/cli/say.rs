//! The only place that writes to the terminal.

use std::io::Write;

use crate::error::{Error, Kind, Say};

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

/// An error in one line for a terminal. What a server said comes in one language already.
pub fn words(error: &Error) -> String {
    if error.kind() == Kind::Internal {
        return format!("perintah ini gagal / this command failed: {}", causes(error));
    }
    let mut line = both(error.detail());
    // Where something does not answer, its own words say more than ours.
    if error.kind() == Kind::Unavailable && std::error::Error::source(error).is_some() {
        line.push_str(&format!(" ({})", causes(error)));
    }
    line
}

/// A sentence in both languages, or once where they are the same.
pub fn both(said: &Say) -> String {
    if said.id == said.en { said.id.to_string() } else { format!("{} / {}", said.id, said.en) }
}

fn causes(error: &Error) -> String {
    let mut line = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    if line.is_empty() { error.slug().to_owned() } else { line }
}
