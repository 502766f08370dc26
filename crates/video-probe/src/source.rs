//! Positioned reads, so that probing neither moves a descriptor's cursor nor depends on it.

use std::io;

/// Bytes that can be read at any place: a file, a buffer in memory, an object in a store.
///
/// Implemented for byte slices, vectors and, on Unix, [`File`](std::fs::File).
pub trait ReadAt {
    /// Reads into `buffer` from `offset` on; returns how many bytes were read, 0 only at the end or for
    /// an empty buffer. Fewer than fit may be read; [`Interrupted`](io::ErrorKind::Interrupted) makes
    /// the caller try again.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

#[cfg(unix)]
impl ReadAt for std::fs::File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.as_slice().read_at(buffer, offset)
    }
}

impl<S: ReadAt + ?Sized> ReadAt for &S {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buffer, offset)
    }
}
