//! A decrypted file that lives in memory only.
//!
//! It is an anonymous memory file (`memfd`): it has no name on any disk, a child takes it as its standard input
//! without a copy, and once handed over it is sealed against every change. Like all memory it can reach a swap
//! partition, which the operator encrypts or switches off.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    process::Stdio,
};

#[derive(Debug)]
pub struct Plaintext {
    file: File,
    len: u64,
}

impl Plaintext {
    /// The hint is for someone who looks at the process with a debugger; it is never a path.
    pub fn new(name_hint: &str) -> io::Result<Plaintext> {
        let name: String = name_hint.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        let file = memfd_create(name.as_str(), MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        Ok(Plaintext { file: file.into(), len: 0 })
    }

    /// A whole file at once.
    pub fn of(name_hint: &str, bytes: &[u8]) -> io::Result<Plaintext> {
        let mut plaintext = Plaintext::new(name_hint)?;
        plaintext.write_all(bytes)?;
        Ok(plaintext)
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first bytes, for [`super::sniff`].
    pub fn head(&self, at_most: usize) -> io::Result<Vec<u8>> {
        let mut head = vec![0; usize::try_from(self.len).unwrap_or(usize::MAX).min(at_most)];
        self.file.read_exact_at(&mut head, 0)?;
        Ok(head)
    }

    /// Reads at a place of its own, so that several readers do not disturb each other.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    /// A handle for a child's standard input. From here on nobody, the child least of all, can change a byte.
    pub(super) fn hand_over(&self) -> io::Result<Stdio> {
        fcntl_add_seals(&self.file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)
            .or_else(|error| if error == rustix::io::Errno::PERM { Ok(()) } else { Err(error) })?;
        Ok(self.file.try_clone()?.into())
    }
}

impl Write for Plaintext {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.len)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changes_after_the_hand_over() {
        let mut plaintext = Plaintext::of("surat.pdf", b"isi surat").expect("memory");
        let _first = plaintext.hand_over().expect("sealed");
        let _again = plaintext.hand_over().expect("a second child may read it too");
        assert!(plaintext.write_all(b"!").is_err());
        assert_eq!(plaintext.head(100).expect("reads"), b"isi surat");
    }
}
