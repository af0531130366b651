//! The last steps of a page picture: upright, marked, encoded.

use super::{
    page::{Picture, Watermark},
    reason::Reason,
    wire::View,
};
use image::{GrayImage, ImageEncoder, RgbImage, codecs::png::PngEncoder, imageops};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};

const JPEG_QUALITY: u8 = 80;
/// A mid red shows on paper and on a dark photograph.
const INK: [u8; 3] = [176, 32, 32];
const STRENGTH: f32 = 0.34;
const LEAN_DEGREES: f32 = -28.0;

pub(super) fn finish(picture: RgbImage, view: &View) -> Result<Picture, Reason> {
    let mut picture = match view.turned {
        90 => imageops::rotate90(&picture),
        180 => imageops::rotate180(&picture),
        270 => imageops::rotate270(&picture),
        _ => picture,
    };
    if let Some(watermark) = &view.watermark {
        burn(&mut picture, watermark);
    }
    encode(&picture)
}

/// Repeats the lines slantwise over the whole picture: no part of it can be cut out without them.
fn burn(picture: &mut RgbImage, watermark: &Watermark) {
    let stamp = Stamp::of(watermark);
    let (sin, cos) = LEAN_DEGREES.to_radians().sin_cos();
    // Letters keep their share of the page, whatever its resolution.
    let scale = (picture.width() as f32 / 1100.0).max(0.35);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = (x as f32 / scale, y as f32 / scale);
        let cover = stamp.cover(x * cos - y * sin, x * sin + y * cos) * STRENGTH;
        if cover > 0.0 {
            for (channel, ink) in pixel.0.iter_mut().zip(INK) {
                *channel = (f32::from(*channel) * (1.0 - cover) + f32::from(ink) * cover) as u8;
            }
        }
    }
}

/// The lines drawn once, with the gap that stands between repetitions.
struct Stamp {
    width: usize,
    height: usize,
    cover: Vec<u8>,
}

impl Stamp {
    fn of(watermark: &Watermark) -> Stamp {
        let size = RasterHeight::Size32;
        let line_height = size.val() + 6;
        let lines: Vec<Vec<char>> =
            watermark.lines.iter().take(8).map(|line| line.chars().take(120).collect()).collect();
        let advance = noto_sans_mono_bitmap::get_raster_width(FontWeight::Bold, size);
        let width = lines.iter().map(Vec::len).max().unwrap_or(0) * advance + 120;
        let height = lines.len() * line_height + 110;
        let mut cover = vec![0; width * height];
        for (row, line) in lines.iter().enumerate() {
            for (column, letter) in line.iter().enumerate() {
                let drawn =
                    get_raster(*letter, FontWeight::Bold, size).or_else(|| get_raster('?', FontWeight::Bold, size));
                for (dy, pixels) in drawn.iter().flat_map(|drawn| drawn.rows().enumerate()) {
                    let at = (row * line_height + dy) * width + column * advance;
                    cover[at..at + pixels.len()].copy_from_slice(pixels);
                }
            }
        }
        Stamp { width, height, cover }
    }

    fn cover(&self, u: f32, v: f32) -> f32 {
        let row = (v / self.height as f32).floor();
        // Every second row is shifted by half, so that the gaps do not line up.
        let u = u + row.rem_euclid(2.0) * self.width as f32 / 2.0;
        let x = (u.rem_euclid(self.width as f32) as usize).min(self.width - 1);
        let y = (v.rem_euclid(self.height as f32) as usize).min(self.height - 1);
        f32::from(self.cover[y * self.width + x]) / 255.0
    }
}

/// Black on white is smaller and sharper as a grey PNG; everything else is a JPEG.
fn encode(picture: &RgbImage) -> Result<Picture, Reason> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    let media_type = if is_black_on_white(picture) {
        let grey: GrayImage = imageops::grayscale(picture);
        let encoder = PngEncoder::new(&mut bytes);
        encoder.write_image(&grey, width, height, image::ExtendedColorType::L8).map_err(|_| Reason::Unsupported)?;
        "image/png"
    } else {
        let side = |length: u32| u16::try_from(length).map_err(|_| Reason::Unsupported);
        let encoder = jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY);
        let done = encoder.encode(picture.as_raw(), side(width)?, side(height)?, jpeg_encoder::ColorType::Rgb);
        done.map_err(|_| Reason::Unsupported)?;
        "image/jpeg"
    };
    Ok(Picture { bytes, media_type, width, height })
}

fn is_black_on_white(picture: &RgbImage) -> bool {
    let (mut paper, mut coloured, mut all) = (0usize, 0usize, 0usize);
    for pixel in picture.pixels() {
        let [r, g, b] = pixel.0;
        let (low, high) = (r.min(g).min(b), r.max(g).max(b));
        paper += usize::from(low > 245);
        coloured += usize::from(high - low > 24);
        all += 1;
    }
    paper * 100 >= all * 75 && coloured * 1000 <= all
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn mark(line: &str) -> Watermark {
        Watermark { lines: vec![line.into(), "12.01.2026 09.30".into()] }
    }

    fn view(watermark: Option<Watermark>) -> View {
        View { page: 1, turned: 0, width: 800, watermark }
    }

    #[test]
    fn the_mark_stands_in_every_part_of_the_page() {
        let clean = RgbImage::from_pixel(900, 1200, Rgb([255; 3]));
        let mut marked = clean.clone();
        burn(&mut marked, &mark("camat@contoh.go.id"));
        for (part_x, part_y) in (0..3).flat_map(|x| (0..4).map(move |y| (x * 300, y * 300))) {
            let part = imageops::crop_imm(&marked, part_x, part_y, 300, 300).to_image();
            let touched = part.pixels().filter(|pixel| pixel.0 != [255; 3]).count();
            assert!(touched > 900, "only {touched} pixels are marked at {part_x},{part_y}");
        }
    }

    #[test]
    fn letters_that_the_font_lacks_still_leave_a_mark() {
        let mut marked = RgbImage::from_pixel(600, 600, Rgb([255; 3]));
        burn(&mut marked, &Watermark { lines: vec!["漢字 😀".into()] });
        assert!(marked.pixels().any(|pixel| pixel.0 != [255; 3]));
    }

    #[test]
    fn a_turned_page_is_handed_out_upright() {
        let mut lying = RgbImage::from_pixel(400, 200, Rgb([255; 3]));
        lying.put_pixel(0, 0, Rgb([0; 3]));
        let upright = finish(lying, &View { turned: 90, ..view(None) }).expect("encodes");
        assert_eq!((upright.width, upright.height, upright.media_type), (200, 400, "image/png"));
        let decoded = image::load_from_memory(&upright.bytes).expect("a picture").into_luma8();
        assert!(decoded.get_pixel(199, 0).0[0] < 50);
    }
}
