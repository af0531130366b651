//! What becomes of a letter that is printed and put on a scanner: a grey picture, a little turned, a little blurred, speckled.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf as Source;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use jpeg_encoder::{ColorType, Encoder};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

use super::sheet::midnight;

const DPI: f32 = 150.0;
const TURNED_BY: f32 = 1.5;
const QUALITY: u8 = 62;

/// A PDF of the same pages as pictures, with no text in it.
pub(super) fn scanned(letter: Vec<u8>, day: &str) -> Vec<u8> {
    let source = Source::new(letter).expect("our own typesetting is a sound PDF");
    let cache = RenderCache::new();
    let scale = DPI / 72.0;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, ..PixmapSettings::default() };
    let pages = source.pages().iter().enumerate().map(|(at, page)| {
        let drawn = hayro::render(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
        let grey = drawn.data_as_u8_slice().chunks_exact(4).map(over_white).collect();
        let clean = Picture { width: drawn.width().into(), height: drawn.height().into(), grey };
        clean.turned(TURNED_BY).blurred().speckled(at as u32 + 7)
    });
    packed(pages.collect(), day)
}

/// One byte a pixel, white is 255.
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

/// Luminance of a pixel with premultiplied alpha on white paper.
fn over_white(pixel: &[u8]) -> u8 {
    let [red, green, blue, alpha] = [pixel[0], pixel[1], pixel[2], pixel[3]].map(u32::from);
    ((red * 299 + green * 587 + blue * 114) / 1000 + 255 - alpha).min(255) as u8
}

impl Picture {
    /// Falls to the right by so many degrees, about the middle.
    fn turned(&self, degrees: f32) -> Picture {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (mid_x, mid_y) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        self.each(|x, y| {
            let (dx, dy) = (x as f32 - mid_x, y as f32 - mid_y);
            self.between(dx * cos + dy * sin + mid_x, dy * cos - dx * sin + mid_y)
        })
    }

    /// The lens of a cheap scanner: the mean of a pixel and its neighbours, the nearer the heavier.
    fn blurred(&self) -> Picture {
        const WEIGHTS: [[u32; 3]; 3] = [[1, 2, 1], [2, 6, 2], [1, 2, 1]];
        self.each(|x, y| {
            let mut sum = 0;
            for (down, row) in WEIGHTS.iter().enumerate() {
                for (right, weight) in row.iter().enumerate() {
                    sum += weight * u32::from(self.at(x as isize + right as isize - 1, y as isize + down as isize - 1));
                }
            }
            (sum / 18) as u8
        })
    }

    /// Greyish paper, grain, and a speck of dust here and there; the same for the same seed.
    fn speckled(&self, seed: u32) -> Picture {
        let mut state = seed;
        let mut random = move || {
            // Numerical Recipes' generator: even enough for dust.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let grey = self.grey.iter().map(|pixel| {
            let grain = (random() % 19) as i32 - 9;
            let dust = if random() % 20_000 == 0 { 120 } else { 0 };
            (i32::from(*pixel) * 236 / 255 + 6 + grain - dust).clamp(0, 255) as u8
        });
        Picture { grey: grey.collect(), ..*self }
    }

    fn each(&self, pixel: impl Fn(usize, usize) -> u8) -> Picture {
        let grey = (0..self.width * self.height).map(|at| pixel(at % self.width, at / self.width)).collect();
        Picture { grey, ..*self }
    }

    fn at(&self, x: isize, y: isize) -> u8 {
        let inside = x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height;
        if inside { self.grey[y as usize * self.width + x as usize] } else { 255 }
    }

    /// The value at a place between four pixels.
    fn between(&self, x: f32, y: f32) -> u8 {
        let (left, top) = (x.floor(), y.floor());
        let (right_part, lower_part) = (x - left, y - top);
        let pixel = |dx: isize, dy: isize| f32::from(self.at(left as isize + dx, top as isize + dy));
        let upper = pixel(0, 0) * (1.0 - right_part) + pixel(1, 0) * right_part;
        let lower = pixel(0, 1) * (1.0 - right_part) + pixel(1, 1) * right_part;
        (upper * (1.0 - lower_part) + lower * lower_part).round() as u8
    }

    fn jpeg(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Encoder::new(&mut bytes, QUALITY)
            .encode(&self.grey, self.width as u16, self.height as u16, ColorType::Luma)
            .expect("a page of A4 is within what JPEG can hold");
        bytes
    }
}

fn packed(pages: Vec<Picture>, day: &str) -> Vec<u8> {
    let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
    let ids = |at: usize| [4, 5, 6].map(|id| Ref::new(id + 3 * at as i32));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids((0..pages.len()).map(|at| ids(at)[0])).count(pages.len() as i32);
    pdf.document_info(info).creation_date(midnight(day));
    for (at, picture) in pages.iter().enumerate() {
        let [page_id, image_id, content_id] = ids(at);
        let (width, height) = (picture.width as f32 * 72.0 / DPI, picture.height as f32 * 72.0 / DPI);
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, width, height)).parent(tree).contents(content_id);
        page.resources().x_objects().pair(Name(b"Scan"), image_id);
        page.finish();
        let jpeg = picture.jpeg();
        let mut image = pdf.image_xobject(image_id, &jpeg);
        image.filter(Filter::DctDecode);
        image.width(picture.width as i32).height(picture.height as i32);
        image.color_space().device_gray();
        image.bits_per_component(8);
        image.finish();
        let mut content = Content::new();
        content.save_state().transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(Name(b"Scan")).restore_state();
        pdf.stream(content_id, &content.finish());
    }
    pdf.finish()
}
