//! What every HTTP surface shares: who is calling and from where, strict bodies and queries, problems in two languages,
//! security headers, one log line a request. Handlers return [`crate::error::Result`]; this module turns an
//! [`Error`](crate::error::Error) into `application/problem+json`.

mod around;
mod body;
mod caller;
mod conditional;
mod description;
mod digest;
mod extract;
pub mod pace;
mod patience;
pub mod plain;
mod problem;
pub mod routes;
pub mod serve;
pub mod strict;

pub use around::{Lang, around, forwarded};
pub use body::broken_off;
pub use caller::{COOKIE, Caller, Who, cookie, credential};
pub use conditional::{IfMatch, etag};
pub use description::{Description, Operation};
pub use digest::{CONTENT_DIGEST, content_digest, verified};
pub use extract::{Form, Json, Path, Query, parse_json};
pub use problem::Problem;
