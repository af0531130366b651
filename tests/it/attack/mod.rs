//! What somebody tries who reads the source: one file for each way at it.

mod above;
mod links;
mod logins;
mod origin;
pub mod timing;
mod tls;
pub mod wire;
