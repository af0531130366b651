//! The regency that every test begins with: its offices, and one person in each part. It is made once for each stack and
//! then copied, so that a test costs neither 225 offices nor a dozen password hashes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lumbung::access::{Role, TokenScope};
use lumbung::account::{Accounts, Credentials, Invitation, Login, NewToken, Opened, invite};
use lumbung::audit::Origin;
use lumbung::cli::install;
use lumbung::clock::Clock;
use lumbung::config::Config;
use lumbung::db::Db;
use lumbung::id::OfficeId;
use lumbung::office;
use lumbung::seal::{MasterKey, RecoveryIdentity};
use tokio::sync::OnceCell;

use super::{postgres, server};

/// Everybody's password. Long enough for any policy.
pub const PASSWORD: &str = "padi menguning di sawah 7";

pub const VILLAGE: &str = "32.16.01.2005";
pub const OTHER_VILLAGE: &str = "32.16.01.2003";
pub const AGENCY: &str = "DPMD";
pub const REGENCY: &str = "32.16";

/// The two ways in which Lumbung runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// SQLite and a folder.
    Embedded,
    /// PostgreSQL and an S3 store.
    Networked,
}

/// Who acts in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    Clerk,
    Head,
    Archivist,
    Admin,
    OtherClerk,
    OtherHead,
    OtherArchivist,
    OtherAdmin,
    AgencyClerk,
    AgencyHead,
    PlatformAdmin,
    Provisioner,
    Auditor,
}

impl Actor {
    pub const ALL: [Actor; 13] = [
        Actor::Clerk,
        Actor::Head,
        Actor::Archivist,
        Actor::Admin,
        Actor::OtherClerk,
        Actor::OtherHead,
        Actor::OtherArchivist,
        Actor::OtherAdmin,
        Actor::AgencyClerk,
        Actor::AgencyHead,
        Actor::PlatformAdmin,
        Actor::Provisioner,
        Actor::Auditor,
    ];

    /// Login, office and role.
    fn place(self) -> (&'static str, &'static str, Role) {
        match self {
            Actor::Clerk => ("clerk", VILLAGE, Role::Clerk),
            Actor::Head => ("head", VILLAGE, Role::Head),
            Actor::Archivist => ("archivist", VILLAGE, Role::Archivist),
            Actor::Admin => ("admin", VILLAGE, Role::OfficeAdmin),
            Actor::OtherClerk => ("other.clerk", OTHER_VILLAGE, Role::Clerk),
            Actor::OtherHead => ("other.head", OTHER_VILLAGE, Role::Head),
            Actor::OtherArchivist => ("other.archivist", OTHER_VILLAGE, Role::Archivist),
            Actor::OtherAdmin => ("other.admin", OTHER_VILLAGE, Role::OfficeAdmin),
            Actor::AgencyClerk => ("agency.clerk", AGENCY, Role::Clerk),
            Actor::AgencyHead => ("agency.head", AGENCY, Role::Head),
            Actor::PlatformAdmin => ("platform", REGENCY, Role::PlatformAdmin),
            Actor::Provisioner => ("provisioner", REGENCY, Role::Provisioner),
            Actor::Auditor => ("auditor", REGENCY, Role::Auditor),
        }
    }
}

/// An account as its holder knows it.
#[derive(Clone, Debug)]
pub struct Account {
    pub login: String,
    /// `ofc_…`
    pub office: String,
    pub office_name: String,
    /// An API token with all scopes that lives for years, so that a test can move the clock.
    pub token: String,
}

/// What is made once and copied.
#[derive(Debug)]
pub struct Regency {
    folder: PathBuf,
    database: Option<String>,
    pub accounts: HashMap<Actor, Account>,
    /// Opens every object, as the regency's safe would.
    pub recovery: String,
}

static EMBEDDED: OnceCell<Regency> = OnceCell::const_new();
static NETWORKED: OnceCell<Regency> = OnceCell::const_new();

impl Regency {
    pub async fn on(stack: Stack) -> &'static Regency {
        let cell = match stack {
            Stack::Embedded => &EMBEDDED,
            Stack::Networked => &NETWORKED,
        };
        cell.get_or_init(|| found(stack)).await
    }

    /// Puts the master key, and the database where it is a file, into `dir`; gives the address of the copy.
    pub async fn settle(&'static self, dir: &Path) -> String {
        std::fs::copy(self.folder.join("master.key"), dir.join("master.key")).expect("the key is copied");
        match &self.database {
            Some(name) => {
                let copy = tokio::task::spawn_blocking(|| postgres::copy_of(name));
                copy.await.expect("a database is copied")
            }
            None => {
                let file = dir.join("lumbung.db");
                std::fs::copy(self.folder.join("lumbung.db"), &file).expect("the database is copied");
                format!("sqlite:{}", file.display())
            }
        }
    }
}

async fn found(stack: Stack) -> Regency {
    let folder = server::scratch("regency");
    let url = match stack {
        Stack::Embedded => format!("sqlite:{}", folder.join("lumbung.db").display()),
        Stack::Networked => tokio::task::spawn_blocking(postgres::fresh_database).await.expect("a database"),
    };
    let (accounts, recovery) = populate(&folder, &url).await;
    let database = url.starts_with("postgres").then(|| url.rsplit('/').next().unwrap_or_default().to_owned());
    Regency { folder, database, accounts, recovery }
}

async fn populate(folder: &Path, url: &str) -> (HashMap<Actor, Account>, String) {
    let clock = Clock::default();
    let text = format!("[data]\ndir = {folder:?}\n[database]\nurl = {url:?}\nmax_connections = 4\n");
    let config = Config::from_layers(&text, []).expect("a valid configuration");
    let recovery = RecoveryIdentity::generate();
    let set_up = install(&config, &recovery.recipient(), &clock).await.expect("installed");
    let master = Arc::new(MasterKey::load(&config.keys.master_file).expect("the key was written"));
    let accounts = Accounts::new(set_up.db.clone(), clock.clone(), config.session, config.throttle, master);
    let mut known = HashMap::new();
    for actor in Actor::ALL {
        known.insert(actor, settle_in(&set_up.db, &clock, &accounts, actor).await);
    }
    set_up.db.close().await;
    (known, recovery.secret_line().to_string())
}

async fn settle_in(db: &Db, clock: &Clock, accounts: &Accounts, actor: Actor) -> Account {
    let (login, code, role) = actor.place();
    settle_at(db, clock, accounts, login, code, role).await
}

/// An activated account with one post.
pub async fn settle_at(db: &Db, clock: &Clock, accounts: &Accounts, login: &str, code: &str, role: Role) -> Account {
    let origin = Origin::machine();
    let mut tx = db.write().await.expect("a transaction");
    let office = office::by_code(&mut tx, code).await.expect("asked").expect("the office is there");
    let invitation = Invitation {
        login,
        name: login,
        email: &format!("{login}@example.id"),
        post: Some((office.id, role)),
        made_by: None,
        session: accounts.settings(),
    };
    let invited = invite(&mut tx, clock, &invitation).await.expect("invited");
    tx.commit().await.expect("committed");
    accounts.activate(&invited.secret, PASSWORD, &origin).await.expect("activated");
    let token = token(clock, accounts, login, office.id).await;
    Account { login: login.to_owned(), office: office.id.to_string(), office_name: office.name, token }
}

async fn token(clock: &Clock, accounts: &Accounts, login: &str, office: OfficeId) -> String {
    let origin = Origin::machine();
    let entered = accounts.login(Login { login, password: PASSWORD, code: None }, &origin).await.expect("logged in");
    let Opened::Api { access_token, .. } = entered.opened else { panic!("not a session of the API") };
    let actor = accounts.authenticate(Credentials::Bearer(&access_token), None).await.expect("asked").expect("known");
    let new = NewToken {
        label: "tests",
        scopes: TokenScope::ALL.to_vec(),
        expires_at: clock.now().plus(Duration::from_secs(10 * 366 * 86_400)),
    };
    accounts.create_token(&actor, office, new, &origin).await.expect("a token").1
}
