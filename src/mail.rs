//! Letters by SMTP. An address or a subject comes from people, so both are checked here: nothing that is typed somewhere
//! can add a header or a recipient. Without `mail.host` there is no [`Mailer`], and what needs mail is not offered.

use std::fs;
use std::time::{Duration, SystemTime};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters, TlsParametersBuilder},
    },
};

use crate::{
    clock::Time,
    config,
    error::{Error, Kind, Result, say},
};

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Sends letters, each over a connection of its own; cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    smtp: Smtp,
    from: Mailbox,
}

/// A plain text in both languages.
#[derive(Clone, Debug)]
pub struct Letter {
    /// As [`address`] gives it.
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The same for each attempt at the same letter, so that a mail program shows a repeated one once.
    pub name: String,
}

/// An address in its one spelling (trimmed, lower case), or none when it is no address.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    // No longer address goes through mail servers (RFC 5321).
    let is_sane =
        text.len() <= 254 && text.is_ascii() && !text.chars().any(|c| c.is_control() || " \"<>,;".contains(c));
    if !is_sane {
        return None;
    }
    let address: Address = text.parse().ok()?;
    address.domain().contains('.').then(|| address.to_string())
}

impl Mailer {
    /// None when no mail server is configured.
    pub fn new(settings: &config::Mail) -> Result<Option<Mailer>> {
        if settings.host.is_empty() {
            return Ok(None);
        }
        let from = settings.from.parse().map_err(|cause| wrong("mail.from", cause))?;
        let mut builder = Smtp::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls(settings)?)
            .timeout(Some(Duration::from_secs(settings.timeout_seconds)));
        if !settings.user.is_empty() {
            let password = config::secret_file(&settings.password_file);
            let password = password.map_err(|cause| wrong("mail.password_file", cause.chain()))?;
            builder = builder.credentials(Credentials::new(settings.user.clone(), password));
        }
        Ok(Some(Mailer { smtp: builder.build(), from }))
    }

    /// Returns when the mail server has taken the letter.
    pub async fn send(&self, letter: &Letter, now: Time) -> Result<()> {
        let message = self.message(letter, now)?;
        match self.smtp.send(message).await {
            Ok(_) => Ok(()),
            // The server's words may name the recipient; its code is enough to act on.
            Err(fault) if fault.is_permanent() => Err(Error::new(
                Kind::Invalid,
                "mail-refused",
                say("Peladen surel menolak surat ini.", "The mail server refused this letter."),
            )
            .because(format!("SMTP {}", code(&fault)))),
            Err(fault) => Err(Error::unavailable(
                AWAY,
                say("Peladen surel belum dapat dihubungi.", "The mail server does not answer now."),
            )
            .because(format!("SMTP {}", code(&fault)))),
        }
    }

    fn message(&self, letter: &Letter, now: Time) -> Result<Message> {
        let to: Address = letter.to.parse().map_err(Error::internal)?;
        let subject: String = letter.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let date = SystemTime::UNIX_EPOCH + now.since(Time(0));
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .date(date)
            .message_id(Some(format!("<{}@{domain}>", letter.name)))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(Error::internal)
    }
}

/// Whether the mail server did not take a letter for now.
pub fn is_away(cause: &Error) -> bool {
    cause.slug() == AWAY
}

const AWAY: &str = "mail-away";

fn tls(settings: &config::Mail) -> Result<Tls> {
    let own = own_authorities(settings)?;
    let parameters = || {
        let builder = TlsParameters::builder(settings.host.clone());
        let trusting = own.iter().cloned().fold(builder, TlsParametersBuilder::add_root_certificate);
        trusting.build().map_err(|cause| wrong("mail.host", cause))
    };
    Ok(match settings.security.as_str() {
        "tls" => Tls::Wrapper(parameters()?),
        "none" => Tls::None,
        // Required, not opportunistic: a code that somebody on the way can read proves nothing.
        _ => Tls::Required(parameters()?),
    })
}

/// A file that names nobody would only be noticed when a letter does not go out.
fn own_authorities(settings: &config::Mail) -> Result<Option<Certificate>> {
    if settings.ca_file.as_os_str().is_empty() {
        return Ok(None);
    }
    let pem = fs::read_to_string(&settings.ca_file).map_err(|cause| wrong("mail.ca_file", cause))?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong("mail.ca_file", "no certificate (PEM)"));
    }
    Certificate::from_pem(pem.as_bytes()).map(Some).map_err(|cause| wrong("mail.ca_file", cause))
}

/// What the server answered with, or why it did not come to an answer: that says nothing of the letter.
fn code(fault: &lettre::transport::smtp::Error) -> String {
    match (fault.status(), std::error::Error::source(fault)) {
        (Some(code), _) => code.to_string(),
        (None, _) if fault.is_timeout() => "timeout".into(),
        (None, cause) => cause.map_or_else(|| "-".into(), ToString::to_string),
    }
}

fn wrong(key: &'static str, cause: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::Invalid,
        "config",
        say(format!("{key} tidak dapat dipakai: {cause}"), format!("{key} cannot be used: {cause}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailer() -> Mailer {
        let mut settings = config::Config::from_layers("", []).expect("defaults").mail;
        settings.host = "localhost".into();
        Mailer::new(&settings).expect("valid").expect("configured")
    }

    fn written(to: &str, subject: &str, text: &str) -> Result<String> {
        let letter = Letter { to: to.into(), subject: subject.into(), text: text.into(), name: "n1".into() };
        let message = mailer().message(&letter, Time(1_800_000_000_000))?;
        Ok(String::from_utf8(message.formatted()).expect("mail is ASCII here"))
    }

    #[tokio::test]
    async fn nothing_typed_can_add_a_header_or_a_recipient() {
        let mail = written("a@b.go.id", "Surat\r\nBcc: jahat@x.id\r\n\r\nhalo", "x").expect("written");
        let (head, _) = mail.split_once("\r\n\r\n").expect("head and body");
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        assert_eq!(head.lines().filter(|line| line.starts_with("To:")).count(), 1);
        assert!(written("a@b.go.id\r\nBcc: x@y.id", "s", "x").is_err());
    }

    #[test]
    fn an_address_has_one_spelling_and_no_tricks() {
        assert_eq!(address(" Sekdes@Desa.ID "), Some("sekdes@desa.id".into()));
        for bad in
            ["", "a", "a@b", "a@b.id, c@d.id", "a@b.id\nBcc: c@d.id", "\"a b\"@c.id", "<a@b.id>", "a@[127.0.0.1]"]
        {
            assert_eq!(address(bad).filter(|found| !found.ends_with(']')), None, "{bad}");
        }
    }

    #[test]
    fn without_a_host_there_is_no_mailer() {
        let settings = config::Config::from_layers("", []).expect("defaults").mail;
        assert!(Mailer::new(&settings).expect("valid").is_none());
    }

    #[tokio::test]
    async fn a_server_that_is_away_is_a_passing_failure() {
        let mut settings = config::Config::from_layers("", []).expect("defaults").mail;
        settings.host = "127.0.0.1".into();
        settings.port = 1;
        settings.security = "none".into();
        let mailer = Mailer::new(&settings).expect("valid").expect("configured");
        let letter = Letter { to: "a@b.id".into(), subject: "s".into(), text: "t".into(), name: "n".into() };
        let failure = mailer.send(&letter, Time(0)).await.expect_err("nobody listens on port 1");
        assert_eq!(failure.slug(), "mail-away");
    }
}
