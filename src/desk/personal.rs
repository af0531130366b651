//! Pages with NIK or KK numbers that many may read: what is said to their owner. It hinders nothing, because a list of names may
//! have to be public; whoever opened it shall have meant it.

use crate::{
    document::{Document, Reach, Warning},
    error::{Say, say},
    http::Lang,
    share::{Audience, Link, LinkState},
};

const CODE: &str = "personal-data";

/// Of a link for anyone that opens now or may open later, on a version with such numbers.
pub fn of_link(link: &Link) -> Option<Say> {
    let is_living =
        matches!(link.state, LinkState::Open | LinkState::NotYetOpen | LinkState::Paused | LinkState::Pending);
    let is_wide = is_living && matches!(link.audience, Audience::Anyone {});
    (is_wide && link.personal_data).then(|| {
        say(
            "Versi yang dibagikan memuat NIK atau nomor KK, dan siapa saja yang memegang tautan dapat membacanya. Bila tidak perlu, cabut tautan ini dan bagikan kepada kantor tertentu.",
            "The shared version holds NIK or KK numbers, and anyone who has the link can read them. If that is not needed, revoke this link and share with named offices.",
        )
    })
}

/// Of a document with such numbers that every office of the regency finds.
pub fn of_reach(document: &Document) -> Option<Say> {
    let is_wide = document.details.reach == Reach::Kabupaten;
    (is_wide && document.version.personal_data == Some(true)).then(|| {
        say(
            "Dokumen ini memuat NIK atau nomor KK, dan semua kantor kabupaten dapat menemukan serta membacanya. Bila tidak perlu, ubah agar hanya kantor ini yang menemukannya.",
            "This document holds NIK or KK numbers, and every office of the regency can find and read it. If that is not needed, let only this office find it.",
        )
    })
}

/// As answers of the API carry it.
pub fn warnings(said: Option<Say>, lang: Lang) -> Vec<Warning> {
    said.iter().map(|said| Warning { code: CODE, detail: lang.of(said).to_owned() }).collect()
}
