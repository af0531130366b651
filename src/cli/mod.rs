//! The command line: one file for each command. Progress goes to standard error, results to standard output. Exit codes:
//! 0 done, 1 something is wrong with what was checked, 2 wrong use, 3 cannot reach what it needs.

mod account;
mod backup;
mod beside;
mod client;
mod config;
mod demo;
mod destroy;
mod help;
mod init;
mod keys;
pub mod letters;
mod recovery;
mod reindex;
mod restore;
mod rotate;
mod say;
mod search;
mod serve;
mod setup;
mod share;
mod status;
mod store;
mod sweep;
mod upload;
mod verify;

pub use serve::{router, start};
pub use setup::{Setup, install};

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::{
    config::Config,
    error::{Error, Kind, Result},
};

/// Lumbung: arsip dokumen tersegel dan berbagi yang terjaga / an archive of sealed documents, shared within limits that hold.
#[derive(Debug, Parser)]
#[command(
    name = "lumbung",
    max_term_width = 100,
    disable_version_flag = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Berkas konfigurasi / configuration file.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Menampilkan versi / show the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Menjalankan peladen / run the server.
    Serve,
    /// Kabupaten contoh dengan akun dan surat, untuk mencoba / a demonstration regency with accounts and letters.
    Demo(demo::Args),
    /// Menyiapkan: kunci induk, penerima pemulihan, kantor, akun pertama / set up keys, offices and the first account.
    Init(init::Args),
    /// Menampilkan atau memeriksa konfigurasi / show or check the configuration.
    Config(config::Args),
    /// Mengunggah berkas atau folder / upload files or folders.
    Upload(upload::Args),
    /// Mencari dokumen / search documents.
    Search(search::Args),
    /// Membagikan dokumen lewat tautan / share a document by a link.
    Share(share::Args),
    /// Penyimpanan objek: mencoba yang dibutuhkan Lumbung / the object store: try what Lumbung needs of it.
    Store(store::Args),
    /// Memeriksa simpanan / verify what is stored.
    Verify(verify::Args),
    /// Keadaan pemasangan ini / how this installation is.
    Status(status::Args),
    /// Membersihkan simpanan sekarang / sweep the store now.
    Sweep(sweep::Args),
    /// Memusnahkan dokumen di tempat sampah / destroy a document of the trash.
    Destroy(destroy::Args),
    /// Kunci: ekspor untuk perintah `age` / keys: export for the stock `age`.
    Key(keys::Args),
    /// Akun di mesin ini, untuk pemulihan / accounts on this machine, for recovery.
    Account(account::Args),
    /// Menyusun ulang indeks / rebuild the index.
    Reindex(reindex::Args),
    /// Cadangan tersegel dari basis data / a sealed backup of the database.
    Backup(backup::Args),
    /// Memulihkan ke mesin kosong / restore onto an empty machine.
    Restore(restore::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let command = help::in_both_languages(Cli::command().version(env!("CARGO_PKG_VERSION")));
    let cli = match Cli::from_arg_matches(&command.get_matches()) {
        Ok(cli) => cli,
        Err(cause) => cause.exit(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            say::problem(&cause.to_string());
            return ExitCode::from(3);
        }
    };
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            say::problem(&say::words(&error));
            for field in error.fields() {
                say::problem(&format!("  {}: {}", field.pointer, say::both(&field.detail)));
            }
            ExitCode::from(exit_code(&error))
        }
    }
}

/// A token that is refused, a key that does not fit and a port that is taken are wrong use: another must be given.
fn exit_code(error: &Error) -> u8 {
    match error.kind() {
        Kind::Unavailable | Kind::TooMany | Kind::Internal => 3,
        Kind::Invalid | Kind::BadRequest | Kind::Conflict | Kind::Unauthorized | Kind::Forbidden => 2,
        _ => 1,
    }
}

async fn run(cli: Cli) -> Result<ExitCode> {
    let file = cli.config.as_deref();
    let load = || Config::load(file, std::env::vars());
    match cli.command {
        Command::Serve => serve::run(load()?).await,
        Command::Demo(args) => demo::run(args, file).await,
        Command::Init(args) => init::run(args, load()?).await,
        Command::Config(args) => config::run(args, file),
        Command::Upload(args) => upload::run(args).await,
        Command::Search(args) => search::run(args).await,
        Command::Share(args) => share::run(args).await,
        Command::Verify(args) => verify::run(args, load()?).await,
        Command::Store(args) => store::run(args, load()?).await,
        Command::Status(args) => status::run(args, load()?).await,
        Command::Sweep(args) => sweep::run(args, load()?).await,
        Command::Destroy(args) => destroy::run(args, load()?).await,
        Command::Key(args) => keys::run(args, load()?).await,
        Command::Account(args) => account::run(args, load()?).await,
        Command::Reindex(args) => reindex::run(args, load()?).await,
        Command::Backup(args) => backup::run(args, load()?).await,
        Command::Restore(args) => restore::run(args, load()?).await,
    }
}
