//! TIFF: the pages of a fax or of a scanner's feeder.

use crate::read::{reason::Reason, wire::Limits};
use image::RgbImage;
use std::io::Cursor;
use tiff::{
    ColorType, TiffError,
    decoder::{Decoder, DecodingResult, Limits as TiffLimits},
};

type Pages<'a> = Decoder<Cursor<&'a [u8]>>;

pub(super) fn count(bytes: &[u8], limits: &Limits) -> Result<u32, Reason> {
    let mut pages = open(bytes, limits)?;
    let mut count = 1;
    // One more than is read is enough to know that there are too many. A broken chain ends the pages, not the file.
    while count <= limits.max_pages && pages.more_images() && pages.next_image().is_ok() {
        count += 1;
    }
    Ok(count)
}

pub(super) fn page(bytes: &[u8], number: u32, limits: &Limits) -> Result<RgbImage, Reason> {
    let mut pages = open(bytes, limits)?;
    for _ in 1..number {
        if !pages.more_images() {
            return Err(Reason::NoSuchPage);
        }
        pages.next_image().map_err(reason)?;
    }
    let (width, height) = pages.dimensions().map_err(reason)?;
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Reason::Bomb);
    }
    let colour = pages.colortype().map_err(reason)?;
    let samples = match pages.read_image().map_err(reason)? {
        DecodingResult::U8(samples) => samples,
        DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
        _ => return Err(Reason::Unsupported),
    };
    let rgb = rgb_of(&samples, colour, width, height).ok_or(Reason::Unsupported)?;
    RgbImage::from_raw(width, height, rgb).ok_or(Reason::Broken)
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Pages<'a>, Reason> {
    let mut bounds = TiffLimits::default();
    let most = usize::try_from(limits.max_pixels.saturating_mul(4)).unwrap_or(usize::MAX);
    bounds.decoding_buffer_size = most;
    bounds.intermediate_buffer_size = most;
    Ok(Decoder::new(Cursor::new(bytes)).map_err(reason)?.with_limits(bounds))
}

fn rgb_of(samples: &[u8], colour: ColorType, width: u32, height: u32) -> Option<Vec<u8>> {
    let pixels = width as usize * height as usize;
    let in_groups = |size: usize, rgb: fn(&[u8]) -> [u8; 3]| -> Option<Vec<u8>> {
        let groups = samples.get(..pixels * size)?.chunks_exact(size);
        Some(groups.flat_map(rgb).collect())
    };
    match colour {
        ColorType::Gray(1) => {
            Some(bits(samples, width as usize, height as usize)?.flat_map(|grey| [grey; 3]).collect())
        }
        ColorType::Gray(8 | 16) => in_groups(1, |grey| [grey[0]; 3]),
        ColorType::GrayA(8 | 16) => in_groups(2, |grey| [grey[0]; 3]),
        ColorType::RGB(8 | 16) => in_groups(3, |rgb| [rgb[0], rgb[1], rgb[2]]),
        ColorType::RGBA(8 | 16) => in_groups(4, |rgba| [rgba[0], rgba[1], rgba[2]]),
        ColorType::CMYK(8 | 16) => in_groups(4, |cmyk| {
            [0, 1, 2].map(|ink| (u16::from(255 - cmyk[ink]) * u16::from(255 - cmyk[3]) / 255) as u8)
        }),
        _ => None,
    }
}

/// One bit a pixel, each row padded to whole bytes.
fn bits(samples: &[u8], width: usize, height: usize) -> Option<impl Iterator<Item = u8>> {
    let row = width.div_ceil(8);
    let rows = samples.get(..row * height)?.chunks_exact(row);
    Some(rows.flat_map(move |row| (0..width).map(move |x| if row[x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 })))
}

fn reason(error: TiffError) -> Reason {
    match error {
        TiffError::UnsupportedError(_) => Reason::Unsupported,
        TiffError::LimitsExceeded => Reason::Bomb,
        _ => Reason::Broken,
    }
}
