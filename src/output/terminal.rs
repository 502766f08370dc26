//! What is known of the terminals that this process writes to.

use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

/// The size of a terminal, in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// The size of the terminal that a stream leads to. `None` where it leads elsewhere, or the terminal does
/// not tell: a serial line says that it has no columns.
pub(super) fn size(stream: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(stream).ok()?;
    let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
    (columns > 0 && rows > 0).then_some(Size { columns, rows })
}
