//! Before there is an archive, and when what it needs is away.

use super::{Terminal, text};
use crate::support::program::Program;
use crate::support::regency::Stack;
use crate::support::server::free_port;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_never_set_up_says_what_to_do_and_stays_as_it_is() {
    let listen = format!("127.0.0.1:{}", free_port());
    let terminal = Terminal::new().with("LUMBUNG__DATA__DIR", "archive").with("LUMBUNG__SERVER__LISTEN", &listen);
    for args in [&["serve"][..], &["verify"], &["key", "export", "--all"], &["reindex"]] {
        let told = terminal.run(args).await.ends(2);
        told.says(&["archive/lumbung.db", "lumbung init --recovery-out", "lumbung demo", "--config"]);
    }
    assert!(!terminal.dir.join("archive").exists(), "nothing is made by a command that is refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_says_what_losing_each_key_means() {
    let terminal = Terminal::new().with("LUMBUNG__DATA__DIR", "archive");
    let told = terminal.run(&["init", "--recovery-out", "recovery.txt"]).await.ends(0).out();
    for words in [
        "archive/master.key",
        "recovery.txt",
        "archive/activation-admin.txt",
        "Lost: the server opens nothing; only the recovery identity still can.",
        "Hilang: peladen tidak dapat membuka apa pun",
        "Lost: there is no second way if the master key is lost.",
        "Leaked: whoever holds the store can read everything.",
        "delete it here",
        "lumbung serve",
    ] {
        assert!(told.contains(words), "{words:?} is missing in: {told}");
    }
    let link = text(&terminal.dir.join("archive/activation-admin.txt"));
    assert!(link.contains("/aktivasi#") && !told.contains(link.trim()), "the link is in its file only");
    terminal.run(&["init", "--recovery-out", "second.txt"]).await.ends(2).says(&["nothing was changed"]);
    assert!(!terminal.dir.join("second.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_that_fails_can_simply_be_repeated() {
    let terminal = Terminal::new().with("LUMBUNG__DATA__DIR", "archive");
    let absent = ["init", "--recovery-out", "absent/recovery.txt"];
    terminal.run(&absent).await.ends(2).says(&["absent/recovery.txt"]);
    terminal.run(&["init", "--recovery-out", "recovery.txt", "--admin", "not a login"]).await.ends(2);
    assert!(!terminal.dir.join("recovery.txt").exists(), "an identity that opens nothing is not left behind");
    let report = terminal.run(&["init", "--recovery-out", "recovery.txt", "--json"]).await.ends(0).json();
    assert_eq!(report["recovery_identity"], "recovery.txt");
    assert_eq!(report["activation_link_file"], "archive/activation-admin.txt");
    assert!(report["offices"].as_u64().is_some_and(|offices| offices > 200), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_as_such() {
    let url = format!("postgres://lumbung@127.0.0.1:{}/lumbung", free_port());
    let terminal = Terminal::new().with("LUMBUNG__DATABASE__URL", &url).with("LUMBUNG__DATABASE__ACQUIRE_SECONDS", "2");
    terminal.run(&["verify"]).await.ends(3);
    terminal.run(&["init", "--recovery-out", "recovery.txt"]).await.ends(3);
    assert!(!terminal.dir.join("recovery.txt").exists(), "an identity that opens nothing is not left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_address_ends_before_it_touches_the_data() {
    let program = Program::start(Stack::Embedded, &[]).await;
    let spool = program.home.dir.join("spool");
    std::fs::create_dir_all(&spool).expect("our folder");
    let on_its_way = spool.join("somebodys.spool");
    std::fs::write(&on_its_way, b"sealed").expect("our folder");
    let second = program.command(&["serve"]);
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("Cannot listen on 127.0.0.1:") && said.contains("server.listen"), "{said}");
    assert!(on_its_way.exists(), "what the first one is receiving was taken from it");
}
