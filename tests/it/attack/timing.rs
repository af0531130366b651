//! How two ways of asking are compared by time, as whoever wants to learn from it would.

use std::time::{Duration, Instant};

/// Asks in pairs, one after the other and each first in turn, so that whatever slows the machine slows both. Gives the share of
/// the pairs in which the first way took longer: about half where time tells nothing.
pub async fn slower_of_pairs(pairs: usize, ask: impl AsyncFn(usize)) -> f64 {
    let mut slower = 0;
    for pair in 0..pairs {
        let mut took = [Duration::ZERO; 2];
        for turn in 0..2 {
            let which = (pair + turn) % 2;
            let begun = Instant::now();
            ask(which).await;
            took[which] = begun.elapsed();
        }
        slower += usize::from(took[0] > took[1]);
    }
    slower as f64 / pairs as f64
}
