//! `lumbung account`: recovery on the machine itself, recorded in the audit. It never sets a password; it issues a new
//! one-time activation link and ends the person's sessions and tokens.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{beside, say, setup};
use crate::{
    account::{Accounts, activation_url},
    audit::Origin,
    clock::Clock,
    config::Config,
    error::{Error, Kind, Result, say as said},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Tautan aktivasi baru; sesi dan token lama berakhir / a new activation link; former sessions and tokens end.
    Reset {
        /// Nama masuk / the login.
        login: String,
        /// Berkas baru untuk tautan, mode 0600 / a new file for the link, mode 0600.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Laporan sebagai JSON / the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let What::Reset { login, out, json } = args.what;
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    // Made before anything changes: whoever loses their sessions must not lose the link that gives them back.
    let file = setup::NewSecret::create(&out)?;
    let accounts = Accounts::new(beside.db, clock, config.session.clone(), config.throttle.clone(), beside.master);
    let link = match accounts.recover(&login, &Origin::machine()).await {
        Ok(link) => link,
        Err(cause) => {
            file.discard();
            return Err(if cause.kind() == Kind::NotFound { unknown(&login) } else { cause });
        }
    };
    file.write(&format!("{}\n", activation_url(&setup::address(&config), &link.secret)))?;
    if json {
        let report = serde_json::json!({
            "login": login, "person": link.person, "activation_link_file": out, "expires_at": link.expires_at,
        });
        say::json(&report);
        return Ok(ExitCode::SUCCESS);
    }
    say::result(&out.display().to_string());
    say::progress(&format!(
        "Tautan aktivasi untuk {login} ada di berkas itu, berlaku sekali, sampai {until}. Serahkan langsung kepadanya, lalu \
         hapus berkasnya. Sesi dan tokennya yang lama sudah berakhir.\nThe activation link for {login} is in that file; it \
         works once, until {until}. Hand it over in person, then delete the file. Their former sessions and tokens have ended.",
        until = link.expires_at.rfc3339(),
    ));
    Ok(ExitCode::SUCCESS)
}

fn unknown(login: &str) -> Error {
    Error::new(
        Kind::NotFound,
        "unknown-login",
        said(
            format!("Tidak ada akun berjabatan dengan nama masuk {login}. Periksa ejaannya; tidak ada yang diubah."),
            format!(
                "There is no account with a post under the login {login}. Check its spelling; nothing was changed."
            ),
        ),
    )
}
