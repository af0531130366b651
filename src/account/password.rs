//! What a login and a password must be like.

use crate::{
    config,
    error::{Error, Result, say},
};

/// A longer one is no better and costs hashing time.
const LONGEST: usize = 256;

/// Logins are compared without regard to case or to spaces around them.
pub(super) fn normal_login(login: &str) -> String {
    login.trim().to_lowercase()
}

pub(super) fn checked_login(login: &str) -> Result<String> {
    let login = normal_login(login);
    let is_fine = (3..=64).contains(&login.len())
        && login.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-@".contains(&b));
    if is_fine {
        return Ok(login);
    }
    Err(Error::invalid(
        "/login",
        say(
            "Nama masuk: 3 sampai 64 huruf kecil, angka, titik, garis atau @.",
            "A login has 3 to 64 lower-case letters, digits, dots, dashes or @.",
        ),
    ))
}

pub(super) fn check_password(pointer: &str, password: &str, login: &str, session: &config::Session) -> Result<()> {
    let length = password.chars().count();
    let shortest = session.min_password;
    let refused = |id: String, en: String| Err(Error::invalid(pointer, say(id, en)));
    if length < shortest || length > LONGEST {
        return refused(
            format!("Kata sandi harus {shortest} sampai {LONGEST} karakter."),
            format!("A password has {shortest} to {LONGEST} characters."),
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

pub(super) fn checked_name(name: &str) -> Result<String> {
    let name = name.trim();
    if (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    Err(Error::invalid("/name", say("Nama: 1 sampai 200 huruf.", "A name has 1 to 200 letters.")))
}

pub(super) fn checked_email(email: &str) -> Result<String> {
    let email = email.trim();
    let is_address = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
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
