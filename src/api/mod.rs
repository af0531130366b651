//! The HTTP API of `/api/v1`: one file for each resource. Handlers check who asks, call the rooms, and say the answer.

pub mod activations;
pub mod audit;
pub mod consents;
pub mod content;
pub mod documents;
pub mod drop_uploads;
pub mod drops;
pub mod events;
pub mod from_uploads;
pub mod history;
pub mod jobs;
pub mod links;
pub mod me;
pub mod members;
pub mod metrics;
pub mod offices;
pub mod pages;
pub mod search;
pub mod sessions;
pub mod shared;
pub mod status;
pub mod tokens;
pub mod upload_parts;
pub mod uploads;
pub mod versions;

use crate::desk::{paging, receiving};
