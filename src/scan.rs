//! Asking an antivirus daemon (ClamAV's `clamd`) about a file, over its socket. Its silence means "not checked", never
//! "clean".

use std::{io, path::PathBuf, time::Duration};

use bytes::Bytes;
use clamav_client::tokio::{Socket, Tcp, scan_stream};
use futures_util::Stream;

use crate::error::{Error, Result, say};

/// How the daemon is reached and how long it is waited for; of `[scan]`.
#[derive(Clone, Debug)]
pub struct Scanner {
    place: Place,
    patience: Duration,
    max_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Socket(PathBuf),
    Tcp(String),
}

/// What the daemon said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// The name of what it found.
    Infected(String),
    /// It does not look at files of this size, or not at all of it.
    TooLarge,
}

impl Scanner {
    /// `unix:/path/of/clamd.ctl` or `host:port`.
    pub fn at(address: &str, patience: Duration, max_bytes: u64) -> Scanner {
        let place = match address.strip_prefix("unix:") {
            Some(path) => Place::Socket(path.into()),
            None => Place::Tcp(address.to_owned()),
        };
        Scanner { place, patience, max_bytes }
    }

    /// A daemon hangs up on a file that is too large for it, so that it is not even asked.
    pub async fn scan(&self, size: u64, bytes: impl Stream<Item = io::Result<Bytes>>) -> Result<Verdict> {
        if size > self.max_bytes {
            return Ok(Verdict::TooLarge);
        }
        let asked = async {
            match &self.place {
                Place::Socket(path) => scan_stream(bytes, Socket { socket_path: path }, None).await,
                Place::Tcp(address) => scan_stream(bytes, Tcp { host_address: address.as_str() }, None).await,
            }
        };
        match tokio::time::timeout(self.patience, asked).await {
            Ok(Ok(said)) => understood(&said),
            Ok(Err(cause)) => Err(silent().because(cause)),
            Err(cause) => Err(silent().because(cause)),
        }
    }
}

/// `stream: OK`, `stream: Name FOUND`, or an error in words.
fn understood(said: &[u8]) -> Result<Verdict> {
    let said = String::from_utf8_lossy(said);
    let said = said.trim_matches(['\0', '\n', ' ']);
    if said.starts_with("INSTREAM size limit exceeded") {
        return Ok(Verdict::TooLarge);
    }
    let answer = said.strip_prefix("stream: ").unwrap_or(said);
    if answer == "OK" {
        return Ok(Verdict::Clean);
    }
    match answer.strip_suffix(" FOUND") {
        // What it says with `AlertExceedsMax`; without that it calls clean what it did not look at.
        Some(name) if name.starts_with("Heuristics.Limits.Exceeded") => Ok(Verdict::TooLarge),
        Some(name) => Ok(Verdict::Infected(name.chars().filter(|letter| !letter.is_control()).take(200).collect())),
        None => Err(silent().because(format!("it said: {answer:.200}"))),
    }
}

fn silent() -> Error {
    Error::unavailable(
        "scanner-unavailable",
        say(
            "Antivirus tidak menjawab. Berkas dicatat belum diperiksa; periksa clamd dan scan.clamd.",
            "The antivirus daemon does not answer. The file counts as not checked; see to clamd and scan.clamd.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemons_words_are_understood_and_other_words_are_no_verdict() {
        assert_eq!(understood(b"stream: OK\0").expect("clean"), Verdict::Clean);
        let found = understood(b"stream: Eicar-Test-Signature FOUND\0").expect("found");
        assert_eq!(found, Verdict::Infected("Eicar-Test-Signature".into()));
        assert_eq!(understood(b"INSTREAM size limit exceeded. ERROR\0").expect("large"), Verdict::TooLarge);
        let skipped = understood(b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0").expect("large");
        assert_eq!(skipped, Verdict::TooLarge);
        for other in [&b""[..], b"stream: OKAY", b"UNKNOWN COMMAND", b"stream: Can't allocate memory ERROR"] {
            assert!(understood(other).is_err(), "{other:?}");
        }
    }
}
