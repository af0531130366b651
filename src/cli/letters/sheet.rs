//! Typesets an official letter: letterhead, details, paragraphs, numbered points, tables and a signature, on A4 in Times.

use pdf_writer::{Content, Date, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 71.0;
const RIGHT: f32 = WIDTH - 62.0;
const TOP: f32 = HEIGHT - 62.0;
const BOTTOM: f32 = 71.0;
const SIZE: f32 = 11.5;
const LEADING: f32 = 16.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
}

/// Advance widths of printable ASCII in thousandths of the size, as the PDF standard fonts define them.
const PLAIN: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500,
    500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889,
    722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500,
    444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480,
    200, 480, 541,
];
const BOLD: [u16; 95] = [
    250, 333, 555, 500, 500, 1000, 833, 278, 333, 333, 500, 570, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500,
    500, 500, 500, 333, 333, 570, 570, 570, 500, 930, 722, 667, 722, 722, 667, 611, 778, 778, 389, 500, 778, 667, 944,
    722, 778, 611, 778, 722, 556, 667, 722, 722, 1000, 722, 722, 667, 333, 278, 333, 581, 500, 333, 500, 556, 444, 556,
    444, 333, 500, 556, 278, 333, 556, 278, 833, 556, 500, 556, 556, 444, 389, 333, 556, 500, 722, 500, 500, 444, 394,
    220, 394, 520,
];

/// Pages being filled from top to bottom.
pub(super) struct Sheet {
    pages: Vec<Content>,
    /// The base line of the line written last on the open page.
    y: f32,
}

impl Sheet {
    pub(super) fn new() -> Sheet {
        Sheet { pages: vec![Content::new()], y: TOP }
    }

    /// The office's name in two lines, its address, and the double rule below.
    pub(super) fn letterhead(&mut self, above: &str, office: &str, address: &str) {
        for (line, size, face) in [(above, 13.0, Face::Plain), (office, 16.0, Face::Bold), (address, 9.0, Face::Plain)]
        {
            self.y -= size * 0.4;
            self.centred(line, size, face);
        }
        self.y -= 7.0;
        self.rule(2.0);
        self.y -= 2.5;
        self.rule(0.5);
        self.y -= 10.0;
    }

    /// A title in the middle with its number, as decrees and minutes have it.
    pub(super) fn heading(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.centred(line, 12.5, Face::Bold));
        self.y -= 8.0;
    }

    /// The place and day at the right.
    pub(super) fn place_and_day(&mut self, words: &str) {
        self.line_down(LEADING);
        self.put(RIGHT - width(words, SIZE, Face::Plain), words, SIZE, Face::Plain);
    }

    /// `Nomor : …` and the like, with the colons under each other.
    pub(super) fn details(&mut self, pairs: &[(&str, &str)]) {
        for (name, value) in pairs {
            for (at, line) in wrapped(value, RIGHT - LEFT - 98.0, SIZE, Face::Plain).iter().enumerate() {
                self.line_down(LEADING);
                if at == 0 {
                    self.put(LEFT, name, SIZE, Face::Plain);
                    self.put(LEFT + 86.0, ":", SIZE, Face::Plain);
                }
                self.put(LEFT + 98.0, line, SIZE, Face::Plain);
            }
        }
        self.y -= 8.0;
    }

    /// Short lines as they are, such as whom a letter goes to.
    pub(super) fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.line_down(LEADING);
            self.put(LEFT, line, SIZE, Face::Plain);
        }
        self.y -= 8.0;
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.block(LEFT, words, 28.0);
        self.y -= 5.0;
    }

    pub(super) fn numbered(&mut self, points: &[&str]) {
        for (at, words) in points.iter().enumerate() {
            self.line_down(LEADING);
            self.put(LEFT + 14.0, &format!("{}.", at + 1), SIZE, Face::Plain);
            self.y += LEADING;
            self.block(LEFT + 34.0, words, 0.0);
        }
        self.y -= 5.0;
    }

    /// Columns of the given widths with rules between; the first row is the head.
    pub(super) fn table(&mut self, widths: &[f32], rows: &[&[&str]]) {
        for (at, row) in rows.iter().enumerate() {
            let face = if at == 0 { Face::Bold } else { Face::Plain };
            self.line_down(LEADING + 3.0);
            let mut x = LEFT;
            for (cell, width) in row.iter().zip(widths) {
                let bottom = self.y - 5.5;
                self.page().rect(x, bottom, *width, LEADING + 3.0).stroke();
                self.put(x + 4.0, cell, 10.5, face);
                x += width;
            }
        }
        self.y -= 14.0;
    }

    /// Who signs, at the right, with room for the hand.
    pub(super) fn signature(&mut self, office: &str, name: &str, rank: &str) {
        if self.y < BOTTOM + 7.0 * LEADING {
            self.new_page();
        }
        self.y -= 6.0;
        let x = RIGHT - 210.0;
        for (words, down, face) in
            [(office, LEADING, Face::Plain), (name, 4.2 * LEADING, Face::Bold), (rank, LEADING, Face::Plain)]
        {
            self.line_down(down);
            self.put(x, words, SIZE, face);
        }
        self.flourish(x + 20.0, self.y + 2.3 * LEADING);
        self.y -= LEADING;
    }

    pub(super) fn new_page(&mut self) {
        self.pages.push(Content::new());
        self.y = TOP;
    }

    /// The whole as a PDF. `day` is the only date in it, so that the bytes do not change.
    pub(super) fn finish(self, title: &str, day: &str) -> Vec<u8> {
        let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
        let fonts = [(Name(b"F1"), Ref::new(4), Name(b"Times-Roman")), (Name(b"F2"), Ref::new(5), Name(b"Times-Bold"))];
        let ids: Vec<(Ref, Ref)> =
            (0..self.pages.len() as i32).map(|at| (Ref::new(6 + 2 * at), Ref::new(7 + 2 * at))).collect();
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree);
        pdf.pages(tree).kids(ids.iter().map(|(page, _)| *page)).count(ids.len() as i32);
        pdf.document_info(info).title(TextStr(title)).creation_date(midnight(day));
        for (_, id, base) in fonts {
            pdf.type1_font(id).base_font(base).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for ((id, content), drawn) in ids.iter().zip(self.pages) {
            let mut page = pdf.page(*id);
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).parent(tree).contents(*content);
            let mut resources = page.resources();
            let mut dict = resources.fonts();
            for (name, font, _) in fonts {
                dict.pair(name, font);
            }
            dict.finish();
            resources.finish();
            page.finish();
            pdf.stream(*content, &drawn.finish());
        }
        pdf.finish()
    }

    fn page(&mut self) -> &mut Content {
        self.pages.last_mut().expect("a sheet begins with a page and loses none")
    }

    /// Moves to the next base line, on a new page where this one is full.
    fn line_down(&mut self, by: f32) {
        if self.y - by < BOTTOM {
            self.new_page();
        }
        self.y -= by;
    }

    fn put(&mut self, x: f32, words: &str, size: f32, face: Face) {
        let y = self.y;
        let font = if face == Face::Bold { Name(b"F2") } else { Name(b"F1") };
        self.page().begin_text().set_font(font, size).next_line(x, y).show(Str(words.as_bytes())).end_text();
    }

    fn centred(&mut self, words: &str, size: f32, face: Face) {
        self.line_down(size * 1.25);
        self.put((LEFT + RIGHT - width(words, size, face)) / 2.0, words, size, face);
    }

    fn rule(&mut self, thickness: f32) {
        let y = self.y;
        self.page().set_line_width(thickness).move_to(LEFT, y).line_to(RIGHT, y).stroke().set_line_width(0.6);
    }

    /// Running text from `x` to the right margin, its first line moved in.
    fn block(&mut self, x: f32, words: &str, indent: f32) {
        let mut first = true;
        let mut rest = words;
        while !rest.is_empty() {
            let moved = if first { indent } else { 0.0 };
            let (line, after) = one_line(rest, RIGHT - x - moved, SIZE, Face::Plain);
            self.line_down(LEADING);
            self.put(x + moved, line, SIZE, Face::Plain);
            (first, rest) = (false, after);
        }
    }

    /// Something like a signature.
    fn flourish(&mut self, x: f32, y: f32) {
        let page = self.page();
        page.set_line_width(1.1).move_to(x, y);
        for (a, b, c) in
            [((20, 34), (30, -26), (38, 6)), ((44, 30), (52, -22), (64, 8)), ((80, 24), (92, -8), (118, 12))]
        {
            let at = |(dx, dy): (i32, i32)| (x + dx as f32, y + dy as f32);
            let ((x1, y1), (x2, y2), (x3, y3)) = (at(a), at(b), at(c));
            page.cubic_to(x1, y1, x2, y2, x3, y3);
        }
        page.stroke().set_line_width(0.6);
    }
}

/// `YYYY-MM-DD`, as the texts are checked to have it.
pub(super) fn midnight(day: &str) -> Date {
    let mut parts = day.split('-').map(|part| part.parse().unwrap_or(1));
    let mut next = || parts.next().unwrap_or(1);
    Date::new(next()).month(next() as u8).day(next() as u8)
}

fn width(words: &str, size: f32, face: Face) -> f32 {
    let table = if face == Face::Bold { &BOLD } else { &PLAIN };
    let thousandths: u32 = words.bytes().map(|byte| u32::from(table[usize::from(byte.clamp(32, 126)) - 32])).sum();
    thousandths as f32 * size / 1000.0
}

fn wrapped(words: &str, room: f32, size: f32, face: Face) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let (line, after) = one_line(rest, room, size, face);
        lines.push(line);
        rest = after;
    }
    lines
}

/// As many whole words as there is room for, at least one, and what is left.
fn one_line(words: &str, room: f32, size: f32, face: Face) -> (&str, &str) {
    let ends = words.match_indices(' ').map(|(at, _)| at).chain([words.len()]);
    let fitting = ends.clone().take_while(|end| width(&words[..*end], size, face) <= room).last();
    let end = fitting.or_else(|| ends.clone().next()).unwrap_or(words.len());
    (&words[..end], words[end..].trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_lose_none() {
        let words = "Sehubungan dengan pelaksanaan penyaluran Dana Desa tahap kedua";
        let lines = wrapped(words, 120.0, SIZE, Face::Plain);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, SIZE, Face::Plain) <= 120.0));
        assert_eq!(lines.join(" "), words);
        assert_eq!(wrapped("tigapuluhtigahuruftanpaspasi", 20.0, SIZE, Face::Plain).len(), 1);
    }

    #[test]
    fn a_full_page_goes_on_on_the_next() {
        let mut sheet = Sheet::new();
        (0..60).for_each(|_| sheet.paragraph("Baris uji."));
        assert_eq!(sheet.pages.len(), 2);
    }
}
