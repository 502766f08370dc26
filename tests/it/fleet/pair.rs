//! Two servers in a folder of their own, of which one follows the other and is waited for by every synchronous
//! commit. Either can crash, stand still, be promoted and be made anew as the other's standby. Both end with this
//! process, however that ends.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::server::{programs, unprivileged};

/// What ends the servers when this process, which holds the other end of its input, is gone.
const WATCH: &str = r#"trap "" INT HUP TERM
read -r _
for node in 0 1; do "$1/pg_ctl" -D "$2/$node" -m immediate stop; done
rm -rf "$2""#;

/// The settings of both. Only processes crash here, no machines: what a process has written is there. Commits wait for
/// the standby alone, and not for `pg_basebackup`, which says as well what it has written.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
max_connections = 200
shared_buffers = 32MB
wal_level = replica
max_wal_senders = 10
wal_keep_size = 256MB
wal_sender_timeout = 10s
wal_receiver_timeout = 10s
wal_retrieve_retry_interval = 100ms
synchronous_standby_names = 'walreceiver'
track_commit_timestamp = on
";

/// A primary and its standby.
pub(crate) struct Pair {
    programs: PathBuf,
    pub(crate) folder: PathBuf,
    /// Which of the two is the primary.
    primary: usize,
    _watch: Child,
}

impl Pair {
    /// Both, with the standby caught up. `None`: there is no server to test with, which is said.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            crate::stage::say("PostgreSQL is not installed: what takes two servers is skipped");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("tiktok-up-pair-").tempdir().unwrap().keep();
        if let Some((uid, gid)) = unprivileged() {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let mut watch = as_user(Command::new("sh"), &folder);
        watch.args(["-c", WATCH, "watch"]).arg(&programs).arg(&folder);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let pair = Self { programs, folder, primary: 0, _watch: watch.spawn().unwrap() };
        let data = pair.data(0);
        let made = pair.program("initdb").args(INITDB).arg(&data).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let settings = data.join("postgresql.conf");
        let text = fs::read_to_string(&settings).unwrap() + SETTINGS;
        fs::write(&settings, text).unwrap();
        pair.start_node(0);
        pair.follow();
        Some(pair)
    }

    /// The address of whichever of the two takes writes.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.display();
        format!(
            "host={folder},{folder} port=5432,5433 dbname=postgres user=tiktok \
             target_session_attrs=read-write"
        )
    }

    /// The socket of the primary.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", port(self.primary)))
    }

    /// The rows of a statement on the primary.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) -> Vec<Vec<String>> {
        self.try_sql(statement).unwrap()
    }

    /// The same of a server that may be away.
    pub(crate) fn try_sql(&self, statement: &str) -> Result<Vec<Vec<String>>, String> {
        self.sql_at(self.primary, statement)
    }

    fn sql_at(&self, node: usize, statement: &str) -> Result<Vec<Vec<String>>, String> {
        let mut psql = self.program("psql");
        let port = port(node).to_string();
        psql.args(["-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-U", "tiktok", "-p", &port]);
        psql.arg("-h").arg(&self.folder).args(["-d", "postgres", "-c", statement]);
        let ran = psql.output().unwrap();
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        let text = String::from_utf8(ran.stdout).unwrap();
        Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
    }

    /// The timeline that is written, in hex.
    pub(crate) fn timeline(&self) -> String {
        let rows = self.sql("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)");
        rows[0][0].clone()
    }

    /// The primary is gone at once, as in a crash.
    pub(crate) fn crash(&self) {
        self.stop(self.primary);
    }

    /// It comes back.
    pub(crate) fn recover(&self) {
        self.start_node(self.primary);
    }

    /// The primary crashes, and its standby becomes the primary.
    pub(crate) fn fail_over(&mut self) {
        self.crash();
        self.split();
    }

    /// The standby becomes the primary while the primary goes on, for whoever is connected with it, until it has to
    /// [`Pair::follow`].
    pub(crate) fn split(&mut self) {
        self.primary = self.standby();
        self.control(self.primary, &["promote", "-w", "-t", "60"]);
    }

    /// Makes the other server a standby of the primary, from the beginning, and waits until commits wait for it.
    pub(crate) fn follow(&self) {
        let standby = self.standby();
        let data = self.data(standby);
        if data.exists() {
            self.stop(standby);
            fs::remove_dir_all(&data).unwrap();
        }
        let port = port(self.primary).to_string();
        let mut copy = self.program("pg_basebackup");
        copy.args(["-U", "tiktok", "-p", &port, "-c", "fast", "-X", "stream", "-R", "-D"]);
        copy.arg(&data).arg("-h").arg(&self.folder);
        let made = copy.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        self.start_node(standby);
        self.wait_for_standby();
    }

    /// The standby is gone: synchronous commits wait from now on.
    pub(crate) fn standby_goes(&self) {
        self.stop(self.standby());
    }

    /// It comes back, and they go on.
    pub(crate) fn standby_comes(&self) {
        self.start_node(self.standby());
        self.wait_for_standby();
    }

    /// Waits until something is seen in the database.
    #[track_caller]
    pub(crate) fn wait_until(&self, statement: &str) {
        crate::process::eventually(statement, || {
            let rows = self.try_sql(&format!("SELECT {statement}")).ok()?;
            (rows == [["t"]]).then_some(())
        });
    }

    /// The standby gets nothing more of what the primary writes, and does not know of it.
    pub(crate) fn deafen_standby(&self) {
        let receiver = self.receiver().unwrap();
        kill_process(receiver, Signal::STOP).unwrap();
    }

    /// The primary crashes, and its deaf standby becomes the primary without what it has not heard.
    pub(crate) fn fail_over_deaf(&mut self) {
        self.crash();
        let receiver = self.receiver().unwrap();
        // It ends before it reads what waits for it.
        kill_process(receiver, Signal::TERM).unwrap();
        kill_process(receiver, Signal::CONT).unwrap();
        crate::process::eventually("the end of the receiver", || {
            (self.receiver() != Some(receiver)).then_some(())
        });
        self.fail_over();
    }

    fn receiver(&self) -> Option<Pid> {
        let rows = self.sql_at(self.standby(), "SELECT pid FROM pg_stat_wal_receiver").unwrap();
        Pid::from_raw(rows.first()?[0].parse().unwrap())
    }

    fn wait_for_standby(&self) {
        self.wait_until("count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'");
    }

    fn standby(&self) -> usize {
        1 - self.primary
    }

    fn data(&self, node: usize) -> PathBuf {
        self.folder.join(node.to_string())
    }

    fn program(&self, name: &str) -> Command {
        as_user(Command::new(self.programs.join(name)), &self.folder)
    }

    fn control(&self, node: usize, args: &[&str]) {
        let mut control = self.program("pg_ctl");
        // A server keeps what it inherits open: its output goes to a file of its own.
        control
            .args(args)
            .arg("-D")
            .arg(self.data(node))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = control.status().unwrap();
        let log = || fs::read_to_string(self.log(node)).unwrap_or_default();
        assert!(status.success(), "pg_ctl {args:?} of node {node}: {}", log());
    }

    fn log(&self, node: usize) -> PathBuf {
        self.folder.join(format!("{node}.log"))
    }

    fn start_node(&self, node: usize) {
        let options = format!("-p {} -k {}", port(node), self.folder.display());
        let log = self.log(node);
        let log = log.to_str().unwrap();
        self.control(node, &["start", "-w", "-t", "60", "-l", log, "-o", &options]);
    }

    fn stop(&self, node: usize) {
        if self.data(node).join("postmaster.pid").exists() {
            self.control(node, &["stop", "-m", "immediate", "-w", "-t", "60"]);
        }
    }
}

const INITDB: [&str; 5] =
    ["--auth=trust", "--username=tiktok", "--no-sync", "--encoding=UTF8", "-D"];

fn port(node: usize) -> usize {
    5432 + node
}

/// A server refuses to run as root.
fn as_user(mut command: Command, folder: &Path) -> Command {
    if let Some((uid, gid)) = unprivileged() {
        command.uid(uid).gid(gid);
    }
    command.current_dir(folder).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    command
}
