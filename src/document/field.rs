//! The closed sets of a document's fields, with the words of the contract.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        // The words are the names in this case. A rename of each by the macro's literal is lost on the derived schema.
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }

            pub fn parse(text: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }
    };
}

words! {
    /// Sifat keamanan, from open to closed; the order is the order of classes.
    SecurityClass { Biasa = "biasa", Terbatas = "terbatas", Rahasia = "rahasia", SangatRahasia = "sangat_rahasia" }
}
words! {
    /// Tingkat urgensi. It says how quickly to act, never who may read.
    Urgency { Biasa = "biasa", Penting = "penting", Segera = "segera", AmatSegera = "amat_segera" }
}
words! {
    /// Jangkauan: who may find a document of class `biasa` besides its own office.
    Reach { Kantor = "kantor", Kabupaten = "kabupaten" }
}
words! {
    /// How far a version has come. `ready` means: already findable.
    State { Received = "received", Reading = "reading", Ready = "ready", Unreadable = "unreadable", Stored = "stored" }
}

words! {
    /// What an antivirus daemon said of a version.
    ScanState { Unchecked = "unchecked", Clean = "clean", Infected = "infected" }
}

impl SecurityClass {
    pub fn level(self) -> i64 {
        self as i64
    }

    pub fn of_level(level: i64) -> SecurityClass {
        // An unknown level is treated as the most closed one: a newer program may have added it.
        SecurityClass::ALL
            .get(usize::try_from(level).unwrap_or(usize::MAX))
            .copied()
            .unwrap_or(SecurityClass::SangatRahasia)
    }

    /// Titles, senders, recipients and summaries of these classes are sealed in the database too.
    pub fn seals_details(self) -> bool {
        self >= SecurityClass::Rahasia
    }
}
