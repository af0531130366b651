//! What every test stands on: real servers on loopback, started once for the process, and a running Lumbung for each test.

pub mod app;
pub mod blobs;
pub mod browser;
pub mod clamd;
pub mod client;
pub mod fault;
pub mod large;
pub mod mail;
pub mod minio;
pub mod postgres;
pub mod program;
pub mod regency;
pub mod server;
pub mod tools;
