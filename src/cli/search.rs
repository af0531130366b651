//! `lumbung search`.

use std::process::ExitCode;

use super::{client::Where, say};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Kata yang dicari / the words.
    #[arg(required = true)]
    words: Vec<String>,
    /// Paling banyak berapa dokumen / how many documents at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Jawaban peladen sebagai JSON / the server's answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

pub async fn run(args: Args) -> Result<ExitCode> {
    let client = args.place.client()?;
    let query = [("q", args.words.join(" ")), ("limit", args.limit.to_string())];
    let request = client.request(reqwest::Method::GET, "/api/v1/search").query(&query);
    let found = client.json(request).await?;
    if args.json {
        say::json(&found);
        return Ok(ExitCode::SUCCESS);
    }
    for item in found["items"].as_array().into_iter().flatten() {
        let page = item["page"].as_u64().map(|page| format!(" hlm. / page {page}")).unwrap_or_default();
        let near = if item["near"] == true { "  mirip / near" } else { "" };
        let document = &item["document"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
        say::result(&format!(
            "{}  {}{page}  ({}){near}",
            text(&document["id"]),
            text(&document["title"]),
            text(&document["office"]["name"])
        ));
        let snippet = text(&item["snippet"]["text"]);
        if !snippet.is_empty() {
            say::result(&format!("    {}", snippet.replace('\n', " ")));
        }
    }
    say::progress(&format!("{} dokumen / documents", found["total"]));
    if let Some(other) = found["did_you_mean"].as_str() {
        say::progress(&format!("Maksud Anda / did you mean: {other}"));
    }
    Ok(ExitCode::SUCCESS)
}
