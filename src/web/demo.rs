//! The accounts of a demonstration, which its login page shows and no other installation has.

use serde::Deserialize;

use super::{frame::Frame, sentences};
use crate::{access::Role, app::App};

#[derive(Clone, Debug)]
pub struct DemoAccount {
    pub login: String,
    pub password: String,
    pub office_name: String,
    pub role: Option<Role>,
}

#[derive(Deserialize)]
struct Listed {
    login: String,
    password: String,
    office_name: String,
    role: String,
}

/// None unless this data folder is a demonstration's.
pub fn accounts(app: &App) -> Vec<DemoAccount> {
    let dir = &app.config.data.dir;
    if !dir.join("demo").exists() {
        return Vec::new();
    }
    let Ok(text) = std::fs::read(dir.join("demo-accounts.json")) else { return Vec::new() };
    let listed: Vec<Listed> = serde_json::from_slice(&text).unwrap_or_default();
    let shown = |one: Listed| {
        let role = Role::parse(&one.role);
        DemoAccount { login: one.login, password: one.password, office_name: one.office_name, role }
    };
    listed.into_iter().map(shown).collect()
}

impl DemoAccount {
    pub fn role_name(&self, frame: &Frame) -> &'static str {
        self.role.map_or("", |role| sentences::role(frame, role))
    }
}
