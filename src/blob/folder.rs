//! A store in a folder. What was acknowledged survives a power cut: the file is synced before it gets its name, and the
//! folder after.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use sha2::{Digest as _, Sha256};

use super::{Body, Listed, ObjectName, Prefix, occupied, unavailable, within};
use crate::crash::{Point, point};
use crate::error::{Error, Result};
use crate::id;
use crate::seal::{Place, SealedBody};

/// Files on their way to their names. It is made at start, so that its absence tells that the disk is not mounted.
const UNFINISHED: &str = ".unfinished";
const FORGOTTEN: Duration = Duration::from_secs(24 * 3600);
const PIECE: u64 = 256 * 1024;

#[derive(Clone, Debug)]
pub struct Folder {
    root: Arc<Path>,
    /// Folders that are known to be durable in their parents, so that each put need not sync all the way up.
    durable: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Folder {
    pub fn new(root: &Path) -> Folder {
        Folder { root: root.into(), durable: Arc::default() }
    }

    pub(super) async fn prepare(&self) -> Result<()> {
        self.blocking(|folder| {
            make_folder(&folder.unfinished())?;
            folder.clear_unfinished()?;
            sync_folder(&folder.root)
        })
        .await
    }

    pub(super) async fn put(&self, name: &ObjectName, body: &SealedBody) -> Result<()> {
        let (name, body) = (name.clone(), body.clone());
        self.blocking(move |folder| {
            let target = folder.path(&name);
            if name.is_write_once() && target.try_exists()? {
                return folder.confirm(&name, &target, &body);
            }
            let unfinished = folder.write_unfinished(&body)?;
            point(Point::FolderWritten);
            folder.give_name(&unfinished, &target).inspect_err(|_| discard(&unfinished))
        })
        .await
    }

    pub(super) async fn get(&self, name: &ObjectName, range: Option<Range<u64>>) -> Result<Option<Body>> {
        let path = self.path(name);
        self.blocking(move |_| {
            let Some(mut file) = found(File::open(&path))? else { return Ok(None) };
            let object_size = file.metadata()?.len();
            let range = within(range, object_size)?;
            file.seek(SeekFrom::Start(range.start))?;
            let length = range.end - range.start;
            // The first piece is read in the same turn: a letter takes one.
            let (first, rest) = read_piece(file, length)?;
            let stream = stream::once(async { Ok(first) }).chain(stream::try_unfold(rest, next_piece)).boxed();
            Ok(Some(Body { object_size, length, stream }))
        })
        .await
    }

    pub(super) async fn head(&self, name: &ObjectName) -> Result<Option<u64>> {
        let path = self.path(name);
        self.blocking(move |_| Ok(found(fs::metadata(path))?.map(|meta| meta.len()))).await
    }

    pub(super) async fn delete(&self, name: &ObjectName) -> Result<()> {
        let name = name.clone();
        self.blocking(move |folder| {
            let path = folder.path(&name);
            if found(fs::remove_file(&path))?.is_some() {
                sync_folder(parent(&path))?;
                folder.drop_empty_upload(&name, &path);
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn rename(&self, from: &ObjectName, to: &ObjectName) -> Result<bool> {
        let (from, to) = (self.path(from), self.path(to));
        self.blocking(move |folder| {
            if !from.try_exists()? {
                return Ok(false);
            }
            folder.give_name(&from, &to)?;
            sync_folder(parent(&from))?;
            Ok(true)
        })
        .await
    }

    pub(super) fn list(&self, prefix: Prefix) -> BoxStream<'static, Result<Listed>> {
        let folder = self.clone();
        let start = self.root.join(prefix.to_string());
        // Depth first, one folder's entries at a time: nothing grows with the whole store.
        let steps = stream::try_unfold(vec![start], move |mut pending| {
            let folder = folder.clone();
            async move {
                let Some(next) = pending.pop() else { return Ok::<_, Error>(None) };
                let (files, below) = folder.blocking(move |folder| folder.entries(&next)).await?;
                pending.extend(below.into_iter().rev());
                Ok(Some((stream::iter(files.into_iter().map(Ok)), pending)))
            }
        });
        futures_util::TryStreamExt::try_flatten(steps).boxed()
    }

    pub(super) async fn probe(&self) -> Result<()> {
        self.blocking(|folder| match fs::metadata(folder.unfinished()) {
            Ok(_) => Ok(()),
            Err(cause) => Err(unavailable(cause)),
        })
        .await
    }

    pub(super) async fn try_write(&self) -> Result<()> {
        self.blocking(|folder| {
            let path = folder.unfinished().join(id::secret());
            let written =
                File::create_new(&path).and_then(|mut file| file.write_all(b".").and_then(|()| file.sync_all()));
            discard(&path);
            Ok(written?)
        })
        .await
    }

    /// The name is taken: by the same bytes, which an interrupted put may not have synced, or by others.
    fn confirm(&self, name: &ObjectName, target: &Path, body: &SealedBody) -> Result<()> {
        let mut file = File::open(target)?;
        if file.metadata()?.len() != body.size() {
            return Err(occupied(name));
        }
        let mut digest = Sha256::new();
        io::copy(&mut file, &mut digest)?;
        if digest.finalize().as_slice() != body.digest() {
            return Err(occupied(name));
        }
        file.sync_all()?;
        self.sync_upwards(parent(target))
    }

    /// Removes what a crash left a day ago or earlier: no write takes so long, and another process may be at one now.
    /// The age is told by the disk's own clock.
    fn clear_unfinished(&self) -> Result<()> {
        let mark = self.unfinished().join("clock");
        let now = File::create(&mark)?.metadata()?.modified()?;
        for entry in fs::read_dir(self.unfinished())? {
            let path = entry?.path();
            let Some(meta) = found(fs::metadata(&path))? else { continue };
            if now.duration_since(meta.modified()?).is_ok_and(|age| age > FORGOTTEN) {
                discard(&path);
            }
        }
        Ok(())
    }

    fn write_unfinished(&self, body: &SealedBody) -> Result<PathBuf> {
        let path = self.unfinished().join(id::secret());
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(absent_root)?;
        let copied = match body.place() {
            Place::Memory(bytes) => io::copy(&mut &bytes[..], &mut file),
            Place::File(spool) => File::open(spool.path()).and_then(|mut spool| io::copy(&mut spool, &mut file)),
        };
        let done = copied.and_then(|size| file.sync_all().map(|()| size));
        match done {
            Ok(size) if size == body.size() => Ok(path),
            Ok(_) => {
                discard(&path);
                Err(Error::internal("a sealed body was cut while it was stored"))
            }
            Err(cause) => {
                discard(&path);
                Err(cause.into())
            }
        }
    }

    fn give_name(&self, from: &Path, to: &Path) -> Result<()> {
        let folder = parent(to);
        make_folder(folder)?;
        // An upload's folder is removed with its last part, perhaps just now.
        if found(fs::rename(from, to))?.is_none() {
            make_folder(folder)?;
            fs::rename(from, to)?;
        }
        point(Point::FolderNamed);
        self.sync_upwards(folder)
    }

    /// A new entry is durable when its folder was synced, and that folder when its own parent was, up to the root.
    fn sync_upwards(&self, folder: &Path) -> Result<()> {
        sync_folder(folder)?;
        for folder in folder.ancestors().take_while(|folder| **folder != *self.root) {
            if self.durable().contains(folder) {
                break;
            }
            sync_folder(parent(folder))?;
            // Folders of uploads come and go; only the few that stay are remembered.
            if parent(folder) != self.root.join("u") {
                self.durable().insert(folder.to_owned());
            }
        }
        Ok(())
    }

    fn durable(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_empty_upload(&self, name: &ObjectName, path: &Path) {
        if matches!(name, ObjectName::Part { .. }) {
            // Refused while other parts are there, and of no harm if it stays.
            let _ = fs::remove_dir(parent(path));
        }
    }

    fn entries(&self, folder: &Path) -> Result<(Vec<Listed>, Vec<PathBuf>)> {
        let mut files = Vec::new();
        let mut below = Vec::new();
        let Some(entries) = found(fs::read_dir(folder))? else {
            // A store that vanished is not an empty store.
            self.root.metadata().map_err(unavailable)?;
            return Ok((files, below));
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if path == self.unfinished() {
                continue;
            }
            let Some(meta) = found(entry.metadata())? else { continue };
            if meta.is_dir() {
                below.push(path);
            } else if let Ok(relative) = path.strip_prefix(&self.root) {
                files.push(Listed { path: relative.to_string_lossy().into_owned(), size: meta.len() });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        below.sort();
        Ok((files, below))
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Folder) -> Result<T> + Send + 'static) -> Result<T> {
        let folder = self.clone();
        tokio::task::spawn_blocking(move || work(&folder)).await.map_err(Error::internal)?
    }

    fn path(&self, name: &ObjectName) -> PathBuf {
        self.root.join(name.to_string())
    }

    fn unfinished(&self) -> PathBuf {
        self.root.join(UNFINISHED)
    }
}

type Rest = (File, u64);

async fn next_piece((file, left): Rest) -> Result<Option<(Bytes, Rest)>> {
    if left == 0 {
        return Ok(None);
    }
    let read = tokio::task::spawn_blocking(move || read_piece(file, left));
    read.await.map_err(Error::internal)?.map(Some)
}

/// Reads up to [`PIECE`] bytes of the `left` ones; a file that has fewer was cut meanwhile.
fn read_piece(mut file: File, left: u64) -> Result<(Bytes, Rest)> {
    let want = left.min(PIECE);
    let mut piece = vec![0; want as usize];
    file.read_exact(&mut piece)?;
    Ok((piece.into(), (file, left - want)))
}

fn found<T>(result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(absent) if absent.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}

fn absent_root(cause: io::Error) -> Error {
    if cause.kind() == ErrorKind::NotFound { unavailable(cause) } else { cause.into() }
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("every object lies below the root")
}

fn make_folder(folder: &Path) -> Result<()> {
    Ok(fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?)
}

fn sync_folder(folder: &Path) -> Result<()> {
    Ok(File::open(folder)?.sync_all()?)
}

fn discard(unfinished: &Path) {
    // What stays is cleared at the next start.
    let _ = fs::remove_file(unfinished);
}
