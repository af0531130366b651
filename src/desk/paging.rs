//! Lists in pages: `?limit=` and an opaque `?cursor=`.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    app::App,
    error::{Error, Result, say},
    id,
};

/// The limit asked for, or 50, within `limits.list_max`.
pub fn limit(app: &App, asked: Option<i64>) -> Result<i64> {
    let max = app.config.limits.list_max;
    match asked {
        None => Ok(50.min(max)),
        Some(limit) if (1..=max).contains(&limit) => Ok(limit),
        Some(_) => Err(Error::invalid(
            "/query/limit",
            say(format!("Isi limit antara 1 dan {max}."), format!("Give a limit from 1 to {max}.")),
        )),
    }
}

/// Cuts a list that was read one item too long, and says where the next page begins.
pub fn cut<T, P: Serialize>(
    mut items: Vec<T>,
    limit: i64,
    place: impl Fn(&T) -> P,
) -> Result<(Vec<T>, Option<String>)> {
    let more = items.len() as i64 > limit;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| cursor(&place(last))).transpose()?;
    Ok((items, next))
}

/// A place in a list as an opaque text.
pub fn cursor<T: Serialize>(place: &T) -> Result<String> {
    Ok(id::to_letters(&serde_json::to_vec(place).map_err(Error::internal)?))
}

pub fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>> {
    let Some(text) = cursor else { return Ok(None) };
    let place = id::from_letters(text).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    place.map(Some).ok_or_else(|| {
        Error::invalid(
            "/query/cursor",
            say("Penunjuk halaman tidak dikenal; mulai lagi tanpa cursor.", "Unknown cursor; begin again without one."),
        )
    })
}
