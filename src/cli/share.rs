//! `lumbung share`: a link for a document, printed once.

use std::process::ExitCode;

use serde_json::json;

use super::{client::Where, say};
use crate::{
    error::{Error, Result, say as said},
    id::{DocumentId, OfficeId},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Id dokumen / the document's id (doc_…).
    document: DocumentId,
    /// Kantor penerima (boleh berulang) / receiving offices; without: anyone with the link.
    #[arg(long = "office", value_name = "ID")]
    offices: Vec<OfficeId>,
    /// Alamat surel penerima (boleh berulang) / receiving e-mail addresses.
    #[arg(long = "email", value_name = "ADDRESS", conflicts_with = "offices")]
    emails: Vec<String>,
    /// view: halaman bertanda air; download: berkas asli / watermarked pages, or the original.
    #[arg(long, default_value = "view", value_parser = ["view", "download"])]
    rights: String,
    /// Berlaku berapa hari / how many days it lives.
    #[arg(long, default_value_t = 7)]
    days: u32,
    /// Paling banyak dibuka berapa kali / how often it may be opened at most.
    #[arg(long, value_name = "N")]
    max_opens: Option<u32>,
    /// Catatan untuk kantor sendiri / a note for the own office.
    #[arg(long)]
    label: Option<String>,
    /// Baca kata sandi tautan dari berkas / read the link's password from a file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
    /// Jawaban peladen sebagai JSON / the server's answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let client = args.place.client()?;
    let audience = match (&args.offices, &args.emails) {
        (offices, _) if !offices.is_empty() => json!({ "kind": "offices", "offices": offices }),
        (_, emails) if !emails.is_empty() => json!({ "kind": "email", "emails": emails }),
        _ => json!({ "kind": "anyone" }),
    };
    let until =
        crate::clock::Clock::default().now().plus(std::time::Duration::from_secs(86_400 * u64::from(args.days)));
    let mut body = json!({ "audience": audience, "rights": args.rights, "expires_at": until });
    if let Some(most) = args.max_opens {
        body["max_opens"] = most.into();
    }
    if let Some(label) = args.label {
        body["label"] = label.into();
    }
    if let Some(path) = &args.password_file {
        let password = std::fs::read_to_string(path).map_err(|cause| {
            Error::invalid(
                "--password-file",
                said(format!("Tidak dapat dibaca: {cause}"), format!("Cannot be read: {cause}")),
            )
        })?;
        body["password"] = password.trim_end_matches(['\r', '\n']).into();
    }
    let path = format!("/api/v1/documents/{}/links", args.document);
    let request = client.request(reqwest::Method::POST, &path).json(&body);
    let link = client.json(request).await?;
    if args.json {
        say::json(&link);
    } else {
        say::result(link["url"].as_str().unwrap_or(""));
        say::progress(
            "Alamat ini hanya ditampilkan sekali; simpan sekarang. / This address is shown only once; keep it now.",
        );
        for warning in link["warnings"].as_array().into_iter().flatten() {
            say::progress(warning["detail"].as_str().unwrap_or(""));
        }
        if link["state"] == "pending" {
            say::progress(
                "Tautan menunggu dilepas oleh kepala kantor. / The link waits until the head of the office releases it.",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
