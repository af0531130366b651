//! What somebody tries who reads the source: one file for each way at it.

mod above;
mod links;
mod origin;
mod tls;
pub mod wire;
