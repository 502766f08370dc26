//! Which server answers, and whether it knows what was posted: another one, one that has failed over, or one that was
//! put back to an earlier time may have forgotten what was recorded.

use std::path::PathBuf;

use super::marks::{Made, Marks};
use super::tx::Tx;
use super::value::Value;
use crate::store::error::DatabaseError;
use crate::store::{Doubt, JournalError, StoreError};

/// What tells one state of a server from another that does not go on from it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Server {
    /// The identifier that a server is made with; a dump that was put into another one has another.
    system_id: String,
    /// Changes with each promotion of a standby, and when a server is put back to an earlier time.
    timeline: String,
}

/// What the database says of the store in it, once a post was made with that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// What no other store has: 128 random bits in hex.
    pub(super) identity: String,
    /// The server that posts were made with.
    system_id: String,
    /// How often a person has accepted it though it did not know all posts.
    pub(super) accepted: i64,
    /// Whether some machine has found that it does not know a post.
    is_behind: bool,
}

/// The server as it is now. The timeline is that of the log that is written: that of the last checkpoint lags
/// behind a promotion.
fn server(tx: &Tx<'_>) -> Result<Server, StoreError> {
    // Where only the log of another server is replayed, none is written.
    let row = tx.row(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()),
             CASE WHEN NOT pg_is_in_recovery()
                 THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END",
        &[],
    )?;
    let row = row.ok_or_else(|| tx.odd("the server does not say which it is"))?;
    let timeline: Option<String> = tx.get(&row, 1)?;
    let timeline = timeline.ok_or_else(|| standby(tx.place))?;
    Ok(Server { system_id: tx.get(&row, 0)?, timeline })
}

/// The error for a server that only replays what another one does.
pub(super) fn standby(place: &str) -> DatabaseError {
    DatabaseError::ReadOnly { place: place.to_owned(), why: "it is on a standby".to_owned() }
}

/// What the database says of the store in it. `None`: no post was made with it.
fn known(tx: &Tx<'_>) -> Result<Option<Known>, StoreError> {
    let row = tx.row("SELECT identity, system_id, accepted, is_behind FROM cluster", &[])?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Known {
        identity: tx.get(&row, 0)?,
        system_id: tx.get(&row, 1)?,
        accepted: tx.get(&row, 2)?,
        is_behind: tx.get(&row, 3)?,
    }))
}

/// Why the database may not know what was posted, by what it says itself and what this machine has seen of it.
pub(super) fn doubt(tx: &Tx<'_>, marks: &Marks) -> Result<Option<Doubt>, StoreError> {
    judge(tx, &server(tx)?, known(tx)?.as_ref(), marks)
}

fn judge(
    tx: &Tx<'_>,
    server: &Server,
    known: Option<&Known>,
    marks: &Marks,
) -> Result<Option<Doubt>, StoreError> {
    let Some(seen) = marks.read(known.map(|known| known.identity.as_str()))? else {
        return Ok(Some(Doubt::Unclear));
    };
    let Some(known) = known else { return Ok((!seen.is_empty()).then_some(Doubt::Gone)) };
    if known.system_id != server.system_id {
        return Ok(Some(Doubt::Copied));
    }
    if known.is_behind {
        return Ok(Some(Doubt::Behind));
    }
    for seen in seen {
        if seen.identity != known.identity {
            return Ok(Some(Doubt::Other));
        }
        if seen.accepted > known.accepted
            || seen.accepted == known.accepted && !has_all(tx, &seen.made)?
        {
            return Ok(Some(Doubt::Behind));
        }
    }
    Ok(None)
}

/// Whether the database has attempts, and has each as far as this machine saw it go.
fn has_all(tx: &Tx<'_>, made: &[Made]) -> Result<bool, StoreError> {
    for made in made {
        let has = tx.one::<bool>(
            "SELECT EXISTS (SELECT 1 FROM attempts WHERE post = $1 AND number = $2
                 AND created = $3 AND ($4 OR phase NOT IN ('init-intent', 'open')))",
            &[made.post.into(), made.attempt.into(), made.created.into(), made.by_init.into()],
        )?;
        if has != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The error for a database that may not know what was posted.
pub(super) fn doubtful(place: &str, doubt: Doubt) -> StoreError {
    JournalError::Doubtful { path: PathBuf::from(place), doubt }.into()
}

/// A person says that the database counts as it is: with this server from now on.
pub(super) fn accept(tx: &Tx<'_>) -> Result<Known, StoreError> {
    let server = server(tx)?;
    write(
        tx,
        "INSERT INTO cluster (identity, system_id, accepted) VALUES ($1, $2, 1)
         ON CONFLICT (single) DO UPDATE SET system_id = excluded.system_id,
             accepted = cluster.accepted + 1, is_behind = false
         RETURNING identity, system_id, accepted, is_behind",
        &[identity().into(), server.system_id.into()],
    )
}

/// Says to all machines that posts are missing.
pub(super) fn is_behind(tx: &Tx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE cluster SET is_behind = true WHERE NOT is_behind", &[]).map(drop)
}

fn identity() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn write(tx: &Tx<'_>, statement: &str, values: &[Value]) -> Result<Known, StoreError> {
    tx.execute(statement, values)?;
    known(tx)?.ok_or_else(|| tx.odd("it does not say which store it is"))
}

/// Before anything new of an account is begun: an error if the database may not know what was posted, or as long as
/// what was under way for the account at a failover has not been settled.
pub(super) fn hold(tx: &Tx<'_>, account: &str, marks: &Marks) -> Result<Known, StoreError> {
    let server = server(tx)?;
    let known = known(tx)?;
    if let Some(doubt) = judge(tx, &server, known.as_ref(), marks)? {
        return Err(doubtful(tx.place, doubt));
    }
    let statement = "SELECT timeline FROM epochs WHERE account = $1";
    let timeline: Option<String> = tx.one(statement, &[account.into()])?.flatten();
    if timeline.as_ref() != Some(&server.timeline) {
        let open: Option<i64> = tx.one(
            "SELECT count(DISTINCT post) FROM attempts JOIN posts ON posts.id = attempts.post
             WHERE posts.account = $1 AND phase IN ('init-intent', 'open', 'final-intent', 'uploaded')",
            &[account.into()],
        )?;
        if let Some(open @ 1..) = open {
            return Err(DatabaseError::FailedOver { place: tx.place.to_owned(), open }.into());
        }
        let statement = "UPDATE epochs SET timeline = $2 WHERE account = $1";
        tx.execute(statement, &[account.into(), server.timeline.into()])?;
    }
    match known {
        Some(known) => Ok(known),
        None => write(
            tx,
            "INSERT INTO cluster (identity, system_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[identity().into(), server.system_id.into()],
        ),
    }
}

/// Before the last chunk of a post: an error if another server answers than the one that it was begun with.
pub(super) fn hold_server(tx: &Tx<'_>) -> Result<Known, StoreError> {
    let server = server(tx)?;
    let known = known(tx)?.ok_or_else(|| tx.odd("an attempt was begun with no server"))?;
    if known.system_id == server.system_id {
        Ok(known)
    } else {
        Err(doubtful(tx.place, Doubt::Copied))
    }
}
