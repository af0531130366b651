//! The points of the write paths at which the process may die, by name. In a debug build `LUMBUNG_DIE_AT=name` (or
//! `name:3`, for the third time) kills the process there as a power cut would, so that a test can try every one of them;
//! `LUMBUNG_PANIC_AT` has what runs there panic instead, as a fault of ours would. In the released program there is nothing
//! of this.

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point { $($(#[$doc])* $point),* }

        impl Point {
            /// In the order in which a document meets them.
            pub const ALL: &'static [Point] = &[$(Point::$point),*];

            pub fn name(self) -> &'static str {
                match self { $(Point::$point => $name),* }
            }
        }
    };
}

points! {
    /// All bytes are sealed, in memory or in the spool; nothing of them is recorded.
    Sealed = "receive.sealed";
    /// The pending row and its key are committed; there is no object yet.
    Announced = "receive.announced";
    /// The bytes lie in the folder, without a name.
    FolderWritten = "folder.written";
    /// The object has its name; the folder's entry is not durable yet.
    FolderNamed = "folder.named";
    /// The object is in the store; no document names it.
    Stored = "receive.stored";
    /// Document, audit entry and job are written, not committed.
    Recorded = "record.written";
    /// Committed, not answered.
    RecordCommitted = "record.committed";
    /// An upload in pieces was begun, not answered.
    UploadBegun = "upload.begun";
    /// The object of a part is in the store; no row names it.
    PartStored = "part.stored";
    /// A part is committed, not answered.
    PartCommitted = "part.committed";
    /// The upload is tied to its document, not committed.
    UploadTied = "upload.tied";
    /// The document is committed; the upload's parts are still there.
    UploadCommitted = "upload.committed";
    /// The objects of the parts are gone, their rows are not.
    PartsDeleted = "parts.deleted";
    /// Page texts are in the store; no row names them.
    TextsStored = "read.stored";
    /// What was read is written and the job ended, not committed.
    TextsRecorded = "read.written";
    /// What was read is committed; what it replaced is still in the store.
    TextsCommitted = "read.committed";
    /// What a commit of the index takes away is marked beside its segment; the commit does not name the marks yet.
    RemovalsMarked = "index.marked";
    /// The index holds the change; nobody was told.
    IndexApplied = "index.applied";
    /// A page picture is in the store; no row names it.
    PictureStored = "picture.stored";
    /// A change of details, trash or restore is written, not committed.
    ChangeWritten = "change.written";
    /// Committed, not answered.
    ChangeCommitted = "change.committed";
    /// A link is written, not committed.
    LinkWritten = "link.written";
    /// Committed, not answered: nobody knows the secret.
    LinkCommitted = "link.committed";
    /// An opening is counted, not committed.
    OpenWritten = "open.written";
    /// Committed, not answered.
    OpenCommitted = "open.committed";
    /// A revocation is written, not committed.
    RevokeWritten = "revoke.written";
    /// Committed, not answered.
    RevokeCommitted = "revoke.committed";
    /// A batch of reindexing is written, not committed.
    ReindexWritten = "reindex.written";
    /// An object is in the mirror; its row does not say so.
    MirrorCopied = "mirror.copied";
    /// Tombstone and audit entry of a destroyed document are written, its keys are gone, nothing is committed.
    DestroyWritten = "destroy.written";
    /// Committed; its objects are still in the store.
    DestroyCommitted = "destroy.committed";
    /// An object has left the store and the mirror; its row does not say so.
    ObjectErased = "erase.erased";
    /// An unknown object lies in quarantine; the sweep has not noted it.
    SetAside = "sweep.set-aside";
    /// A blob that nothing needs is condemned; its object is there.
    Condemned = "sweep.condemned";
    /// A record is in the bucket; the chain does not name it.
    RecordStored = "records.stored";
    /// The chain begins anew; the records before it are still in the bucket.
    RecordsSettled = "records.settled";
    /// Every office has a new key, not committed.
    RotateBegun = "rotate.begun";
    /// A step of rotation is written, not committed.
    RotateWritten = "rotate.written";
    /// The file of both master keys lies beside the former one.
    MasterWritten = "master.written";
    /// The file of the master key is replaced; nobody was told.
    MasterReplaced = "master.replaced";
    /// Everything is wrapped under the new master key, not committed.
    MasterChanged = "master.changed";
    /// The copy for the new recovery key is in the store; no row names it.
    CopyStored = "recovery.stored";
    /// The row names the copy; the former object has no end yet.
    CopyCommitted = "recovery.committed";
    /// A backup is written whole, not under its name.
    BackupWritten = "backup.written";
    /// All records are applied; the database is no installation yet.
    RestoreApplied = "restore.applied";
    /// The restore is committed; nobody was told.
    RestoreCommitted = "restore.committed";
}

/// By how much the clock of this process runs ahead: `LUMBUNG_CLOCK_AHEAD`, in seconds, in a debug build alone. A test of the
/// real program lets days pass with it.
pub fn clock_ahead() -> std::time::Duration {
    #[cfg(debug_assertions)]
    let seconds = std::env::var("LUMBUNG_CLOCK_AHEAD").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    #[cfg(not(debug_assertions))]
    let seconds = 0;
    std::time::Duration::from_secs(seconds)
}

/// By how many seconds the machine of this process is set wrong: `LUMBUNG_MACHINE_AHEAD`, in a debug build alone.
pub fn machine_ahead() -> i64 {
    #[cfg(debug_assertions)]
    let seconds = std::env::var("LUMBUNG_MACHINE_AHEAD").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    #[cfg(not(debug_assertions))]
    let seconds = 0;
    seconds
}

/// What handles this text panics if it was told to stumble over a word of it: `LUMBUNG_STUMBLE_OVER`, in a debug build alone.
pub fn stumble(text: &str) {
    #[cfg(debug_assertions)]
    armed::stumble(text);
    #[cfg(not(debug_assertions))]
    let _ = text;
}

/// The process dies here, or what runs here panics, if it was told to.
#[inline]
pub fn point(point: Point) {
    #[cfg(debug_assertions)]
    armed::reach(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Point;

    struct Armed {
        name: String,
        left: AtomicU32,
    }

    impl Armed {
        fn by(variable: &str) -> Option<Armed> {
            let told = std::env::var(variable).ok()?;
            let (name, times) = told.split_once(':').unwrap_or((&told, "1"));
            Some(Armed { name: name.to_owned(), left: AtomicU32::new(times.parse().unwrap_or(1)) })
        }

        fn goes_off_at(&self, point: Point) -> bool {
            self.name == point.name() && self.left.fetch_sub(1, Ordering::Relaxed) == 1
        }
    }

    static DEATH: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by("LUMBUNG_DIE_AT"));
    static PANIC: LazyLock<Option<Armed>> = LazyLock::new(|| Armed::by("LUMBUNG_PANIC_AT"));

    static STUMBLE: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("LUMBUNG_STUMBLE_OVER").ok());

    #[expect(clippy::panic, reason = "a panic is what was asked for")]
    pub(super) fn stumble(text: &str) {
        if STUMBLE.as_ref().is_some_and(|word| text.contains(word)) {
            panic!("asked to stumble over a word");
        }
    }

    #[expect(clippy::panic, reason = "a panic is what was asked for")]
    pub(super) fn reach(point: Point) {
        if DEATH.as_ref().is_some_and(|death| death.goes_off_at(point)) {
            // Not an exit and not a panic: nothing is flushed, dropped or handed back.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park();
            }
        }
        if PANIC.as_ref().is_some_and(|panic| panic.goes_off_at(point)) {
            panic!("asked to panic at {}", point.name());
        }
    }
}
