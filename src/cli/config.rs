//! `lumbung config show|check`.

use std::path::Path;
use std::process::ExitCode;

use super::say;
use crate::{
    config::{Config, DEFAULT},
    error::Result,
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
        #[arg(long)]
        default: bool,
    },
    /// Memeriksa dan menyebut semua kesalahan / check and name every mistake.
    Check,
}

pub fn run(args: Args, file: Option<&Path>) -> Result<ExitCode> {
    match args.what {
        What::Show { default: true } => say::result(DEFAULT.trim_end()),
        What::Show { default: false } => say::result(Config::load(file, std::env::vars())?.shown()?.trim_end()),
        What::Check => {
            Config::load(file, std::env::vars())?;
            say::result("Konfigurasi benar. / The configuration is right.");
        }
    }
    Ok(ExitCode::SUCCESS)
}
