//! The reader against real files, with the real program as its jailed child and the real Tesseract.

mod confined;
mod documents;
mod fairness;
mod hostile;
mod hostile_files;
mod hostile_makers;
mod hostile_uploaded;
mod jail;
mod kinds;
mod pages;
mod secrecy;
pub mod support;
mod tree;
