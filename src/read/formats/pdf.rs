//! PDF: text with boxes, and pages as pictures, by `hayro`.

use super::{Emit, MARKED_DPI, ReadPage, empty_page, for_ocr, glyphs::Glyphs};
use crate::read::{
    layer,
    page::{Page, Source},
    raster::Grey,
    reason::Reason,
    wire::{Limits, View},
};
use hayro::{
    PixmapSettings, RenderCache, RenderSettings,
    hayro_interpret::{Context, InterpreterCache, InterpreterSettings, TransformExt, interpret_page},
    hayro_syntax::{LoadPdfError, Pdf, page::Page as PdfPage},
    kurbo::Rect,
    vello_cpu::{Pixmap, color::palette::css::WHITE},
};
use image::RgbImage;

/// The renderer does not bound a page: a page of 5 metres would take gigabytes.
const LONGEST_SIDE: f32 = 5_000.0;
/// Fonts and pictures are kept between pages; from time to time they are thrown away, so that they cannot pile up.
const PAGES_PER_CACHE: usize = 24;

pub(in crate::read) struct PdfFile {
    pdf: Pdf,
}

impl PdfFile {
    pub(super) fn open(bytes: Vec<u8>) -> Result<PdfFile, Reason> {
        // A locked file whose lock is of an unknown kind is a locked file to people, not a broken one.
        let locked = bytes.windows(8).any(|word| word == b"/Encrypt");
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Invalid if !locked => Reason::Broken,
            LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Reason::Encrypted,
        })?;
        if pdf.pages().is_empty() { Err(Reason::Broken) } else { Ok(PdfFile { pdf }) }
    }

    pub(super) fn pages(&self) -> u32 {
        u32::try_from(self.pdf.pages().len()).unwrap_or(u32::MAX)
    }

    pub(super) fn read(&self, limits: &Limits, from: u32, emit: &mut Emit<'_>) -> Result<(), Reason> {
        let mut number = from.saturating_sub(1);
        let wanted = self.pdf.pages().get(number as usize..).ok_or(Reason::NoSuchPage)?;
        for some in wanted.chunks(PAGES_PER_CACHE) {
            let (texts, pictures) = (InterpreterCache::new(), RenderCache::new());
            for page in some {
                number += 1;
                emit(read_page(&self.pdf, page, number, limits, &texts, &pictures))?;
            }
        }
        Ok(())
    }

    pub(super) fn picture(&self, view: &View, limits: &Limits) -> Result<RgbImage, Reason> {
        let at = usize::try_from(view.page).ok().and_then(|page| page.checked_sub(1)).ok_or(Reason::NoSuchPage)?;
        let page = self.pdf.pages().get(at).ok_or(Reason::NoSuchPage)?;
        let (width, height) = page.render_dimensions();
        let shown_width = if view.turned.is_multiple_of(180) { width } else { height };
        let wanted = view.width as f32 / shown_width;
        let wanted = if view.watermark.is_some() { wanted.min(MARKED_DPI / 72.0) } else { wanted };
        let pixmap = render(page, wanted, limits, &RenderCache::new());
        let rgb = pixmap.data_as_u8_slice().chunks_exact(4).flat_map(|rgba| [rgba[0], rgba[1], rgba[2]]).collect();
        RgbImage::from_raw(u32::from(pixmap.width()), u32::from(pixmap.height()), rgb).ok_or(Reason::Broken)
    }
}

fn read_page<'a>(
    pdf: &'a Pdf,
    page: &'a PdfPage<'a>,
    number: u32,
    limits: &Limits,
    texts: &InterpreterCache<'a>,
    pictures: &RenderCache<'a>,
) -> ReadPage {
    let (width, height) = page.render_dimensions();
    let upright = page.initial_transform(true).to_kurbo();
    let whole = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let mut context = Context::new(upright, whole, texts, pdf.xref(), InterpreterSettings::default());
    let mut glyphs = Glyphs::new(f64::from(width), f64::from(height));
    interpret_page(page, &mut context, &mut glyphs);
    let (share, paths) = (glyphs.picture_share(), glyphs.paths());
    let layer = Page::from_lines(number, Source::Layer, glyphs.into_lines());
    if is_enough(&layer, share, paths) {
        return ReadPage { page: layer, scan: None };
    }
    let scale = limits.dpi as f32 / 72.0;
    match grey_of(&render(page, scale, limits, pictures)) {
        Some(grey) => for_ocr(layer, grey),
        None => ReadPage { page: empty_page(number), scan: None },
    }
}

/// Whether the text layer stands for the page. A scan often carries a line that a website stamped on it, or the
/// rubbish of somebody's bad OCR; letters drawn as outlines carry nothing.
fn is_enough(layer: &Page, picture_share: f64, paths: usize) -> bool {
    let letters = layer.text.chars().filter(|letter| letter.is_alphanumeric()).count();
    let quality = layer::quality(&layer.text);
    if picture_share < 0.3 {
        let outlined = letters < 200 && paths > 300;
        quality >= 0.5 && letters > 0 && !outlined || (letters == 0 && paths == 0 && picture_share == 0.0)
    } else {
        quality >= 0.8 && letters as f64 >= 900.0 * picture_share
    }
}

fn render<'a>(page: &'a PdfPage<'a>, wanted: f32, limits: &Limits, cache: &RenderCache<'a>) -> Pixmap {
    let (width, height) = page.render_dimensions();
    let fits = LONGEST_SIDE / width.max(height).max(1.0);
    let area = (limits.max_pixels as f32 / (width * height).max(1.0)).sqrt();
    let scale = wanted.min(fits).min(area);
    // Whole pixels, which the renderer would round down; a page one point wide and miles long still gets one across.
    let [x_scale, y_scale] = [width, height].map(|side| ((side * scale).round().max(1.0) + 0.01) / side.max(1e-3));
    let settings = PixmapSettings { x_scale, y_scale, bg_color: WHITE };
    hayro::render(page, cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings)
}

fn grey_of(pixmap: &Pixmap) -> Option<Grey> {
    let luma =
        |rgba: &[u8]| ((u32::from(rgba[0]) * 77 + u32::from(rgba[1]) * 150 + u32::from(rgba[2]) * 29) >> 8) as u8;
    let pixels = pixmap.data_as_u8_slice().chunks_exact(4).map(luma).collect();
    Grey::new(u32::from(pixmap.width()), u32::from(pixmap.height()), pixels)
}
