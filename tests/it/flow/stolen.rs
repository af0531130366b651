//! Who steals the database without the master key, or the bucket, learns what README says and nothing else.

use lumbung::db::{self, Value};
use lumbung::office::OfficeKeys;
use lumbung::seal::MasterKey;
use serde_json::json;

use super::{holds, id};
use crate::reading::support::letter_pdf;
use crate::share::{anyone, link, open, terms};
use crate::support::app::{TestApp, both_stacks};
use crate::support::regency::{Actor, PASSWORD};

/// What must stand nowhere in the clear.
const HIDDEN: [&str; 5] = ["kenarititel", "kenarinomor", "kenariringkasan", "kenaripengirim", "kenaritulisan"];
/// The title of an ordinary document: in the database as README says, in the bucket nowhere.
const PLAIN: &str = "murbaijudul";

/// A hidden letter and an ordinary one, a link with a password; the secrets that were handed out.
async fn archive(app: &TestApp) -> Vec<String> {
    let clerk = app.actor(Actor::Clerk);
    let [title, number, summary, sender, text] = HIDDEN;
    let details = json!({
        "title": title, "number": number, "summary": summary, "sender": sender, "security_class": "rahasia",
    });
    clerk.upload_and_read("tertutup.pdf", letter_pdf(&[text, "isi tertutup"]), details).await;
    let ordinary = clerk.upload_and_read("biasa.pdf", letter_pdf(&[text, "isi"]), json!({ "title": PLAIN })).await;
    let guarded = terms(app, anyone(), "view", json!({ "password": "kenarisandi9" }));
    let made = link(&clerk, &id(&ordinary), &guarded).await;
    open(&app.nobody(), &made, json!({ "password": "kenarisandi9" })).await.is(200);
    app.settled().await;
    let token = clerk.account().token.clone();
    vec![made.secret, token, "kenarisandi9".into(), PASSWORD.into(), "AGE-SECRET-KEY-".into(), "lumbung-master".into()]
}

both_stacks!(a_stolen_database_opens_nothing_without_the_master_key, async |app: &TestApp| {
    let secrets = archive(app).await;
    let mut tx = app.app.db.read().await.expect("the database answers");
    let mut values = 0;
    for table in db::tables(&mut tx).await.expect("described") {
        for row in table.page(&mut tx, None, 100_000).await.expect("read") {
            for (value, column) in row.iter().zip(&table.columns) {
                let bytes = match value {
                    Value::Text(Some(text)) => text.as_bytes(),
                    Value::Bytes(Some(bytes)) => bytes,
                    _ => continue,
                };
                values += 1;
                let lower = bytes.to_ascii_lowercase();
                for word in HIDDEN.iter().copied().chain(secrets.iter().map(String::as_str)) {
                    let (table, column) = (&table.name, &column.name);
                    assert!(!holds(&lower, &word.to_lowercase()), "{table}.{column} holds {word}");
                }
            }
        }
    }
    assert!(values > 1_000, "every value was looked at");
    drop(tx);
    let thief = OfficeKeys::new(app.app.db.clone(), &MasterKey::generate());
    let office = app.actor(Actor::Clerk).office().parse().expect("an id");
    assert!(thief.kek(office, 1).await.is_err() && thief.dedupe_key(office).await.is_err());
});

both_stacks!(a_stolen_bucket_tells_count_size_and_time_only, async |app: &TestApp| {
    let mut secrets = archive(app).await;
    secrets.extend(HIDDEN.map(str::to_owned));
    secrets.extend([PLAIN.to_owned(), "tertutup.pdf".to_owned(), "undangan".to_owned(), "clerk".to_owned()]);
    app.app.records.flush().await.expect("records are written");
    let mut objects = 0;
    let mut listing = app.app.store.list(lumbung::blob::Prefix::All);
    while let Some(listed) = futures_util::StreamExt::next(&mut listing).await {
        let listed = listed.expect("listed");
        let name = listed.name().unwrap_or_else(|| panic!("{} is a name of ours", listed.path));
        let bytes = app.app.store.get(&name, None).await.expect("there").collect().await.expect("whole");
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"), "{} is an age file", listed.path);
        let lower = bytes.to_ascii_lowercase();
        for word in &secrets {
            assert!(!holds(&lower, &word.to_lowercase()), "{} holds {word}", listed.path);
        }
        objects += 1;
    }
    assert!(objects >= 5, "originals, texts and a record: {objects}");
});
