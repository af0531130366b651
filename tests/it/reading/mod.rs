//! The reader against real files, with the real program as its jailed child and the real Tesseract.

mod documents;
mod hostile;
mod jail;
mod pages;
mod secrecy;
pub mod support;
