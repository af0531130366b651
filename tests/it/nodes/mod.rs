//! Several servers on one database and one bucket: whichever of them is asked, the answer is the same, and one that dies
//! takes nothing with it.

mod finding;
mod killed;
mod load;
mod master;
pub mod proxy;
mod sharing;
mod timekeeping;
mod upgrade;
mod uploading;
