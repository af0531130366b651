//! The numbered files of `schema/`, compiled in, in the order in which they are applied.

use super::Migration;

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "ground", sql: include_str!("../../schema/0001_ground.sql") },
    Migration { number: 2, name: "people", sql: include_str!("../../schema/0002_people.sql") },
    Migration { number: 3, name: "archive", sql: include_str!("../../schema/0003_archive.sql") },
    Migration { number: 4, name: "sharing", sql: include_str!("../../schema/0004_sharing.sql") },
    Migration { number: 5, name: "sweep", sql: include_str!("../../schema/0005_sweep.sql") },
];
