//! Is this text worth anything? A scan's text layer can be rubbish, or a footer that a website stamped on it.

/// Words that stand in nearly every Indonesian or English page of some length.
const COMMON: &[&str] = &[
    "yang",
    "dan",
    "di",
    "untuk",
    "dengan",
    "pada",
    "dari",
    "dalam",
    "ini",
    "itu",
    "atau",
    "tidak",
    "oleh",
    "sebagai",
    "tentang",
    "nomor",
    "pasal",
    "ayat",
    "tahun",
    "kepada",
    "adalah",
    "dapat",
    "akan",
    "telah",
    "surat",
    "huruf",
    "sebagaimana",
    "dimaksud",
    "desa",
    "tanggal",
    "ke",
    "bahwa",
    "serta",
    "republik",
    "indonesia",
    "peraturan",
    "jalan",
    "the",
    "of",
    "and",
    "to",
    "in",
    "is",
    "for",
    "a",
    "that",
    "by",
    "be",
    "with",
    "on",
    "or",
    "as",
];

/// How much the text looks like words of a language, from 0 (rubbish) to 1.
pub(super) fn quality(text: &str) -> f32 {
    let (mut good, mut all, mut words, mut common) = (0usize, 0usize, 0usize, 0usize);
    for token in text.split_whitespace() {
        let letters = token.chars().count();
        all += letters;
        let bare = token.trim_matches(|c: char| !c.is_alphanumeric());
        if is_plausible(bare) {
            good += letters;
        }
        if bare.chars().all(char::is_alphabetic) && !bare.is_empty() {
            words += 1;
            common += usize::from(COMMON.contains(&bare.to_lowercase().as_str()));
        }
    }
    if all == 0 {
        return 0.0;
    }
    let share = good as f32 / all as f32;
    let known = common as f32 / words.max(1) as f32;
    // A list of names has few common words, so only a long text without any is suspicious.
    if words >= 60 && known < 0.03 { share * 0.6 } else { share }
}

fn is_plausible(bare: &str) -> bool {
    let mut letters = bare.chars();
    let Some(first) = letters.next() else { return false };
    if bare.chars().any(|c| c == '\u{fffd}' || ('\u{e000}'..='\u{f8ff}').contains(&c)) {
        return false;
    }
    if bare.chars().all(|c| c.is_ascii_digit() || "./,:-()".contains(c)) {
        return true;
    }
    if !bare.chars().all(|c| c.is_alphabetic() || "-/.'’()".contains(c) || c.is_ascii_digit()) {
        return false;
    }
    if bare.chars().any(|c| c.is_ascii_digit()) {
        return bare.contains(['/', '.', '-']) || bare.len() <= 4;
    }
    let short = bare.chars().count() <= 1;
    let vowels = bare.chars().filter(|c| "aiueoyAIUEOY".contains(*c)).count();
    let all_upper = !bare.chars().any(char::is_lowercase);
    let falls = letters.clone().zip(letters.skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    let case_is_sound = all_upper || !falls;
    let has_shape = vowels * 6 >= bare.chars().filter(|c| c.is_alphabetic()).count() || (all_upper && bare.len() <= 5);
    !short && first.is_alphanumeric() && case_is_sound && has_shape && bare.len() <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_told_from_the_rubbish_of_a_bad_scan() {
        let letter = "Dengan hormat, sehubungan dengan surat Camat Nomor 005/123/Kec tanggal 12 Januari 2025 perihal \
                      undangan rapat, bersama ini kami sampaikan bahwa rapat diadakan di Balai Desa Kertasari.";
        let rubbish = "lJ;;r! ~'1 nn\\rE tll|( ;:iI 1tr(J rnB} cl'llH ]uuqJ i:f0 #$%t ~~ llI|1 vqz xkcd bnm,< pqR";
        assert!(quality(letter) > 0.85, "{}", quality(letter));
        assert!(quality(rubbish) < 0.4, "{}", quality(rubbish));
        assert_eq!(quality(" \n "), 0.0);
    }

    #[test]
    fn long_text_without_one_known_word_is_doubted() {
        let shifted = "Mcnhbu efoebo tvsbu odnps ubohhbm ".repeat(20);
        assert!(quality(&shifted) <= 0.6);
    }
}
