//! `lumbung account`: recovery on the machine itself, recorded in the audit. It never sets a password; it issues a new
//! one-time activation link and ends the person's sessions and tokens.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::{keys::open_beside, say, setup};
use crate::{account, audit::Origin, clock::Clock, config::Config, error::Result};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Tautan aktivasi baru; sesi dan token lama berakhir / a new activation link; former sessions and tokens end.
    Reset {
        login: String,
        /// Berkas untuk tautan, mode 0600 / file for the link, mode 0600.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let What::Reset { login, out } = args.what;
    let clock = Clock::default();
    let beside = open_beside(&config, &clock).await?;
    let master = Arc::new(beside.master.clone());
    let accounts =
        account::Accounts::new(beside.db.clone(), clock, config.session.clone(), config.throttle.clone(), master);
    let link = accounts.recover(&login, &Origin::machine()).await?;
    let base = if config.server.public_url.is_empty() {
        format!("http://{}", config.server.listen)
    } else {
        config.server.public_url.clone()
    };
    setup::write_secret(&out, &format!("{base}/aktivasi#{}\n", link.secret))?;
    say::result(&format!("Tautan aktivasi / activation link: {}", out.display()));
    Ok(ExitCode::SUCCESS)
}
