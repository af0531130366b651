//! `lumbung config show|check`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::say;
use crate::{
    config::{Config, DEFAULT},
    error::{Error, Kind, Result},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Konfigurasi yang berlaku, atau bawaan dengan penjelasannya / the configuration in force, or the defaults with comments.
    Show {
        /// Bawaan dengan penjelasan setiap kunci / the defaults with an explanation of each key.
        #[arg(long)]
        default: bool,
        /// Sebagai JSON / as JSON.
        #[arg(long, conflicts_with = "default")]
        json: bool,
    },
    /// Memeriksa dan menyebut semua kesalahan / check and name every mistake.
    Check {
        /// Laporan sebagai JSON / the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub fn run(args: Args, file: Option<&Path>) -> Result<ExitCode> {
    let load = || Config::load(file, std::env::vars());
    match args.what {
        What::Show { default: true, .. } => say::result(DEFAULT.trim_end()),
        What::Show { json: true, .. } => say::json(&load()?.public()),
        What::Show { .. } => say::result(load()?.shown()?.trim_end()),
        What::Check { json: true } => return checked(load()),
        What::Check { json: false } => {
            load()?;
            say::result("Konfigurasi benar. / The configuration is right.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `{ok, mistakes:[{key, detail}]}`; mistakes end with the same code as without JSON.
fn checked(loaded: Result<Config>) -> Result<ExitCode> {
    let mistakes = match loaded {
        Ok(_) => Vec::new(),
        Err(error) if error.kind() == Kind::Invalid => told(&error),
        Err(error) => return Err(error),
    };
    say::json(&json!({ "ok": mistakes.is_empty(), "mistakes": mistakes }));
    Ok(if mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn told(error: &Error) -> Vec<serde_json::Value> {
    let fields = error.fields().iter();
    let mistakes: Vec<_> =
        fields.map(|field| json!({ "key": field.pointer, "detail": say::both(&field.detail) })).collect();
    if mistakes.is_empty() { vec![json!({ "key": "(file)", "detail": say::words(error) })] } else { mistakes }
}
