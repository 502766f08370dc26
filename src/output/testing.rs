//! Streams that remember, for tests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::printer::{OutputOptions, Printer};

/// A stream whose text can be looked at.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A printer and what it wrote.
pub(super) struct Screen {
    pub(super) printer: Printer,
    pub(super) out: Memory,
    pub(super) err: Memory,
}

pub(super) fn screen(options: OutputOptions) -> Screen {
    let (out, err) = (Memory::default(), Memory::default());
    let printer = Printer::on(options, Box::new(out.clone()), Box::new(err.clone()));
    Screen { printer, out, err }
}
