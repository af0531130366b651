//! Files of the index that are open, at most so many at a time. Their number grows with the index, by seven a segment; what
//! a process may have open does not, and a growing number would hide a leak.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub(super) struct Handles {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    readers: HashMap<u64, Reader>,
    turn: u64,
}

struct Reader {
    path: PathBuf,
    file: Option<Arc<File>>,
    last_read: u64,
    /// Closed, it could not be opened again: its path is gone, or may become another file's.
    stays_open: bool,
}

/// A file that is read now and then, and is open while it is among those that were read last.
pub(super) struct Handle {
    id: u64,
    handles: Arc<Handles>,
}

impl Handles {
    pub(super) fn new(most: usize) -> Handles {
        Handles { most: most.max(1), held: Mutex::default() }
    }

    /// `id` is nobody else's. `is_replaced` says that the path may become another file's while this one is read.
    pub(super) fn reader(self: &Arc<Handles>, id: u64, path: PathBuf, is_replaced: bool) -> Handle {
        let reader = Reader { path, file: None, last_read: 0, stays_open: is_replaced };
        self.held().readers.insert(id, reader);
        Handle { id, handles: self.clone() }
    }

    /// Whoever still reads the file goes on reading it.
    pub(super) fn delete(&self, path: &Path) -> io::Result<()> {
        let mut held = self.held();
        for reader in held.readers.values_mut().filter(|reader| reader.path == path) {
            // One that does not open cannot be read either; its reader will be told.
            let _ = reader.opened();
            reader.stays_open = true;
        }
        fs::remove_file(path)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    pub(super) fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file()?.read_exact_at(bytes, at)
    }

    pub(super) fn size(&self) -> io::Result<u64> {
        Ok(self.file()?.metadata()?.len())
    }

    fn file(&self) -> io::Result<Arc<File>> {
        let mut held = self.handles.held();
        held.turn += 1;
        let turn = held.turn;
        let reader = held.readers.get_mut(&self.id).ok_or(io::ErrorKind::NotFound)?;
        reader.last_read = turn;
        let (was_open, file) = (reader.file.is_some(), reader.opened()?);
        if !was_open {
            held.close_beyond(self.handles.most);
        }
        Ok(file)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.handles.held().readers.remove(&self.id);
    }
}

impl Reader {
    fn opened(&mut self) -> io::Result<Arc<File>> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        let file = Arc::new(File::open(&self.path)?);
        self.file = Some(file.clone());
        Ok(file)
    }
}

impl Held {
    fn close_beyond(&mut self, most: usize) {
        let mut open: Vec<_> =
            self.readers.values_mut().filter(|reader| reader.file.is_some() && !reader.stays_open).collect();
        if open.len() > most
            && let Some(reader) = open.iter_mut().min_by_key(|reader| reader.last_read)
        {
            reader.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(count: u64, most: usize) -> (tempfile::TempDir, Arc<Handles>, Vec<Handle>) {
        let dir = tempfile::tempdir().expect("a folder");
        let handles = Arc::new(Handles::new(most));
        let readers = (0..count).map(|id| {
            let path = dir.path().join(id.to_string());
            fs::write(&path, [id as u8]).expect("written");
            handles.reader(id, path, false)
        });
        let readers = readers.collect();
        (dir, handles, readers)
    }

    fn read(handle: &Handle) -> u8 {
        let mut byte = [0];
        handle.read_exact_at(&mut byte, 0).expect("read");
        byte[0]
    }

    fn open(handles: &Handles) -> usize {
        handles.held().readers.values().filter(|reader| reader.file.is_some()).count()
    }

    #[test]
    fn no_more_are_open_than_may_be_and_all_can_be_read() {
        let (_dir, handles, readers) = files(9, 3);
        for _ in 0..2 {
            for (id, reader) in readers.iter().enumerate() {
                assert_eq!(read(reader), id as u8);
                assert_eq!(read(&readers[0]), 0);
                assert!(open(&handles) <= 3);
            }
        }
        assert!(handles.held().readers[&0].file.is_some(), "what is read most stays open");
        drop(readers);
        assert_eq!(open(&handles), 0);
    }

    #[test]
    fn a_file_that_is_deleted_is_still_there_for_its_readers() {
        let (dir, handles, readers) = files(4, 1);
        handles.delete(&dir.path().join("2")).expect("deleted");
        assert_eq!(readers.iter().map(read).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(read(&readers[2]), 2);
        assert!(!dir.path().join("2").exists());
    }
}
