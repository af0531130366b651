//! `lumbung key recovery-new`: another recovery recipient. New objects name it at once, old ones are copied by the servers.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ArgGroup;

use super::{beside, reindex::queue, say, setup};
use crate::{
    audit::{self, Entry, Origin, Who},
    clock::Clock,
    config::Config,
    db,
    error::Result,
    jobs::{RenewRecovery, RotateKeys},
    record,
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
    /// Laporan sebagai JSON / the report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Result<ExitCode> {
    let clock = Clock::default();
    let beside = beside::open(&config, &clock).await?;
    let recipient = recipient(&args)?;
    let generation = beside.recovery.as_ref().map_or(0, RecoveryRecipient::generation) + 1;
    let queue = queue(&config, &beside.db, &clock);
    let mut tx = beside.db.write().await?;
    db::set_installation(&mut tx, "recovery_recipient", &recipient.to_string()).await?;
    db::set_installation(&mut tx, "recovery_generation", &generation.to_string()).await?;
    record::ask_for_full(&mut tx).await?;
    let job = queue.enqueue(&mut tx, &RenewRecovery::all(), None).await?;
    // The former records hold the offices' keys: what is sealed from now on must not open with them.
    queue.enqueue(&mut tx, &RotateKeys::Begin, None).await?;
    let entry = Entry {
        who: Who::Machine,
        office: None,
        action: "key.recovery.change",
        object: Some(job.to_string()),
        result: "ok",
        origin: &Origin::machine(),
        detail: serde_json::json!({ "generation": generation }),
    };
    audit::record(&mut tx, &clock, entry).await?;
    tx.commit().await?;
    if args.json {
        say::json(&serde_json::json!({ "job": job, "recipient": recipient.to_string(), "generation": generation }));
        return Ok(ExitCode::SUCCESS);
    }
    say::result(&format!(
        "{job}: objek lama disalin; simpan kunci pemulihan lama sampai former_recovery di halaman status 0.\n\
         Old objects are copied; keep the former recovery key until former_recovery on the status page is 0."
    ));
    Ok(ExitCode::SUCCESS)
}

fn recipient(args: &Args) -> Result<RecoveryRecipient> {
    if let Some(text) = &args.recovery_recipient {
        return text.parse();
    }
    let identity = RecoveryIdentity::generate();
    if let Some(path) = &args.recovery_out {
        setup::NewSecret::create(path)?.write(&identity.identity_file())?;
    }
    Ok(identity.recipient())
}
