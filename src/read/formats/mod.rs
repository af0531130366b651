//! The parsers. All of this runs in the jailed child only.

mod bind;
mod glyphs;
mod office;
mod pdf;
mod pictures;
mod plain;
mod rtf;
mod sheet;
mod tiff_pages;

pub(super) use bind::bind;

use super::{
    layer,
    page::{Page, Source},
    raster::Grey,
    reason::Reason,
    sniff,
    wire::{Limits, Scan, View},
};
use image::RgbImage;

pub(super) struct Opened {
    pub media_type: String,
    pub signed: bool,
    pub document: Document,
}

pub(super) enum Document {
    Pdf(Box<pdf::PdfFile>),
    Pictures(pictures::Pictures),
    Text(Vec<String>),
}

/// One page as far as the child can read it; `scan` is what OCR should look at.
pub(super) struct ReadPage {
    pub page: Page,
    pub scan: Option<(Scan, Grey)>,
}

/// What a reader of pages calls for each page; an error stops it.
pub(super) type Emit<'a> = dyn FnMut(ReadPage) -> Result<(), Reason> + 'a;

pub(super) fn open(media_type: &str, bytes: Vec<u8>, limits: &Limits) -> Result<Opened, Reason> {
    let signed = media_type == sniff::PDF && sniff::is_signed_pdf(&bytes);
    let mut media_type = media_type.to_owned();
    let document = match media_type.as_str() {
        sniff::PDF => Document::Pdf(Box::new(pdf::PdfFile::open(bytes)?)),
        kind if kind.starts_with("image/") => Document::Pictures(pictures::Pictures::open(kind, bytes, limits)?),
        sniff::RTF => Document::Text(rtf::pages(&bytes, limits)?),
        sniff::EML => Document::Text(plain::mail(&bytes, limits)?),
        sniff::TEXT | sniff::CSV => Document::Text(plain::pages(&bytes, limits)?),
        _ => {
            let (mut archive, kind) = office::open(bytes)?;
            media_type = kind.to_owned();
            match kind {
                sniff::XLSX => Document::Text(sheet::pages(archive.into_inner().into_inner(), limits)?),
                kind if sniff::is_readable(kind) => Document::Text(office::pages(&mut archive, kind, limits)?),
                _ => Document::Text(Vec::new()),
            }
        }
    };
    Ok(Opened { media_type, signed, document: document.in_pages() })
}

/// Text that no page holds together is cut into pieces of about a page: a hit should lead near its place.
const PAGE_OF_TEXT: usize = 3_000;

fn cut_into_pages(text: &str, pages: &mut Vec<String>) {
    let mut page = String::new();
    for line in text.lines() {
        for (at, piece) in pieces(line).enumerate() {
            if !page.is_empty() && page.len() + piece.len() > PAGE_OF_TEXT {
                pages.push(std::mem::take(&mut page));
            }
            if at == 0 && !page.is_empty() {
                page.push('\n');
            }
            page.push_str(piece);
        }
    }
    pages.push(page);
}

/// A line longer than a page is cut too, between words where there are any.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest.take()?;
        if line.len() <= PAGE_OF_TEXT {
            return Some(line);
        }
        let limit = line.floor_char_boundary(PAGE_OF_TEXT);
        let at = line[..limit].rfind(' ').map_or(limit, |blank| blank + 1);
        let (piece, after) = line.split_at(at);
        rest = Some(after);
        Some(piece)
    })
}

impl Document {
    fn in_pages(self) -> Document {
        let Document::Text(texts) = self else { return self };
        let mut pages = Vec::new();
        texts.iter().for_each(|text| cut_into_pages(text, &mut pages));
        Document::Text(pages)
    }

    pub(super) fn pages(&self) -> u32 {
        match self {
            Document::Pdf(file) => file.pages(),
            Document::Pictures(pictures) => pictures.pages(),
            Document::Text(pages) => pages.len() as u32,
        }
    }

    pub(super) fn has_pictures(&self) -> bool {
        !matches!(self, Document::Text(_))
    }

    /// Reads the pages that begin with `from`.
    pub(super) fn read(&mut self, limits: &Limits, from: u32, emit: &mut Emit<'_>) -> Result<(), Reason> {
        match self {
            Document::Pdf(file) => file.read(limits, from, emit),
            Document::Pictures(pictures) => pictures.read(limits, from, emit),
            Document::Text(pages) => pages
                .drain(..)
                .zip(1..)
                .try_for_each(|(text, number)| emit(ReadPage { page: Page::without_boxes(number, text), scan: None })),
        }
    }

    /// The page in colour, as wide as the view asks, before it is turned.
    pub(super) fn picture(&mut self, view: &View, limits: &Limits) -> Result<RgbImage, Reason> {
        match self {
            Document::Pdf(file) => file.picture(view, limits),
            Document::Pictures(pictures) => pictures.picture(view, limits),
            Document::Text(_) => Err(Reason::NoPictures),
        }
    }
}

/// A picture that is only for looking is good for reading on a screen, not for printing.
const MARKED_DPI: f32 = 150.0;

/// Lines that lean less than this are read as well as straight ones.
const HARMLESS_SKEW: f32 = 2.0;

/// A page that OCR should see: turned back where it leans. A blank page is not worth a look.
fn for_ocr(page: Page, grey: Grey) -> ReadPage {
    if grey.is_blank() {
        return ReadPage { page, scan: None };
    }
    let lean = grey.skew();
    let skew = if lean.abs() >= HARMLESS_SKEW { lean } else { 0.0 };
    let grey = if skew == 0.0 { grey } else { grey.turned_back(skew) };
    let layer_quality = layer::quality(&page.text);
    let scan = Scan { width: grey.width(), height: grey.height(), skew, layer_quality };
    ReadPage { page, scan: Some((scan, grey)) }
}

fn empty_page(number: u32) -> Page {
    Page::from_lines(number, Source::Layer, Vec::new())
}

fn grey_of(picture: &RgbImage) -> Option<Grey> {
    let luma = |rgb: &[u8]| match rgb {
        [r, g, b] => ((u32::from(*r) * 77 + u32::from(*g) * 150 + u32::from(*b) * 29) >> 8) as u8,
        _ => 255,
    };
    Grey::new(picture.width(), picture.height(), picture.as_raw().chunks_exact(3).map(luma).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_lines_and_words_and_nothing_is_lost() {
        let text = format!("{}\n{}", "baris pendek\n".repeat(400), "kata ".repeat(2_000));
        let mut pages = Vec::new();
        cut_into_pages(&text, &mut pages);
        assert!(pages.len() >= 5 && pages.iter().all(|page| page.len() <= PAGE_OF_TEXT + 1));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(pages.iter().flat_map(|page| words(page)).collect::<Vec<_>>(), words(&text));
    }
}
