//! What parent and child say to each other.
//!
//! The task goes to the child in its environment, which other users of the machine cannot read (they can read an
//! argument list). Answers come back on its standard output as frames: two lengths, JSON, then raw bytes. The child
//! may have been taken over by the file that it reads, so both lengths are bounded before anything is allocated.

use super::{
    page::{Page, Watermark},
    reason::Reason,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The environment variable that carries the task.
pub(super) const TASK: &str = "LUMBUNG_READER_TASK";
const MOST_JSON: usize = 16 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Task {
    /// The child ends at once where its parent is another process by the time it looks.
    pub parent: i32,
    pub require_jail: bool,
    pub memory_mb: u64,
    pub cpu_seconds: u64,
    pub work: Work,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Work {
    /// Lock in, try what must not work, tell.
    Report,
    /// Become another program.
    Exec {
        program: String,
        args: Vec<String>,
    },
    Read {
        media_type: String,
        limits: Limits,
        /// The first page that is wanted.
        from: u32,
    },
    Picture {
        media_type: String,
        limits: Limits,
        view: View,
    },
    /// Standard input holds the pictures one after another.
    Bind {
        parts: Vec<Part>,
        limits: Limits,
    },
}

/// The settings that the child needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    pub dpi: u32,
    pub max_pages: u32,
    pub max_text_bytes: usize,
    pub max_pixels: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct View {
    pub page: u32,
    pub turned: u16,
    pub width: u32,
    pub watermark: Option<Watermark>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub len: u64,
    pub turned: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Locked(Locked),
    Opened {
        media_type: String,
        signed: bool,
        pages: u32,
        pictures: bool,
    },
    /// With the grey pixels for OCR where there is a scan.
    Page {
        page: Page,
        scan: Option<Scan>,
    },
    /// With the encoded picture.
    Picture {
        kind: PictureKind,
        width: u32,
        height: u32,
    },
    /// With the bytes of a file.
    Bytes,
    Done {
        incomplete: Option<Reason>,
    },
    Failed(Reason),
}

/// What the child found its own jail to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Locked {
    pub files: FileLock,
    pub abi: i32,
    pub calls: bool,
    pub limits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FileLock {
    Full,
    Partial,
    None,
}

/// The grey picture that comes with a page for OCR, already turned back by `skew` degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Scan {
    pub width: u32,
    pub height: u32,
    pub skew: f32,
    /// How sensible the text layer of the page looks, from 0 to 1: OCR must do better to replace it.
    pub layer_quality: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PictureKind {
    Jpeg,
    Png,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Limits {
        Limits {
            dpi: settings.dpi.clamp(72, 600),
            max_pages: settings.max_pages,
            max_text_bytes: settings.max_text_bytes,
            max_pixels: settings.max_pixels,
        }
    }
}

pub(super) fn send(to: &mut impl Write, answer: &Answer, blob: &[u8]) -> io::Result<()> {
    let json = serde_json::to_vec(answer)?;
    let lengths = [json.len(), blob.len()].map(|len| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    to.write_all(&lengths.concat())?;
    to.write_all(&json)?;
    to.write_all(blob)?;
    to.flush()
}

/// `None` where the child ended without a word. A frame that breaks the bounds is an error, whatever it says.
pub(super) async fn receive(
    from: &mut (impl AsyncRead + Unpin),
    most_blob: usize,
) -> io::Result<Option<(Answer, Vec<u8>)>> {
    let mut lengths = [0u8; 8];
    match from.read_exact(&mut lengths).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        done => done?,
    };
    let [a, b, c, d, e, f, g, h] = lengths;
    let (json, blob) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    if json > MOST_JSON || blob > most_blob {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame larger than the child may send"));
    }
    let answer = serde_json::from_slice(&take(from, json).await?)?;
    Ok(Some((answer, take(from, blob).await?)))
}

/// Grows with what really arrives: a promised length alone costs nothing.
async fn take(from: &mut (impl AsyncRead + Unpin), len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len.min(1 << 20));
    from.take(len as u64).read_to_end(&mut bytes).await?;
    if bytes.len() == len { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// What a child that a file has taken over could send, for `src/fuzz.rs`.
#[cfg(any(test, feature = "fuzz"))]
pub fn read_frames(bytes: &[u8]) {
    const MOST_BLOB: usize = 1 << 16;
    let mut from = bytes;
    let mut next = || futures_util::FutureExt::now_or_never(receive(&mut from, MOST_BLOB));
    while let Some(Ok(Some((_, blob)))) = next() {
        assert!(blob.len() <= MOST_BLOB);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_comes_back_as_it_was_sent() {
        let mut sent = Vec::new();
        send(&mut sent, &Answer::Failed(Reason::Encrypted), b"pixels").expect("memory");
        let (answer, blob) = receive(&mut sent.as_slice(), 6).await.expect("sound").expect("there");
        assert!(matches!(answer, Answer::Failed(Reason::Encrypted)));
        assert_eq!(blob, b"pixels");
        assert!(receive(&mut sent.as_slice(), 5).await.is_err(), "one byte more than allowed");
    }

    #[tokio::test]
    async fn lengths_beyond_the_bounds_are_refused_before_they_are_believed() {
        let huge = [u32::MAX.to_le_bytes(), 0u32.to_le_bytes()].concat();
        assert!(receive(&mut huge.as_slice(), 0).await.is_err());
        let cut = [9u32.to_le_bytes(), 0u32.to_le_bytes()].concat();
        assert!(receive(&mut cut.as_slice(), 0).await.is_err());
        assert!(receive(&mut [].as_slice(), 0).await.expect("an end is no error").is_none());
    }
}
