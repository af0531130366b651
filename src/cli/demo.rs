//! `lumbung demo`: the same program on a folder marked as a demonstration, with a regency, accounts and letters. A second
//! start on the folder changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    letters::{AGENCY, DemoLetter, OTHER_VILLAGE, VILLAGE, demo_letters},
    say, serve, setup,
};
use crate::{
    access::{Actor, Role, TokenScope},
    account::{self, Credentials, Invitation, Login, NewToken, Opened},
    app::App,
    audit::{Origin, Who},
    clock::Clock,
    config::Config,
    db::params,
    document::{Changes, Limits},
    error::{Error, Kind, Result, say as said},
    http,
    id::OfficeId,
    ingest::{self, Accepted, Source},
    office::{self, Office},
    seal::RecoveryIdentity,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder data demo / the demonstration's data folder.
    #[arg(long, default_value = "lumbung-demo", value_name = "DIR")]
    data: PathBuf,
    /// Alamat dan porta; bawaan 127.0.0.1:8080 / address and port; 127.0.0.1:8080 unless given.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Boleh dibuka dari mesin lain; kata sandi demo diketahui semua orang / allow other machines; everybody knows the passwords.
    #[arg(long)]
    anywhere: bool,
}

impl Args {
    fn listen(&self) -> String {
        let usual = if self.anywhere { "0.0.0.0:8080" } else { "127.0.0.1:8080" };
        self.listen.clone().unwrap_or_else(|| usual.to_owned())
    }

    /// Everybody knows the passwords: only who says so opens them to other machines.
    fn must_be_loopback(&self) -> Result<()> {
        let is_public = self.listen().parse::<SocketAddr>().is_ok_and(|address| !address.ip().is_loopback());
        if self.anywhere || !is_public {
            return Ok(());
        }
        Err(Error::invalid(
            "--listen",
            said(
                "Alamat ini dapat dibuka dari mesin lain, padahal kata sandi demo diketahui semua orang. Bila memang dikehendaki: --anywhere.",
                "Other machines reach this address, and everybody knows the demonstration's passwords. If that is meant: --anywhere.",
            ),
        ))
    }
}

/// One account as its file and the login page of the demonstration show it.
#[derive(Serialize)]
struct Shown {
    login: String,
    password: &'static str,
    office: String,
    office_name: String,
    role: &'static str,
    token: String,
}

const PASSWORD: &str = "coba-lumbung-2026";
pub const ACCOUNTS_FILE: &str = "demo-accounts.json";

/// Login, person, office (by code or alias; the regency itself is its root) and role.
const PEOPLE: &[(&str, &str, &str, Role)] = &[
    ("operator.desa", "Siti Aminah", VILLAGE, Role::Clerk),
    ("kades.desa", "Bapak Kepala Desa", VILLAGE, Role::Head),
    ("arsiparis.desa", "Wawan Setiawan", VILLAGE, Role::Archivist),
    ("admin.desa", "Dewi Lestari", VILLAGE, Role::OfficeAdmin),
    ("operator.desa2", "Asep Hidayat", OTHER_VILLAGE, Role::Clerk),
    ("kades.desa2", "Ibu Kepala Desa", OTHER_VILLAGE, Role::Head),
    ("operator.dpmd", "Rina Marlina", AGENCY, Role::Clerk),
    ("kepala.dpmd", "Kepala DPMD", AGENCY, Role::Head),
    ("pengelola", "Pengelola Lumbung", "", Role::PlatformAdmin),
    ("penyedia", "Penyedia Akun DPMD", "", Role::Provisioner),
    ("auditor", "Auditor Inspektorat", "", Role::Auditor),
];

pub async fn run(args: Args, file: Option<&Path>) -> Result<ExitCode> {
    args.must_be_loopback()?;
    let config = configured(&args, file)?;
    serve::log(&config.log)?;
    let clock = Clock::default();
    // The address comes first: where it is taken no folder is made.
    let listener = http::serve::bind(&config.server.listen, http::serve::SERVER_LISTEN)?;
    prepare(&config, &clock).await?;
    let app = serve::open(config, clock).await?;
    let accounts = app.config.data.dir.join(ACCOUNTS_FILE);
    // The file comes last: without it a first start was cut, and this one goes on.
    if !accounts.exists() {
        say::progress("Mengisi kabupaten contoh … / filling the demonstration …");
        fill(&app, &accounts).await?;
    }
    let router = serve::router(&app);
    let running = http::serve::start_on(listener, app, router).await?;
    say::result(&format!("Lumbung demo: {}", running.app.public_url()));
    say::progress(&format!("Akun / accounts: {} ({PASSWORD})", accounts.display()));
    serve::until_stopped(running).await
}

/// The folder and the address come from the arguments, everything else from the usual layers.
fn configured(args: &Args, file: Option<&Path>) -> Result<Config> {
    let own = [
        ("LUMBUNG__DATA__DIR".to_owned(), args.data.display().to_string()),
        ("LUMBUNG__SERVER__LISTEN".to_owned(), args.listen()),
        ("LUMBUNG__METRICS__LISTEN".to_owned(), String::new()),
        ("LUMBUNG__SERVER__INSECURE".to_owned(), args.anywhere.to_string()),
    ];
    let taken = |name: &str| own.iter().any(|(own, _)| own == name);
    let rest: Vec<(String, String)> = std::env::vars().filter(|(name, _)| !taken(name)).collect();
    Config::load(file, rest.into_iter().chain(own))
}

/// An empty folder is marked and set up, one whose first start was cut is set up to the end. Any other folder is refused.
async fn prepare(config: &Config, clock: &Clock) -> Result<()> {
    let dir = &config.data.dir;
    if !setup::is_demo(dir) {
        let is_empty = std::fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty {
            return Err(not_a_demo(dir));
        }
        std::fs::create_dir_all(dir).and_then(|()| setup::mark_demo(dir)).map_err(|cause| cannot_use(dir, &cause))?;
    }
    if setup::is_installed(config, clock).await? {
        return Ok(());
    }
    let identity = RecoveryIdentity::generate();
    setup::replace_secret(&dir.join("recovery-identity.txt"), &identity.identity_file())?;
    let setup = setup::install(config, &identity.recipient(), clock).await?;
    setup.db.close().await;
    Ok(())
}

fn not_a_demo(dir: &Path) -> Error {
    Error::new(
        Kind::Conflict,
        "not-a-demo",
        said(
            format!("Folder {} bukan folder demo. Pilih folder kosong dengan --data.", dir.display()),
            format!("The folder {} is no demonstration. Choose an empty one with --data.", dir.display()),
        ),
    )
}

fn cannot_use(dir: &Path, cause: &std::io::Error) -> Error {
    Error::new(
        Kind::Conflict,
        "cannot-write",
        said(
            format!("Folder {} tidak dapat dipakai: {cause}. Pilih yang lain dengan --data.", dir.display()),
            format!("The folder {} cannot be used: {cause}. Choose another with --data.", dir.display()),
        ),
    )
}

/// Accounts with tokens first, then letters, then the file that says all is there. What a cut start left is taken.
async fn fill(app: &App, accounts: &Path) -> Result<()> {
    let mut shown = Vec::new();
    let mut clerks: Vec<(Office, Actor)> = Vec::new();
    for (login, name, place, role) in PEOPLE {
        let office = find(app, place).await?;
        let actor = person(app, login, name, &office, *role).await?;
        let token = token(app, &actor).await?;
        shown.push(Shown {
            login: (*login).to_owned(),
            password: PASSWORD,
            office: office.id.to_string(),
            office_name: office.name.clone(),
            role: role.as_str(),
            token,
        });
        if *role == Role::Clerk {
            clerks.push((office, actor));
        }
    }
    for letter in demo_letters() {
        let owner = find(app, letter.owner_office).await?;
        if let Some((_, actor)) = clerks.iter().find(|(office, _)| office.id == owner.id) {
            bring(app, actor, letter).await?;
        }
    }
    let json = serde_json::to_string_pretty(&shown).map_err(Error::internal)?;
    setup::replace_secret(accounts, &json)
}

/// An office by its code; the empty name is the regency.
async fn find(app: &App, code: &str) -> Result<Office> {
    let mut tx = app.db.read().await?;
    let found = if code.is_empty() { office::root(&mut tx).await? } else { office::by_code(&mut tx, code).await? };
    found.ok_or_else(|| Error::internal(format!("the demonstration's office {code:?} is not in the tree")))
}

async fn person(app: &App, login: &str, name: &str, office: &Office, role: Role) -> Result<Actor> {
    let origin = Origin::machine();
    let mut tx = app.db.write().await?;
    let secret = match account::person_by_login(&mut tx, login).await? {
        Some(known) if known.activated_at.is_some() => None,
        Some(known) => Some(account::reissue(&mut tx, &app.clock, known.id, None, 1).await?.0),
        None => {
            let (post, session) = (Some((office.id, role)), app.accounts.settings());
            let invitation = Invitation { login, name, email: "", post, made_by: None, session };
            Some(account::invite(&mut tx, &app.clock, &invitation).await?.secret)
        }
    };
    tx.commit().await?;
    if let Some(secret) = secret {
        app.accounts.activate(&secret, PASSWORD, &origin).await?;
    }
    let login = Login { login, password: PASSWORD, code: None };
    let entered = app.accounts.login(login, &origin).await?;
    let Opened::Api { access_token, .. } = entered.opened else {
        return Err(Error::internal("an API login gave no access token"));
    };
    let actor = app.accounts.authenticate(Credentials::Bearer(&access_token), Some(office.id)).await?;
    actor.ok_or_else(|| Error::internal("a demonstration account that cannot log in"))
}

async fn token(app: &App, actor: &Actor) -> Result<String> {
    let until = app.clock.now().plus(Duration::from_secs(10 * 365 * 24 * 3600));
    let new = NewToken { label: "demo", scopes: TokenScope::ALL.to_vec(), expires_at: until };
    let (_, secret) = app.accounts.create_token(actor, actor.office(), new, &Origin::machine()).await?;
    Ok(secret)
}

async fn bring(app: &App, actor: &Actor, letter: DemoLetter) -> Result<()> {
    if is_there(app, actor.office(), &letter).await? {
        return Ok(());
    }
    let text = |value: &str| Some(Some(value.to_owned())).filter(|_| !value.is_empty());
    let changes = Changes {
        title: Some(letter.title.to_owned()),
        kind: text(letter.kind),
        security_class: crate::document::SecurityClass::parse(letter.class),
        urgency: crate::document::Urgency::parse(letter.urgency),
        classification: text(letter.classification),
        reach: crate::document::Reach::parse(letter.reach),
        date: text(letter.date),
        number: text(letter.number),
        sender: text(letter.sender),
        recipient: text(letter.recipient),
        summary: text(letter.summary),
        labels: None,
    };
    let details = changes.into_details(letter.file_name, Limits::from(&app.config))?;
    let source = Source::new(actor.office(), letter.file_name.to_owned(), app.config.upload.max_bytes);
    let bytes = futures_util::stream::iter([Ok(letter.bytes.into())]);
    let received = app.ingest.receive(source, bytes).await?;
    let accepted =
        Accepted { who: Who::from(actor), person: Some(actor.person()), origin: Origin::machine(), drop: None };
    let mut tx = app.db.write().await?;
    ingest::record(&mut tx, app.recording(), received, &details, &accepted).await?;
    tx.commit().await?;
    app.nudge();
    Ok(())
}

async fn is_there(app: &App, office: OfficeId, letter: &DemoLetter) -> Result<bool> {
    let fingerprint: [u8; 32] = Sha256::digest(&letter.bytes).into();
    let row: Option<(uuid::Uuid,)> = app
        .db
        .one(
            "SELECT d.id FROM document d JOIN version v ON v.document = d.id WHERE d.office = $1 AND v.fingerprint = $2",
            params![office, fingerprint],
        )
        .await?;
    Ok(row.is_some())
}
