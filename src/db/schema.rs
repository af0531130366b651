//! The numbered files of `schema/`, compiled in, in the order in which they are applied. The first four came with
//! the first version together, so that no program is older than the fourth.

use super::Migration;

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "ground", runs_with: 4, sql: include_str!("../../schema/0001_ground.sql") },
    Migration { number: 2, name: "people", runs_with: 4, sql: include_str!("../../schema/0002_people.sql") },
    Migration { number: 3, name: "archive", runs_with: 4, sql: include_str!("../../schema/0003_archive.sql") },
    Migration { number: 4, name: "sharing", runs_with: 4, sql: include_str!("../../schema/0004_sharing.sql") },
    Migration { number: 5, name: "sweep", runs_with: 4, sql: include_str!("../../schema/0005_sweep.sql") },
];
