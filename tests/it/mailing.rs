//! Letters to a mail server as a regency has it: with TLS, an authority of its own and a login.

use std::path::{Path, PathBuf};
use std::process::Command;

use lumbung::clock::Clock;
use lumbung::config::{self, Config};
use lumbung::error::Result;
use lumbung::mail::{Letter, Mailer};

use crate::support::mail::{self, Catcher};
use crate::support::server;

struct Authority {
    root: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Authority {
    /// One of our own that vouches for 127.0.0.1.
    fn make() -> Authority {
        let dir = server::scratch("authority");
        std::fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("our folder");
        let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
        openssl(&dir, &format!("req -x509 {new_key} -keyout ca.key -out ca.pem -subj /CN=Kabupaten"));
        openssl(&dir, &format!("req -new {new_key} -keyout leaf.key -out leaf.csr -subj /CN=surel"));
        openssl(
            &dir,
            "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem",
        );
        Authority { root: dir.join("ca.pem"), certificate: dir.join("leaf.pem"), key: dir.join("leaf.key") }
    }

    async fn server(&self, security: &'static str) -> Catcher {
        let (certificate, key) = (self.certificate.clone(), self.key.clone());
        let started = tokio::task::spawn_blocking(move || Catcher::guarded(&certificate, &key, security));
        started.await.expect("the mail server starts")
    }
}

fn openssl(dir: &Path, args: &str) {
    let done = Command::new("openssl").args(args.split(' ')).current_dir(dir).output().expect("openssl runs");
    assert!(done.status.success(), "{args}: {}", String::from_utf8_lossy(&done.stderr));
}

fn settings(port: u16, security: &str) -> config::Mail {
    let mut mail = Config::load(None, []).expect("the defaults").mail;
    (mail.host, mail.port, mail.security) = ("127.0.0.1".into(), port, security.into());
    mail
}

fn with_login(mut mail: config::Mail, password: &str) -> config::Mail {
    mail.user = "kantor".into();
    mail.password_file = server::scratch("password").join("password");
    server::write_secret(&mail.password_file, &format!("{password}\n"));
    mail
}

async fn send(mail: &config::Mail) -> Result<()> {
    let letter = Letter {
        to: "rina@dpmd.example".into(),
        subject: "Kode pembuka".into(),
        text: "Kode Anda 123456".into(),
        name: "satu".into(),
    };
    Mailer::new(mail)?.expect("a host is set").send(&letter, Clock::default().now()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_go_out_encrypted_and_by_a_login_and_to_nobody_who_is_not_vouched_for() {
    let authority = Authority::make();
    for security in ["tls", "starttls"] {
        let server = authority.server(security).await;
        let known = with_login(settings(server.port, security), "rahasia-surel");
        let trusting = config::Mail { ca_file: authority.root.clone(), ..known.clone() };

        let cause = send(&known).await.expect_err("nobody we know vouches for it");
        assert!(
            lumbung::mail::is_away(&cause) && cause.chain().contains("certificate"),
            "{security}: {}",
            cause.chain()
        );
        let cause = send(&with_login(trusting.clone(), "salah")).await.expect_err("not the login");
        assert_eq!(cause.slug(), "mail-refused", "{security}: {}", cause.chain());
        assert!(server.received("rina@dpmd.example").is_empty(), "{security}");

        send(&trusting).await.unwrap_or_else(|cause| panic!("{security}: {}", cause.chain()));
        assert_eq!(server.received("rina@dpmd.example").len(), 1, "{security}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_without_encryption_gets_nothing_where_it_is_wanted() {
    let port = tokio::task::spawn_blocking(mail::port).await.expect("the mail server starts");
    let cause = send(&settings(port, "starttls")).await.expect_err("it offers none");
    assert!(mail::received("rina@dpmd.example").is_empty(), "{}", cause.chain());
}

#[tokio::test]
async fn a_file_of_authorities_that_names_none_is_refused_at_the_start() {
    let mut mail = settings(25, "tls");
    mail.ca_file = server::scratch("authority").join("ca.pem");
    for content in [None, Some("bukan sertifikat")] {
        if let Some(text) = content {
            std::fs::write(&mail.ca_file, text).expect("our folder");
        }
        let refused = Mailer::new(&mail).err().expect("refused");
        assert!(refused.detail().en.contains("mail.ca_file"), "{}", refused.chain());
    }
}
