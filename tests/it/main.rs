//! Everything is tested from outside in this one binary, which compiles once: `support/` starts real servers, the rest
//! tells what must hold.

mod api;
mod attack;
mod cli;
mod crash;
mod deploy;
mod finding;
mod flow;
mod ground;
mod letters;
mod limits;
mod mailing;
mod nodes;
mod reading;
mod restore;
mod search_index;
mod security;
mod share;
mod store;
mod support;
mod tidy;
mod vault;
mod web;
