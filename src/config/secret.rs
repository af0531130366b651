//! Secrets of other servers, each in a file of its own.

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::{Error, Kind, Result, say};

/// What every user of the machine may read. A group may: systemd and Docker hand secrets to a service that way.
const ANYBODY: u32 = 0o004;

/// A secret that the operator keeps in a file; a newline at its end does not belong to it.
pub fn secret_file(path: &Path) -> Result<String> {
    read(path).map(|text| text.trim_end_matches(['\n', '\r']).to_owned()).map_err(|cause| {
        let path = path.display();
        Error::new(
            Kind::Invalid,
            "secret-file",
            say(
                format!("Berkas rahasia {path} tidak dapat dibaca: {cause}"),
                format!("The secret file {path} cannot be read: {cause}"),
            ),
        )
    })
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut file = fs::File::open(path)?;
    if file.metadata()?.permissions().mode() & ANYBODY != 0 {
        tracing::warn!(file = %path.display(), "every user of this machine can read this secret: chmod o-rwx");
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}
