//! Photographs and scans: one picture, or a TIFF of many pages.

use super::{Emit, MARKED_DPI, ReadPage, empty_page, for_ocr, grey_of};
use crate::read::{
    reason::Reason,
    sniff,
    wire::{Limits, View},
};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage,
    imageops::{self, FilterType},
};
use std::io::Cursor;

/// A photograph has no true resolution: its long side is taken to be that of a sheet of A4.
const LONG_SIDE_INCHES: f32 = 11.69;

pub(in crate::read) struct Pictures {
    format: Option<ImageFormat>,
    bytes: Vec<u8>,
    pages: u32,
}

impl Pictures {
    pub(super) fn open(media_type: &str, bytes: Vec<u8>, limits: &Limits) -> Result<Pictures, Reason> {
        let format = match media_type {
            sniff::TIFF => None,
            _ => Some(ImageFormat::from_mime_type(media_type).ok_or(Reason::Unsupported)?),
        };
        let pages = match format {
            None => super::tiff_pages::count(&bytes, limits)?,
            Some(_) => 1,
        };
        Ok(Pictures { format, bytes, pages })
    }

    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    pub(super) fn read(&self, limits: &Limits, from: u32, emit: &mut Emit<'_>) -> Result<(), Reason> {
        let mut ended = Ok(());
        for number in from..=self.pages {
            let grey = match self.page(number, limits) {
                Ok(picture) => grey_of(&fit_for_ocr(picture, limits)),
                // One bad page in a feeder of many does not take the others with it.
                Err(reason) => {
                    ended = ended.and(Err(reason));
                    None
                }
            };
            emit(match grey {
                Some(grey) => for_ocr(empty_page(number), grey),
                None => ReadPage { page: empty_page(number), scan: None },
            })?;
        }
        ended
    }

    pub(super) fn picture(&self, view: &View, limits: &Limits) -> Result<RgbImage, Reason> {
        let picture = self.page(view.page, limits)?;
        let shown_width = if view.turned.is_multiple_of(180) { picture.width() } else { picture.height() };
        // A picture is never blown up: there is nothing more to see in it.
        let shrink = (view.width as f32 / shown_width as f32).min(1.0);
        let sheet = MARKED_DPI * LONG_SIDE_INCHES / picture.width().max(picture.height()) as f32;
        let shrink = if view.watermark.is_some() { shrink.min(sheet) } else { shrink };
        Ok(resized(picture, shrink))
    }

    pub(super) fn page(&self, number: u32, limits: &Limits) -> Result<RgbImage, Reason> {
        match self.format {
            None => super::tiff_pages::page(&self.bytes, number, limits),
            Some(_) if number != 1 => Err(Reason::NoSuchPage),
            Some(format) => decode(&self.bytes, format, limits),
        }
    }
}

/// One picture, upright as its camera says, on white where it is transparent.
pub(super) fn decode(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<RgbImage, Reason> {
    let mut decoder = ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(reason)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Reason::Bomb);
    }
    let mut bounds = image::Limits::default();
    bounds.max_alloc = Some(limits.max_pixels.saturating_mul(6));
    decoder.set_limits(bounds).map_err(reason)?;
    let orientation = decoder.orientation().map_err(reason)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(reason)?;
    picture.apply_orientation(orientation);
    Ok(on_white(picture))
}

fn on_white(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let over = |channel: u8, alpha: u8| (u16::from(channel) * u16::from(alpha) / 255) as u8 + (255 - alpha);
    let pixels = rgba.pixels().flat_map(|pixel| {
        let [r, g, b, a] = pixel.0;
        [over(r, a), over(g, a), over(b, a)]
    });
    RgbImage::from_raw(width, height, pixels.collect()).unwrap_or_default()
}

pub(super) fn reason(error: ImageError) -> Reason {
    match error {
        ImageError::Limits(_) => Reason::Bomb,
        ImageError::Unsupported(_) => Reason::Unsupported,
        _ => Reason::Broken,
    }
}

fn fit_for_ocr(picture: RgbImage, limits: &Limits) -> RgbImage {
    let long = picture.width().max(picture.height()) as f32;
    let sheet = limits.dpi as f32 * LONG_SIDE_INCHES;
    if long > sheet * 1.2 {
        resized(picture, sheet / long)
    } else if long < sheet * 0.5 {
        resized(picture, 2.0)
    } else {
        picture
    }
}

pub(super) fn resized(picture: RgbImage, scale: f32) -> RgbImage {
    let side = |length: u32| ((length as f32 * scale).round() as u32).max(1);
    let (width, height) = (side(picture.width()), side(picture.height()));
    if (width, height) == picture.dimensions() {
        picture
    } else if scale < 0.4 {
        imageops::thumbnail(&picture, width, height)
    } else {
        imageops::resize(&picture, width, height, FilterType::Triangle)
    }
}
