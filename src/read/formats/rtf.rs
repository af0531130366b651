//! The text of an RTF file. Formatting is passed over; a file that nests without end is refused.

use super::office::Pages;
use crate::read::{reason::Reason, wire::Limits};
use encoding_rs::Encoding;

/// A guard of the reader, not a limit of the archive: what goes deeper is taken for a bomb.
const DEEPEST: usize = 1_000;
/// Groups whose content is not the text of the document.
const HIDDEN: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "themedata",
    "datastore",
    "listtable",
    "rsidtbl",
    "listoverridetable",
    "generator",
    "xmlnstbl",
    "fldinst",
    "bkmkstart",
    "bkmkend",
    "latentstyles",
    "colorschememapping",
];

#[derive(Clone, Copy)]
struct Group {
    hidden: bool,
    /// How many characters after a `\u` are its replacement for old programs.
    replaced: usize,
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    encoding: &'static Encoding,
    groups: Vec<Group>,
    skip: usize,
    out: Pages,
}

pub(super) fn pages(bytes: &[u8], limits: &Limits) -> Result<Vec<String>, Reason> {
    let group = Group { hidden: false, replaced: 1 };
    let out = Pages::new(limits.max_text_bytes);
    let mut rtf = Rtf { bytes, at: 0, encoding: encoding_rs::WINDOWS_1252, groups: vec![group], skip: 0, out };
    while let Some(byte) = rtf.next() {
        rtf.step(byte)?;
    }
    rtf.out.finish()
}

impl Rtf<'_> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn group(&mut self) -> Group {
        self.groups.last().copied().unwrap_or(Group { hidden: true, replaced: 1 })
    }

    fn step(&mut self, byte: u8) -> Result<(), Reason> {
        match byte {
            b'{' => {
                let group = self.group();
                self.groups.push(group);
                if self.groups.len() > DEEPEST { Err(Reason::Bomb) } else { Ok(()) }
            }
            b'}' => {
                self.groups.pop();
                self.skip = 0;
                Ok(())
            }
            b'\\' => self.control(),
            b'\r' | b'\n' => Ok(()),
            plain => self.byte(plain),
        }
    }

    fn control(&mut self) -> Result<(), Reason> {
        match self.next() {
            Some(b'\'') => {
                let hex: String = [self.next(), self.next()].into_iter().flatten().map(char::from).collect();
                u8::from_str_radix(&hex, 16).map_or(Ok(()), |byte| self.byte(byte))
            }
            Some(b'*') => self.hide(),
            Some(b'~') => self.text(" "),
            Some(b'_') => self.text("-"),
            Some(b'\r' | b'\n') => self.line(),
            Some(letter) if letter.is_ascii_alphabetic() => {
                self.at -= 1;
                let (word, number) = self.word();
                self.command(&word, number)
            }
            Some(escaped @ (b'\\' | b'{' | b'}')) => self.byte(escaped),
            _ => Ok(()),
        }
    }

    /// A control word and its number; one blank after it belongs to it.
    fn word(&mut self) -> (String, Option<i32>) {
        let mut take = |wanted: fn(u8) -> bool, most: usize| -> String {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let len = rest.iter().take(most).take_while(|byte| wanted(**byte)).count();
            self.at += len;
            rest[..len].iter().copied().map(char::from).collect()
        };
        let word = take(|byte| byte.is_ascii_alphabetic(), 32);
        let sign = take(|byte| byte == b'-', 1);
        let digits = take(|byte| byte.is_ascii_digit(), 10);
        take(|byte| byte == b' ', 1);
        (word, (sign + &digits).parse().ok())
    }

    fn command(&mut self, word: &str, number: Option<i32>) -> Result<(), Reason> {
        match (word, number) {
            ("par" | "line" | "row" | "sect", _) => self.line(),
            ("tab" | "cell", _) => self.text(" "),
            ("page", _) => {
                self.out.end_page();
                Ok(())
            }
            ("emdash", _) => self.text("—"),
            ("endash", _) => self.text("–"),
            ("lquote", _) => self.text("‘"),
            ("rquote", _) => self.text("’"),
            ("ldblquote", _) => self.text("“"),
            ("rdblquote", _) => self.text("”"),
            ("bullet", _) => self.text("•"),
            ("ansicpg", Some(page)) => {
                let label = format!("windows-{page}");
                self.encoding = Encoding::for_label(label.as_bytes()).unwrap_or(self.encoding);
                Ok(())
            }
            ("uc", Some(count)) => {
                if let Some(group) = self.groups.last_mut() {
                    group.replaced = count.clamp(0, 8) as usize;
                }
                Ok(())
            }
            ("u", Some(unit)) => {
                let unit = if unit < 0 { unit + 65_536 } else { unit };
                let letter = u32::try_from(unit).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
                self.text(letter.encode_utf8(&mut [0; 4]))?;
                self.skip = self.group().replaced;
                Ok(())
            }
            ("bin", Some(len)) => {
                self.at = self.at.saturating_add(usize::try_from(len).unwrap_or(0));
                Ok(())
            }
            (hidden, _) if HIDDEN.contains(&hidden) => self.hide(),
            _ => Ok(()),
        }
    }

    fn hide(&mut self) -> Result<(), Reason> {
        if let Some(group) = self.groups.last_mut() {
            group.hidden = true;
        }
        Ok(())
    }

    fn line(&mut self) -> Result<(), Reason> {
        if !self.group().hidden {
            self.out.end_line();
        }
        Ok(())
    }

    fn byte(&mut self, byte: u8) -> Result<(), Reason> {
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        let letter = self.encoding.decode_without_bom_handling(&[byte]).0.into_owned();
        self.text(&letter)
    }

    fn text(&mut self, text: &str) -> Result<(), Reason> {
        if self.group().hidden { Ok(()) } else { self.out.push(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rtf: &str) -> Result<Vec<String>, Reason> {
        let limits = Limits { dpi: 200, max_pages: 9, max_text_bytes: 10_000, max_pixels: 1 };
        pages(rtf.as_bytes(), &limits)
    }

    #[test]
    fn the_text_comes_without_its_formatting() {
        let rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator Word;}\b SURAT\b0  TUGAS\par
Caf\'e9 \{Sari\} \u8211?\u233\'e9 akhir\page Halaman dua}";
        assert_eq!(read(rtf), Ok(vec!["SURAT TUGAS\nCafé {Sari} –é akhir".into(), "Halaman dua".into()]));
    }

    #[test]
    fn bottomless_groups_are_refused_and_a_cut_file_is_read_to_its_end() {
        assert_eq!(read(&("{\\rtf1".to_owned() + &"{".repeat(100_000))), Err(Reason::Bomb));
        assert_eq!(read(r"{\rtf1 Yth. Bapak \u82"), Ok(vec!["Yth. Bapak R".into()]));
    }
}
