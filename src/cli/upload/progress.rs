//! How far a file is, on standard error: a bar on a terminal, a line now and then elsewhere.

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use super::files::File;
use crate::cli::say;

pub struct Progress {
    bar: ProgressBar,
    name: String,
    told: u64,
}

impl Progress {
    pub fn of(file: &File) -> Progress {
        let bar = ProgressBar::new(file.length());
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {bytes}/{total_bytes} {eta} {msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        let name = file.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        bar.set_prefix(name.clone());
        Progress { bar, name, told: 0 }
    }

    /// Elsewhere than on a terminal each quarter is told.
    pub fn at(&mut self, offset: u64) {
        self.bar.set_message("");
        self.bar.set_position(offset);
        let length = self.bar.length().unwrap_or(0).max(1);
        let quarter = offset * 4 / length;
        if self.bar.is_hidden() && quarter > self.told {
            self.told = quarter;
            say::progress(&format!("{}: {} / {}", self.name, HumanBytes(offset), HumanBytes(length)));
        }
    }

    pub fn waits(&self, why: &str) {
        let line = format!("terputus, menyambung lagi / cut off, reconnecting ({why})");
        if self.bar.is_hidden() {
            say::progress(&format!("{}: {line}", self.name));
        } else {
            self.bar.set_message(line);
        }
    }

    pub fn ends(&self) {
        self.bar.finish_and_clear();
    }
}
