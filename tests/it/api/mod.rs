//! The HTTP API, resource by resource.

mod people_access;
mod people_members;
mod people_sessions;
mod routes;
