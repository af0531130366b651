//! What the reader can do on this machine, for the log and the status page.

use super::{
    jail::{self, Jailed},
    plaintext::Plaintext,
    settings::Settings,
    wire::{Answer, FileLock, Locked, Work},
};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JailReport {
    /// "full", "partial" or "none": whether the kernel keeps the reader away from all files.
    pub files: &'static str,
    /// Version of the kernel's Landlock interface, 0 where there is none.
    pub abi: i32,
    /// The system calls that a reader does not need are refused.
    pub calls: bool,
    pub limits: bool,
    /// Files are read at all: the jail holds, or the operator has switched `require_jail` off.
    pub reads: bool,
    pub tesseract: Option<Engine>,
    pub heif: Option<String>,
    pub soffice: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Engine {
    pub version: String,
    /// Those of the wanted languages that are installed, in the wanted order.
    pub languages: Vec<String>,
}

impl JailReport {
    /// Nothing that an operator could still install or mend keeps pages from being read.
    pub(super) fn is_whole(&self) -> bool {
        self.reads && self.tesseract.is_some()
    }

    /// One line for the log.
    pub fn line(&self) -> String {
        let switch = |on: bool| if on { "on" } else { "off" };
        let engine = self
            .tesseract
            .as_ref()
            .map_or("none".to_owned(), |engine| format!("{} ({})", engine.version, engine.languages.join("+")));
        format!(
            "reader jail: files {} (ABI {}), calls {}, limits {}; tesseract {engine}; heif-convert {}; soffice {}",
            self.files,
            self.abi,
            switch(self.calls),
            switch(self.limits),
            self.heif.as_deref().unwrap_or("none"),
            self.soffice.as_deref().unwrap_or("none"),
        )
    }
}

pub(super) async fn look(settings: &Settings, program: &Path) -> JailReport {
    let locked = locked(settings, program).await;
    let held = locked.is_some_and(|locked| locked.files != FileLock::None);
    let found =
        |program: &Option<PathBuf>| program.as_ref().and_then(|name| find(name)).map(|path| path.display().to_string());
    JailReport {
        files: match locked.map(|locked| locked.files) {
            Some(FileLock::Full) => "full",
            Some(FileLock::Partial) => "partial",
            Some(FileLock::None) | None => "none",
        },
        abi: locked.map_or(0, |locked| locked.abi),
        calls: locked.is_some_and(|locked| locked.calls),
        limits: locked.is_some_and(|locked| locked.limits),
        reads: locked.is_some() && (held || !settings.require_jail),
        tesseract: engine(settings, program).await,
        heif: found(&settings.heif_convert),
        soffice: found(&settings.soffice),
    }
}

async fn locked(settings: &Settings, program: &Path) -> Option<Locked> {
    let settings = Settings { require_jail: false, ..settings.clone() };
    let task = jail::task(&settings, Work::Report);
    let mut child = Jailed::start(program, &task, Stdio::null()).await.ok()?;
    match child.hear(0, Duration::from_secs(20)).await.ok()? {
        (Answer::Locked(locked), _) => Some(locked),
        _ => None,
    }
}

async fn engine(settings: &Settings, program: &Path) -> Option<Engine> {
    let tesseract = find(&settings.tesseract)?;
    let version = told(settings, program, &tesseract, &["--version"]).await?;
    let version = version.lines().next()?.trim_start_matches("tesseract ").trim().to_owned();
    let listed = told(settings, program, &tesseract, &["--list-langs"]).await?;
    let installed: Vec<&str> = listed.lines().map(str::trim).collect();
    let wanted = settings.languages.split('+').map(str::trim);
    let languages: Vec<String> = wanted.filter(|name| installed.contains(name)).map(str::to_owned).collect();
    (!languages.is_empty()).then_some(Engine { version, languages })
}

/// What a program says on its standard output, asked inside the jail.
async fn told(settings: &Settings, program: &Path, asked: &Path, args: &[&str]) -> Option<String> {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let task = jail::task(settings, Work::Exec { program: asked.to_str()?.to_owned(), args });
    let nothing = Plaintext::new("nothing").ok()?.hand_over().ok()?;
    let mut child = Jailed::start(program, &task, nothing).await.ok()?;
    let said = child.hear_all(64 << 10, Duration::from_secs(20)).await.ok()?;
    Some(String::from_utf8_lossy(&said).into_owned())
}

/// A bare name is looked for where a distribution puts programs, never in the current folder.
pub(super) fn find(program: &Path) -> Option<PathBuf> {
    if program.is_absolute() {
        return program.is_file().then(|| program.to_owned());
    }
    ["/usr/bin", "/usr/local/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(program))
        .find(|path| path.is_file())
}
