//! A regency of two villages, with people in it.

mod admission;
mod consent;
mod login;
mod session;
mod token;

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::{
    access::{Actor, Role},
    audit::{self, Origin},
    config::Config,
    db::fresh,
    id::PostId,
    office::{self, OfficeKeys},
    seal::MasterKey,
};

const OFFICES: &str = "kind,code,parent_code,name,aliases\n\
    kabupaten,32.16,,Kabupaten,\ndesa,32.16.1,32.16,Desa Satu,\ndesa,32.16.2,32.16,Desa Dua,\n";
const PASSWORD: &str = "padi menguning di sawah";

struct House {
    accounts: Accounts,
    db: Db,
    clock: Clock,
    root: OfficeId,
    one: OfficeId,
    two: OfficeId,
    _dir: TempDir,
}

impl House {
    async fn build() -> House {
        let (db, clock, dir) = fresh().await;
        let config = Config::from_layers("", []).unwrap();
        let master = Arc::new(MasterKey::generate());
        let keys = OfficeKeys::new(db.clone(), &master);
        let mut tx = db.write().await.unwrap();
        office::seed(&mut tx, &clock, &keys, OFFICES).await.unwrap();
        let mut ids = Vec::new();
        for code in ["32.16", "32.16.1", "32.16.2"] {
            ids.push(office::by_code(&mut tx, code).await.unwrap().unwrap().id);
        }
        tx.commit().await.unwrap();
        let accounts = Accounts::new(db.clone(), clock.clone(), config.session, config.throttle, master);
        House { accounts, db, clock, root: ids[0], one: ids[1], two: ids[2], _dir: dir }
    }

    /// An activated person with one post, without asking anybody's leave.
    async fn person(&self, login: &str, office: OfficeId, role: Role) -> PersonId {
        self.person_with(login, office, role, true).await.0
    }

    async fn person_with(&self, login: &str, office: OfficeId, role: Role, activate: bool) -> (PersonId, PostId) {
        let mut tx = self.db.write().await.unwrap();
        let post = Some((office, role));
        let session = &self.accounts.session;
        let invitation = Invitation { login, name: login, email: "", post, made_by: None, session };
        let invited = invite(&mut tx, &self.clock, &invitation).await.unwrap();
        tx.commit().await.unwrap();
        if activate {
            self.accounts.activate(&invited.secret, PASSWORD, &at("10.0.0.0/24")).await.unwrap();
        }
        (invited.person, invited.post.unwrap())
    }

    async fn opened(&self, login: &str) -> Opened {
        let login = Login { login, password: PASSWORD, code: None };
        self.accounts.login(login, &at("10.0.0.0/24")).await.unwrap().opened
    }

    /// Logs in and acts in the person's first office.
    async fn actor(&self, login: &str) -> Actor {
        self.acting(&access(&self.opened(login).await), None).await.unwrap()
    }

    async fn acting(&self, token: &str, office: Option<OfficeId>) -> Option<Actor> {
        self.accounts.authenticate(Credentials::Bearer(token), office).await.unwrap()
    }

    async fn post_of(&self, person: PersonId, office: OfficeId) -> PostId {
        let mut tx = self.db.read().await.unwrap();
        let posts = postings(&mut tx, &self.clock, person).await.unwrap();
        posts.iter().find(|post| post.office.id == office).unwrap().post
    }

    async fn audited(&self, action: &str) -> Vec<audit::Line> {
        let filter = audit::Filter { action: Some(action.into()), ..Default::default() };
        let mut tx = self.db.read().await.unwrap();
        audit::list(&mut tx, audit::Scope::All, &filter, None, 100).await.unwrap()
    }
}

fn at(network: &str) -> Origin {
    Origin { via: "api", network: network.into(), agent: "test".into(), request: "req".into() }
}

fn access(opened: &Opened) -> String {
    match opened {
        Opened::Api { access_token, .. } => access_token.clone(),
        Opened::Web { .. } => panic!("a web session"),
    }
}

fn refresh(opened: &Opened) -> String {
    match opened {
        Opened::Api { refresh_token, .. } => refresh_token.clone(),
        Opened::Web { .. } => panic!("a web session"),
    }
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
