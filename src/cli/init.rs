//! `lumbung init`: makes the master key, takes or makes the recovery recipient, and says what losing each means.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgGroup;

use super::{say, setup};
use crate::{
    access::Role,
    account::{self, Invitation},
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    error::{Error, Result},
    office,
    seal::{RecoveryIdentity, RecoveryRecipient},
};

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("recovery").required(true))]
pub struct Args {
    /// Membuat identitas pemulihan di berkas ini; pindahkan dari mesin ini / make the recovery identity in this file; take it off this machine.
    #[arg(long, group = "recovery", value_name = "FILE")]
    recovery_out: Option<PathBuf>,
    /// Penerima pemulihan yang dibuat di tempat lain / a recovery recipient that was made elsewhere.
    #[arg(long, group = "recovery", value_name = "age1…")]
    recovery_recipient: Option<String>,
    /// Nama masuk pengelola pertama / login of the first platform admin.
    #[arg(long, default_value = "admin")]
    admin: String,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let recipient = recipient(&args, &config, &clock).await?;
    let setup = setup::install(&config, &recipient, &clock).await?;
    let link = first_admin(&setup, &config, &clock, &args.admin).await?;
    let file = config.data.dir.join("activation-admin.txt");
    setup::write_secret(&file, &format!("{link}\n"))?;
    setup.db.close().await;
    say::progress(&told(&args, &config, &file, setup.offices));
    Ok(ExitCode::SUCCESS)
}

/// The identity is written before anything is sealed to it: a recipient whose identity was lost recovers nothing. Where
/// there is an installation already none is written: somebody would keep it in the safe, and it would open nothing.
async fn recipient(args: &Args, config: &Config, clock: &Clock) -> Result<RecoveryRecipient> {
    if let Some(text) = &args.recovery_recipient {
        return text.parse();
    }
    setup::fresh(config, clock).await?.close().await;
    let identity = RecoveryIdentity::generate();
    if let Some(path) = &args.recovery_out {
        setup::write_secret(path, &identity.identity_file())?;
    }
    Ok(identity.recipient())
}

async fn first_admin(setup: &setup::Setup, config: &Config, clock: &Clock, login: &str) -> Result<String> {
    let mut tx = setup.db.write().await?;
    let root = office::root(&mut tx).await?.ok_or_else(|| Error::internal("the tree of offices has no root"))?;
    let invitation = Invitation {
        login,
        name: "Pengelola pertama",
        email: "",
        post: Some((root.id, Role::PlatformAdmin)),
        made_by: None,
        days: config.session.activation_days,
    };
    let invited = account::invite(&mut tx, clock, &invitation).await?;
    let entry = Entry {
        who: Who::Machine,
        office: Some(root.id),
        action: "installation.init",
        object: Some(invited.person.to_string()),
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({}),
    };
    audit::record(&mut tx, clock, entry).await?;
    tx.commit().await?;
    let base = if config.server.public_url.is_empty() {
        format!("http://{}", config.server.listen)
    } else {
        config.server.public_url.clone()
    };
    Ok(format!("{base}/aktivasi#{}", invited.secret))
}

fn told(args: &Args, config: &Config, link: &std::path::Path, offices: usize) -> String {
    let recovery = match &args.recovery_out {
        Some(path) => format!(
            "Identitas pemulihan / recovery identity: {}\n  Pindahkan dari mesin ini ke tempat aman (dua salinan, dua tempat), lalu hapus di sini.\n  Take it off this machine to a safe place (two copies, two places), then delete it here.",
            path.display()
        ),
        None => "Identitas pemulihan ada pada pembuatnya / the recovery identity is with whoever made it.".to_owned(),
    };
    format!(
        "Siap: {offices} kantor / ready: {offices} offices.\n\n\
         Kunci induk / master key: {}\n  \
         Hilang: peladen tidak dapat membuka apa pun; hanya identitas pemulihan yang masih dapat. Bocor: siapa pun yang juga memegang basis data dapat membaca.\n  \
         Lost: the server opens nothing; only the recovery identity still can. Leaked: whoever also holds the database can read.\n\
         {recovery}\n  \
         Hilang: tidak ada jalan kedua bila kunci induk hilang. Bocor: pemegang simpanan dapat membaca semuanya.\n  \
         Lost: there is no second way if the master key is lost. Leaked: whoever holds the store can read everything.\n\n\
         Tautan aktivasi pengelola pertama / activation link of the first admin: {}\n\
         Lanjutkan dengan / go on with: lumbung serve",
        config.keys.master_file.display(),
        link.display()
    )
}
