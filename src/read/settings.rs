//! What the operator can set about reading.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Stop reading, rather than read unconfined, where the kernel has no Landlock.
    pub require_jail: bool,
    /// The OCR program: a name to be found in /usr/bin, /usr/local/bin or /bin, or a whole path.
    pub tesseract: PathBuf,
    /// Tesseract's languages; those that are not installed are left out.
    pub languages: String,
    /// Resolution of the picture that OCR sees. More than 200 gains nothing on clean pages.
    pub dpi: u32,
    /// Address space of one reading child, in MiB.
    pub memory_mb: u64,
    /// Processor time of one reading child; each turn of a file is another child, and a page of OCR has the same limit of its own.
    pub cpu_seconds: u64,
    /// How long we wait for the next page before the child is killed; a page of OCR has the same limit of its own.
    pub wall_seconds: u64,
    /// How long one file may take in all; the pages read until then are kept.
    pub file_seconds: u64,
    /// How many files are read at the same time, and besides them how many page pictures are made.
    pub at_once: usize,
    /// After so long a file of many pages lets others pass, where they wait.
    pub turn_seconds: u64,
    pub max_pages: u32,
    /// Text kept of one file, in bytes.
    pub max_text_bytes: usize,
    /// Pixels of one picture after unpacking.
    pub max_pixels: u64,
    pub max_input_bytes: u64,
    /// LibreOffice, where the operator installs it; only its presence is reported.
    pub soffice: Option<PathBuf>,
    /// `heif-convert` of the distribution, for HEIC photographs.
    pub heif_convert: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            require_jail: true,
            tesseract: "tesseract".into(),
            languages: "ind+eng".into(),
            dpi: 200,
            memory_mb: 640,
            cpu_seconds: 900,
            wall_seconds: 45,
            file_seconds: 3_600,
            at_once: 2,
            turn_seconds: 5,
            max_pages: 2_000,
            max_text_bytes: 32 << 20,
            max_pixels: 60_000_000,
            max_input_bytes: 256 << 20,
            soffice: Some("soffice".into()),
            heif_convert: Some("heif-convert".into()),
        }
    }
}
