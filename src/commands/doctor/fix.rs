//! `doctor --fix`: mends what is the program's own, on this machine, and cannot make anything worse. What tokens and
//! journal say is not touched, nor is anything behind a link.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::machine::{LOCKS, is_ours, others_may_write};
use crate::cli::GlobalArgs;
use crate::commands::flags;
use crate::fs::{self, FsError, Lock, LockError};
use crate::hooks::OUTBOX_FILE;
use crate::output::{Explain as _, Failure, NOTES_FILE, Printer};
use crate::settings::{Environment, Home, Settings, SettingsError};
use crate::store::local::{JOURNAL_FILE, SLOTS_FILE, TOKENS_FILE};
use crate::text::{self, chain};

/// The file of the settings, whose lock is beside it.
const CONFIG_FILE: &str = "config.toml";

/// What the witness of the journal is called, among the locks.
const WITNESS: &str = "journal.mark";

/// Mends what can be mended. Each thing is told, also what could not be.
pub(super) fn mend(
    global: &GlobalArgs,
    printer: &Printer,
    env: &Environment<'_>,
) -> Result<(), Failure> {
    let home = Home::find(global.home.as_deref(), env)?;
    let work = Work { printer };
    let config = home.config_file();
    // One that holds a secret is kept from others, and one that they may write.
    if let Err(SettingsError::File(FsError::Mode { path, .. })) =
        Settings::load(&flags(global), env)
        && path == config
    {
        work.close(&config);
    } else if others_may_write(&config).is_some() {
        work.close(&config);
    }
    work.remove_temps(&config, &home.config.join(format!("{CONFIG_FILE}.lock")));
    if !home.state.exists() {
        let made = fs::private_dir(&home.state).map(|_| "it was missing, and is made".to_owned());
        work.tell("directory", &home.state, made);
        return Ok(());
    }
    work.close_all(&home.state);
    let state = |name: &str| home.state.join(name);
    let lock = |name: &str| state(&format!("{name}.lock"));
    for name in [TOKENS_FILE, NOTES_FILE, OUTBOX_FILE, SLOTS_FILE] {
        work.remove_temps(&state(name), &lock(name));
    }
    for file in [state(JOURNAL_FILE), state(LOCKS).join(WITNESS)] {
        work.remove_temps(&file, &lock("journal"));
    }
    Ok(())
}

struct Work<'a> {
    printer: &'a Printer,
}

impl Work<'_> {
    /// Closes the state directory, and what is ours in it.
    fn close_all(&self, dir: &Path) {
        self.close(dir);
        let locks = dir.join(LOCKS);
        if locks.exists() {
            self.close(&locks);
        }
        let mut ours: Vec<PathBuf> = fs::list(dir).unwrap_or_default();
        ours.retain(|path| is_ours(path));
        ours.extend(fs::list(&locks).unwrap_or_default());
        ours.sort();
        for path in ours {
            // Of what was set aside the directory alone is ours to open.
            if path.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                self.close(&path);
            }
        }
    }

    fn close(&self, path: &Path) {
        match fs::close_to_others(path) {
            Ok(None) => {}
            Ok(Some(mode)) => {
                let done = format!("others cannot use it any more (it had the mode {mode:04o})");
                self.tell("permissions", path, Ok(done));
            }
            Err(error) => self.tell("permissions", path, Err(error)),
        }
    }

    /// Removes what interrupted writes of a file have left, under the lock of those who write it.
    fn remove_temps(&self, target: &Path, lock: &Path) {
        let dir = target.parent().unwrap_or(target);
        let mut temps: Vec<PathBuf> = fs::list(dir).unwrap_or_default();
        temps.retain(|path| fs::is_temp_of(path, target));
        if temps.is_empty() {
            return;
        }
        let held = match Lock::try_acquire(lock) {
            Ok(held) => held,
            // It may be what that run is writing.
            Err(LockError::Held { .. }) => return,
            Err(LockError::File(error)) => return self.tell("temporary", lock, Err(error)),
        };
        for path in temps {
            let removed = fs::remove(&path);
            let done = removed.map(|()| "an interrupted run had left it; it is removed".to_owned());
            self.tell("temporary", &path, done);
        }
        drop(held);
    }

    fn tell(&self, what: &'static str, path: &Path, done: Result<String, FsError>) {
        let (is_done, message, hint) = match done {
            Ok(message) => (true, message, None),
            Err(error) => (false, chain(&error), error.hint()),
        };
        if self.printer.is_json() {
            self.printer.json(&json!({ "event": "fix", "what": what, "path": path,
                "done": is_done, "message": message, "hint": hint }));
            return;
        }
        let word = if is_done { "mended " } else { "left   " };
        // An error names its path itself.
        let path = if is_done { format!("{}: ", text::quoted(path)) } else { String::new() };
        let hint = hint.map(|hint| format!(" -> {hint}")).unwrap_or_default();
        self.printer.data(format!("{word}  {what}: {path}{message}{hint}"));
    }
}
