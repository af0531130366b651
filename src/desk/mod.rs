//! What both edges, the API and the pages, do for somebody: load for an act, record what was received, find, open a page,
//! send an original. The edges themselves never call each other.

pub mod changes;
pub mod content;
pub mod disk;
pub mod documents;
pub mod history;
pub mod metrics;
pub mod pages;
pub mod paging;
pub mod personal;
pub mod readings;
pub mod receiving;
pub mod search;
pub mod shared;
pub mod status;
