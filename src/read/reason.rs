//! Why a file could not be read: a stable slug for programs, a plain sentence for people.

use crate::error::{Say, say};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Empty,
    Encrypted,
    Broken,
    /// The file is sound but uses a variant that the reader does not know.
    Unsupported,
    /// More bytes than are read.
    TooLarge,
    /// Small on disk, huge when unpacked: more pixels or memory than is allowed.
    Bomb,
    TooMuchText,
    TooManyPages,
    TimedOut,
    /// The child ended in a way that the file must have caused.
    Crashed,
    /// A page picture was asked for that the file does not have.
    NoSuchPage,
    /// Files of this kind have no page pictures.
    NoPictures,
    NoJail,
    NoTesseract,
    NoHeif,
    /// The reader itself could not be started; the file may be fine.
    ReaderFailed,
}

impl Reason {
    pub const ALL: [Reason; 16] = [
        Reason::Empty,
        Reason::Encrypted,
        Reason::Broken,
        Reason::Unsupported,
        Reason::TooLarge,
        Reason::Bomb,
        Reason::TooMuchText,
        Reason::TooManyPages,
        Reason::TimedOut,
        Reason::Crashed,
        Reason::NoSuchPage,
        Reason::NoPictures,
        Reason::NoJail,
        Reason::NoTesseract,
        Reason::NoHeif,
        Reason::ReaderFailed,
    ];

    pub fn slug(self) -> &'static str {
        match self {
            Reason::Empty => "empty",
            Reason::Encrypted => "encrypted",
            Reason::Broken => "broken",
            Reason::Unsupported => "unsupported",
            Reason::TooLarge => "too-large",
            Reason::Bomb => "bomb",
            Reason::TooMuchText => "too-much-text",
            Reason::TooManyPages => "too-many-pages",
            Reason::TimedOut => "timed-out",
            Reason::Crashed => "crashed",
            Reason::NoSuchPage => "no-such-page",
            Reason::NoPictures => "no-pictures",
            Reason::NoJail => "no-jail",
            Reason::NoTesseract => "no-tesseract",
            Reason::NoHeif => "no-heif",
            Reason::ReaderFailed => "reader-failed",
        }
    }

    pub fn from_slug(slug: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.slug() == slug)
    }

    /// Whether the cause lies in the server's set-up, so that the same file may be read once that is mended.
    pub fn is_ours(self) -> bool {
        matches!(self, Reason::NoJail | Reason::NoTesseract | Reason::NoHeif | Reason::ReaderFailed)
    }

    pub fn say(self) -> Say {
        let (id, en) = match self {
            Reason::Empty => {
                ("Berkas ini kosong: tidak ada yang dapat dibaca.", "This file is empty: there is nothing to read.")
            }
            Reason::Encrypted => (
                "Berkas ini dikunci dengan kata sandi. Simpan ulang tanpa kata sandi, lalu unggah lagi agar dapat dicari.",
                "This file is locked with a password. Save it without the password and upload it again to make it findable.",
            ),
            Reason::Broken => (
                "Berkas ini rusak atau terpotong. Berkas tetap disimpan; unggah lagi dari sumbernya bila ada.",
                "This file is broken or cut off. It is kept as it is; upload it again from its source if you can.",
            ),
            Reason::Unsupported => (
                "Berkas ini memakai ragam format yang belum dapat dibaca. Simpan ulang sebagai PDF agar dapat dicari.",
                "This file uses a variant of its format that cannot be read yet. Save it as PDF to make it findable.",
            ),
            Reason::TooLarge => (
                "Berkas ini terlalu besar untuk dibaca. Berkas tetap disimpan; pecah menjadi beberapa bagian agar dapat dicari.",
                "This file is too large to be read. It is kept; split it into parts to make it findable.",
            ),
            Reason::Bomb => (
                "Isi berkas ini mengembang melebihi batas saat dibuka, sehingga tidak dibaca demi keamanan.",
                "This file grows beyond the limits when it is opened, so for safety it was not read.",
            ),
            Reason::TooMuchText => (
                "Teks di dalam berkas ini melebihi batas. Bagian awalnya dapat dicari, sisanya tidak.",
                "This file holds more text than the limit. Its beginning can be found, the rest cannot.",
            ),
            Reason::TooManyPages => (
                "Berkas ini memiliki halaman lebih banyak daripada batas. Halaman sesudah batas itu tidak dibaca.",
                "This file has more pages than the limit. The pages after it were not read.",
            ),
            Reason::TimedOut => (
                "Membaca berkas ini memakan waktu terlalu lama dan dihentikan.",
                "Reading this file took too long and was stopped.",
            ),
            Reason::Crashed => (
                "Pembaca terhenti karena isi berkas ini. Berkas tetap disimpan dan tidak berubah.",
                "The reader was stopped by what is in this file. The file is kept and unchanged.",
            ),
            Reason::NoSuchPage => ("Halaman ini tidak ada dalam berkas.", "The file has no such page."),
            Reason::NoPictures => {
                ("Jenis berkas ini tidak memiliki gambar halaman.", "Files of this kind have no page pictures.")
            }
            Reason::NoJail => (
                "Peladen ini tidak dapat mengurung pembaca, jadi berkas tidak dibaca. Operator: lihat halaman status.",
                "This server cannot confine the reader, so files are not read. Operator: see the status page.",
            ),
            Reason::NoTesseract => (
                "Halaman ini berupa gambar, dan peladen ini tidak memiliki Tesseract untuk membacanya. Operator: pasang tesseract-ocr.",
                "This page is a picture, and this server has no Tesseract to read it. Operator: install tesseract-ocr.",
            ),
            Reason::NoHeif => (
                "Foto HEIC belum dapat dibaca di peladen ini. Simpan sebagai JPEG, atau minta operator memasang heif-convert.",
                "HEIC photographs cannot be read on this server yet. Save as JPEG, or ask the operator to install heif-convert.",
            ),
            Reason::ReaderFailed => (
                "Pembaca tidak dapat dijalankan. Berkas tetap disimpan; coba baca lagi nanti.",
                "The reader could not be started. The file is kept; try reading it again later.",
            ),
        };
        say(id, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slug_is_its_own_and_is_the_serialised_form() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_slug(reason.slug()), Some(reason));
            assert_eq!(serde_json::to_string(&reason).expect("serialises"), format!("{:?}", reason.slug()));
        }
    }
}
