//! Pages: their words, where these stand, and how the page lies.

use super::support::{
    LETTER, encoded, letter_pdf, letter_scan, plaintext, png, reader, reading, share_of_words, shared_file,
};
use image::{ImageFormat, Rgb, RgbImage, imageops};
use lumbung::read::{Outcome, Page, Source};

fn word<'a>(page: &'a Page, text: &str) -> &'a lumbung::read::Word {
    let found = page.words.iter().find(|word| word.text == text);
    found.unwrap_or_else(|| panic!("{text} was not read: {}", page.text))
}

fn assert_words_are_in_the_text(page: &Page) {
    for word in &page.words {
        let at: String = page.text.chars().skip(word.offset as usize).take(word.text.chars().count()).collect();
        assert_eq!(at, word.text);
    }
}

#[tokio::test]
async fn a_typeset_letter_keeps_its_own_text_and_boxes() {
    let reading = reading(&letter_pdf(LETTER), "surat.pdf").await;
    let page = &reading.pages[0];
    assert_eq!((page.source, page.turned, reading.signed, reading.pictures), (Source::Layer, 0, false, true));
    assert_eq!(page.text, LETTER.iter().filter(|line| !line.is_empty()).copied().collect::<Vec<_>>().join("\n"));
    assert_words_are_in_the_text(page);
    // The first line begins 90 points from the left, its foot 740 points above that of the page.
    let first = word(page, "PEMERINTAH");
    assert!((first.x0 - 90.0 / 595.0).abs() < 0.01, "{first:?}");
    assert!(first.y0 < 1.0 - 745.0 / 842.0 && first.y1 > 1.0 - 740.0 / 842.0, "{first:?}");
}

#[tokio::test]
async fn a_scan_of_the_letter_is_read_with_boxes_in_the_same_places() {
    let scan = letter_scan(LETTER).await;
    let typeset = reading(&letter_pdf(LETTER), "surat.pdf").await;
    for (format, name) in [
        (ImageFormat::Png, "a.png"),
        (ImageFormat::Jpeg, "a.jpg"),
        (ImageFormat::WebP, "a.webp"),
        (ImageFormat::Bmp, "a.bmp"),
    ] {
        let reading = reading(&encoded(&scan, format), name).await;
        let page = &reading.pages[0];
        assert_eq!((page.source, page.turned), (Source::Ocr, 0));
        assert!(page.confidence.is_some_and(|sure| sure > 85.0));
        assert!(share_of_words(&page.text, LETTER) > 0.95, "{name}: {}", page.text);
        assert_words_are_in_the_text(page);
        for text in ["Balai", "PEMERINTAH", "kasih."] {
            let (seen, meant) = (word(page, text), word(&typeset.pages[0], text));
            assert!((seen.x0 - meant.x0).abs() < 0.01 && (seen.y1 - meant.y1).abs() < 0.01, "{seen:?} {meant:?}");
        }
    }
}

#[tokio::test]
async fn pages_that_lie_on_a_side_or_on_their_head_are_put_upright() {
    let scan = letter_scan(LETTER).await;
    let upright = reading(&png(&scan), "scan.png").await;
    let cases = [(90, imageops::rotate270(&scan)), (180, imageops::rotate180(&scan)), (270, imageops::rotate90(&scan))];
    for (turned, lying) in cases {
        let bytes = png(&lying);
        let reading = reading(&bytes, "scan.png").await;
        let page = &reading.pages[0];
        assert_eq!(page.turned, turned);
        assert!(share_of_words(&page.text, LETTER) > 0.95, "{}", page.text);
        let (seen, meant) = (word(page, "Balai"), word(&upright.pages[0], "Balai"));
        assert!((seen.x0 - meant.x0).abs() < 0.01 && (seen.y0 - meant.y0).abs() < 0.01, "{seen:?} {meant:?}");
        let picture = reader().picture(&plaintext(&bytes), 1, 827, page.turned, None).await.expect("a picture");
        let shown = image::load_from_memory(&picture.bytes).expect("decodes").into_luma8();
        assert!(shown.height() > shown.width());
        let (x, y) = (seen.x0 * shown.width() as f32, seen.y0 * shown.height() as f32);
        let (w, h) = ((seen.x1 - seen.x0) * shown.width() as f32, (seen.y1 - seen.y0) * shown.height() as f32);
        let part = imageops::crop_imm(&shown, x as u32, y as u32, w as u32 + 1, h as u32 + 1).to_image();
        assert!(part.pixels().any(|pixel| pixel.0[0] < 90), "the word's box is empty on the picture");
    }
}

#[tokio::test]
async fn a_page_that_leans_is_read_and_its_boxes_stay_on_the_leaning_words() {
    let scan = letter_scan(LETTER).await;
    for degrees in [5.0f32, -6.0] {
        let bytes = png(&lean(&scan, degrees));
        let page = reading(&bytes, "scan.png").await.pages.remove(0);
        assert!(share_of_words(&page.text, LETTER) > 0.9, "{degrees}: {}", page.text);
        // "PEMERINTAH" begins far up on the left: where it went is plain geometry.
        let (w, h) = (scan.width() as f32, scan.height() as f32);
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (dx, dy) = (90.0 / 595.0 * w - w / 2.0, (1.0 - 744.0 / 842.0) * h - h / 2.0);
        let (x, y) = (dx * cos - dy * sin + w / 2.0, dx * sin + dy * cos + h / 2.0);
        let seen = word(&page, "PEMERINTAH");
        assert!((seen.x0 - x / w).abs() < 0.02, "{degrees}: {seen:?}, expected {}", x / w);
        assert!(seen.y0 < y / h + 0.01 && seen.y1 > y / h - 0.01, "{degrees}: {seen:?}, expected {}", y / h);
    }
}

/// Turned clockwise about its centre, on white.
fn lean(picture: &RgbImage, degrees: f32) -> RgbImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (w, h) = (picture.width() as f32, picture.height() as f32);
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let (dx, dy) = (x as f32 - w / 2.0, y as f32 - h / 2.0);
        let (sx, sy) = (dx * cos + dy * sin + w / 2.0, -dx * sin + dy * cos + h / 2.0);
        let inside = sx >= 0.0 && sy >= 0.0 && sx < w - 1.0 && sy < h - 1.0;
        if inside { imageops::interpolate_bilinear(picture, sx, sy).unwrap_or(Rgb([255; 3])) } else { Rgb([255; 3]) }
    })
}

#[tokio::test]
async fn a_worn_and_speckled_page_is_saved_by_the_second_look() {
    let mut worn = letter_scan(LETTER).await;
    // A fixed sequence, so that the page is the same every time: one pixel in eight is a speck.
    let mut state = 0x2545_f491_u32;
    for pixel in worn.pixels_mut() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        if state.is_multiple_of(8) {
            *pixel = Rgb([if state & 0x100 == 0 { 0 } else { 255 }; 3]);
        }
    }
    let page = reading(&png(&worn), "worn.png").await.pages.remove(0);
    assert!(share_of_words(&page.text, LETTER) > 0.8, "{:?} {}", page.confidence, page.text);
}

#[tokio::test]
async fn every_page_of_a_tiff_is_read() {
    let scan = imageops::grayscale(&letter_scan(LETTER).await);
    let second =
        imageops::grayscale(&letter_scan(&["HALAMAN KEDUA", "Lampiran keputusan kepala desa tentang anggaran"]).await);
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut tiff = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
    for page in [&scan, &second] {
        tiff.write_image::<tiff::encoder::colortype::Gray8>(page.width(), page.height(), page.as_raw()).unwrap();
    }
    let bytes = bytes.into_inner();
    let reading = reading(&bytes, "faks.tif").await;
    assert_eq!(reading.pages.len(), 2);
    assert!(share_of_words(&reading.pages[0].text, LETTER) > 0.95);
    assert!(reading.pages[1].text.contains("HALAMAN KEDUA"), "{}", reading.pages[1].text);
    let picture = reader().picture(&plaintext(&bytes), 2, 800, 0, None).await.expect("the second page");
    assert_eq!((picture.width, picture.media_type), (800, "image/png"));
}

#[tokio::test]
async fn an_empty_sheet_is_a_page_without_text() {
    let sheet = RgbImage::from_pixel(1654, 2339, Rgb([252; 3]));
    let reading = reading(&png(&sheet), "kosong.png").await;
    assert_eq!((reading.pages.len(), reading.pages[0].text.as_str(), reading.incomplete), (1, "", None));
}

#[tokio::test]
async fn a_real_scan_is_read_page_by_page() {
    let path = "scans/scan/PP 46 Tahun 2009 - Batas Pertanggungjawaban Kerugian Nuklir.pdf";
    let Some(scan) = shared_file(path) else { return };
    let mut heard = Vec::new();
    let input = plaintext(&scan);
    let Outcome::Read(reading) = reader().read(&input, "scan.pdf", |done, of| heard.push((done, of))).await else {
        panic!("the scan was not read");
    };
    assert_eq!(heard, [(1, 4), (2, 4), (3, 4), (4, 4)]);
    let third = &reading.pages[2];
    assert_eq!((third.source, third.turned), (Source::Ocr, 0));
    for text in ["PERATURAN", "REPUBLIK", "nuklir,"] {
        let seen = word(third, text);
        assert!(seen.x1 - seen.x0 < 0.4 && seen.y1 - seen.y0 < 0.05, "{seen:?}");
    }
}

#[tokio::test]
async fn a_real_file_of_typeset_and_scanned_pages_is_read_as_each_page_needs() {
    let path = "scans/mixed/Perba 2 Tahun 2019 - Keselamatan Komisioning Reaktor Non Daya.pdf";
    let Some(mixed) = shared_file(path) else { return };
    let reading = reading(&mixed, "perba.pdf").await;
    let from = |source| reading.pages.iter().filter(|page| page.source == source).count();
    assert!(from(Source::Layer) > 0, "no page kept its text");
    assert!(reading.pages.iter().any(|page| page.text.contains("KESELAMATAN KOMISIONING")));
}
