//! What each security class allows a link to be; the table of the domain as one match. Whoever asks for more is told
//! which rule stands in the way and what is allowed instead.

use std::time::Duration;

use super::terms::{AudienceKind, Rights, Terms};
use crate::{
    clock::Time,
    document::SecurityClass,
    error::{Error, Result, say},
};

/// The parts of a link on which the policy looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub audience: AudienceKind,
    pub rights: Rights,
    pub created_at: Time,
    pub expires_at: Time,
}

/// The widest that a class allows.
struct Widest {
    audiences: &'static [AudienceKind],
    /// Audiences that may have the original; everybody else sees pages with a watermark.
    download: &'static [AudienceKind],
    days: u64,
}

const fn widest(class: SecurityClass) -> Option<Widest> {
    use AudienceKind::{Anyone, Email, Offices};
    match class {
        SecurityClass::Biasa => {
            Some(Widest { audiences: &[Anyone, Offices, Email], download: &[Anyone, Offices, Email], days: 365 })
        }
        SecurityClass::Terbatas => Some(Widest { audiences: &[Offices, Email], download: &[Offices], days: 7 }),
        SecurityClass::Rahasia => Some(Widest { audiences: &[Offices], download: &[], days: 7 }),
        SecurityClass::SangatRahasia => None,
    }
}

/// A caller's clock may be a little ahead of ours; "seven days from now" is not a breach for it.
const CLOCKS_DIFFER: Duration = Duration::from_secs(30);

/// Whether a link with these terms may exist on a document of this class. The longest life counts from creation, so that
/// no chain of extensions outlives it.
pub fn policy(class: SecurityClass, terms: &Terms, created_at: Time, now: Time) -> Result<()> {
    if terms.expires_at <= now {
        return Err(Error::invalid(
            "/expires_at",
            say("Waktu berakhir harus di masa depan.", "It must end in the future."),
        ));
    }
    let shape =
        Shape { audience: terms.audience.kind(), rights: terms.rights, created_at, expires_at: terms.expires_at };
    conforms(class, shape)
}

/// Why a class does not allow an audience with a right, whatever the life; for a form that greys it and says so.
pub fn why_not(class: SecurityClass, audience: AudienceKind, rights: Rights) -> Option<Error> {
    conforms(class, Shape { audience, rights, created_at: Time(0), expires_at: Time(0) }).err()
}

/// The longest life of a link, in days from its creation; none where there are no links.
pub fn longest_days(class: SecurityClass) -> Option<u64> {
    widest(class).map(|widest| widest.days)
}

/// Links on `rahasia` are dead until a head released them.
pub fn needs_release(class: SecurityClass) -> bool {
    class >= SecurityClass::Rahasia
}

pub(super) fn conforms(class: SecurityClass, shape: Shape) -> Result<()> {
    let widest = widest(class).ok_or_else(no_links)?;
    if !widest.audiences.contains(&shape.audience) {
        return Err(audience_too_wide(class));
    }
    if shape.rights == Rights::Download && !widest.download.contains(&shape.audience) {
        return Err(rights_too_wide(class));
    }
    let longest = Duration::from_secs(widest.days * 24 * 3600);
    if shape.expires_at > shape.created_at.plus(longest).plus(CLOCKS_DIFFER) {
        return Err(life_too_long(class, widest.days, shape.created_at.plus(longest)));
    }
    Ok(())
}

fn no_links() -> Error {
    Error::forbidden(
        "class-has-no-links",
        say(
            "Dokumen sangat rahasia tidak boleh dibagikan lewat tautan. Serahkan langsung menurut tata naskah dinas.",
            "A document of class sangat_rahasia never has a link. Hand it over in person.",
        ),
    )
}

fn audience_too_wide(class: SecurityClass) -> Error {
    let (id, en) = match class {
        SecurityClass::Terbatas => (
            "kantor tertentu, atau alamat surel dengan kode sekali pakai",
            "named offices, or e-mail addresses proven by a one-time code",
        ),
        _ => ("kantor tertentu saja", "named offices only"),
    };
    Error::forbidden(
        "audience-too-wide",
        say(
            format!("Untuk sifat {} penerima yang boleh: {id}.", class.as_str()),
            format!("For class {} the audience may be: {en}.", class.as_str()),
        ),
    )
}

fn rights_too_wide(class: SecurityClass) -> Error {
    let (id, en) = match class {
        SecurityClass::Terbatas => (
            "Unduhan hanya untuk kantor tertentu; penerima lain hanya melihat halaman bertanda air (rights: view).",
            "Download is for named offices only; others view pages with a watermark (rights: view).",
        ),
        _ => (
            "Dokumen rahasia hanya boleh dilihat dengan tanda air (rights: view).",
            "A document of class rahasia may only be viewed with a watermark (rights: view).",
        ),
    };
    Error::forbidden("rights-too-wide", say(id, en))
}

fn life_too_long(class: SecurityClass, days: u64, latest: Time) -> Error {
    let (class, latest) = (class.as_str(), latest.rfc3339());
    Error::forbidden(
        "life-too-long",
        say(
            format!("Tautan untuk sifat {class} berlaku paling lama {days} hari sejak dibuat: sampai {latest}."),
            format!("A link for class {class} lives at most {days} days from its creation: until {latest}."),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use SecurityClass::{Biasa, Rahasia, SangatRahasia, Terbatas};

    const CREATED: Time = Time(1_800_000_000_000);
    const DAY: u64 = 24 * 3600;

    fn slug(class: SecurityClass, audience: AudienceKind, rights: Rights, life_seconds: u64) -> &'static str {
        let shape = Shape {
            audience,
            rights,
            created_at: CREATED,
            expires_at: CREATED.plus(Duration::from_secs(life_seconds)),
        };
        conforms(class, shape).err().map_or("", |refusal| {
            assert_eq!(refusal.status(), 403);
            refusal.slug()
        })
    }

    /// Written out by hand from the domain's table, row by row, so that it does not repeat the program's logic.
    #[test]
    fn the_whole_policy_table() {
        use AudienceKind::{Anyone, Email, Offices};
        use Rights::{Download, View};
        let table = [
            (Biasa, Anyone, View, "", 365),
            (Biasa, Anyone, Download, "", 365),
            (Biasa, Offices, View, "", 365),
            (Biasa, Offices, Download, "", 365),
            (Biasa, Email, View, "", 365),
            (Biasa, Email, Download, "", 365),
            (Terbatas, Anyone, View, "audience-too-wide", 0),
            (Terbatas, Anyone, Download, "audience-too-wide", 0),
            (Terbatas, Offices, View, "", 7),
            (Terbatas, Offices, Download, "", 7),
            (Terbatas, Email, View, "", 7),
            (Terbatas, Email, Download, "rights-too-wide", 0),
            (Rahasia, Anyone, View, "audience-too-wide", 0),
            (Rahasia, Anyone, Download, "audience-too-wide", 0),
            (Rahasia, Offices, View, "", 7),
            (Rahasia, Offices, Download, "rights-too-wide", 0),
            (Rahasia, Email, View, "audience-too-wide", 0),
            (Rahasia, Email, Download, "audience-too-wide", 0),
            (SangatRahasia, Anyone, View, "class-has-no-links", 0),
            (SangatRahasia, Anyone, Download, "class-has-no-links", 0),
            (SangatRahasia, Offices, View, "class-has-no-links", 0),
            (SangatRahasia, Offices, Download, "class-has-no-links", 0),
            (SangatRahasia, Email, View, "class-has-no-links", 0),
            (SangatRahasia, Email, Download, "class-has-no-links", 0),
        ];
        assert_eq!(table.len(), SecurityClass::ALL.len() * AudienceKind::ALL.len() * Rights::ALL.len());
        for (class, audience, rights, expected, days) in table {
            assert_eq!(slug(class, audience, rights, 60), expected, "{class:?} {audience:?} {rights:?}");
            if expected.is_empty() {
                assert_eq!(slug(class, audience, rights, days * DAY), "", "{class:?} for {days} days");
                let longer = slug(class, audience, rights, days * DAY + 60);
                assert_eq!(longer, "life-too-long", "{class:?} for longer than {days} days");
            }
        }
    }

    #[test]
    fn a_refusal_says_what_is_allowed_instead() {
        let shape = |audience, rights, days: u64| Shape {
            audience,
            rights,
            created_at: CREATED,
            expires_at: CREATED.plus(Duration::from_secs(days * DAY)),
        };
        let told = |class, shape| conforms(class, shape).expect_err("refused").detail().en.to_string();
        assert!(told(Terbatas, shape(AudienceKind::Anyone, Rights::View, 1)).contains("named offices"));
        assert!(told(Rahasia, shape(AudienceKind::Offices, Rights::Download, 1)).contains("watermark"));
        assert!(told(Terbatas, shape(AudienceKind::Offices, Rights::View, 8)).contains("7 days"));
    }

    #[test]
    fn only_rahasia_and_above_wait_for_the_head() {
        assert_eq!(
            SecurityClass::ALL.iter().map(|class| needs_release(*class)).collect::<Vec<_>>(),
            [false, false, true, true]
        );
    }
}
