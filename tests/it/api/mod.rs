//! The HTTP API, resource by resource.

mod operation;
mod people_access;
mod people_members;
mod people_sessions;
mod readings;
mod routes;
