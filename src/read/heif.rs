//! HEIC photographs, turned into JPEG by `heif-convert` in the jail.
//!
//! The program wants a file name that ends in `.jpg`. It gets a symbolic link of that name which leads to its own
//! standard output, so that not one byte of the picture touches a disk: the scratch folder holds the link alone.

use super::{
    jail::{self, Jailed, Silence},
    plaintext::Plaintext,
    reason::Reason,
    settings::Settings,
    status,
    wire::Work,
};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

const MOST_JPEG: u64 = 128 << 20;

pub(super) async fn to_jpeg(settings: &Settings, program: &Path, input: &Plaintext) -> Result<Plaintext, Reason> {
    let convert = settings.heif_convert.as_ref().and_then(|name| status::find(name)).ok_or(Reason::NoHeif)?;
    let link = Link::new().map_err(|_| Reason::ReaderFailed)?;
    let args = ["--quiet", "-q", "92", "/proc/self/fd/0"].map(str::to_owned).into_iter();
    let work = Work::Exec {
        program: convert.to_string_lossy().into_owned(),
        args: args.chain([link.name().to_string_lossy().into_owned()]).collect(),
    };
    let task = jail::task(settings, work);
    let handed = input.hand_over().map_err(|_| Reason::ReaderFailed)?;
    let mut child = Jailed::start(program, &task, handed).await.map_err(|_| Reason::ReaderFailed)?;
    let wall = Duration::from_secs(settings.wall_seconds);
    let said = child.hear_all(MOST_JPEG, wall).await.map_err(|silence| match silence {
        Silence::TooLate => Reason::TimedOut,
        Silence::Ended => Reason::Crashed,
    })?;
    if child.end(Duration::from_secs(2)).await.and_then(|status| status.code()) == Some(125) {
        return Err(Reason::NoJail);
    }
    // Its messages share the pipe with the picture; the picture begins at its mark.
    let start = said.windows(3).position(|mark| mark == [0xff, 0xd8, 0xff]).ok_or(Reason::Broken)?;
    Plaintext::of("photograph", &said[start..]).map_err(|_| Reason::ReaderFailed)
}

/// A folder of its own with one symbolic link, gone when dropped.
struct Link {
    folder: PathBuf,
}

impl Link {
    fn new() -> io::Result<Link> {
        use std::os::unix::fs::DirBuilderExt;
        let name: String = crate::id::random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = std::env::temp_dir().join(format!("lumbung-heif-{name}"));
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let link = Link { folder };
        std::os::unix::fs::symlink("/proc/self/fd/1", link.name())?;
        Ok(link)
    }

    fn name(&self) -> PathBuf {
        self.folder.join("page.jpg")
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
