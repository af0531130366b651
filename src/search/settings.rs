use serde::{Deserialize, Serialize};

/// Bounds of the index and of what one question may cost. Every bound is here so that a question can be slow only by
/// a decision of the operator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Memory in which the writer gathers pages before it writes a segment; at least 15 MB.
    pub writer_memory_bytes: usize,
    /// The writer commits after so many bytes of text. The writer's memory is no bound by itself: without this a
    /// rebuild of a large archive grew to 2.9 GB.
    pub commit_bytes: usize,
    /// Decrypted pieces of index files kept in memory, together at most so many bytes.
    pub cache_bytes: usize,
    /// Files of the index that are open at a time; others are opened when a question reads them.
    pub open_files: usize,
    /// Whether a commit reaches the disk before it counts. Without it a power cut may cost the whole index (it is
    /// rebuilt), never a document.
    pub durable: bool,
    /// Whether opening reads and authenticates every file, so that damage is found before the first question.
    pub verify_at_open: bool,
    /// Segments of one size that are merged into one.
    pub merge_segments: usize,
    /// Segments with more pages than this are merged no further, except to drop what was deleted.
    pub merge_max_pages: usize,
    /// Share of deleted pages above which a segment is rewritten.
    pub merge_deleted_share: f32,
    /// Characters of a question that are read; the rest is ignored.
    pub max_question_chars: usize,
    /// Different words of a question that are looked up (at most 32).
    pub max_words: usize,
    /// Words of a question whose pieces (padded 4-grams) are looked up: the rarest ones.
    pub max_pieced_words: usize,
    /// Matching pages, the best by the words that tell something, on which everything else is looked up as well: pieces
    /// of words, and words that only bind. They stay before all others.
    pub best_entries: usize,
    /// Share of a question's information (its words, weighted by rarity) that a page must hold to be a match.
    pub match_share: f32,
    /// Share of a word's pieces that a page must hold to be near it.
    pub near_share: f32,
    /// Near documents shown after the matches; where nothing matches, all of them can be paged through.
    pub near_after_matches: usize,
    /// Characters of a snippet.
    pub snippet_chars: usize,
    /// Bytes of a page that are looked at for its snippet.
    pub snippet_bytes: usize,
    /// Values listed for each facet, most frequent first.
    pub facet_values: usize,
    /// Suggestions in one answer.
    pub suggestions: usize,
    /// Words of the dictionary that one suggestion or spelling may look at.
    pub suggestion_words: usize,
    /// Postings that one suggestion may look at.
    pub suggestion_postings: usize,
    /// Words or phrases that mean the same here, such as an office's short and full name; added to the built-in list.
    pub synonyms: Vec<Vec<String>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            writer_memory_bytes: 64 << 20,
            commit_bytes: 10 << 20,
            cache_bytes: 64 << 20,
            open_files: 64,
            durable: true,
            verify_at_open: true,
            merge_segments: 8,
            merge_max_pages: 2_000_000,
            merge_deleted_share: 0.3,
            max_question_chars: 1_000,
            max_words: 24,
            max_pieced_words: 8,
            best_entries: 256,
            match_share: 0.5,
            near_share: 0.4,
            near_after_matches: 50,
            snippet_chars: 240,
            snippet_bytes: 200_000,
            facet_values: 50,
            suggestions: 8,
            suggestion_words: 4_000,
            suggestion_postings: 2_000_000,
            synonyms: Vec::new(),
        }
    }
}
