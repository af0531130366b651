//! `lumbung init`: makes the master key, takes or makes the recovery recipient, and says what losing each means.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ArgGroup;

use super::{
    say,
    setup::{self, NewSecret},
};
use crate::{
    access::Role,
    account::{self, Invitation},
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    db::Tx,
    error::{Error, Result},
    office,
    seal::{RecoveryIdentity, RecoveryRecipient},
};

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("recovery").required(true))]
pub struct Args {
    /// Membuat identitas pemulihan di berkas baru ini; pindahkan dari mesin ini / make the recovery identity in this file; take it off this machine.
    #[arg(long, group = "recovery", value_name = "FILE")]
    recovery_out: Option<PathBuf>,
    /// Penerima pemulihan yang dibuat di tempat lain / a recovery recipient that was made elsewhere.
    #[arg(long, group = "recovery", value_name = "age1…")]
    recovery_recipient: Option<String>,
    /// Nama masuk pengelola pertama / login of the first platform admin.
    #[arg(long, value_name = "LOGIN", default_value = "admin")]
    admin: String,
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let (identity, recipient) = match &args.recovery_recipient {
        Some(text) => (None, text.parse::<RecoveryRecipient>()?),
        None => {
            let identity = RecoveryIdentity::generate();
            let recipient = identity.recipient();
            (Some(identity), recipient)
        }
    };
    let file = config.data.dir.join("activation-admin.txt");
    // What is handed out lies in files before the transaction ends: a recipient whose identity was lost recovers nothing. And
    // where there is an installation already nothing is written: somebody would keep it in the safe, and it would open nothing.
    let setup = setup::install_with(&config, &recipient, &clock, async |tx| {
        let link = first_admin(tx, &config, &clock, &args.admin).await?;
        if let (Some(identity), Some(path)) = (&identity, &args.recovery_out) {
            NewSecret::create(path)?.write(&identity.identity_file())?;
        }
        setup::replace_secret(&file, &format!("{link}\n"))
    })
    .await?;
    setup.db.close().await;
    if args.json {
        say::json(&serde_json::json!({
            "offices": setup.offices, "master_key": config.keys.master_file, "recovery_identity": args.recovery_out,
            "activation_link_file": file,
        }));
    } else {
        say::result(&told(&args, &config, &file, setup.offices));
    }
    Ok(ExitCode::SUCCESS)
}

/// The account of the first admin; gives the link by which it is activated.
async fn first_admin(tx: &mut Tx, config: &Config, clock: &Clock, login: &str) -> Result<String> {
    let root = office::root(tx).await?.ok_or_else(|| Error::internal("the tree of offices has no root"))?;
    let invitation = Invitation {
        login,
        name: "Pengelola pertama",
        email: "",
        post: Some((root.id, Role::PlatformAdmin)),
        made_by: None,
        session: &config.session,
    };
    let invited = account::invite(tx, clock, &invitation).await?;
    let entry = Entry {
        who: Who::Machine,
        office: Some(root.id),
        action: "installation.init",
        object: Some(invited.person.to_string()),
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({}),
    };
    audit::record(tx, clock, entry).await?;
    Ok(account::activation_url(&setup::address(config), &invited.secret))
}

fn told(args: &Args, config: &Config, link: &Path, offices: usize) -> String {
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
