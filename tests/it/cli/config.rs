//! `lumbung config`: the operator sees what holds, and every mistake at once.

use lumbung::config::Config;

use super::Terminal;

const WRONG: &str =
    "[server]\nlisten = 5\nlisten_on = \"x\"\n[nonsense]\na = 1\n[queue]\nworkers = 0\n[log]\nformat = \"xml\"\n";
const KEYS: [&str; 5] = ["server.listen", "server.listen_on", "nonsense", "queue.workers", "log.format"];

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named_with_its_key_at_once() {
    let terminal = Terminal::new().with("LUMBUNG__TRASH__DAYZ", "3");
    terminal.file("wrong.toml", WRONG.as_bytes());
    let told = terminal.run(&["config", "check", "--config", "wrong.toml"]).await.ends(2).says(&KEYS);
    assert!(told.out().is_empty() && told.err().contains("trash.dayz"), "{}", told.err());
    assert_eq!(told.err().matches("server.listen_on").count(), 1, "once: {}", told.err());
    let report = terminal.run(&["config", "check", "--json", "--config", "wrong.toml"]).await.ends(2).json();
    let keys: Vec<&str> =
        report["mistakes"].as_array().expect("a list").iter().filter_map(|m| m["key"].as_str()).collect();
    assert!(KEYS.iter().all(|key| keys.contains(key)) && report["ok"] == false, "{report}");
    // Other commands refuse the same file in the same words, and touch nothing.
    terminal.run(&["serve", "--config", "wrong.toml"]).await.ends(2).says(&KEYS);
    assert!(!terminal.dir.join("lumbung-data").exists());
    terminal.run(&["config", "check", "--config", "absent.toml"]).await.ends(2).says(&["absent.toml"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_is_what_holds_and_no_secret() {
    let terminal = Terminal::new().with("LUMBUNG__QUEUE__WORKERS", "7");
    terminal.file("right.toml", b"[database]\nurl = \"postgres://lumbung:hunter2@db/lumbung\"\n[queue]\nworkers = 2\n");
    let check = terminal.run(&["config", "check", "--config", "right.toml"]).await.ends(0);
    assert!(check.out().contains("Konfigurasi benar"), "{}", check.out());
    let check = terminal.run(&["config", "check", "--json", "--config", "right.toml"]).await.ends(0).json();
    assert_eq!(check, serde_json::json!({ "ok": true, "mistakes": [] }));
    let shown = terminal.run(&["config", "show", "--config", "right.toml"]).await.ends(0).out();
    assert!(shown.contains("workers = 7") && !shown.contains("hunter2"), "{shown}");
    shown.parse::<toml::Table>().expect("it can be used as a file again");
    let shown = terminal.run(&["config", "show", "--json", "--config", "right.toml"]).await.ends(0).json();
    assert_eq!(
        (&shown["queue"]["workers"], &shown["database"]["url"]),
        (&7.into(), &"postgres://***@db/lumbung".into())
    );
    let default = terminal.run(&["config", "show", "--default"]).await.ends(0).out();
    assert!(default.contains("# Makes the bucket at start where it is absent."), "with the comments: {default}");
    terminal.file("default.toml", default.as_bytes());
    terminal.run(&["config", "check", "--config", "default.toml"]).await.ends(0);
}

/// Whoever copies what README shows must not be told that half of it is missing.
#[test]
fn what_the_readme_shows_for_postgresql_and_an_s3_store_is_a_whole_configuration() {
    let readme = std::fs::read_to_string("README.md").expect("README.md");
    let shown = readme.split("\n\n").find(|part| part.contains("kind = \"s3\"")).expect("the lines that change");
    let config = Config::from_layers(shown, []).expect("a whole configuration");
    assert!(config.database.url.starts_with("postgres://") && config.storage.kind == "s3");
}
