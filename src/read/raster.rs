//! Grey pictures for OCR: size, turning, skew and blur. Plain arithmetic on bounded buffers; nothing is parsed here.

/// A grey picture, one byte a pixel, white is 255. The buffer always has exactly `width * height` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grey {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Grey {
    pub(super) fn new(width: u32, height: u32, pixels: Vec<u8>) -> Option<Grey> {
        let sound = width > 0 && height > 0 && u64::from(width) * u64::from(height) == pixels.len() as u64;
        sound.then_some(Grey { width, height, pixels })
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn height(&self) -> u32 {
        self.height
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Whether there is anything to read: a few dark specks are dust.
    pub(super) fn is_blank(&self) -> bool {
        let mut counts = [0u32; 256];
        self.pixels.iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
        let paper = (0..256usize).max_by_key(|level| counts[*level]).unwrap_or(255);
        let ink: u32 = (0..256usize).filter(|level| level.abs_diff(paper) > 40).map(|level| counts[level]).sum();
        u64::from(ink) * 20_000 < self.pixels.len() as u64
    }

    /// The PGM file that Tesseract takes on its standard input.
    pub(super) fn pgm_header(&self) -> String {
        format!("P5\n{} {}\n255\n", self.width, self.height)
    }

    /// How far lines of text lean, in degrees; positive means that they fall to the right. 0 where it cannot be told.
    pub(super) fn skew(&self) -> f32 {
        let small = self.dark_points(600);
        if small.len() < 200 {
            return 0.0;
        }
        let score = |degrees: f32| lines_stand_out(&small, degrees);
        let level = score(0.0);
        let coarse = (-14..=14).map(|half| half as f32 * 0.5);
        let best = coarse.max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(0.0);
        let fine = (-4..=4).map(|step| best + step as f32 * 0.125);
        let best = fine.max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(0.0);
        // A page without clear lines gives an answer too, but not one that stands out.
        if score(best) > level * 1.15 { best } else { 0.0 }
    }

    /// Centres of dark cells of the page shrunk to `side` cells.
    fn dark_points(&self, side: u32) -> Vec<(f32, f32)> {
        let cell = self.width.max(self.height).div_ceil(side).max(1);
        let (across, down) = (self.width / cell, self.height / cell);
        let darkest = |x: u32, y: u32| {
            let rows = (y * cell..(y + 1) * cell).step_by((cell as usize / 3).max(1));
            rows.map(|row| {
                let from = (row * self.width + x * cell) as usize;
                self.pixels[from..from + cell as usize].iter().copied().min().unwrap_or(255)
            })
            .min()
            .unwrap_or(255)
        };
        let mut points = Vec::new();
        for y in 0..down {
            for x in 0..across {
                if darkest(x, y) < 110 {
                    points.push((x as f32, y as f32));
                }
            }
        }
        points
    }

    /// Turns the picture by `degrees` against the clock about its centre, on white; the size stays.
    pub(super) fn turned_back(&self, degrees: f32) -> Grey {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (w, h) = (self.width as f32, self.height as f32);
        let mut pixels = vec![255u8; self.pixels.len()];
        for (y, row) in pixels.chunks_exact_mut(self.width as usize).enumerate() {
            let dy = y as f32 + 0.5 - h / 2.0;
            for (x, pixel) in row.iter_mut().enumerate() {
                let dx = x as f32 + 0.5 - w / 2.0;
                *pixel = self.at(dx * cos - dy * sin + w / 2.0 - 0.5, dx * sin + dy * cos + h / 2.0 - 0.5);
            }
        }
        Grey { pixels, ..*self }
    }

    fn at(&self, x: f32, y: f32) -> u8 {
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let pixel = |x: f32, y: f32| {
            let inside = x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32;
            if inside { f32::from(self.pixels[y as usize * self.width as usize + x as usize]) } else { 255.0 }
        };
        let upper = pixel(left, top) * (1.0 - fx) + pixel(left + 1.0, top) * fx;
        let lower = pixel(left, top + 1.0) * (1.0 - fx) + pixel(left + 1.0, top + 1.0) * fx;
        (upper * (1.0 - fy) + lower * fy).round() as u8
    }

    /// A Gaussian blur of 1.5 pixels: it saves pages that wear and a bad copier have speckled.
    pub(super) fn blurred(&self) -> Grey {
        const KERNEL: [u32; 9] = [2, 9, 28, 55, 68, 55, 28, 9, 2];
        let across = convolve(&self.pixels, self.width as usize, &KERNEL, Along::Row);
        let pixels = convolve(&across, self.width as usize, &KERNEL, Along::Column);
        Grey { pixels, ..*self }
    }
}

enum Along {
    Row,
    Column,
}

fn convolve(pixels: &[u8], width: usize, kernel: &[u32; 9], along: Along) -> Vec<u8> {
    let height = pixels.len() / width;
    let total: u32 = kernel.iter().sum();
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..height {
        for x in 0..width {
            let sum: u32 = kernel
                .iter()
                .enumerate()
                .map(|(step, weight)| {
                    let (sx, sy) = match along {
                        Along::Row => ((x + step).saturating_sub(4).min(width - 1), y),
                        Along::Column => (x, (y + step).saturating_sub(4).min(height - 1)),
                    };
                    weight * u32::from(pixels[sy * width + sx])
                })
                .sum();
            out.push((sum / total) as u8);
        }
    }
    out
}

/// Projects the dark points on the vertical: the straighter the lines lie, the sharper its peaks.
fn lines_stand_out(points: &[(f32, f32)], degrees: f32) -> f32 {
    let slope = degrees.to_radians().tan();
    let mut rows = [0u32; 2048];
    for (x, y) in points {
        let row = (y - x * slope + 512.0).clamp(0.0, 2047.0);
        rows[row as usize] += 1;
    }
    rows.iter().map(|count| (*count as f32).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruled(width: u32, height: u32) -> Grey {
        let ink =
            |x: u32, y: u32| y % 40 < 8 && y > 100 && y < height - 100 && x > 100 && x < width - 100 && x % 14 < 10;
        let pixels = (0..width * height).map(|i| if ink(i % width, i / width) { 0 } else { 255 }).collect();
        Grey::new(width, height, pixels).expect("sizes agree")
    }

    #[test]
    fn a_leaning_page_is_measured_and_turned_back() {
        let straight = ruled(900, 1200);
        assert_eq!(straight.skew(), 0.0);
        for lean in [-6.0, -3.0, 2.0, 5.0f32] {
            let leaning = straight.turned_back(-lean);
            let measured = leaning.skew();
            assert!((measured - lean).abs() < 0.6, "leans {lean}, measured {measured}");
            let back = leaning.turned_back(measured).skew();
            assert!(back.abs() < 0.6, "{back} left of {lean}");
        }
    }

    #[test]
    fn an_empty_sheet_is_blank_and_one_line_of_text_is_not() {
        let sheet = Grey::new(800, 1000, vec![250; 800_000]).expect("sizes agree");
        assert!(sheet.is_blank());
        let mut pixels = sheet.pixels().to_vec();
        pixels[400_000..400_300].fill(10);
        assert!(!Grey::new(800, 1000, pixels).expect("sizes agree").is_blank());
        assert!(Grey::new(10, 10, vec![0; 99]).is_none());
    }

    #[test]
    fn blur_takes_the_specks_and_leaves_the_strokes() {
        let mut pixels = vec![255u8; 100 * 100];
        pixels[20 * 100 + 20] = 0;
        for y in 50..60 {
            pixels[y * 100 + 10..y * 100 + 90].fill(0);
        }
        let blurred = Grey::new(100, 100, pixels).expect("sizes agree").blurred();
        assert!(blurred.pixels()[20 * 100 + 20] > 200);
        assert!(blurred.pixels()[55 * 100 + 50] < 30);
    }
}
