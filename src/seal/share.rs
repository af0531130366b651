//! Sealed bytes that wait in memory for a store, of all uploads together: however many of them stall, there are no more than
//! this. What does not fit goes to the spool's disk.

use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(usize::MAX);

/// `upload.spool_memory_total_bytes`; for the whole process.
pub fn limit_memory(most: usize) {
    MOST.store(most, Ordering::Relaxed);
}

/// A part of the memory, given back when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Share(usize);

impl Share {
    /// False when so much more would be too much.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let fits = |held: usize| held.checked_add(more).filter(|held| *held <= MOST.load(Ordering::Relaxed));
        let grown = HELD.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        if grown {
            self.0 += more;
        }
        grown
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        HELD.fetch_sub(self.0, Ordering::Relaxed);
    }
}
