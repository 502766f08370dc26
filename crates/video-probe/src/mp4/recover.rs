//! Finding a `moov` box to which no chain of boxes leads.

use super::atom::Atom;
use crate::reader::{MAX_READ, Reader, Stop};

/// How far from the end of a file it is looked for.
const TAIL: u64 = 2 << 20;

/// How far before the place where the chain of boxes broke.
const BEFORE: u64 = 64 * 1024;

/// Finds a whole `moov` box near `broken`, where the chain of boxes ended, or near the end of the file.
pub(super) fn find_movie(reader: &mut Reader<'_>, broken: u64) -> Result<Option<Atom>, Stop> {
    let len = reader.len();
    let near = broken.saturating_sub(BEFORE);
    let tail = len.saturating_sub(TAIL);
    for (from, to) in [(near, broken.saturating_add(BEFORE).min(len)), (tail, len)] {
        if let Some(found) = find_between(reader, from, to)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn find_between(reader: &mut Reader<'_>, from: u64, to: u64) -> Result<Option<Atom>, Stop> {
    let mut at = from;
    while at < to {
        let bytes = reader.some(at, to, MAX_READ)?;
        for (place, _) in bytes.windows(4).enumerate().filter(|(_, letters)| letters == b"moov") {
            let Some(start) = (at + place as u64).checked_sub(4) else { continue };
            if let Some(found) = movie_at(reader, start)? {
                return Ok(Some(found));
            }
        }
        if bytes.len() < MAX_READ {
            break;
        }
        // The letters may lie across two reads.
        at += MAX_READ as u64 - 3;
    }
    Ok(None)
}

/// The `moov` box that begins at `start`, if it is one: whole, and with a movie's header.
fn movie_at(reader: &mut Reader<'_>, start: u64) -> Result<Option<Atom>, Stop> {
    let len = reader.len();
    let Some(moov) = Atom::read(reader, start, len, false)?.filter(|it| it.end <= len) else {
        return Ok(None);
    };
    let mut header = false;
    moov.children(reader, |_, child| {
        header |= matches!(&child.kind, b"mvhd" | b"cmov");
        Ok(())
    })?;
    Ok(Some(moov).filter(|_| header))
}
