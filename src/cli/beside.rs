//! What the commands use that work beside a running server: database and keys, without its index, spool or port.

use std::sync::Arc;

use crate::{
    app,
    clock::Clock,
    config::Config,
    db::{self, Db},
    error::Result,
    office::OfficeKeys,
    seal::{MasterKey, RecoveryRecipient},
};

/// An installation, opened beside its server.
pub struct Beside {
    pub db: Db,
    pub keys: OfficeKeys,
    pub master: Arc<MasterKey>,
    pub recovery: Option<RecoveryRecipient>,
}

pub async fn open(config: &Config, clock: &Clock) -> Result<Beside> {
    app::must_be_set_up(config)?;
    let db = Db::connect(&app::database(config)?, clock).await?;
    db::migrate(&db, db::MIGRATIONS, clock).await?;
    let (master, recovery) = app::unlocked(&db, config).await?;
    let keys = OfficeKeys::new(db.clone(), &master);
    Ok(Beside { db, keys, master: Arc::new(master), recovery })
}
