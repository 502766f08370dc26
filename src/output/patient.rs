//! Streams that others may have made non-blocking.

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

/// A stream of this process, written to at once and whole: one that takes nothing now, as a pipe that
/// somebody made non-blocking, is waited for.
pub(super) struct Patient<S>(pub(super) S);

impl<S: AsFd> Write for Patient<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::io::write(&self.0, bytes) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait()?,
                written => return Ok(written?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: AsFd> Patient<S> {
    fn wait(&self) -> io::Result<()> {
        let mut streams = [PollFd::new(&self.0, PollFlags::OUT)];
        match poll(&mut streams, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
