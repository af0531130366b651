//! The vault over time: what must stay stays, what must go goes with every copy, what is damaged is found and mended.

mod deep;
mod destroy;
mod mirror;
mod model;
mod rig;
mod rolling;
mod second_bucket;
mod server_keeps;
mod stale;
mod sweep;
