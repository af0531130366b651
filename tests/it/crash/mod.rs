//! Reliability is enumerated: the process is killed at every named point of every write path ([`matrix`]), at every n-th
//! call of the kernel that makes something durable ([`calls`]), and at random under load ([`random`]). After each
//! death the ledger of what was acknowledged is compared with what is there. What keeps the archive over the years dies at
//! each of its points too ([`keeping`]), its commands and its server at every n-th call ([`commands`]), and a server at each
//! sync while it builds an index anew ([`rebuilt`]).

mod calls;
mod commands;
mod durable;
mod keeping;
mod ledger;
mod leftover;
mod load;
mod matrix;
mod random;
mod rebuilt;
mod story;
