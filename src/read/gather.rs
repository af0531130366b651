//! Reading page after page: what the child sends is checked, scans go to OCR, and a page that breaks the child does
//! not take the other pages with it.

use super::{
    jail::Jailed,
    ocr::Ocr,
    page::{Outcome, Page, Reading, Source},
    plaintext::Plaintext,
    raster::Grey,
    reader::{MOST_PIXELS, Reader, why},
    reason::Reason,
    sniff, status,
    turns::Turn,
    wire::{Answer, Limits, Scan, Work},
};
use std::time::{Duration, Instant};

/// On one page; a guard against a reader that was taken over, as no page of paper has a tenth of it.
const MOST_WORDS: usize = 200_000;
/// Boxes cost more memory than the letters in them; a book of 2,000 full pages has half as many.
const MOST_WORDS_OF_FILE: usize = 2_000_000;
/// After so many pages that broke the child the rest is given up.
const MOST_RESTARTS: u32 = 3;

/// What the child says of a file once it has opened it.
struct Opened {
    media_type: String,
    signed: bool,
    pages: u32,
    pictures: bool,
}

/// How far one child came.
enum Taken {
    All,
    /// Others wait: a new child goes on from the next page.
    Turn,
}

impl Reader {
    pub(super) async fn gather(
        &self,
        input: &Plaintext,
        media_type: &str,
        mut turn: Turn<'_>,
        progress: &mut impl FnMut(u32, u32),
    ) -> Result<Outcome, Reason> {
        let (converted, sent_type) = self.without_heif(input, media_type.to_owned()).await?;
        let input = converted.as_ref().unwrap_or(input);
        let begun = Instant::now();
        let (mut child, opened) = self.open(input, &sent_type, 1).await?;
        let share = self.share(begun.elapsed(), opened.pictures);
        let found = if opened.media_type == sent_type { media_type } else { sniff::known(&opened.media_type) };
        if !sniff::is_readable(found) {
            return Ok(Outcome::Stored { media_type: found.to_owned() });
        }
        let Opened { signed, pages: of, pictures, .. } = opened;
        let mut reading =
            Reading { media_type: found.to_owned(), signed, pages: Vec::new(), pictures, incomplete: None };
        let mut until = Instant::now() + Duration::from_secs(self.settings().file_seconds.max(1));
        let mut breaks = 0;
        loop {
            let is_over = || turn.is_over(share);
            match self.take_pages(child, &mut reading, of, until, is_over, progress).await {
                Ok(Taken::All) => break,
                Ok(Taken::Turn) => until += turn.pass().await,
                Err(broke) => {
                    reading.incomplete.get_or_insert(broke);
                    // The page that broke the child stays empty; a new child goes on after it.
                    reading.pages.push(Page::without_boxes(reading.pages.len() as u32 + 1, String::new()));
                    progress(reading.pages.len() as u32, of);
                    breaks += 1;
                }
            }
            let next = reading.pages.len() as u32 + 1;
            if next > of || !pictures || Instant::now() >= until || breaks > MOST_RESTARTS {
                break;
            }
            match self.open(input, &sent_type, next).await {
                Ok((again, same)) if same.pages == of => child = again,
                Ok(_) => break,
                Err(reason) => {
                    reading.incomplete.get_or_insert(reason);
                    break;
                }
            }
        }
        match reading.incomplete {
            // Nothing came of it: then it is not a reading.
            Some(reason) if reading.pages.iter().all(|page| page.text.is_empty()) => Err(reason),
            _ => Ok(Outcome::Read(reading)),
        }
    }

    /// How long it may read while others wait. To go on later the file is opened anew, which must not take longer than reading;
    /// what has no pictures is opened once.
    fn share(&self, opening: Duration, pictures: bool) -> Duration {
        let share = Duration::from_secs(self.settings().turn_seconds);
        if pictures { share.max(opening * 10) } else { Duration::MAX }
    }

    async fn open(&self, input: &Plaintext, media_type: &str, from: u32) -> Result<(Jailed, Opened), Reason> {
        let work = Work::Read { media_type: media_type.to_owned(), limits: Limits::from(self.settings()), from };
        let mut child = self.start(input, work).await?;
        match child.hear(0, self.wall()).await {
            Ok((Answer::Opened { media_type, signed, pages, pictures }, _)) => {
                let pages = pages.min(self.settings().max_pages);
                Ok((child, Opened { media_type, signed, pages, pictures }))
            }
            Ok((Answer::Failed(reason), _)) => Err(reason),
            Ok(_) => Err(Reason::Crashed),
            Err(silence) => Err(why(silence, child).await),
        }
    }

    /// Takes page after page until the child is done, or its turn is over. An error says how a page broke the child.
    async fn take_pages(
        &self,
        mut child: Jailed,
        reading: &mut Reading,
        of: u32,
        until: Instant,
        is_over: impl Fn() -> bool,
        progress: &mut impl FnMut(u32, u32),
    ) -> Result<Taken, Reason> {
        let mut words: usize = reading.pages.iter().map(|page| page.words.len()).sum();
        loop {
            let (answer, pixels) = match child.hear(MOST_PIXELS, self.wall()).await {
                Ok(heard) => heard,
                Err(silence) => return Err(why(silence, child).await),
            };
            let read: usize = reading.pages.iter().map(|page| page.text.len()).sum();
            let room = self.settings().max_text_bytes.saturating_sub(read);
            let (page, scan) = match answer {
                Answer::Page { page, scan } if is_believable(&page, reading, of, room) => (page, scan),
                Answer::Done { incomplete } => {
                    reading.incomplete = reading.incomplete.or(incomplete);
                    return Ok(Taken::All);
                }
                _ => return Err(Reason::Crashed),
            };
            let page = match scan {
                Some(scan) => self.look_at(page, scan, pixels).await.unwrap_or_else(|(page, reason)| {
                    reading.incomplete.get_or_insert(reason);
                    page
                }),
                None => page,
            };
            words += page.words.len();
            if words > MOST_WORDS_OF_FILE {
                reading.incomplete.get_or_insert(Reason::TooMuchText);
                return Ok(Taken::All);
            }
            reading.pages.push(page);
            progress(reading.pages.len() as u32, of);
            if Instant::now() >= until && (reading.pages.len() as u32) < of {
                reading.incomplete.get_or_insert(Reason::TimedOut);
                return Ok(Taken::All);
            }
            if (reading.pages.len() as u32) < of && is_over() {
                return Ok(Taken::Turn);
            }
        }
    }

    /// Lets OCR read the page and keeps the better of both texts. On a failure the page stays as it was.
    async fn look_at(&self, page: Page, scan: Scan, pixels: Vec<u8>) -> Result<Page, (Page, Reason)> {
        let Some(grey) = Grey::new(scan.width, scan.height, pixels) else { return Err((page, Reason::Crashed)) };
        let engine = self.status().await.tesseract;
        let tesseract = status::find(&self.settings().tesseract);
        let (Some(engine), Some(tesseract)) = (engine, tesseract) else { return Err((page, Reason::NoTesseract)) };
        let ocr = Ocr {
            settings: self.settings(),
            program: self.program(),
            tesseract: &tesseract,
            languages: engine.languages.join("+"),
        };
        let skew = if scan.skew.is_finite() { scan.skew.clamp(-20.0, 20.0) } else { 0.0 };
        match ocr.read(grey, skew).await {
            Ok(seen) => {
                let letters = page.text.chars().filter(|letter| !letter.is_whitespace()).count();
                let layer_worth = letters as f32 * scan.layer_quality.clamp(0.0, 1.0);
                if seen.worth() <= layer_worth {
                    return Ok(page);
                }
                let read = Page::from_lines(page.number, Source::Ocr, seen.lines);
                Ok(Page { confidence: Some(seen.confidence), turned: seen.turned, ..read })
            }
            Err(reason) => Err((page, reason)),
        }
    }
}

/// A page that is in turn, within the limits, and whose words are where it says.
fn is_believable(page: &Page, reading: &Reading, of: u32, room: usize) -> bool {
    page.number == reading.pages.len() as u32 + 1
        && page.number <= of
        && page.text.len() <= room
        && page.words.len() <= MOST_WORDS
        && page.turned == 0
        && page.confidence.is_none()
        && page.source == Source::Layer
        && page.is_consistent()
}
