//! Reading: a stranger's bytes go in, page text with word boxes and page pictures come out.
//!
//! Nothing in this process parses those bytes. Our own program is started again as a jailed child (`jail`, `locks`),
//! the child parses and answers in frames (`wire`), and this side checks every number before it believes one. Pages
//! that are pictures go on to Tesseract, in a jail of its own (`ocr`).

mod calls;
mod child;
mod formats;
mod gather;
mod heif;
mod jail;
mod layer;
mod locks;
mod ocr;
mod page;
mod plaintext;
mod raster;
mod reader;
mod reason;
mod settings;
mod sniff;
mod status;
mod turns;
mod watermark;
mod wire;

pub use child::jail_main;
pub use locks::keep_memory_private;
#[cfg(any(test, feature = "fuzz"))]
pub use ocr::read_table;
pub use page::{Outcome, Page, Picture, Reading, Source, Watermark, Word};
pub use plaintext::Plaintext;
pub use reader::Reader;
pub use reason::Reason;
pub use settings::Settings;
pub use sniff::{is_worth_a_look, sniff};
pub use status::{Engine, JailReport};
#[cfg(any(test, feature = "fuzz"))]
pub use wire::read_frames;

/// The hidden command with which our own program becomes the jailed child.
pub const COMMAND: &str = "jailed-reader";
