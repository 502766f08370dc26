//! A program that is told on its standard input, and the desktop.

use std::env;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use crate::process::without_secrets;
use crate::secret::redact;
use crate::text::plain;

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The most of what it says that is told where it failed, in bytes.
const LONGEST_WORDS: u64 = 400;

/// Runs a program with a message on its standard input. What it prints goes nowhere.
pub(super) async fn run(words: &[String], message: &str) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    let mut command = std::process::Command::new(program);
    without_secrets(command.args(arguments));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut command = Command::from(command);
    // A signal for this program is not meant for it.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("it could not be started: {error}"))?;
    let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
    let talk = async {
        if let Some(mut stdin) = stdin {
            // One that does not read is told by its exit code.
            _ = stdin.write_all(message.as_bytes()).await;
            _ = stdin.shutdown().await;
        }
        let mut said = Vec::new();
        if let Some(stderr) = stderr {
            // The rest is read, so that it can write on.
            let mut stderr = stderr.take(u64::MAX);
            stderr.set_limit(LONGEST_WORDS);
            _ = stderr.read_to_end(&mut said).await;
            stderr.set_limit(u64::MAX);
            _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        }
        (child.wait().await, said)
    };
    let Ok((status, said)) = timeout(LIMIT, talk).await else {
        return Err(format!("it did not end within {} s", LIMIT.as_secs()));
    };
    let status = status.map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    let said = plain(&redact(said.trim()));
    let said = if said.is_empty() { said } else { format!("; it said: {said}") };
    Err(format!("it failed ({status}){said}"))
}

/// Whether there is a desktop that can show something.
pub(super) fn has_desktop() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Shows lines on the desktop.
pub(super) async fn notify_desktop(lines: &str) -> Result<(), String> {
    const TITLE: &str = "tiktok-up";
    let words: Vec<&str> = if cfg!(target_os = "macos") {
        let show = "display notification (item 2 of argv) with title (item 1 of argv)";
        vec!["osascript", "-e", "on run argv", "-e", show, "-e", "end run", TITLE, lines]
    } else {
        vec!["notify-send", "--app-name", TITLE, "--", TITLE, lines]
    };
    run(&words.into_iter().map(str::to_owned).collect::<Vec<_>>(), "").await
}
