//! Photographs bound into one PDF, each on a sheet of its own.

use super::pictures;
use crate::read::{
    reason::Reason,
    sniff,
    wire::{Limits, Part},
};
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader, RgbImage, imageops, metadata::Orientation};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};
use std::io::Cursor;

/// A sheet of A4 in points.
const SHEET: (f32, f32) = (595.0, 842.0);

struct Sheet {
    jpeg: Vec<u8>,
    width: u32,
    height: u32,
    grey: bool,
    turned: u16,
}

pub(in crate::read) fn bind(bytes: &[u8], parts: &[Part], limits: &Limits) -> Result<Vec<u8>, Reason> {
    let mut sheets = Vec::new();
    let mut rest = bytes;
    for part in parts {
        let len = usize::try_from(part.len).ok().filter(|len| *len <= rest.len()).ok_or(Reason::Broken)?;
        let (picture, after) = rest.split_at(len);
        rest = after;
        add_sheets(&mut sheets, picture, part.turned, limits)?;
        if sheets.len() > limits.max_pages as usize {
            return Err(Reason::TooManyPages);
        }
    }
    Ok(write(&sheets))
}

fn add_sheets(sheets: &mut Vec<Sheet>, picture: &[u8], turned: u16, limits: &Limits) -> Result<(), Reason> {
    let media_type = sniff::sniff(&picture[..picture.len().min(sniff::HEAD)], "");
    if media_type == "image/jpeg"
        && let Some(sheet) = unchanged(picture, turned)?
    {
        // A photograph that the network cut is told now, not when somebody needs it.
        if !is_whole(picture) {
            return Err(Reason::Broken);
        }
        pictures::decode(picture, ImageFormat::Jpeg, limits)?;
        sheets.push(sheet);
        return Ok(());
    }
    if !media_type.starts_with("image/") {
        return Err(Reason::NoPictures);
    }
    let pages = pictures::Pictures::open(media_type, picture.to_vec(), limits)?;
    for number in 1..=pages.pages() {
        sheets.push(encoded(&pages.page(number, limits)?, turned)?);
    }
    Ok(())
}

/// Decoders fill up what is missing with grey. A whole JPEG has its end mark after the beginning of its pixels.
fn is_whole(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some([0xff, kind, high, low]) = jpeg.get(at..at + 4) {
        at += 2 + (usize::from(*high) << 8 | usize::from(*low));
        if *kind == 0xda {
            return jpeg.get(at..).is_some_and(|pixels| pixels.windows(2).any(|mark| mark == [0xff, 0xd9]));
        }
    }
    false
}

/// A JPEG as it is, turned by the page around it; `None` where a viewer would show it wrong (mirrored, or of inks).
fn unchanged(jpeg: &[u8], turned: u16) -> Result<Option<Sheet>, Reason> {
    let reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
    let mut decoder = reader.into_decoder().map_err(pictures::reason)?;
    let own = match decoder.orientation().map_err(pictures::reason)? {
        Orientation::NoTransforms => 0,
        Orientation::Rotate90 => 90,
        Orientation::Rotate180 => 180,
        Orientation::Rotate270 => 270,
        _ => return Ok(None),
    };
    let grey = match decoder.original_color_type() {
        image::ExtendedColorType::L8 => true,
        image::ExtendedColorType::Rgb8 => false,
        _ => return Ok(None),
    };
    if grey != (decoder.color_type() == ColorType::L8) {
        return Ok(None);
    }
    let (width, height) = decoder.dimensions();
    Ok(Some(Sheet { jpeg: jpeg.to_vec(), width, height, grey, turned: (own + turned) % 360 }))
}

fn encoded(picture: &RgbImage, turned: u16) -> Result<Sheet, Reason> {
    let most = u32::from(u16::MAX);
    let picture = if picture.width().max(picture.height()) > most {
        &imageops::thumbnail(picture, 4_000, 4_000)
    } else {
        picture
    };
    let (width, height) = picture.dimensions();
    let mut jpeg = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
    let done = encoder.encode(picture.as_raw(), width as u16, height as u16, jpeg_encoder::ColorType::Rgb);
    done.map_err(|_| Reason::Unsupported)?;
    Ok(Sheet { jpeg, width, height, grey: false, turned })
}

fn write(sheets: &[Sheet]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let numbers = |sheet: usize| [0, 1, 2].map(|part| Ref::new(3 + sheet as i32 * 3 + part));
    pdf.catalog(catalog).pages(tree);
    let pages = (0..sheets.len()).map(|sheet| numbers(sheet)[0]);
    pdf.pages(tree).kids(pages).count(sheets.len() as i32);
    for (at, sheet) in sheets.iter().enumerate() {
        let [page_number, picture_number, content_number] = numbers(at);
        let (width, height) = fit(sheet);
        let mut page = pdf.page(page_number);
        page.media_box(Rect::new(0.0, 0.0, width, height)).parent(tree).contents(content_number);
        page.rotate(i32::from(sheet.turned));
        page.resources().x_objects().pair(Name(b"P"), picture_number);
        page.finish();
        let mut picture = pdf.image_xobject(picture_number, &sheet.jpeg);
        picture.width(sheet.width as i32).height(sheet.height as i32).bits_per_component(8);
        picture.filter(Filter::DctDecode);
        if sheet.grey {
            picture.color_space().device_gray();
        } else {
            picture.color_space().device_rgb();
        }
        picture.finish();
        let mut content = Content::new();
        content.save_state().transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(Name(b"P")).restore_state();
        pdf.stream(content_number, &content.finish());
    }
    pdf.finish()
}

/// As large as it fits on A4, upright or lying.
fn fit(sheet: &Sheet) -> (f32, f32) {
    let (w, h) = (sheet.width as f32, sheet.height as f32);
    let (across, down) = if w > h { (SHEET.1, SHEET.0) } else { SHEET };
    let scale = (across / w).min(down / h);
    (w * scale, h * scale)
}
