//! The pages as people use them: a real browser plays the whole story, and plain requests try what a browser hides.

mod clerk;
mod plain;
mod story;
