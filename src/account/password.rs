//! What a login and a password must be like.

use crate::{
    config,
    error::{Error, Result, say},
};

/// Logins are compared without regard to case or to spaces around them.
pub(super) fn normal_login(login: &str) -> String {
    login.trim().to_lowercase()
}

pub(super) fn checked_login(login: &str, session: &config::Session) -> Result<String> {
    let (shortest, longest) = (session.min_login, session.max_login);
    let login = normal_login(login);
    let is_fine = (shortest..=longest).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b));
    if is_fine {
        return Ok(login);
    }
    Err(Error::invalid(
        "/login",
        say(
            format!("Nama masuk: {shortest} sampai {longest} huruf kecil, angka, titik, garis atau @."),
            format!("A login has {shortest} to {longest} lower-case letters, digits, dots, dashes or @."),
        ),
    ))
}

pub(super) fn check_password(pointer: &str, password: &str, login: &str, session: &config::Session) -> Result<()> {
    let length = password.chars().count();
    let (shortest, longest) = (session.min_password, session.max_password);
    let refused = |id: String, en: String| Err(Error::invalid(pointer, say(id, en)));
    if length < shortest || length > longest {
        return refused(
            format!("Kata sandi harus {shortest} sampai {longest} karakter."),
            format!("A password has {shortest} to {longest} characters."),
        );
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    if lower == login || login.len() >= 5 && lower.contains(login) || lower.chars().all(|letter| Some(letter) == first)
    {
        return refused(
            "Kata sandi ini terlalu mudah ditebak: jangan memuat nama masuk atau satu huruf saja.".into(),
            "This password is too easy to guess: it must not contain the login or be one letter repeated.".into(),
        );
    }
    Ok(())
}

pub(super) fn checked_name(name: &str, session: &config::Session) -> Result<String> {
    let (name, longest) = (name.trim(), session.max_name);
    if (1..=longest).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid(
        "/name",
        say(format!("Nama: 1 sampai {longest} huruf."), format!("A name has 1 to {longest} letters.")),
    ))
}

pub(super) fn checked_email(email: &str) -> Result<String> {
    let email = email.trim();
    let is_address = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    // No longer address goes through mail servers (RFC 5321).
    let is_plain =
        email.len() <= 254 && !email.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,;".contains(c));
    if email.is_empty() || is_address && is_plain {
        return Ok(email.to_owned());
    }
    Err(Error::invalid(
        "/email",
        say(
            "Alamat surel belum benar; contoh: sekdes@desa.id.",
            "The e-mail address is not right; example: clerk@desa.id.",
        ),
    ))
}
