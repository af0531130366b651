//! The index's folder on disk. Tantivy writes and reads through it as through any directory; what lies there is sealed
//! file by file. Names and sizes remain visible, nothing else.

mod cache;
mod file;
mod handles;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tantivy::directory::{
    Directory, DirectoryLock, FileHandle, Lock, WatchCallback, WatchHandle, WritePtr,
    error::{DeleteError, LockError, OpenReadError, OpenWriteError},
};
use zeroize::Zeroizing;

use self::{
    cache::Cache,
    file::{Opened, Sealer},
    handles::Handles,
};
use super::Settings;

#[derive(Clone)]
pub(super) struct SealedDirectory(Arc<Shared>);

struct Shared {
    root: PathBuf,
    key: Zeroizing<[u8; 32]>,
    durable: bool,
    cache: Arc<Cache>,
    handles: Arc<Handles>,
    next_id: AtomicU64,
    alarm: Arc<AtomicBool>,
}

impl SealedDirectory {
    pub(super) fn open(root: &Path, key: &[u8; 32], settings: &Settings) -> io::Result<SealedDirectory> {
        fs::create_dir_all(root)?;
        Ok(SealedDirectory(Arc::new(Shared {
            root: root.to_owned(),
            key: Zeroizing::new(*key),
            durable: settings.durable,
            cache: Arc::new(Cache::new(settings.cache_bytes)),
            handles: Arc::new(Handles::new(settings.open_files)),
            next_id: AtomicU64::new(0),
            alarm: Arc::default(),
        })))
    }

    /// Whether a file was found that does not open.
    pub(super) fn is_damaged(&self) -> bool {
        self.0.alarm.load(Ordering::SeqCst)
    }

    /// Reads and authenticates every file of the index that is wanted.
    pub(super) fn verify(&self, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        self.own_files(|name| !is_passing(name) && wanted(name))?.iter().try_for_each(|path| {
            let name = path.strip_prefix(&self.0.root).unwrap_or(path);
            self.opened(name)?.verify()
        })
    }

    /// Removes every file that an index of ours may have left, and nothing else that somebody keeps in the folder.
    pub(super) fn wipe(&self) -> io::Result<()> {
        self.remove(|name| !name.ends_with(".lock"))?;
        self.0.alarm.store(false, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn remove(&self, unwanted: impl Fn(&str) -> bool) -> io::Result<()> {
        self.own_files(unwanted)?.iter().try_for_each(|path| self.0.handles.delete(path))
    }

    fn own_files(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0.root)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_file() && name.to_str().is_some_and(|name| is_ours(name) && wanted(name)) {
                files.push(entry.path());
            }
        }
        Ok(files)
    }

    fn opened(&self, path: &Path) -> io::Result<Opened> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let is_replaced = !path.to_str().is_some_and(of_segment);
        let file = self.0.handles.reader(id, self.0.root.join(path), is_replaced);
        Opened::open(id, file, &self.0.key, path, self.0.cache.clone(), self.0.alarm.clone())
    }

    fn read_error(path: &Path, error: io::Error) -> OpenReadError {
        match error.kind() {
            io::ErrorKind::NotFound => OpenReadError::FileDoesNotExist(path.to_owned()),
            _ => OpenReadError::wrap_io_error(error, path.to_owned()),
        }
    }
}

/// Segment files are named by 32 hex letters; the rest is the list of segments and the list of files.
fn is_ours(name: &str) -> bool {
    of_segment(name)
        || name.starts_with("meta.json")
        || name.starts_with(".managed.json")
        || name.starts_with(".tantivy-")
}

/// Such a file is written once and never again under the same name.
fn of_segment(name: &str) -> bool {
    is_segment(name.split('.').next().unwrap_or_default())
}

pub(super) fn is_segment(stem: &str) -> bool {
    stem.len() == 32 && stem.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_passing(name: &str) -> bool {
    name.ends_with(".lock") || name.ends_with(".new")
}

impl Directory for SealedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        match self.opened(path) {
            Ok(opened) => Ok(Arc::new(opened)),
            Err(error) => Err(Self::read_error(path, error)),
        }
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.0.handles.delete(&self.0.root.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => DeleteError::FileDoesNotExist(path.to_owned()),
            _ => DeleteError::IoError { io_error: Arc::new(error), filepath: path.to_owned() },
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.0.root.join(path).try_exists().map_err(|error| Self::read_error(path, error))
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let begin = || {
            let file = File::options().write(true).create_new(true).open(self.0.root.join(path))?;
            Sealer::begin(file, &self.0.key, path, self.0.durable)
        };
        match begin() {
            Ok(sealer) => Ok(io::BufWriter::new(Box::new(sealer))),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(path.to_owned()))
            }
            Err(error) => Err(OpenWriteError::wrap_io_error(error, path.to_owned())),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let read = || {
            let opened = self.opened(path)?;
            let all = 0..tantivy::HasLen::len(&opened);
            Ok(opened.read_bytes(all)?.to_vec())
        };
        read().map_err(|error| Self::read_error(path, error))
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        let target = self.0.root.join(path);
        let mut fresh = target.clone().into_os_string();
        fresh.push(".new");
        let mut sealer = Sealer::begin(File::create(&fresh)?, &self.0.key, path, self.0.durable)?;
        sealer.write_all(data)?;
        sealer.finish()?;
        fs::rename(&fresh, &target)?;
        self.sync_directory()
    }

    fn sync_directory(&self) -> io::Result<()> {
        if self.0.durable { File::open(&self.0.root)?.sync_all() } else { Ok(()) }
    }

    /// A lock of the operating system instead of a file that stays behind: it ends with the process that held it.
    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        let path = self.0.root.join(&lock.filepath);
        let file =
            File::options().write(true).create(true).truncate(false).open(path).map_err(LockError::wrap_io_error)?;
        if lock.is_blocking {
            file.lock().map_err(LockError::wrap_io_error)?;
        } else {
            file.try_lock().map_err(|_| LockError::LockBusy)?;
        }
        Ok(DirectoryLock::from(Box::new(file)))
    }

    /// The reader is told of commits by the one who commits.
    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}

impl fmt::Debug for SealedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed index folder {}", self.0.root.display())
    }
}
