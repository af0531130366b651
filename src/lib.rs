//! Lumbung: an archive of sealed documents for a regency, and their sharing within limits that hold.
//!
//! The rooms stand in the order in which a document travels; `ARCHITECTURE.md` is the map.

pub mod access;
pub mod account;
pub mod api;
pub mod app;
pub mod audit;
pub mod blob;
pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod db;
pub mod desk;
pub mod document;
pub mod download;
pub mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod http;
pub mod id;
pub mod idempotency;
pub mod ingest;
pub mod jobs;
pub mod mail;
pub mod measure;
pub mod office;
pub mod proof;
pub mod queue;
pub mod read;
pub mod record;
pub mod scan;
pub mod seal;
pub mod search;
pub mod share;
pub mod vault;
pub mod web;

/// Gives back what nobody uses. The system's allocator keeps a pool for each of many threads, and each pool keeps the most that
/// a question on it ever took, so that the memory of a busy node grew with its archive.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
