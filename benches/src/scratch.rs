//! A state directory with a login in it, and videos of any size.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use serde_json::json;

/// The smallest video that the sandbox's example has, to which any number of bytes can be added.
const SEED: &[u8] = include_bytes!("../../src/commands/demo.mp4");

/// Writes a video of a size: a short one, followed by a box of free space, which is content like any other to
/// whoever sends it.
pub(crate) fn video(path: &Path, size: u64) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    file.write_all(SEED)?;
    let left = size.saturating_sub(SEED.len() as u64);
    if left >= 16 {
        file.write_all(&1_u32.to_be_bytes())?;
        file.write_all(b"free")?;
        file.write_all(&left.to_be_bytes())?;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut block = vec![0_u8; 1 << 20];
        let mut todo = left - 16;
        while todo > 0 {
            for bytes in block.chunks_exact_mut(8) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.copy_from_slice(&state.to_le_bytes());
            }
            let length = usize::try_from(todo).unwrap_or(usize::MAX).min(block.len());
            file.write_all(&block[..length])?;
            todo -= length as u64;
        }
    }
    file.into_inner()?.sync_all()
}

/// Writes logins that are good for another day, of `api`.
pub(crate) fn accounts(home: &Path, api: &str, count: usize) -> io::Result<PathBuf> {
    fs::create_dir_all(home)?;
    #[cfg(unix)]
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let now = jiff::Timestamp::now();
    let (day, year) = (SignedDuration::from_hours(24), SignedDuration::from_hours(365 * 24));
    let accounts: serde_json::Map<_, _> = (0..count)
        .map(|n| {
            let account = json!({
                "alias": format!("bench{n}"),
                "display_name": format!("Bench {n}"),
                "client_key": "bench",
                "api": api,
                "access_token": format!("act.bench{n}"),
                "refresh_token": format!("rft.bench{n}"),
                "scopes": "user.info.basic,video.publish,video.upload",
                "issued_at": now,
                "access_expires_at": now + day,
                "refresh_expires_at": now + year,
                "generation": 1,
            });
            (open_id(n), account)
        })
        .collect();
    let path = home.join("user_tokens.json");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let text = json!({ "version": 1, "accounts": accounts }).to_string();
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}

/// The `open_id` of the n-th account.
pub(crate) fn open_id(n: usize) -> String {
    format!("-000bench{n}")
}
