//! A server for tests: one a process, over a socket in a folder of its own, that ends with the process, however that
//! ends. It needs nothing of the program, so that the tests that drive the executable have it as well.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What starts the server and ends it when this process, which holds the other end of its input, is gone.
const WATCH: &str = r#"trap "" INT HUP TERM
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c max_connections=400 -c shared_buffers=32MB >"$2/log" 2>&1 </dev/null &
server=$!
pgbouncer -q "$2/pooler.ini" >"$2/pooler.log" 2>&1 </dev/null &
pooler=$!
read -r _
kill -QUIT "$server"
kill -KILL "$pooler"
wait "$server"
rm -rf "$2""#;

/// A pooler that hands each transaction to another connection, of which it has few.
const POOLER: &str = "[databases]
* = user=tiktok host=FOLDER port=5432
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = FOLDER
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
auth_type = any
server_lifetime = 0
";

/// The server of this process.
#[derive(Debug)]
pub(crate) struct Server {
    /// Where its socket is.
    pub(crate) folder: PathBuf,
    /// Whether it is reached through a pooler as well, at port 6432.
    pub(crate) is_pooled: bool,
    /// Its input is what the server lives by.
    _watch: Child,
}

/// Set to `required`, it makes tests fail that have no server or pooler, where both are known to be there.
const REQUIRED_VAR: &str = "TIKTOK_UP_TEST_POSTGRES";

/// The server of this process. `None`: there is none to test with, which is said.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let Some(programs) = programs() else {
                miss("PostgreSQL is not installed: the tests of a store in a database are skipped");
                return None;
            };
            Some(start(&programs))
        })
        .as_ref()
}

/// Says that tests are skipped, or fails where they may not be.
fn miss(what: &str) {
    let wanted = std::env::var_os(REQUIRED_VAR);
    assert!(wanted.is_none_or(|wanted| wanted != "required"), "{REQUIRED_VAR}=required: {what}");
    _ = writeln!(std::io::stderr(), "{what}");
}

/// Where the programs of the server are.
pub(crate) fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    places.extend(versions.map(|version| version.path().join("bin")));
    let place = places
        .into_iter()
        .find(|place| place.join("initdb").exists() && place.join("postgres").exists())?;
    // Links to them are not always beside links to the others.
    fs::canonicalize(place.join("initdb")).ok()?.parent().map(Path::to_owned)
}

/// The server refuses to run as root: then it runs as a user that can do nothing.
pub(crate) fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2).map(|field| field.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    Some(of("postgres").or_else(|| of("nobody")).unwrap_or((65534, 65534)))
}

fn start(programs: &Path) -> Server {
    let folder = tempfile::Builder::new().prefix("tiktok-up-pg-").tempdir().unwrap().keep();
    let user = unprivileged();
    let as_user = |command: &mut Command| {
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command.current_dir(&folder).env("LC_ALL", "C.UTF-8");
    };
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    let mut initdb = Command::new(programs.join("initdb"));
    initdb.args(["--auth=trust", "--username=tiktok", "--no-sync", "--encoding=UTF8", "-D"]);
    as_user(initdb.arg(folder.join("data")));
    let made = initdb.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let config = POOLER.replace("FOLDER", &folder.display().to_string());
    fs::write(folder.join("pooler.ini"), config).unwrap();
    let mut watch = Command::new("sh");
    let path = std::env::var("PATH").unwrap_or_default();
    watch.env("PATH", format!("{path}:/usr/sbin"));
    as_user(watch.args(["-c", WATCH, "watch"]).arg(programs).arg(&folder));
    let watch = watch.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let socket = folder.join(".s.PGSQL.5432");
    let deadline = Instant::now() + Duration::from_mins(1);
    while UnixStream::connect(&socket).is_err() || !is_ready(&folder) {
        let mut log = String::new();
        _ = fs::File::open(folder.join("log")).and_then(|mut file| file.read_to_string(&mut log));
        assert!(Instant::now() < deadline, "the server does not start: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let has_pooler = std::env::split_paths(&format!("{path}:/usr/sbin"))
        .any(|place| place.join("pgbouncer").exists());
    if !has_pooler {
        miss("pgbouncer is not installed: the tests behind a pooler are skipped");
    }
    let pooler = folder.join(".s.PGSQL.6432");
    while has_pooler && UnixStream::connect(&pooler).is_err() {
        let log = fs::read_to_string(folder.join("pooler.log")).unwrap_or_default();
        assert!(Instant::now() < deadline, "the pooler does not start: {log}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Server { folder, is_pooled: has_pooler, _watch: watch }
}

fn is_ready(folder: &Path) -> bool {
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    log.contains("ready to accept connections")
}
