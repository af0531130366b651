//! The law articles as the archive of a regency: each law is a document of some office, each of its articles a page.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use lumbung::search::{Details, IndexedDocument};
use serde::Deserialize;
use uuid::Uuid;

/// The regency itself, its kecamatan, villages and other offices.
pub const OFFICES: u64 = 248;
/// One village among many.
pub const VILLAGE: u64 = 7;
/// The one office to which every document was sent: no scope is wider.
pub const SECRETARIAT: u64 = 248;

pub struct Archive {
    pub documents: Vec<IndexedDocument>,
    pub pages: usize,
    pub bytes: usize,
}

#[derive(Deserialize)]
struct Article {
    _id: String,
    title: String,
    text: String,
}

impl Archive {
    /// `None` where the articles are not on this machine.
    pub fn load() -> Option<Archive> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/laws/articles.jsonl.tar.zst");
        let lines = BufReader::new(zstd::Decoder::new(File::open(path).ok()?).expect("zstd"));
        let mut archive = Archive { documents: Vec::new(), pages: 0, bytes: 0 };
        let mut law = String::new();
        for line in lines.split(b'\n') {
            let line = line.expect("readable");
            // The archive holds one file: what stands before the first line and after the last is tar's own.
            let Some(start) = line.iter().position(|byte| *byte == b'{') else { continue };
            let Ok(article) = serde_json::from_slice::<Article>(&line[start..]) else { continue };
            let name = article._id.split('#').next().unwrap_or_default();
            if law != name {
                name.clone_into(&mut law);
                let document = document(archive.documents.len() as u64, name, &article.title);
                archive.documents.push(document);
            }
            archive.pages += 1;
            archive.bytes += article.text.len();
            let document = archive.documents.last_mut().expect("a law was begun");
            let page = document.pages.len() as u32 + 1;
            document.pages.push((page, article.text));
        }
        Some(archive)
    }
}

/// The law of a name such as `permenkeu/2012/148`: who has it and may read it is drawn from its place in the row.
fn document(at: u64, name: &str, title: &str) -> IndexedDocument {
    let mut parts = name.split('/');
    let kind = parts.next().unwrap_or_default().to_owned();
    let year: i32 = parts.next().and_then(|year| year.parse().ok()).unwrap_or(2000);
    let number = parts.next().unwrap_or_default();
    let drawn = scattered(at);
    let days = i64::from(year - 1970) * 365 + (drawn % 365) as i64;
    IndexedDocument {
        document: Uuid::from_u128(u128::from(drawn) << 64 | u128::from(scattered(drawn))),
        version: Uuid::from_u128(u128::from(at)),
        office: 1 + drawn % OFFICES,
        class: u8::from(drawn % 10 >= 7) + u8::from(drawn % 10 == 9),
        reach_all: (drawn / 1_000).is_multiple_of(8),
        granted: vec![SECRETARIAT, 1 + drawn / 7 % OFFICES, 1 + drawn / 11 % OFFICES],
        linked: Vec::new(),
        kind: Some(kind),
        classification: Some(format!("{}.{}.{}", 100 + drawn % 9 * 100, drawn / 13 % 20, drawn / 17 % 9)),
        date: days,
        year,
        received_ms: days * 86_400_000,
        details: Details {
            title: title.to_owned(),
            number: Some(format!("{number} Tahun {year}")),
            file_name: Some(format!("{}.pdf", name.replace('/', "-"))),
            ..Details::default()
        },
        pages: Vec::new(),
    }
}

/// The same number for the same place in every run, and neighbours far apart (SplitMix64).
pub fn scattered(at: u64) -> u64 {
    let mut drawn = at.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    drawn = (drawn ^ drawn >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    drawn = (drawn ^ drawn >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    drawn ^ drawn >> 31
}
