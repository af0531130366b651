//! The words of `words.rs` as Tantivy takes them in: raw, stemmed, in pieces, or line by line.

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer, TokenizerManager};

use super::words::Walk;

#[derive(Clone, Copy)]
enum Form {
    Raw,
    Stem,
    Pieces,
    /// Values that were taken apart before: one for each line.
    Lines,
}

pub(super) const RAW: &str = "raw_words";
pub(super) const STEM: &str = "stems";
pub(super) const PIECES: &str = "pieces";
pub(super) const LINES: &str = "lines";

pub(super) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    for (name, form) in [(RAW, Form::Raw), (STEM, Form::Stem), (PIECES, Form::Pieces), (LINES, Form::Lines)] {
        manager.register(name, Words { form });
    }
    manager
}

/// The stem by Snowball's Indonesian rules. Foreign scripts and digits pass unchanged.
pub(super) fn stem(word: &str) -> String {
    Stemmer::new(Algorithm::Indonesian).stem(word).into_owned()
}

#[derive(Clone)]
struct Words {
    form: Form,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        Stream {
            form: self.form,
            walk: Walk::new(text),
            lines: text.split('\n'),
            stemmer: Stemmer::new(Algorithm::Indonesian),
            word: String::new(),
            padded: Vec::new(),
            piece: 0,
            token: Token { position: 0, ..Token::default() },
        }
    }
}

struct Stream<'a> {
    form: Form,
    walk: Walk<'a>,
    lines: std::str::Split<'a, char>,
    stemmer: Stemmer,
    word: String,
    /// The word with its borders, and where the next piece of it begins.
    padded: Vec<char>,
    piece: usize,
    token: Token,
}

impl Stream<'_> {
    fn next_piece(&mut self) -> bool {
        if self.padded.is_empty() || (self.piece > 0 && self.piece + 4 > self.padded.len()) {
            if self.walk.next_into(&mut self.word).is_none() {
                return false;
            }
            self.padded.clear();
            self.padded.push('_');
            self.padded.extend(self.word.chars());
            self.padded.push('_');
            self.piece = 0;
        }
        let end = self.padded.len().min(self.piece + 4);
        self.token.text.extend(&self.padded[self.piece..end]);
        self.piece += 1;
        true
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        self.token.text.clear();
        match self.form {
            Form::Raw => self.walk.next_into(&mut self.token.text).is_some(),
            Form::Stem => match self.walk.next_into(&mut self.word) {
                Some(_) => {
                    self.token.text.push_str(&self.stemmer.stem(&self.word));
                    true
                }
                None => false,
            },
            Form::Pieces => self.next_piece(),
            Form::Lines => match self.lines.next() {
                Some(line) => {
                    self.token.text.push_str(line);
                    true
                }
                None => false,
            },
        }
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::words::{pieces, words};

    fn tokens(name: &str, text: &str) -> Vec<String> {
        let mut analyzer = tokenizers().get(name).expect("registered");
        let mut stream = analyzer.token_stream(text);
        let mut found = Vec::new();
        stream.process(&mut |token| found.push(token.text.clone()));
        found
    }

    #[test]
    fn pages_and_questions_are_cut_into_the_same_pieces() {
        let text = "Undangan rapat di Désa, No. 15";
        let asked: Vec<String> = words(text).iter().flat_map(|word| pieces(&word.text)).collect();
        assert_eq!(tokens(PIECES, text), asked);
        let stems: Vec<String> = words(text).iter().map(|word| stem(&word.text)).collect();
        assert_eq!(tokens(STEM, text), stems);
    }

    #[test]
    fn inflected_words_meet_at_their_stem() {
        assert_eq!(stem("pembangunan"), stem("membangun"));
        assert_eq!(stem("1595"), "1595");
    }
}
