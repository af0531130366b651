//! The test ground itself: what the other tests believe about it.

use std::process::Command;

use lumbung::config::Config;
use lumbung::db::{Db, Settings};

use crate::support::{app::AS_SHIPPED, browser::Browser, mail, minio, postgres, server};

#[tokio::test(flavor = "multi_thread")]
async fn each_database_is_empty_and_nobody_elses() {
    let (one, other) = tokio::task::spawn_blocking(|| (postgres::fresh_database(), postgres::fresh_database()))
        .await
        .expect("databases are made");
    assert_ne!(one, other);
    let five = std::time::Duration::from_secs(5);
    let settings = Settings { url: one, max_connections: 2, acquire: five, answer: five };
    let db = Db::connect(&settings, &lumbung::clock::Clock::default()).await.expect("connects");
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM information_schema.tables WHERE table_schema = 'public'";
    let (tables,): (i64,) = db.one(sql, vec![]).await.expect("asks").expect("one row");
    assert_eq!(tables, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bucket_keeps_what_is_put_into_it() {
    let (one, other) = (minio::fresh_bucket().await, minio::fresh_bucket().await);
    one.write("o/a", b"bytes".to_vec()).await;
    assert_eq!(one.objects().await, [("o/a".to_owned(), 5)]);
    assert_eq!(one.read("o/a").await, b"bytes");
    assert_eq!(other.objects().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_caught_for_the_address_it_went_to() {
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
    let port = tokio::task::spawn_blocking(mail::port).await.expect("the mail server starts");
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(port).build();
    let message = Message::builder()
        .from("lumbung@example.id".parse().expect("an address"))
        .to("ground@example.id".parse().expect("an address"))
        .subject("Kode pembuka – uji")
        .body("Kode Anda 123456".to_owned())
        .expect("a message");
    transport.send(message).await.expect("is accepted");
    let caught = mail::wait_for("ground@example.id", 1).await;
    assert_eq!((caught.subject.as_str(), caught.text.trim()), ("Kode pembuka – uji", "Kode Anda 123456"));
    assert!(mail::received("nobody@example.id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_shows_a_page_at_a_phones_width() {
    let browser = Browser::open(360, 740, "id").await;
    let page = "data:text/html,<html lang=id><meta name=viewport content='width=device-width'><title>Uji</title>\
                <main><h1>Halo</h1><img src='data:,'></main>";
    browser.page.goto(page).await.expect("goes there");
    let width = browser.page.execute("return window.innerWidth", vec![]).await.expect("a width");
    assert_eq!(width, 360);
    let faults = browser.accessibility_faults().await;
    assert!(faults.iter().any(|fault| fault.starts_with("image-alt")), "a picture without words passed: {faults:?}");
    browser.close().await;
}

#[test]
fn a_server_and_its_folder_end_with_the_one_who_started_it() {
    let dir = server::throw_away("guard");
    let mut sleeper = Command::new("/bin/sh");
    sleeper.args(["-c", "echo $$; sleep 600 & wait"]);
    let mut running = server::Server::start("sleeper", dir.clone(), "TERM", &sleeper);
    running.wait_for("to speak", |server| server.output().ends_with('\n'));
    let process = format!("/proc/{}", running.output().trim());
    assert!(std::path::Path::new(&process).exists());
    drop(running);
    assert!(!std::path::Path::new(&process).exists() && !dir.exists());
}

/// Figures are those of a server as it is shipped, though tests do not wait as long.
#[test]
fn what_benches_set_is_what_a_server_has() {
    let search = Config::from_layers("", []).expect("defaults").search;
    let shipped = [search.poll_milliseconds, search.gather_milliseconds].map(|milliseconds| milliseconds.to_string());
    assert_eq!(AS_SHIPPED.map(|(_, value)| value.to_owned()), shipped);
}
