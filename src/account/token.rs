//! API tokens of an office. A token does what its scopes and its maker's present roles both allow, and ends with the
//! maker's post unless the office's admin or head takes it over before.

use super::{Accounts, sql};
use crate::{
    access::{Act, Actor, TokenScope, Via},
    audit::{self, Entry, Origin},
    clock::Time,
    db::Tx,
    error::{Error, Result, say},
    id::{self, OfficeId, PersonId, TokenId},
    seal::token::hash,
};

pub(super) const PREFIX: &str = "lmb_";

#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    pub label: &'a str,
    pub scopes: Vec<TokenScope>,
    pub expires_at: Time,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub id: TokenId,
    pub label: String,
    pub scopes: Vec<TokenScope>,
    pub maker: PersonId,
    pub maker_name: String,
    pub created_at: Time,
    pub expires_at: Time,
    pub ended_at: Option<Time>,
    pub seen_at: Option<Time>,
}

impl Accounts {
    /// The token's text is in the answer and nowhere else.
    pub async fn create_token(
        &self,
        actor: &Actor,
        office: OfficeId,
        new: NewToken<'_>,
        origin: &Origin,
    ) -> Result<(Token, String)> {
        let mut tx = self.db.write().await?;
        let made = self.create_token_in(&mut tx, actor, office, new, origin).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// The same in a transaction of the caller's.
    pub async fn create_token_in(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        office: OfficeId,
        new: NewToken<'_>,
        origin: &Origin,
    ) -> Result<(Token, String)> {
        may_handle_tokens(actor, office)?;
        let label = checked_label(new.label, self.session.max_token_label)?;
        let now = self.clock.now();
        if new.expires_at <= now {
            return Err(Error::invalid("/expires_at", say("Harus di masa depan.", "Must lie in the future.")));
        }
        let mut scopes = new.scopes;
        scopes.sort_by_key(|scope| scope.as_str());
        scopes.dedup();
        if scopes.is_empty() {
            return Err(Error::invalid("/scopes", say("Sebutkan paling sedikit satu.", "Name at least one.")));
        }
        self.within_maker(tx, actor, &scopes, new.expires_at).await?;
        let id = TokenId::fresh(&self.clock);
        let secret = format!("{PREFIX}{}", id::secret());
        let listed = write_scopes(&scopes);
        sql::insert_token(tx, id, office, actor.person(), &label, &listed, hash(&secret), now, new.expires_at).await?;
        self.note_token(tx, actor, id, "token.create", origin, serde_json::json!({ "scopes": listed })).await?;
        let row = sql::token(tx, office, id).await?.ok_or_else(Error::not_found)?;
        Ok((shown(row), secret))
    }

    /// A token that makes a token cannot make one that may do more or lives longer.
    async fn within_maker(&self, tx: &mut Tx, actor: &Actor, scopes: &[TokenScope], until: Time) -> Result<()> {
        let Via::Token { id, scopes: own } = actor.via() else { return Ok(()) };
        let parent = sql::token(tx, actor.office(), *id).await?.ok_or_else(Error::unauthorized)?;
        if scopes.iter().all(|scope| own.contains(scope)) && until.0 <= parent.expires_at {
            return Ok(());
        }
        Err(Error::forbidden(
            "token-exceeds-maker",
            say(
                "Token tidak dapat membuat token yang berhak lebih banyak atau hidup lebih lama daripada dirinya.",
                "A token cannot make one that may do more or lives longer than itself.",
            ),
        ))
    }

    /// Heads and admins see the office's tokens, others their own. Newest first.
    pub async fn tokens(
        &self,
        actor: &Actor,
        office: OfficeId,
        before: Option<TokenId>,
        limit: i64,
    ) -> Result<Vec<Token>> {
        may_handle_tokens(actor, office)?;
        let maker = (!actor.may(Act::Members)).then_some(actor.person());
        let rows = sql::tokens(&mut self.db.read().await?, office, maker, before, limit).await?;
        Ok(rows.into_iter().map(shown).collect())
    }

    pub async fn end_token(&self, actor: &Actor, office: OfficeId, id: TokenId, origin: &Origin) -> Result<()> {
        may_handle_tokens(actor, office)?;
        let mut tx = self.db.write().await?;
        let row = sql::token(&mut tx, office, id).await?.ok_or_else(Error::not_found)?;
        if row.maker != actor.person().0 && !actor.may(Act::Members) {
            return Err(Error::not_found());
        }
        sql::end_token(&mut tx, id, self.clock.now()).await?;
        self.note_token(&mut tx, actor, id, "token.end", origin, serde_json::Value::Null).await?;
        tx.commit().await
    }

    /// Makes the caller the token's maker, so that it outlives the post of the one who made it.
    pub async fn adopt_token(&self, actor: &Actor, office: OfficeId, id: TokenId, origin: &Origin) -> Result<Token> {
        may_handle_tokens(actor, office)?;
        actor.must(Act::Members)?;
        let mut tx = self.db.write().await?;
        if !sql::adopt_token(&mut tx, id, office, actor.person()).await? {
            return Err(Error::not_found());
        }
        self.note_token(&mut tx, actor, id, "token.adopt", origin, serde_json::Value::Null).await?;
        let row = sql::token(&mut tx, office, id).await?.ok_or_else(Error::not_found)?;
        tx.commit().await?;
        Ok(shown(row))
    }

    async fn note_token(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: TokenId,
        action: &'static str,
        origin: &Origin,
        detail: serde_json::Value,
    ) -> Result<()> {
        let office = Some(actor.office());
        let object = Some(id.to_string());
        let entry = Entry { who: actor.into(), office, action, object, result: "ok", origin, detail };
        audit::record(tx, &self.clock, entry).await
    }
}

/// Tokens belong to the acting office; those of others do not exist for the caller.
pub fn may_handle_tokens(actor: &Actor, office: OfficeId) -> Result<()> {
    if actor.office() != office {
        return Err(Error::not_found());
    }
    actor.must_manage()
}

fn shown(row: sql::TokenRow) -> Token {
    Token {
        id: TokenId(row.id),
        scopes: parse_scopes(&row.scopes),
        label: row.label,
        maker: PersonId(row.maker),
        maker_name: row.maker_name,
        created_at: Time(row.created_at),
        expires_at: Time(row.expires_at),
        ended_at: row.ended_at.map(Time),
        seen_at: row.seen_at.map(Time),
    }
}

fn checked_label(label: &str, longest: usize) -> Result<String> {
    let label = label.trim();
    if (1..=longest).contains(&label.chars().count()) && !label.chars().any(char::is_control) {
        return Ok(label.to_owned());
    }
    Err(Error::invalid(
        "/label",
        say(format!("Nama token: 1 sampai {longest} huruf."), format!("A token's label has 1 to {longest} letters.")),
    ))
}

pub(super) fn parse_scopes(text: &str) -> Vec<TokenScope> {
    text.split(' ').filter_map(TokenScope::parse).collect()
}

fn write_scopes(scopes: &[TokenScope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}
