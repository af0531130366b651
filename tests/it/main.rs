//! Everything is tested from outside in this one binary, which compiles once: `support/` starts real servers, the rest
//! tells what must hold.

mod api;
mod crash;
mod deploy;
mod flow;
mod ground;
mod letters;
mod reading;
mod search_index;
mod share;
mod store;
mod support;
mod tidy;
mod vault;
mod web;
