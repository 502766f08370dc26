//! `accounts export` and `accounts import`: logins that leave and arrive.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use serde_json::json;
use zeroize::Zeroizing;

use crate::auth::import::{self, Imported};
use crate::auth::transfer::{self, EncryptedLogin, ExportedLogin, ImportOutcome, TransferError};
use crate::auth::{Account, Issuer};
use crate::cli::PassphraseArgs;
use crate::clock;
use crate::commands::passphrase::{Asked, Passphrases};
use crate::commands::{Context, about, apps, at_rest, journal};
use crate::exit::Exit;
use crate::manifest;
use crate::output::Failure;
use crate::resources::{Denied, is_machine_fault};
use crate::secret::Secret;
use crate::settings::Environment;
use crate::store::AccountError;
use crate::text;

/// The longest file that is taken in, in bytes.
const LONGEST: u64 = 256 << 20;

/// How long a FIFO may wait for the first who writes into it.
const FOR_A_WRITER: Duration = Duration::from_secs(10);

/// How often such a FIFO is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How often a passphrase that is typed may be wrong.
const TRIES: usize = 3;

/// The fewest characters of a passphrase: whoever gets hold of the file has a year to guess.
const SHORTEST: usize = 8;

/// Hands a login over.
pub(super) async fn export(
    context: &Context,
    account: &str,
    args: &PassphraseArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let store = context.store().await?;
    let account = store.shared.accounts().find(Some(account)).await?;
    let store = at_rest::unlocked(context, store).await?;
    let posted = check_posts(context, &account).await?;
    let mut passphrases = Passphrases::find(args, env, &context.shutdown)?;
    let passphrase = match passphrases.new_one("the file").await? {
        Asked::Passphrase(passphrase) => passphrase,
        Asked::Stopped(signal) => return Ok(signal.exit()),
    };
    if passphrase.expose().chars().count() < SHORTEST {
        return Err(Failure::usage(format!("the passphrase has fewer than {SHORTEST} characters"))
            .hint("several words that do not belong together are good to type and hard to guess"));
    }
    let (clock, wait) = (context.settings.clock, context.settings.timing.refresh_lock);
    let over = transfer::export(&store.logins(), &account.open_id, passphrase, clock, wait).await?;
    // Once more, as posts may have begun before the locks were taken.
    if let Err(failure) = check_posts(context, &over.account).await {
        return Err(not_left(over, failure).await);
    }
    if let Err(error) = deliver(context, &over) {
        return Err(not_delivered(over, error).await);
    }
    report_exported(context, &over.account, posted);
    Ok(Exit::Done)
}

/// Writes the file where it is to go, and to the disk if that is where it goes.
fn deliver(context: &Context, over: &ExportedLogin) -> io::Result<()> {
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "export",
            "alias": over.account.alias,
            "file": over.file,
        });
        printer.deliver_json(&about(&over.account, event))?;
    } else {
        printer.deliver(&over.file)?;
    }
    keep(io::stdout())
}

/// Sees to it that what was written to a file lasts. Anything else has it already, and each system refuses
/// this in its own way: Linux calls it invalid for a pipe, macOS unsupported.
fn keep(stream: impl AsFd) -> io::Result<()> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&stream)?.st_mode);
    match kind {
        FileType::RegularFile => match rustix::fs::fsync(&stream) {
            // Some file systems outside the kernel have none.
            Err(rustix::io::Errno::INVAL) => Ok(()),
            other => Ok(other?),
        },
        _ => Ok(()),
    }
}

/// Takes back that a login was handed over which must not leave. Why it must not is what is told; if it
/// cannot be taken back, that as well.
async fn not_left(over: ExportedLogin, failure: Failure) -> Failure {
    let name = over.account.name().to_owned();
    let Err(error) = over.undo().await else { return failure };
    let then = failure.hint.as_deref().map(|hint| format!("{hint}; ")).unwrap_or_default();
    let hint = format!(
        "{then}the login is still marked as handed over, as that could not be taken back ({}): nothing is \
         lost, but before `{name}` is used here again, run `tiktok-up accounts export {name}` and import \
         the file here",
        text::chain(&error)
    );
    failure.hint(hint)
}

async fn not_delivered(over: ExportedLogin, error: io::Error) -> Failure {
    let name = over.account.name().to_owned();
    let hint = match over.undo().await {
        Ok(()) => format!("`{name}` stays logged in here as before"),
        Err(_) => format!(
            "nothing is lost: run `tiktok-up accounts export {name}` again, then import the file \
             there, or here to take it back"
        ),
    };
    let failure =
        Failure::unexpected(error).context("failed to write the login to standard output");
    Failure { exit: Exit::Local, ..failure }.hint(hint)
}

/// Refuses to let a login go that posts under way need; says whether there are posts at all.
async fn check_posts(context: &Context, account: &Account) -> Result<bool, Failure> {
    let Some((_store, journal)) = journal::existing(context).await? else {
        return Ok(false);
    };
    let left = journal.unfinished(Some(&account.open_id)).await?.len();
    if left > 0 {
        let posts = text::count(u64::try_from(left).unwrap_or(u64::MAX), "post");
        let message = format!("{posts} of `{}` not final yet", account.name());
        let failure = Failure::usage(message).hint(
            "only the journal of this machine knows of them: run `tiktok-up status --wait` until \
             none is left, then export",
        );
        return Err(Failure { exit: Exit::Temporary, ..failure });
    }
    Ok(journal.all().await?.iter().any(|post| post.account == account.open_id))
}

fn report_exported(context: &Context, account: &Account, posted: bool) {
    let printer = &context.printer;
    let name = account.name();
    printer.note(format!(
        "`{name}` is handed over: this machine does not use the login any more, as TikTok ends the \
         tokens of one machine when another renews them"
    ));
    printer
        .note("there: `tiktok-up accounts import FILE`, with the same app's client key and secret");
    printer.note(format!(
        "here: once that has worked, `tiktok-up logout --local-only {name}`; until then nothing is \
         lost: export again, or import the file here to take the login back"
    ));
    if posted {
        printer.warn(
            "the journal stays here: what was posted from here is not known there, so do not run \
             the same manifest on the other machine",
        );
    }
}

/// Takes in a file from another machine, or the Flask uploader's. Newer tokens here are never
/// overwritten.
pub(super) async fn import(
    context: &Context,
    file: &Path,
    args: &PassphraseArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let (path, name) = (file.to_owned(), shown(file));
    let read = match context.aside(move || read(&path)).await? {
        Ok(read) => read,
        Err(signal) => return Ok(signal.exit()),
    };
    let bytes = read.map_err(|failure| failure.context(format!("cannot read {name}")))?;
    if bytes.trim_ascii().is_empty() {
        return Err(Failure::usage(format!("{name} is empty"))
            .hint("if it was piped in, the command before the pipe has failed"));
    }
    if let Some(encrypted) = EncryptedLogin::read(&bytes) {
        // Before anybody is asked for a passphrase.
        let encrypted = encrypted.map_err(|error| cannot_import(&name, error))?;
        return import_login(context, encrypted, &name, args, env).await;
    }
    if let Some((what, hint)) = near_miss(&bytes) {
        return Err(Failure::usage(format!("cannot import {name}: {what}")).hint(hint));
    }
    take_over(context, &bytes, &name).await
}

/// What is wrong with a file that seems to be one of `accounts export`, or what it is instead of a file of
/// logins; and what to do about it.
fn near_miss(bytes: &[u8]) -> Option<(String, &'static str)> {
    const AGAIN: &str =
        "copy the file itself, as `accounts export` has written it, and import that";
    // UTF-16 and UTF-32 without their zeros.
    let letters = bytes.iter().filter(|byte| **byte != 0).copied().collect::<Vec<u8>>();
    let letters = Zeroizing::new(letters);
    let text = Zeroizing::new(String::from_utf8_lossy(&letters).into_owned());
    let is_login = text.contains("TIKTOK-UP LOGIN")
        || text
            .lines()
            .any(|line| line.trim_start_matches(['>', ' ']).starts_with("v1 $argon2id$"));
    if is_login {
        let begin = text.lines().find(|line| line.contains("BEGIN TIKTOK-UP LOGIN"));
        let why = if letters.len() != bytes.len() {
            "it is not UTF-8, but UTF-16 or UTF-32"
        } else if bytes.starts_with(b"\xef\xbb\xbf") {
            "it begins with a byte order mark"
        } else {
            match begin.map(str::trim_start) {
                None => "its first line, with BEGIN, is missing",
                Some(line) if line.starts_with('>') => "its lines are quoted, with `>` before them",
                Some(line) if !line.contains("-----BEGIN TIKTOK-UP LOGIN-----") => {
                    "the dashes of its first line were changed"
                }
                Some(_) => "something stands before its first line",
            }
        };
        return Some((format!("this looks like a login of `accounts export`, but {why}"), AGAIN));
    }
    if bytes.starts_with(b"\x1f\x8b") {
        return Some(("this is a gzip archive".to_owned(), "unpack it first (`gunzip`)"));
    }
    let hint = "`accounts import` takes what `accounts export` has written, or the `user_tokens.json` of the \
        Flask uploader";
    if let Some(what) = manifest::other_kind(bytes) {
        return Some((format!("this is {what}, not a file of logins"), hint));
    }
    let posts = ["\"video_path\"", "\"video_url\"", "\"photo_urls\"", "\"posts\""];
    let is_manifest = posts.iter().any(|word| text.contains(word));
    is_manifest.then(|| ("this is a manifest of posts, not a file of logins".to_owned(), hint))
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        text::plain(&file.display().to_string())
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |error: io::Error| {
        if let Some(denied) = Denied::in_error(path, &error) {
            return denied.into();
        }
        let exit = if is_machine_fault(&error) { Exit::Local } else { Exit::Usage };
        Failure { exit, ..Failure::unexpected(error) }
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        // Without O_NONBLOCK the open of a FIFO would wait for a writer, for ever.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Box::new(PipeReader { file, heard: false, until: Instant::now() + FOR_A_WRITER })
    };
    source.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::usage(format!(
            "it is longer than {LONGEST} bytes, so it is no file of logins"
        )));
    }
    Ok(bytes)
}

/// A file that may be a FIFO, opened so that nothing waits: for somebody who writes into it this waits as
/// long as that takes, for somebody to come who does, only for a while.
struct PipeReader {
    file: File,
    /// Whether somebody writes, or wrote, into it.
    heard: bool,
    until: Instant,
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let is_fifo = self.file.metadata()?.file_type().is_fifo();
        loop {
            match self.file.read(buffer) {
                Ok(0) if is_fifo && !self.heard => {
                    if Instant::now() >= self.until {
                        let words = "nobody writes into this pipe";
                        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.heard = true,
                other => {
                    self.heard = true;
                    return other;
                }
            }
            std::thread::sleep(LOOK);
        }
    }
}

async fn import_login(
    context: &Context,
    encrypted: EncryptedLogin,
    name: &str,
    args: &PassphraseArgs,
    env: &Environment<'_>,
) -> Result<Exit, Failure> {
    let mut passphrases = Passphrases::find(args, env, &context.shutdown)?;
    let mut tries = if passphrases.are_typed() { TRIES } else { 1 };
    let encrypted = Arc::new(encrypted);
    let account = loop {
        let passphrase = match passphrases.known_one(name).await? {
            Asked::Passphrase(passphrase) => passphrase,
            Asked::Stopped(signal) => return Ok(signal.exit()),
        };
        tries -= 1;
        match opened(Arc::clone(&encrypted), passphrase).await? {
            Ok(account) => break account,
            Err(TransferError::Passphrase) if tries > 0 => {
                context.printer.warn("that passphrase does not open it; once more");
            }
            Err(error) => return Err(cannot_import(name, error)),
        }
    };
    let store = context.store().await?;
    let store = at_rest::unlocked_for_login(context, store).await?;
    // What an interrupted refresh has left is newer than any file.
    context.tokens(&store).await?;
    let alias = account.alias.clone();
    let (outcome, stored) =
        transfer::import(store.shared.accounts().as_ref(), account, context.settings.clock).await?;
    report_imported(context, &stored, outcome, alias.as_deref());
    if context.settings.apps.with_key(&stored.client_key).is_none() {
        context.printer.warn(format!(
            "the app that made this login (client key {}) is not configured here, and without it the \
             login cannot be used: run `tiktok-up init` with that app's key and secret",
            text::key_start(&stored.client_key)
        ));
    }
    Ok(Exit::Done)
}

async fn opened(
    encrypted: Arc<EncryptedLogin>,
    passphrase: Secret,
) -> Result<Result<Account, TransferError>, Failure> {
    blocking(move || Ok(encrypted.open(&passphrase))).await
}

fn cannot_import(name: &str, error: TransferError) -> Failure {
    Failure::from(error).context(format!("cannot import {name}"))
}

fn report_imported(
    context: &Context,
    account: &Account,
    outcome: ImportOutcome,
    alias: Option<&str>,
) {
    let (outcome, words) = match outcome {
        ImportOutcome::New => ("imported", "imported"),
        ImportOutcome::Newer => ("updated", "updated"),
        ImportOutcome::Back => ("taken_back", "taken back"),
        ImportOutcome::Older => ("kept", "kept: the login here is newer, or the same"),
    };
    let printer = &context.printer;
    if printer.is_json() {
        let event = json!({
            "event": "import",
            "alias": account.alias,
            "outcome": outcome,
            "message": words,
        });
        printer.json(&about(account, event));
    } else {
        printer.note(format!("{}: {words}", account.name()));
    }
    if let (None, Some(alias)) = (&account.alias, alias) {
        printer.warn(format!(
            "the alias `{}` is taken here; `tiktok-up accounts alias {} NAME` gives another one",
            text::plain(alias),
            account.open_id
        ));
    }
}

/// Takes over the token file of the Flask uploader.
async fn take_over(context: &Context, bytes: &[u8], file: &str) -> Result<Exit, Failure> {
    if let Some(name) = clock::misnamed_zone() {
        let name = text::shown(&name.to_string_lossy());
        return Err(Failure::usage(format!(
            "TZ names no time zone that is known: `{name}`; the times in {file} are local ones"
        ))
        .hint("set TZ to the zone of the machine that wrote the file, such as Europe/Berlin"));
    }
    let app = apps::for_login(context)?;
    let api = context.settings.endpoints.api_base();
    let issuer =
        Issuer { client_key: &app.client_key, app: app.name.as_deref(), api: api.as_str() };
    let read = import::read(bytes, clock::zone(), issuer)
        .map_err(|error| Failure::usage(format!("cannot import {file}: {error}")))?;
    let store = context.store().await?;
    let store = at_rest::unlocked_for_login(context, store).await?;
    // What an interrupted refresh has left is newer than any file.
    context.tokens(&store).await?;
    let accounts = store.shared.accounts();
    let open_ids: Vec<_> = read.iter().map(|account| account.open_id.clone()).collect();
    let imported = import::import(accounts.as_ref(), read).await?;
    let stored = accounts.all().await?;
    for (open_id, imported) in open_ids.into_iter().zip(imported) {
        let (outcome, words) = match imported {
            Imported::New => ("imported", "imported"),
            Imported::Newer => ("updated", "updated"),
            Imported::Older => ("kept", "kept: the login here is newer"),
            Imported::OtherApi => ("kept", "kept: the login here is of another API"),
            Imported::OtherApp => ("kept", "kept: the login here is of another app"),
        };
        if context.printer.is_json() {
            let stored = stored.find(Some(&open_id)).map_err(AccountError::from)?;
            let event = json!({
                "event": "import",
                "alias": stored.alias,
                "outcome": outcome,
                "message": words,
            });
            context.printer.json(&about(stored, event));
        } else {
            context.printer.note(format!("{open_id}: {words}"));
        }
    }
    Ok(Exit::Done)
}

/// Work that blocks, off the threads that serve everything else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|stopped| Err(Failure::unexpected(stopped)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_a_file_is_asked_to_keep_what_was_written() {
        let (_reader, pipe) = io::pipe().unwrap();
        keep(&pipe).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"login").unwrap();
        keep(&file).unwrap();
    }
}
