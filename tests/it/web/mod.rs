//! The pages as people use them: a real browser plays the whole story, and plain requests try what a browser hides.

mod bringing;
mod clerk;
mod drops;
mod every_page;
mod finding;
mod keeping;
mod lengths;
mod mine;
mod personal;
mod picture;
pub mod plain;
mod story;
mod strangers;
