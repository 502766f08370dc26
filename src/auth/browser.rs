//! Starting the user's browser or picture viewer, with nothing of ours that it need not know.

use std::env;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use crate::process::without_secrets;

/// A launcher that has not failed by then is taken to have worked: some stay until the browser ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens an address with the system's browser; says whether that seems to have worked.
pub(crate) async fn open(url: &Url) -> bool {
    open_with(open::commands(url.as_str())).await
}

/// Opens a file with whatever the desktop shows its kind by; says whether that seems to have worked.
pub(crate) async fn open_file(path: &Path) -> bool {
    open_with(open::commands(path)).await
}

async fn open_with(launchers: Vec<Command>) -> bool {
    for launcher in launchers {
        if launch(launcher).await {
            return true;
        }
    }
    false
}

async fn launch(mut launcher: Command) -> bool {
    clean(&mut launcher);
    let mut launcher = tokio::process::Command::from(launcher);
    let Ok(mut child) = launcher.spawn() else { return false };
    match timeout(PATIENCE, child.wait()).await {
        Ok(status) => status.as_ref().is_ok_and(ExitStatus::success),
        Err(_still_running) => true,
    }
}

/// Takes the secrets out of a child's environment, and its hands off our terminal. A group of its
/// own keeps a Ctrl-C that is meant for us from closing the browser.
fn clean(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    let command = without_secrets(command);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
}

/// Whether a browser is likely to have a screen, or to be one elsewhere that somebody has named in
/// BROWSER. Without one a launcher may start a browser for text, where nobody sees it.
pub(crate) fn is_likely() -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos")
        || ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].into_iter().any(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn t17_a_child_sees_no_secret_in_its_environment() {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            r#"test -z "$TIKTOK_CLIENT_SECRET$TIKTOK_CLIENT_KEY$TIKTOK_UP_PASSPHRASE""#,
        ]);
        for name in ["TIKTOK_CLIENT_KEY", "TIKTOK_CLIENT_SECRET", "TIKTOK_UP_PASSPHRASE"] {
            shell.env(name, "canary");
        }
        assert!(launch(shell).await);
    }

    #[tokio::test]
    async fn f10_a_launcher_that_is_missing_or_fails_is_noticed() {
        assert!(!launch(Command::new("/nonexistent/browser")).await);
        assert!(!launch(Command::new("false")).await);
        assert!(launch(Command::new("true")).await);
    }
}
