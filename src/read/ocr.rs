//! OCR: the `tesseract` program, one jailed process for each page, the picture on its standard input.

use super::{
    jail::{self, Jailed, Silence},
    page::Word,
    plaintext::Plaintext,
    raster::Grey,
    reason::Reason,
    settings::Settings,
    wire::Work,
};
use std::{io::Write, path::Path, time::Duration};

/// Under this mean confidence the page is tried once more, blurred.
const DOUBTFUL: f32 = 60.0;
const MOST_OUTPUT: u64 = 8 << 20;

/// What OCR made of one picture, in fractions of the picture turned upright.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub lines: Vec<Vec<Word>>,
    pub confidence: f32,
    pub turned: u16,
}

pub(super) struct Ocr<'a> {
    pub settings: &'a Settings,
    pub program: &'a Path,
    pub tesseract: &'a Path,
    pub languages: String,
}

impl Seen {
    /// Letters read, each counted by how sure OCR was of all.
    pub(super) fn worth(&self) -> f32 {
        let letters: usize = self.lines.iter().flatten().map(|word| word.text.chars().count()).sum();
        letters as f32 * self.confidence / 100.0
    }
}

impl Ocr<'_> {
    /// Reads one page. `skew` is by how much the picture had been turned back before.
    pub(super) async fn read(&self, grey: Grey, skew: f32) -> Result<Seen, Reason> {
        let first = self.look(&grey).await?;
        if first.confidence >= DOUBTFUL {
            return Ok(seen(&first, &grey, skew));
        }
        let blurred = tokio::task::spawn_blocking(move || grey.blurred()).await.map_err(|_| Reason::ReaderFailed)?;
        // A second look that fails takes nothing from the first.
        let second = self.look(&blurred).await.unwrap_or_default();
        let better = if second.worth() > first.worth() { second } else { first };
        Ok(seen(&better, &blurred, skew))
    }

    async fn look(&self, grey: &Grey) -> Result<Table, Reason> {
        let mut picture = Plaintext::new("page").map_err(|_| Reason::ReaderFailed)?;
        let written = picture.write_all(grey.pgm_header().as_bytes()).and_then(|()| picture.write_all(grey.pixels()));
        let input = written.and_then(|()| picture.hand_over()).map_err(|_| Reason::ReaderFailed)?;
        let dpi = self.settings.dpi.to_string();
        let args = ["stdin", "stdout", "-l", &self.languages, "--dpi", &dpi, "--psm", "1", "tsv"];
        let work = Work::Exec {
            program: self.tesseract.to_string_lossy().into_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        };
        let mut task = jail::task(self.settings, work);
        task.memory_mb = task.memory_mb.min(512);
        task.cpu_seconds = task.cpu_seconds.min(self.settings.wall_seconds);
        let mut child = Jailed::start(self.program, &task, input).await.map_err(|_| Reason::ReaderFailed)?;
        let wall = Duration::from_secs(self.settings.wall_seconds);
        let table = child.hear_all(MOST_OUTPUT, wall).await.map_err(|silence| match silence {
            Silence::TooLate => Reason::TimedOut,
            Silence::Ended => Reason::Crashed,
        })?;
        let ended = child.end(Duration::from_secs(2)).await;
        match ended.and_then(|status| status.code()) {
            Some(0) => Ok(Table::parse(&String::from_utf8_lossy(&table))),
            Some(125) => Err(Reason::NoJail),
            // Tesseract gives up on a picture in which it finds nothing; such a page has no text.
            Some(1) => Ok(Table::default()),
            _ => Err(Reason::Crashed),
        }
    }
}

/// Tesseract's answer in pixels.
#[derive(Debug, Default)]
struct Table {
    lines: Vec<Vec<Cell>>,
    confidence: f32,
}

#[derive(Debug)]
struct Cell {
    text: String,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

impl Table {
    fn parse(tsv: &str) -> Table {
        let mut lines: Vec<Vec<Cell>> = Vec::new();
        let mut line_key = None;
        let (mut sure, mut letters) = (0.0, 0.0);
        for row in tsv.lines().skip(1).take(50_000) {
            let fields: Vec<&str> = row.splitn(12, '\t').collect();
            let [level, page, block, paragraph, line, _, left, top, width, height, confidence, text] = fields[..]
            else {
                continue;
            };
            let text: String = text.chars().filter(|c| !c.is_control() && !c.is_whitespace()).take(400).collect();
            let number = |field: &str| field.parse::<f32>().ok().filter(|number| number.is_finite());
            let numbers = [left, top, width, height, confidence].map(number);
            let [Some(left), Some(top), Some(width), Some(height), Some(confidence)] = numbers else { continue };
            if level != "5" || text.is_empty() || confidence < 0.0 {
                continue;
            }
            let key = Some([page, block, paragraph, line]);
            if key != line_key {
                lines.push(Vec::new());
                line_key = key;
            }
            let count = text.chars().count() as f32;
            sure += confidence.min(100.0) * count;
            letters += count;
            if let Some(open) = lines.last_mut() {
                open.push(Cell { text, left, top, width, height });
            }
        }
        Table { lines, confidence: if letters > 0.0 { sure / letters } else { 0.0 } }
    }

    fn worth(&self) -> f32 {
        let letters: usize = self.lines.iter().flatten().map(|cell| cell.text.chars().count()).sum();
        letters as f32 * self.confidence / 100.0
    }

    /// By how many degrees clockwise the picture must be turned to stand upright. Tesseract reads turned pages but
    /// does not say so here; the way in which words follow each other does.
    fn turned(&self) -> u16 {
        let mut votes = [0.0f32; 4];
        for line in &self.lines {
            for (word, next) in line.iter().zip(line.iter().skip(1)) {
                let x = next.left + next.width / 2.0 - word.left - word.width / 2.0;
                let y = next.top + next.height / 2.0 - word.top - word.height / 2.0;
                let quarter = match (x.abs() >= y.abs(), x >= 0.0, y >= 0.0) {
                    (true, true, _) => 0,
                    (false, _, false) => 1,
                    (true, false, _) => 2,
                    (false, _, true) => 3,
                };
                votes[quarter] += 1.0;
            }
        }
        let best = (0..4usize).max_by(|a, b| votes[*a].total_cmp(&votes[*b]).then(b.cmp(a))).unwrap_or(0);
        best as u16 * 90
    }
}

/// What Tesseract could print, for `src/fuzz.rs`.
#[cfg(any(test, feature = "fuzz"))]
pub fn read_table(bytes: &[u8]) {
    let table = Table::parse(&String::from_utf8_lossy(bytes));
    assert!([0, 90, 180, 270].contains(&table.turned()));
    let grey = Grey::new(100, 100, vec![0; 10_000]).expect("sizes that fit");
    for word in seen(&table, &grey, 1.0).lines.iter().flatten() {
        let within = |number: f32| (0.0..=1.0).contains(&number);
        assert!(within(word.x0) && within(word.y0) && within(word.x1) && within(word.y1), "{word:?}");
    }
}

fn seen(table: &Table, grey: &Grey, skew: f32) -> Seen {
    let turned = table.turned();
    let (w, h) = (grey.width() as f32, grey.height() as f32);
    let word = |cell: &Cell| {
        let corners = [
            (cell.left, cell.top),
            (cell.left + cell.width, cell.top),
            (cell.left, cell.top + cell.height),
            (cell.left + cell.width, cell.top + cell.height),
        ]
        .map(|(x, y)| upright(leaning(x, y, w, h, skew), turned));
        let xs = corners.map(|(x, _)| x);
        let ys = corners.map(|(_, y)| y);
        let least = |all: [f32; 4]| all.into_iter().fold(f32::MAX, f32::min);
        let most = |all: [f32; 4]| all.into_iter().fold(f32::MIN, f32::max);
        Word::on_page(cell.text.clone(), least(xs), least(ys), most(xs), most(ys))
    };
    let lines = table.lines.iter().map(|line| line.iter().filter_map(word).collect()).collect();
    Seen { lines, confidence: table.confidence, turned }
}

/// From the picture that was turned back to the page as it is, as fractions.
fn leaning(x: f32, y: f32, w: f32, h: f32, skew: f32) -> (f32, f32) {
    let (sin, cos) = skew.to_radians().sin_cos();
    let (dx, dy) = (x - w / 2.0, y - h / 2.0);
    ((dx * cos - dy * sin) / w + 0.5, (dx * sin + dy * cos) / h + 0.5)
}

fn upright((x, y): (f32, f32), turned: u16) -> (f32, f32) {
    match turned {
        90 => (1.0 - y, x),
        180 => (1.0 - x, 1.0 - y),
        270 => (y, 1.0 - x),
        _ => (x, y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

    fn row(line: u32, word: u32, place: [i32; 4], confidence: f32, text: &str) -> String {
        let [left, top, width, height] = place;
        format!("5\t1\t1\t1\t{line}\t{word}\t{left}\t{top}\t{width}\t{height}\t{confidence}\t{text}\n")
    }

    #[test]
    fn rows_become_lines_with_their_confidence() {
        let table = [
            HEADER,
            "1\t1\t0\t0\t0\t0\t0\t0\t100\t200\t-1\t\n",
            &row(1, 1, [10, 10, 20, 10], 90.0, "surat"),
            &row(1, 2, [40, 10, 20, 10], 80.0, "tugas"),
            &row(2, 1, [10, 30, 20, 10], 85.0, "camat"),
            "5\tnonsense\n",
        ]
        .concat();
        let seen = seen(&Table::parse(&table), &Grey::new(100, 200, vec![255; 20_000]).expect("sizes"), 0.0);
        let texts: Vec<Vec<&str>> =
            seen.lines.iter().map(|line| line.iter().map(|word| word.text.as_str()).collect()).collect();
        assert_eq!(texts, [vec!["surat", "tugas"], vec!["camat"]]);
        assert_eq!((seen.confidence, seen.turned), (85.0, 0));
        let first = &seen.lines[0][0];
        assert!((first.x0 - 0.1).abs() < 1e-5 && (first.y1 - 0.1).abs() < 1e-5, "{first:?}");
    }

    #[test]
    fn the_way_the_words_run_says_how_the_page_lies() {
        for (step, turned) in [((30, 0), 0), ((0, -30), 90), ((-30, 0), 180), ((0, 30), 270)] {
            let words =
                (0..4).map(|n| row(1, n, [500 + step.0 * n as i32, 500 + step.1 * n as i32, 9, 9], 90.0, "kata"));
            let table = Table::parse(&(HEADER.to_owned() + &words.collect::<String>()));
            assert_eq!(table.turned(), turned);
        }
    }

    #[test]
    fn boxes_of_a_turned_page_stand_where_the_upright_picture_shows_them() {
        // A word at the top left of a page that lies on its right side stands at the page's left, near its foot.
        assert_eq!(upright((0.0, 0.0), 90), (1.0, 0.0));
        assert_eq!(upright((0.25, 1.0), 90), (0.0, 0.25));
        assert_eq!(upright((0.25, 0.5), 180), (0.75, 0.5));
        assert_eq!(upright((1.0, 0.25), 270), (0.25, 0.0));
    }
}
