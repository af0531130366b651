//! Glyphs of a PDF page joined into words and lines.
//!
//! Glyphs are joined along their own direction, so that text which is turned on the page does not fall apart into
//! letters. All places are in the coordinates of the upright page, from its top left corner.

use crate::read::page::Word;
use hayro::{
    hayro_interpret::{
        BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask,
        font::{Glyph, GlyphRun},
        hayro_cmap::BfString,
    },
    kurbo::{Affine, BezPath, Point, Rect, Vec2},
};

/// Collects what one page draws.
pub(super) struct Glyphs {
    width: f64,
    height: f64,
    /// A page with more glyphs than this is no letter; the rest is left out.
    room: usize,
    lines: Vec<Vec<Word>>,
    word: Option<Open>,
    line_end: Option<Pen>,
    last: Option<(char, Point)>,
    image_area: f64,
    paths: usize,
}

/// A word that is still growing.
struct Open {
    text: String,
    bounds: Rect,
    pen: Pen,
}

/// Where the next glyph is expected.
#[derive(Clone, Copy)]
struct Pen {
    at: Point,
    along: Vec2,
    em: f64,
}

enum Step {
    SameWord,
    NextWord,
    NextLine,
}

impl Glyphs {
    pub(super) fn new(width: f64, height: f64) -> Glyphs {
        Glyphs {
            width: width.max(1.0),
            height: height.max(1.0),
            room: 200_000,
            lines: vec![Vec::new()],
            word: None,
            line_end: None,
            last: None,
            image_area: 0.0,
            paths: 0,
        }
    }

    /// How much of the page is covered by pictures, from 0 to 1.
    pub(super) fn picture_share(&self) -> f64 {
        (self.image_area / (self.width * self.height)).clamp(0.0, 1.0)
    }

    pub(super) fn paths(&self) -> usize {
        self.paths
    }

    pub(super) fn into_lines(mut self) -> Vec<Vec<Word>> {
        self.close_word();
        self.lines
    }

    fn glyph(&mut self, glyph: &Glyph<'_>, place: Affine) {
        let text = match glyph.as_unicode() {
            Some(BfString::Char(one)) => one.to_string(),
            Some(BfString::String(more)) => more,
            None => '\u{fffd}'.to_string(),
        };
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(drawn) => drawn.advance_width(),
        };
        let advance = f64::from(advance.filter(|width| width.is_finite()).unwrap_or(500.0)).clamp(0.0, 4000.0);
        let start = place * Point::ZERO;
        let along = place * Point::new(1000.0, 0.0) - start;
        let up = place * Point::new(0.0, 1000.0) - start;
        let em = up.hypot().max(along.hypot() * 0.1);
        if !(em.is_finite() && em > 0.01 && start.is_finite()) || self.room == 0 {
            return;
        }
        self.room -= 1;
        // Filled and outlined text is drawn twice, and so is the shadow of a heading.
        let first = text.chars().next().unwrap_or(' ');
        if self.last.is_some_and(|(seen, at)| seen == first && (at - start).hypot() < em * 0.05) {
            return;
        }
        self.last = Some((first, start));
        if text.chars().all(|letter| letter.is_whitespace() || letter.is_control()) {
            self.close_word();
            return;
        }
        let box_of = place.transform_rect_bbox(Rect::new(0.0, -200.0, advance.max(50.0), 800.0));
        let pen = Pen { at: place * Point::new(advance, 0.0), along: along / along.hypot().max(1e-9), em };
        self.place(text, start, box_of, pen);
    }

    fn place(&mut self, text: String, start: Point, bounds: Rect, pen: Pen) {
        match self.step(start, pen) {
            Step::SameWord => {}
            Step::NextWord => self.close_word(),
            Step::NextLine => {
                self.close_word();
                self.lines.push(Vec::new());
            }
        }
        let letters =
            text.chars().filter(|letter| !letter.is_control() && !letter.is_whitespace() && *letter != '\u{ad}');
        match &mut self.word {
            Some(open) if open.text.len() < 400 => {
                open.text.extend(letters);
                open.bounds = open.bounds.union(bounds);
                open.pen = pen;
            }
            _ => {
                self.close_word();
                self.word = Some(Open { text: letters.collect(), bounds, pen });
            }
        }
        self.line_end = Some(pen);
    }

    fn step(&self, start: Point, pen: Pen) -> Step {
        let Some(last) = self.word.as_ref().map(|open| open.pen).or(self.line_end) else { return Step::NextWord };
        let em = last.em.max(pen.em);
        let turned = last.along.dot(pen.along) < 0.9;
        let way = start - last.at;
        let ahead = way.dot(last.along) / em;
        let aside = way.cross(last.along).abs() / em;
        if turned || aside > 0.6 || ahead < -1.0 {
            Step::NextLine
        } else if self.word.is_none() || !(-0.5..=0.18).contains(&ahead) {
            Step::NextWord
        } else {
            Step::SameWord
        }
    }

    fn close_word(&mut self) {
        let Some(open) = self.word.take() else { return };
        let (w, h) = (self.width, self.height);
        let edges = [open.bounds.x0 / w, open.bounds.y0 / h, open.bounds.x1 / w, open.bounds.y1 / h];
        let [x0, y0, x1, y1] = edges.map(|edge| edge as f32);
        if let (Some(word), Some(line)) = (Word::on_page(open.text, x0, y0, x1, y1), self.lines.last_mut()) {
            line.push(word);
        }
    }
}

impl<'a> Device<'a> for Glyphs {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.paths += 1;
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let whole = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let page = Rect::new(0.0, 0.0, self.width, self.height);
        let shown = props.transform.transform_rect_bbox(whole).intersect(page);
        if shown.area().is_finite() {
            self.image_area += shown.area().max(0.0);
        }
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
