use super::testing::empty;
use super::*;
use crate::clock::{Clock, Time};
use crate::error::Kind;

const fn migration(number: i64, runs_with: i64, sql: &'static str) -> Migration {
    Migration { number, name: "test", runs_with, sql }
}

/// What every write needs: the facts of the installation, and the notes of what changed.
const GROUND: Migration = migration(
    1,
    1,
    "CREATE TABLE installation (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE record_change (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, changes TEXT NOT NULL)",
);
/// Adds something: programs of the first file still run.
const ADDED: Migration =
    migration(2, 1, "CREATE TABLE letter (id BIGINT NOT NULL PRIMARY KEY); INSERT INTO letter (id) VALUES (1)");
/// Needs the second file, so that it fails when it comes first.
const BUILT_ON_IT: Migration = migration(3, 2, "INSERT INTO letter (id) VALUES (2)");
/// Takes something away: programs older than the fourth file must not run.
const TAKEN_AWAY: Migration = migration(4, 4, "DROP TABLE letter");

async fn applied(db: &Db) -> Vec<(i64, String)> {
    db.all("SELECT number, checksum FROM schema_migration ORDER BY number", params![]).await.unwrap()
}

async fn letters(db: &Db) -> i64 {
    let row: Option<(i64,)> = db.one("SELECT count(*) FROM letter", params![]).await.unwrap();
    row.unwrap().0
}

#[tokio::test]
async fn each_file_is_applied_once_in_order_and_remembered_with_its_checksum() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    migrate(&db, &[GROUND, ADDED], &clock).await.unwrap();
    migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.unwrap();
    migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.unwrap();
    assert_eq!(letters(&db).await, 2, "none twice");
    let remembered = applied(&db).await;
    assert_eq!(remembered.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(remembered.iter().all(|(_, checksum)| checksum.len() == 64));
    assert_ne!(remembered[0].1, remembered[1].1);
}

#[tokio::test]
async fn a_file_that_fails_leaves_nothing_of_itself_or_the_others() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    migrate(&db, &[GROUND], &clock).await.unwrap();
    let broken = migration(3, 3, "CREATE TABLE half (id BIGINT); INSERT INTO absent (id) VALUES (1)");
    migrate(&db, &[GROUND, ADDED, broken], &clock).await.unwrap_err();
    assert_eq!(applied(&db).await.len(), 1);
    migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.unwrap();
    assert_eq!(letters(&db).await, 2);
}

#[tokio::test]
async fn a_file_that_changed_after_it_was_applied_is_refused() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    migrate(&db, &[GROUND, ADDED], &clock).await.unwrap();
    let changed = Migration { sql: "CREATE TABLE letter (id BIGINT NOT NULL)", ..ADDED };
    let refusal = migrate(&db, &[GROUND, changed, BUILT_ON_IT], &clock).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.slug()), (Kind::Conflict, "schema-changed"));
    assert!(refusal.detail().en.contains("2 (test)"), "{}", refusal.detail().en);
    assert_eq!(applied(&db).await.len(), 2, "and nothing was applied after it");
}

#[tokio::test]
async fn two_starts_at_once_migrate_once() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let start = || async {
        let db = Db::connect(&settings, &Clock::default()).await?;
        migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.map(|()| db)
    };
    let (one, two, three) = tokio::join!(start(), start(), start());
    for db in [one.unwrap(), two.unwrap(), three.unwrap()] {
        assert_eq!(letters(&db).await, 2);
        assert_eq!(applied(&db).await.len(), 3);
    }
}

#[tokio::test]
async fn an_older_program_runs_beside_a_newer_one_as_long_as_the_newer_only_adds() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    let newer = [GROUND, ADDED, BUILT_ON_IT];
    migrate(&db, &newer, &clock).await.unwrap();
    assert_eq!(installation(&db, "min_program").await.unwrap().as_deref(), Some("2"));
    migrate(&db, &newer[..2], &clock).await.unwrap();
    assert_eq!(applied(&db).await.len(), 3, "it leaves the schema alone");
    assert_eq!(installation(&db, "min_program").await.unwrap().as_deref(), Some("2"), "and what it asks");
}

#[tokio::test]
async fn a_program_that_is_too_old_refuses_and_says_so() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.unwrap();
    let refusal = migrate(&db, &[GROUND], &clock).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.slug()), (Kind::Conflict, "program-too-old"));
    for word in ["schema 3", "needs a program that knows schema 2", "this program knows 1"] {
        assert!(refusal.detail().en.contains(word), "{word} is missing: {}", refusal.detail().en);
    }
    assert!(refusal.detail().id.contains("Pasang versi yang lebih baru"), "{}", refusal.detail().id);
    migrate(&db, &[GROUND, ADDED, BUILT_ON_IT, TAKEN_AWAY], &clock).await.unwrap();
    let refusal = migrate(&db, &[GROUND, ADDED, BUILT_ON_IT], &clock).await.unwrap_err();
    assert_eq!(refusal.slug(), "program-too-old", "what only just ran runs no longer");
}

#[tokio::test]
async fn a_newer_database_that_does_not_say_what_it_allows_is_left_alone() {
    let ((settings, _dir), clock) = (empty().await, Clock::default());
    let db = Db::connect(&settings, &Clock::default()).await.unwrap();
    migrate(&db, &[GROUND, ADDED], &clock).await.unwrap();
    db.execute("DELETE FROM installation", params![]).await.unwrap();
    assert_eq!(migrate(&db, &[GROUND], &clock).await.unwrap_err().slug(), "program-too-old");
}

#[tokio::test]
async fn the_real_schema_says_which_programs_it_runs_with() {
    let (settings, _dir) = empty().await;
    let clock = Clock::default();
    let db = Db::connect(&settings, &clock).await.unwrap();
    migrate(&db, MIGRATIONS, &clock).await.unwrap();
    for migration in MIGRATIONS {
        assert!(migration.runs_with <= migration.number.max(4), "{}: no program can know it", migration.name);
    }
    let needed: i64 = installation(&db, "min_program").await.unwrap().unwrap().parse().unwrap();
    assert!((1..=MIGRATIONS.last().unwrap().number).contains(&needed));
}

#[tokio::test]
async fn what_was_opened_for_reading_changes_nothing() {
    let (db, _, _dir) = fresh().await;
    let mut tx = db.read().await.unwrap();
    let insert = "INSERT INTO installation (name, value) VALUES ($1, $2)";
    assert!(tx.execute(insert, params!["a", "1"]).await.is_err());
    assert!(tx.execute_unnoted("DELETE FROM throttle", params![]).await.is_err());
    drop(tx);
    let found: Vec<(String,)> = db.all("SELECT name FROM installation WHERE name = $1", params!["a"]).await.unwrap();
    assert!(found.is_empty());
}

#[tokio::test]
async fn a_program_goes_by_the_databases_time_however_its_machine_is_set() {
    let (db, clock, _dir) = fresh().await;
    let off = |of: &Clock, right: Time| (of.now().0 - right.0).abs();
    for seconds in [600, -600, 0] {
        clock.misset(seconds);
        db.keep_time().await.unwrap();
        let right = Clock::default().machine();
        // SQLite has no time of its own.
        let expected = if db.is_postgres() { 0 } else { seconds.abs() * 1000 };
        assert!((off(&clock, right) - expected).abs() < 2_000, "{seconds}: {}", off(&clock, right));
        let told = db.machine_ahead().await.unwrap();
        assert!((told - if db.is_postgres() { seconds as f64 } else { 0.0 }).abs() < 2.0, "{told}");
    }
}
