//! Words and phrases of Indonesian offices that mean the same, and words that carry no subject. A list of our own,
//! small on purpose: each line was wanted by somebody who searched for the other form.

const SAME: &[&[&str]] = &[
    &["izin", "ijin"],
    &["perizinan", "perijinan"],
    &["jadwal", "jadual"],
    &["nasihat", "nasehat"],
    &["apotek", "apotik"],
    &["november", "nopember"],
    &["februari", "pebruari"],
    &["kecamatan", "kec"],
    &["kabupaten", "kab"],
    &["kelurahan", "kel"],
    &["rukun tetangga", "rt"],
    &["rukun warga", "rw"],
    &["kepala desa", "kades"],
    &["sekretaris desa", "sekdes"],
    &["surat keputusan", "sk"],
    &["surat perintah perjalanan dinas", "sppd"],
    &["peraturan desa", "perdes"],
    &["peraturan kepala desa", "perkades"],
    &["peraturan daerah", "perda"],
    &["peraturan bupati", "perbup"],
    &["anggaran pendapatan dan belanja desa", "apbdes", "apb desa", "apbdesa"],
    &["anggaran pendapatan dan belanja daerah", "apbd"],
    &["rencana kerja pemerintah desa", "rkpdes", "rkp desa"],
    &["badan permusyawaratan desa", "bpd"],
    &["badan usaha milik desa", "bumdes", "bumdesa", "bum desa"],
    &["musyawarah desa", "musdes"],
    &["alokasi dana desa", "add"],
    &["bantuan langsung tunai", "blt"],
    &["kartu keluarga", "kk"],
    &["kartu tanda penduduk", "ktp"],
    &["nomor induk kependudukan", "nik"],
    &["tempat pemungutan suara", "tps"],
];

/// Words that ask or bind and say nothing about the subject: no page has to hold them.
const FUNCTION: &[&str] = &[
    "ada",
    "adalah",
    "adakah",
    "apa",
    "apakah",
    "atas",
    "atau",
    "bagaimana",
    "bagaimanakah",
    "bagi",
    "berapa",
    "berapakah",
    "bisa",
    "dalam",
    "dan",
    "dapat",
    "dari",
    "dengan",
    "di",
    "dimana",
    "dimanakah",
    "hal",
    "ialah",
    "ini",
    "itu",
    "juga",
    "kapan",
    "kapankah",
    "ke",
    "kenapa",
    "manakah",
    "mana",
    "mengapa",
    "mengenai",
    "of",
    "oleh",
    "pada",
    "para",
    "saja",
    "sebagai",
    "serta",
    "siapa",
    "siapakah",
    "tentang",
    "terhadap",
    "the",
    "untuk",
    "yaitu",
    "yang",
];

pub(super) fn is_function_word(word: &str) -> bool {
    FUNCTION.contains(&word)
}

/// Other ways to say what stands in `words[range]`, each as its words.
pub(super) struct Same {
    pub range: std::ops::Range<usize>,
    pub others: Vec<Vec<String>>,
}

/// Finds every phrase of the lists in a row of words.
pub(super) fn find(words: &[&str], more: &[Vec<String>]) -> Vec<Same> {
    let mut found = Vec::new();
    let built_in = SAME.iter().map(|group| group.iter().map(|phrase| split(phrase)).collect::<Vec<_>>());
    let added = more.iter().map(|group| group.iter().map(|phrase| split(phrase)).collect::<Vec<_>>());
    for group in built_in.chain(added) {
        for (which, phrase) in group.iter().enumerate().filter(|(_, phrase)| !phrase.is_empty()) {
            for start in 0..(words.len() + 1).saturating_sub(phrase.len()) {
                if words[start..start + phrase.len()].iter().eq(phrase.iter()) {
                    let mut others = group.clone();
                    others.remove(which);
                    found.push(Same { range: start..start + phrase.len(), others });
                }
            }
        }
    }
    found
}

fn split(phrase: &str) -> Vec<String> {
    super::words::words(phrase).into_iter().map(|word| word.text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_and_its_short_form_find_each_other() {
        let found = find(&["rapat", "kepala", "desa"], &[]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].range.clone(), &found[0].others), (1..3, &vec![vec!["kades".to_owned()]]));
        let found = find(&["kades"], &[]);
        assert_eq!(found[0].others, [["kepala", "desa"]]);
    }

    #[test]
    fn an_offices_own_short_name_can_be_added() {
        let own = vec![vec!["Dinas Pemberdayaan Masyarakat dan Desa".to_owned(), "DPMD".to_owned()]];
        assert_eq!(find(&["dpmd"], &own)[0].others[0][1], "pemberdayaan");
    }
}
