//! A state directory with a login in it, and videos of any size.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

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

/// Writes a short video with a content of its own.
pub(crate) fn short_video(path: &Path, number: usize) -> io::Result<()> {
    let mut bytes = SEED.to_vec();
    bytes.extend(16_u32.to_be_bytes());
    bytes.extend(b"free");
    bytes.extend((number as u64).to_be_bytes());
    fs::write(path, bytes)
}

/// Writes logins that are good for another day, of `api`.
pub(crate) fn accounts(home: &Path, api: &str, count: usize) -> io::Result<()> {
    logins(home, api, count, SignedDuration::from_hours(24))
}

/// Writes logins whose access tokens have ended, of `api`.
pub(crate) fn accounts_that_are_due(home: &Path, api: &str, count: usize) -> io::Result<()> {
    logins(home, api, count, SignedDuration::from_hours(-1))
}

fn logins(home: &Path, api: &str, count: usize, good_for: SignedDuration) -> io::Result<()> {
    fs::create_dir_all(home)?;
    #[cfg(unix)]
    fs::set_permissions(home, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let now = jiff::Timestamp::now();
    let issued_at = now + good_for - SignedDuration::from_hours(24);
    let year = SignedDuration::from_hours(365 * 24);
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
                "issued_at": issued_at,
                "access_expires_at": now + good_for,
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
    options.open(&path)?.write_all(text.as_bytes())
}

/// TikTok's answer to a refresh of the account with the token `rft.NAME`.
pub(crate) fn answer(name: &str) -> serde_json::Value {
    json!({
        "open_id": format!("-000{name}"),
        "access_token": format!("act.{name}.1"),
        "refresh_token": format!("rft.{name}.1"),
        "scope": "user.info.basic,video.publish,video.upload",
        "expires_in": 86400,
        "refresh_expires_in": 31_536_000,
        "token_type": "Bearer",
    })
}

/// Writes a file of other people's logins, as `accounts import` takes it.
pub(crate) fn foreign(path: &Path, count: usize) -> io::Result<()> {
    let ends =
        (jiff::Timestamp::now() + SignedDuration::from_hours(24)).to_zoned(jiff::tz::TimeZone::UTC);
    let ends = ends.datetime().strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let logins: serde_json::Map<_, _> = (0..count)
        .map(|n| {
            let mut login = answer(&format!("bench{n}"));
            login["expires_in_datetime"] = ends.clone().into();
            login["refresh_expires_in_datetime"] = ends.clone().into();
            (open_id(n), login)
        })
        .collect();
    fs::write(path, serde_json::Value::from(logins).to_string())?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// The `open_id` of the n-th account.
pub(crate) fn open_id(n: usize) -> String {
    format!("-000bench{n}")
}
