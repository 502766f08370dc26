//! What a machine is called by others that share its store: what is kept for a file of this machine is for this
//! machine alone, whatever its name or its address is by then.

use std::path::Path;
use std::time::Duration;

use crate::fs::{self, FsError, Lock, PRIVATE_FILE};
use crate::store::AccountError;

/// The file, among the locks: it is no state that anybody would want to copy.
const FILE: &str = "locks/machine";

/// How long others are waited for, who are at it for milliseconds.
const WAIT: Duration = Duration::from_secs(10);

/// The identity of this machine, made once for a state directory: 128 random bits in hex. Blocks.
pub(super) fn identity(dir: &Path) -> Result<String, AccountError> {
    let path = dir.join(FILE);
    if let Some(id) = read(&path)? {
        return Ok(id);
    }
    fs::private_dir(&dir.join("locks"))?;
    let _lock = Lock::acquire_blocking(&dir.join("locks/machine.lock"), WAIT)?;
    if let Some(id) = read(&path)? {
        return Ok(id);
    }
    let id = format!("{:032x}", rand::random::<u128>());
    fs::write_atomic(&path, id.as_bytes(), PRIVATE_FILE)?;
    Ok(id)
}

fn read(path: &Path) -> Result<Option<String>, FsError> {
    let text = fs::read_private(path)?;
    let id = text.and_then(|text| String::from_utf8(text.to_vec()).ok());
    Ok(id.filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_machine_whoever_asks_first() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for dir in [&one, &other] {
            fs::private_dir(&dir.path().join("state")).unwrap();
        }
        let state = |dir: &tempfile::TempDir| dir.path().join("state");
        let all: Vec<_> = std::thread::scope(|scope| {
            let asked = (0..8).map(|_| scope.spawn(|| identity(&state(&one)).unwrap()));
            asked.collect::<Vec<_>>().into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(all.iter().all(|id| *id == all[0]));
        assert_eq!(identity(&state(&one)).unwrap(), all[0]);
        assert_ne!(identity(&state(&other)).unwrap(), all[0]);
        // What is damaged names no machine: another one is made.
        std::fs::write(state(&one).join(FILE), "?").unwrap();
        assert_ne!(identity(&state(&one)).unwrap(), all[0]);
    }
}
