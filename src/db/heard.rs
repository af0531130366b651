//! What one node tells the others at once, without a row: by PostgreSQL's LISTEN and NOTIFY. An embedded database has one
//! node, and nobody to tell. Whoever did not listen at that moment never hears it.

use sqlx::postgres::PgListener;

use super::{Db, Pools, params};
use crate::error::{Error, Result};

const CHANNEL: &str = "lumbung";

/// One node's ear. It connects again by itself; what was told meanwhile is lost.
pub struct Ear(PgListener);

impl Db {
    /// `None` where there is one node only.
    pub async fn listen(&self) -> Result<Option<Ear>> {
        let Pools::Postgres { pool, .. } = &self.pools else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await.map_err(super::away)?;
        listener.listen(CHANNEL).await.map_err(super::away)?;
        Ok(Some(Ear(listener)))
    }

    /// Up to 8,000 bytes, to every node that listens, this one too.
    pub async fn tell(&self, text: &str) -> Result<()> {
        let mut tx = self.write().await?;
        tx.execute("SELECT pg_notify($1, $2)", params![CHANNEL, text]).await?;
        tx.commit().await
    }
}

impl Ear {
    pub async fn hear(&mut self) -> Result<String> {
        self.0.recv().await.map(|told| told.payload().to_owned()).map_err(Error::from)
    }
}
