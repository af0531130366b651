//! Style, scripts and the icon: compiled in, served under names that carry a hash of their content, so that a browser
//! keeps them for good and never asks again.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
}

const JS: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = &[
    Asset { name: "lumbung.css", media_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/lumbung.css") },
    Asset { name: "page.js", media_type: JS, bytes: include_bytes!("assets/page.js") },
    Asset { name: "progress.js", media_type: JS, bytes: include_bytes!("assets/progress.js") },
    Asset { name: "upload.js", media_type: JS, bytes: include_bytes!("assets/upload.js") },
    Asset { name: "secret.js", media_type: JS, bytes: include_bytes!("assets/secret.js") },
    Asset { name: "icon.svg", media_type: "image/svg+xml", bytes: include_bytes!("assets/icon.svg") },
];

/// Address and asset, in the order of [`ASSETS`].
static HASHED: LazyLock<Vec<(String, &'static Asset)>> = LazyLock::new(|| {
    let address = |asset: &Asset| {
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(asset.bytes)[..6]);
        format!("/assets/{digest}-{}", asset.name)
    };
    ASSETS.iter().map(|asset| (address(asset), asset)).collect()
});

/// The address of an asset.
pub fn address(name: &str) -> &'static str {
    HASHED.iter().find(|(_, asset)| asset.name == name).map_or("/", |(address, _)| address.as_str())
}

pub async fn get(Path(name): Path<String>) -> Result<Response> {
    let found = HASHED.iter().find(|(address, _)| address.strip_prefix("/assets/") == Some(&name));
    let (_, asset) = found.ok_or_else(Error::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    Ok((headers, asset.bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_a_template_names_exists() {
        for entry in std::fs::read_dir("src/web/templates").expect("templates") {
            let text = std::fs::read_to_string(entry.expect("entry").path()).expect("text");
            for (at, mark) in text.match_indices("f.asset(\"") {
                let name = text[at + mark.len()..].split('"').next().expect("a name");
                assert_ne!(address(name), "/", "{name}");
            }
        }
    }

    #[test]
    fn all_assets_together_are_small_enough_for_a_weak_link() {
        let total: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(total < 60_000, "{total} bytes before compression");
    }
}
