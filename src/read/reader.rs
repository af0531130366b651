//! The reader as the rest of the program sees it.

use super::{
    heif,
    jail::{self, Jailed, Silence},
    page::{Outcome, Picture, Watermark},
    plaintext::Plaintext,
    reason::Reason,
    settings::Settings,
    sniff,
    status::{self, JailReport},
    turns::Turns,
    wire::{Answer, Limits, Part, PictureKind, View, Work},
};
use std::{
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Semaphore};

/// What may come with one frame: the largest grey page, or a page picture, or a whole PDF.
pub(super) const MOST_PIXELS: usize = 32 << 20;
const MOST_PDF: usize = 512 << 20;
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Reads files in jailed children. Cheap to clone; each read is a child of its own.
#[derive(Clone, Debug)]
pub struct Reader {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    program: PathBuf,
    report: Mutex<Option<(JailReport, Instant)>>,
    /// Children at work at the same time are bounded, for their memory adds up. Whoever looks at a page does not wait
    /// for those that are being read.
    reads: Turns,
    looks: Semaphore,
}

impl Reader {
    /// `program` is this program's own binary: the child is started from it.
    pub fn new(settings: Settings, program: PathBuf) -> Reader {
        let (reads, looks) = (Turns::new(settings.at_once), Semaphore::new(settings.at_once.max(1)));
        Reader { inner: Arc::new(Inner { settings, program, report: Mutex::default(), reads, looks }) }
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn program(&self) -> &Path {
        &self.inner.program
    }

    /// What the reader can do here, found out by trying. While something is missing it looks again from time to time, so
    /// that what the operator installs is used without a restart.
    pub async fn status(&self) -> JailReport {
        let mut known = self.inner.report.lock().await;
        match &*known {
            Some((report, at)) if report.is_whole() || at.elapsed() < LOOK_AGAIN => report.clone(),
            _ => {
                let report = status::look(&self.inner.settings, &self.inner.program).await;
                *known = Some((report.clone(), Instant::now()));
                report
            }
        }
    }

    /// Reads a whole file. `progress` hears of each finished page. Dropping the future ends the child.
    pub async fn read(&self, input: &Plaintext, file_name: &str, mut progress: impl FnMut(u32, u32)) -> Outcome {
        let head = input.head(sniff::HEAD).unwrap_or_default();
        let media_type = sniff::sniff(&head, file_name).to_owned();
        if !input.is_empty() && !sniff::is_worth_a_look(&media_type) {
            return Outcome::Stored { media_type };
        }
        let turn = self.inner.reads.take().await;
        match self.gather(input, &media_type, turn, &mut progress).await {
            Ok(outcome) => outcome,
            Err(reason) => Outcome::Unreadable { media_type, reason },
        }
    }

    /// The picture of a page, `turned` clockwise as its page says, `width` pixels wide or as near as is sensible.
    pub async fn picture(
        &self,
        input: &Plaintext,
        page: u32,
        width: u32,
        turned: u16,
        watermark: Option<&Watermark>,
    ) -> Result<Picture, Reason> {
        let head = input.head(sniff::HEAD).unwrap_or_default();
        let media_type = sniff::sniff(&head, "").to_owned();
        if !media_type.starts_with("image/") && media_type != sniff::PDF {
            return Err(Reason::NoPictures);
        }
        let _turn = self.inner.looks.acquire().await;
        let (converted, media_type) = self.without_heif(input, media_type).await?;
        let view =
            View { page, turned: turned / 90 * 90 % 360, width: width.clamp(64, 2_400), watermark: watermark.cloned() };
        let limits = Limits::from(&self.inner.settings);
        let input = converted.as_ref().unwrap_or(input);
        let mut child = self.start(input, Work::Picture { media_type, limits, view }).await?;
        match child.hear(MOST_PIXELS, self.wall()).await {
            Ok((Answer::Picture { kind, width, height }, bytes)) if width <= 5_000 && height <= 20_000 => {
                let (media_type, mark): (_, &[u8]) = match kind {
                    PictureKind::Jpeg => ("image/jpeg", b"\xff\xd8\xff"),
                    PictureKind::Png => ("image/png", b"\x89PNG\r\n"),
                };
                // It goes to browsers: a child that was taken over cannot have a page of its own shown there.
                if bytes.starts_with(mark) {
                    Ok(Picture { bytes, media_type, width, height })
                } else {
                    Err(Reason::Crashed)
                }
            }
            Ok((Answer::Failed(reason), _)) => Err(reason),
            Ok(_) => Err(Reason::Crashed),
            Err(silence) => Err(why(silence, child).await),
        }
    }

    /// One PDF of many photographs, each turned clockwise by its degrees. JPEGs go in unchanged.
    pub async fn pictures_to_pdf(&self, pictures: Vec<(Plaintext, u16)>) -> Result<Vec<u8>, Reason> {
        let _turn = self.inner.looks.acquire().await;
        let mut all = Plaintext::new("pictures").map_err(|_| Reason::ReaderFailed)?;
        let mut parts = Vec::new();
        for (picture, turned) in pictures {
            let head = picture.head(sniff::HEAD).unwrap_or_default();
            let media_type = sniff::sniff(&head, "").to_owned();
            let converted = self.without_heif(&picture, media_type).await?.0;
            let picture = converted.as_ref().unwrap_or(&picture);
            self.check_size(all.len() + picture.len())?;
            append(&mut all, picture).map_err(|_| Reason::ReaderFailed)?;
            parts.push(Part { len: picture.len(), turned: turned / 90 * 90 % 360 });
        }
        if parts.is_empty() {
            return Err(Reason::Empty);
        }
        let limits = Limits::from(&self.inner.settings);
        let mut child = self.start(&all, Work::Bind { parts, limits }).await?;
        match child.hear(MOST_PDF, self.wall()).await {
            Ok((Answer::Bytes, pdf)) if pdf.starts_with(b"%PDF-") => Ok(pdf),
            Ok((Answer::Failed(reason), _)) => Err(reason),
            Ok(_) => Err(Reason::Crashed),
            Err(silence) => Err(why(silence, child).await),
        }
    }

    pub(super) async fn start(&self, input: &Plaintext, work: Work) -> Result<Jailed, Reason> {
        if input.is_empty() {
            return Err(Reason::Empty);
        }
        self.check_size(input.len())?;
        let task = jail::task(&self.inner.settings, work);
        let handed = input.hand_over().map_err(|_| Reason::ReaderFailed)?;
        Jailed::start(&self.inner.program, &task, handed).await.map_err(|_| Reason::ReaderFailed)
    }

    fn check_size(&self, len: u64) -> Result<(), Reason> {
        if len > self.inner.settings.max_input_bytes { Err(Reason::TooLarge) } else { Ok(()) }
    }

    pub(super) fn wall(&self) -> Duration {
        Duration::from_secs(self.inner.settings.wall_seconds.max(1))
    }

    /// HEIC becomes JPEG by a program of the distribution; everything else stays as it is.
    pub(super) async fn without_heif(
        &self,
        input: &Plaintext,
        kind: String,
    ) -> Result<(Option<Plaintext>, String), Reason> {
        if kind != sniff::HEIC {
            return Ok((None, kind));
        }
        self.check_size(input.len())?;
        let jpeg = heif::to_jpeg(&self.inner.settings, &self.inner.program, input).await?;
        Ok((Some(jpeg), "image/jpeg".to_owned()))
    }
}

fn append(all: &mut Plaintext, picture: &Plaintext) -> std::io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut at = 0;
    while at < picture.len() {
        let read = picture.read_at(&mut buffer, at)?;
        all.write_all(&buffer[..read])?;
        at += read as u64;
    }
    Ok(())
}

/// A child that fell silent: how it ended says what the file did to it.
pub(super) async fn why(silence: Silence, child: Jailed) -> Reason {
    if matches!(silence, Silence::TooLate) {
        return Reason::TimedOut;
    }
    let Some(status) = child.end(Duration::from_secs(2)).await else { return Reason::ReaderFailed };
    match (status.code(), status.signal()) {
        (Some(125 | 2), _) => Reason::NoJail,
        (_, Some(libc::SIGABRT)) => Reason::Bomb,
        (_, Some(libc::SIGXCPU | libc::SIGKILL)) => Reason::TimedOut,
        _ => Reason::Crashed,
    }
}
