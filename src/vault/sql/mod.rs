//! Every statement of the vault, by what it is about.

mod checking;
mod destroying;
mod leaving;
mod turns;

pub use leaving::discard;
pub(super) use {checking::*, destroying::*, leaving::*, turns::*};
