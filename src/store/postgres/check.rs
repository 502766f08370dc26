//! A look at a database that changes nothing, and what is done to it on purpose.

use std::sync::Arc;

use jiff::Timestamp;

use super::marks::Marks;
use super::queue;
use super::schema::{self, Version};
use super::tx::Tx;
use super::{at_rest, cluster};
use crate::encrypt::{self, Encryption, Key};
use crate::model::account::Account;
use crate::secret::Secret;
use crate::store::rules::at_rest as resting;
use crate::store::rules::tokens::{place, tokens};
use crate::store::{Doubt, StoreError};

/// What a look at a database found.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    /// The version of its server.
    pub(crate) server: String,
    /// Whether the connection is over TLS.
    pub(crate) tls: bool,
    /// Whether it is a standby, which takes no writes.
    pub(crate) is_standby: bool,
    /// The standbys that commits wait for, as the server names them. Empty: none.
    pub(crate) standbys: String,
    /// The time there.
    pub(crate) now: Timestamp,
    /// The version of what lies there; 0: nothing yet.
    pub(crate) version: i64,
    /// The earliest version of a program that understands it.
    pub(crate) readers: i64,
    /// Whether its user may write there, or make what it writes.
    pub(crate) may_write: bool,
    /// How what is secret rests.
    pub(crate) encryption: Option<Encryption>,
    /// Why nothing would be posted with it.
    pub(crate) doubt: Option<Doubt>,
}

/// Looks at a database.
pub(super) fn check(tx: &Tx<'_>, marks: &Marks) -> Result<Checked, StoreError> {
    let row = tx.row(
        "SELECT current_setting('server_version'),
             coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
             pg_is_in_recovery(), current_setting('synchronous_standby_names'),
             floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
             coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1),
                 has_database_privilege(current_database(), 'CREATE'))",
        &[tx.schema.into()],
    )?;
    let row = row.ok_or_else(|| tx.odd("the server says nothing of itself"))?;
    let Version { number: version, readers } = schema::found(tx)?;
    let now = Timestamp::from_millisecond(tx.get(&row, 4)?).map_err(|e| tx.odd(e.to_string()))?;
    let mut checked = Checked {
        server: tx.get(&row, 0)?,
        tls: tx.get(&row, 1)?,
        is_standby: tx.get(&row, 2)?,
        standbys: tx.get(&row, 3)?,
        now,
        version,
        readers,
        may_write: tx.get(&row, 5)?,
        encryption: None,
        doubt: None,
    };
    if version > 0 && readers <= schema::latest() {
        let may = "SELECT bool_and(has_table_privilege(pg_class.oid, 'INSERT')
                 AND has_table_privilege(pg_class.oid, 'UPDATE')
                 AND has_table_privilege(pg_class.oid, 'DELETE'))
             FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE nspname = $1 AND relkind = 'r' AND relname <> 'versions'";
        checked.may_write = tx.one(may, &[tx.schema.into()])?.unwrap_or_default();
        checked.encryption = at_rest::encryption(tx)?;
        if !checked.is_standby {
            checked.doubt = cluster::doubt(tx, marks)?;
        }
    }
    Ok(checked)
}

/// Encrypts all that is secret, all in one step, during which nobody else reads or writes any of it: tokens and
/// `upload_url`s. Gives their numbers. What is encrypted already stays so.
pub(super) fn encrypt(
    tx: &Tx<'_>,
    encryption: &Encryption,
    key: &Arc<Key>,
) -> Result<(usize, usize), StoreError> {
    tx.batch("LOCK TABLE accounts, epochs, attempts, queue IN ACCESS EXCLUSIVE MODE")?;
    if at_rest::encryption(tx)?.is_some() {
        at_rest::key(tx, Some(key))?;
    } else {
        at_rest::say(tx, encryption)?;
    }
    let mut logins = 0;
    let rows = tx.rows("SELECT open_id, entry FROM accounts WHERE entry IS NOT NULL", &[])?;
    for row in rows {
        let (open_id, entry): (String, String) = (tx.get(&row, 0)?, tx.get(&row, 1)?);
        let mut account: Account =
            serde_json::from_str(&entry).map_err(|_| tx.odd("an account cannot be read"))?;
        let mut is_changed = false;
        for (field, token) in tokens(&mut account) {
            if !encrypt::is_encrypted(token.expose()) {
                *token = encrypt::encrypt(key, token, &place(&open_id, field));
                is_changed = true;
            }
        }
        if is_changed {
            let entry = serde_json::to_string(&account).map_err(|e| tx.odd(e.to_string()))?;
            let statement = "UPDATE accounts SET entry = $2 WHERE open_id = $1";
            tx.execute(statement, &[open_id.into(), entry.into()])?;
            logins += 1;
        }
    }
    queue::encrypt(tx, key)?;
    let mut urls = 0;
    let rows = tx.rows(
        "SELECT attempts.post, attempts.number, attempts.upload_url, posts.account
         FROM attempts JOIN posts ON posts.id = attempts.post WHERE attempts.upload_url IS NOT NULL",
        &[],
    )?;
    for row in rows {
        let (post, number): (i64, i64) = (tx.get(&row, 0)?, tx.get(&row, 1)?);
        let url = Secret::new(tx.get::<String>(&row, 2)?);
        if encrypt::is_encrypted(url.expose()) {
            continue;
        }
        let account: String = tx.get(&row, 3)?;
        let unsigned = |number: i64| u32::try_from(number).unwrap_or_default();
        let place = resting::place(&account, unsigned(post), unsigned(number));
        let url = encrypt::encrypt(key, &url, &place);
        let statement = "UPDATE attempts SET upload_url = $3 WHERE post = $1 AND number = $2";
        tx.execute(statement, &[post.into(), number.into(), url.expose().into()])?;
        urls += 1;
    }
    Ok((logins, urls))
}
