//! What holds for every route: who may call it, how it is described, what it does with what it does not know.

mod audited;
mod conventions;
mod description;
mod fuzzing;
mod pace;
mod table;
mod village;
mod walk;
