//! What a death may leave behind it: objects that no row names, and rows whose object is not there.

use futures_util::TryStreamExt;
use lumbung::blob::Prefix;
use serde_json::{Value, json};

use crate::support::program::Program;

const DAY: u64 = 86_400;
const NAMED: &str =
    "SELECT CAST((SELECT COUNT(*) FROM blob WHERE state = 'live') + (SELECT COUNT(*) FROM derivation) AS BIGINT)";

const NAMED_PARTS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM upload_part";

/// Sweeps as the days go by, then compares the store with the database.
pub async fn none(program: &Program) {
    // What a death left without a row is set aside; what has ended its time goes.
    for day in 5..8 {
        let ahead = (day * DAY).to_string();
        let swept = program.command_with(&[("LUMBUNG_CLOCK_AHEAD", &ahead)], &["sweep", "--confirm"]);
        assert!(swept.status.success(), "{}", String::from_utf8_lossy(&swept.stderr));
    }
    let verified = program.command(&["verify", "--deep", "--json"]);
    let told = String::from_utf8_lossy(&verified.stdout).into_owned();
    let report: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!(report["problems"], json!([]), "{report}");
    let store = program.home.open_store().await;
    let listed: Vec<_> = store.list(Prefix::Objects).try_collect().await.expect("lists");
    let parts: Vec<_> = store.list(Prefix::Parts).try_collect().await.expect("lists");
    let db = program.home.open_database().await;
    let count = async |sql: &'static str| {
        let row: Option<(i64,)> = db.one(sql, vec![]).await.expect("the database answers");
        row.map_or(0, |(count,)| count)
    };
    let (named, named_parts) = (count(NAMED).await, count(NAMED_PARTS).await);
    db.close().await;
    assert_eq!(listed.len() as i64, named, "objects that no row names");
    // Parts leave the store before their rows do, and what no row named was set aside.
    assert!(parts.len() as i64 <= named_parts, "{} parts, {named_parts} are named", parts.len());
}
