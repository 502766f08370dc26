//! Where a database is and how it is spoken with, as libpq understands an address.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::address::{self, Address};
use super::tls::{MakeTls, Proof, Roots};
use crate::problem::{Coded, ErrorCode, Problem};
use crate::process::Environment;
use crate::secret::Secret;

/// How long one address of a server may take to answer, unless the address says otherwise.
const CONNECT: Duration = Duration::from_secs(10);

/// After so long without a word the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The schema in which everything lies.
const SCHEMA: &str = "tiktok_up";

/// A database, with all that it takes to get in. What it shows of itself is no secret.
#[derive(Clone)]
pub(crate) struct Target {
    pub(super) config: Config,
    /// Whether a connection without TLS is tried first (`sslmode=allow`).
    pub(super) plain_first: bool,
    pub(super) tls: MakeTls,
    pub(super) schema: String,
    /// The address for people, without user and password.
    pub(super) place: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("place", &self.place)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// What is wrong with an address or what belongs to it. The address is never quoted: a password may stand in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// It is none, or has a parameter that is not known.
    #[error("not an address of a PostgreSQL database: {0}")]
    Form(String),
    /// `sslmode` is none of the known ones.
    #[error("`sslmode` is one of disable, allow, prefer, require, verify-ca and verify-full")]
    Mode,
    /// `target_session_attrs` asks for a server that takes no writes, or is not known.
    #[error(
        "`target_session_attrs` is any, read-write or primary: nothing can be kept where nothing is written"
    )]
    Session,
    /// The certificate is to be verified, and nobody is trusted.
    #[error(
        "to verify the server's certificate, `sslrootcert` names a file of authorities that are trusted, or is \
        `system`; SSL_CERT_FILE may name one as well"
    )]
    NoRoots,
    /// The authorities cannot be read.
    #[error("the certificate authorities cannot be read: {0}")]
    Roots(String),
    /// The file of passwords can be read by others.
    #[error("others can read the file of passwords `{0}`; libpq takes no password from it, either")]
    PassFile(String),
}

impl Coded for TargetError {
    fn problem(&self) -> Problem {
        match self {
            Self::NoRoots | Self::Roots(_) => ErrorCode::DatabaseAuthorities.into(),
            _ => ErrorCode::DatabaseAddress.into(),
        }
    }
}

impl Target {
    /// Reads an address: `postgres://USER@HOST/DATABASE?sslmode=…`, or as pairs `host=… dbname=…`. A password
    /// comes from `password`, else the address, PGPASSWORD or the file of PGPASSFILE (`~/.pgpass`).
    pub(crate) fn read(
        address: &Secret,
        password: Option<&Secret>,
        environment: &Environment<'_>,
    ) -> Result<Self, TargetError> {
        let mut address = Address::read(address.expose()).map_err(TargetError::Form)?;
        let tls = Tls::taken(&mut address)?;
        let session = takes_writes(&mut address)?;
        // In ms, as libpq has it.
        let silence = address.take("tcp_user_timeout").map(|word| word.parse());
        let silence = silence.transpose().map_err(|_| {
            TargetError::Form("`tcp_user_timeout` has a value that it does not take".to_owned())
        })?;
        let mut config = Config::from_str(&address.text()).map_err(|error| form(&error))?;
        if let Some(password) = config.get_password() {
            // Looked for in all that is said from now on.
            _ = Secret::new(String::from_utf8_lossy(password));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            let host = variable(environment, "PGHOST").unwrap_or_else(|| "localhost".to_owned());
            config.host(host);
        }
        let is_odd = |host: &Host| matches!(host, Host::Tcp(host) if host.contains('@'));
        if config.get_hosts().iter().any(is_odd) {
            return Err(TargetError::Form("its host contains `@`".to_owned()));
        }
        let is_many = config.get_hosts().len().max(config.get_hostaddrs().len()) > 1;
        // Of several, one is the primary.
        config.target_session_attrs(session.unwrap_or(if is_many {
            TargetSessionAttrs::ReadWrite
        } else {
            TargetSessionAttrs::Any
        }));
        let is_local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && config.get_hostaddrs().is_empty();
        let mode = if is_local { Mode::Disable } else { tls.mode };
        let roots = tls.roots(environment);
        let proof = mode.proof(tls.root_cert.is_some());
        if proof != Proof::None && roots.is_none() {
            return Err(TargetError::NoRoots);
        }
        let tls = MakeTls::new(proof, roots.as_ref()).map_err(TargetError::Roots)?;
        config.ssl_mode(match mode {
            Mode::Disable | Mode::Allow => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("tiktok-up");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        config.tcp_user_timeout(silence.map_or(KEEPALIVE, Duration::from_millis));
        if !address.has("keepalives_idle") {
            config.keepalives_idle(KEEPALIVE);
        }
        let place = place(&config);
        if let Some(password) = password {
            config.password(password.expose());
        } else if config.get_password().is_none()
            && let Some(password) = password_of(&config, environment)?
        {
            config.password(password.expose());
        }
        let plain_first = mode == Mode::Allow;
        Ok(Self { config, plain_first, tls, schema: SCHEMA.to_owned(), place })
    }

    /// The same with everything in another schema.
    #[cfg(test)]
    pub(super) fn in_schema(self, schema: String) -> Self {
        Self { schema, ..self }
    }

    /// The address for people, without user and password.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }
}

/// What `sslmode` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// What is asked of the certificate; as with libpq, a file of authorities makes `require` ask for one of
    /// theirs.
    fn proof(self, names_roots: bool) -> Proof {
        match self {
            Self::VerifyFull => Proof::Host,
            Self::VerifyCa => Proof::Authority,
            Self::Require if names_roots => Proof::Authority,
            _ => Proof::None,
        }
    }
}

/// What the address says of TLS.
#[derive(Clone, Debug)]
struct Tls {
    mode: Mode,
    root_cert: Option<String>,
}

impl Tls {
    fn roots(&self, environment: &Environment<'_>) -> Option<Roots> {
        match self.root_cert.as_deref() {
            Some("system") => return Some(Roots::System),
            Some(path) => return Some(Roots::File(path.into())),
            None => {}
        }
        let of_libpq = || {
            let path = PathBuf::from(environment("HOME")?).join(".postgresql/root.crt");
            path.exists().then_some(path)
        };
        let named = environment("SSL_CERT_FILE").filter(|path| !path.is_empty());
        named.map(PathBuf::from).or_else(of_libpq).map(Roots::File)
    }
}

impl Tls {
    /// Takes what an address says of TLS out of it.
    fn taken(address: &mut Address) -> Result<Self, TargetError> {
        let mode = address.take("sslmode");
        let mode = mode.map_or(Some(Mode::Prefer), |word| Mode::named(&word));
        let mode = mode.ok_or(TargetError::Mode)?;
        Ok(Self { mode, root_cert: address.take("sslrootcert") })
    }
}

/// What `target_session_attrs` says. Nothing can be done where nothing can be written.
fn takes_writes(address: &mut Address) -> Result<Option<TargetSessionAttrs>, TargetError> {
    match address.take("target_session_attrs").as_deref() {
        None => Ok(None),
        Some("any") => Ok(Some(TargetSessionAttrs::Any)),
        Some("read-write" | "primary") => Ok(Some(TargetSessionAttrs::ReadWrite)),
        Some(_) => Err(TargetError::Session),
    }
}

/// Why the library does not take an address, without a word of it.
fn form(error: &tokio_postgres::Error) -> TargetError {
    let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    // It names the parameter whose value is none.
    let name = address::OBEYED.into_iter().find(|name| why.contains(&format!("`{name}`")));
    TargetError::Form(match name {
        Some(name) => format!("`{name}` has a value that it does not take"),
        None => "it cannot be taken apart".to_owned(),
    })
}

/// `postgres://HOST:PORT/DATABASE`.
fn place(config: &Config) -> String {
    let mut hosts: Vec<String> = Vec::new();
    for (at, host) in config.get_hosts().iter().enumerate() {
        let port = config.get_ports().get(at).or(config.get_ports().first());
        let port = port.filter(|port| **port != 5432).map(|port| format!(":{port}"));
        let host = match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        hosts.push(host + &port.unwrap_or_default());
    }
    if hosts.is_empty() {
        hosts.extend(config.get_hostaddrs().iter().map(ToString::to_string));
    }
    let name = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{}/{name}", hosts.join(","))
}

fn variable(environment: &Environment<'_>, name: &str) -> Option<String> {
    environment(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// The password that the environment has for a database.
fn password_of(
    config: &Config,
    environment: &Environment<'_>,
) -> Result<Option<Secret>, TargetError> {
    if let Some(password) = variable(environment, "PGPASSWORD") {
        return Ok(Some(Secret::new(password)));
    }
    let of_home = || environment("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    let named = environment("PGPASSFILE").map(|path: OsString| PathBuf::from(path));
    let Some(path) = named.or_else(of_home) else { return Ok(None) };
    // A file that is not there says nothing.
    let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
    if !metadata.is_file() {
        return Ok(None);
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(TargetError::PassFile(path.display().to_string()));
    }
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    Ok(text.lines().find_map(|line| matching(line, config)))
}

/// The password of a line `HOST:PORT:DATABASE:USER:PASSWORD`, if it is of this database.
fn matching(line: &str, config: &Config) -> Option<Secret> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (char, fields.len()) {
            ('\\', _) => fields.last_mut()?.extend(chars.next()),
            (':', ..5) => fields.push(String::new()),
            _ => fields.last_mut()?.push(char),
        }
    }
    let [host, port, database, user, password] = fields.as_slice() else { return None };
    let is = |field: &str, value: &str| field == "*" || field == value;
    let own_host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        // As libpq has it.
        Some(Host::Unix(_)) => "localhost".to_owned(),
        None => config.get_hostaddrs().first()?.to_string(),
    };
    let own_port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let own_user = config.get_user().unwrap_or_default();
    let own_database = config.get_dbname().unwrap_or(own_user);
    let found = is(host, &own_host)
        && is(port, &own_port)
        && is(database, own_database)
        && is(user, own_user);
    found.then(|| Secret::new(password.clone()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn read(address: &str) -> Result<Target, TargetError> {
        Target::read(&Secret::new(address), None, &|_| None)
    }

    #[test]
    fn an_address_shows_neither_user_nor_password() {
        let target =
            read("postgres://ana:s3cr3t@db.example.com:6432/posts?sslmode=require").unwrap();
        assert_eq!(target.place(), "postgres://db.example.com:6432/posts");
        assert!(!format!("{target:?}").contains("s3cr3t"));
        let target = read("postgres:///posts?host=/run/postgresql&user=ana").unwrap();
        assert_eq!(target.place(), "postgres:///run/postgresql/posts");
        assert_eq!(
            read("host=db dbname=posts password=s3cr3t").unwrap().place(),
            "postgres://db/posts"
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        for odd in [
            "mysql://ana:s3cr3t@db/posts",
            "s3cr3t",
            "postgres://ana:s3cr3t@db:port/posts",
            "postgres://ana:s3cr3t@db/posts?colour=red",
        ] {
            let error = read(odd).unwrap_err();
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
        assert_eq!(read("postgres://db/posts?sslmode=yes").unwrap_err(), TargetError::Mode);
        let unproven = "postgres://db/posts?sslmode=verify-full";
        assert_eq!(read(unproven).unwrap_err(), TargetError::NoRoots);
        let missing = read(&format!("{unproven}&sslrootcert=/missing.pem")).unwrap_err();
        assert!(missing.to_string().contains("`/missing.pem`"), "{missing}");
    }

    #[test]
    fn of_several_hosts_the_one_that_takes_writes_is_used() {
        let of = |address: &str| read(address).unwrap().config.get_target_session_attrs();
        assert_eq!(of("postgres://a/posts"), TargetSessionAttrs::Any);
        assert_eq!(of("postgres://a,b/posts"), TargetSessionAttrs::ReadWrite);
        assert_eq!(of("host=a,b dbname=posts"), TargetSessionAttrs::ReadWrite);
        assert_eq!(of("postgres://a,b/posts?target_session_attrs=any"), TargetSessionAttrs::Any);
        let primary = "postgres://a/posts?target_session_attrs=primary";
        assert_eq!(of(primary), TargetSessionAttrs::ReadWrite);
        for odd in ["read-only", "standby", "prefer-standby", "s3cr3t"] {
            let address = format!("postgres://a/posts?target_session_attrs={odd}");
            assert_eq!(read(&address).unwrap_err(), TargetError::Session);
        }
    }

    #[test]
    fn what_the_address_says_of_a_connection_holds() {
        let timed = "postgres://a/posts?tcp_user_timeout=1500&keepalives_idle=7&connect_timeout=3";
        let config = read(timed).unwrap().config;
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(7));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        let config = read("host=a password='a b sslmode=disable' sslmode=require").unwrap().config;
        assert_eq!(config.get_password(), Some(&b"a b sslmode=disable"[..]));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
    }

    /// Pieces of a password that stands in an address without care, and what parts them.
    fn passwords() -> impl Strategy<Value = (Vec<&'static str>, String)> {
        let pieces = vec!["zq1x", "VKwj", "77812", "kxü", "hunter2"];
        let marks = vec![
            "@", "?", "/", "#", "&", "=", ":", "%", "%4", "%zz", "+", " ", "'", "\\", ",", "[",
            "]", "@@", "?=", "&=", "\n", "\"", "%00", "host", "://",
        ];
        vec((select(pieces), select(marks)), 1..4).prop_map(|parts| {
            let text = parts.iter().flat_map(|(piece, mark)| [*piece, *mark]).collect();
            (parts.into_iter().map(|(piece, _)| piece).collect(), text)
        })
    }

    proptest! {
        #[test]
        fn no_piece_of_a_password_is_ever_said((pieces, password) in passwords(), after in select(vec!["", "end"])) {
            let password = format!("{password}{after}");
            let quoted = password.replace('\\', "\\\\").replace('\'', "\\'");
            for address in [
                format!("postgres://ana:{password}@db.example.com/posts"),
                format!("postgres://ana:{password}@db.example.com:6432/posts?sslmode=prefer"),
                format!("postgres://ana:{password}@db.example.com/posts?host={password}@db"),
                format!("postgres://db.example.com/posts?user=ana&password={password}"),
                format!("postgresql://:{password}@/posts"),
                format!("mysql://ana:{password}@db.example.com/posts"),
                format!("//ana:{password}@db.example.com/posts"),
                format!("host=db dbname=posts password={password}"),
                format!("host=db password={password} dbname=posts"),
                format!("host=db password='{password}' dbname=posts"),
                format!("host=db password='{quoted}' dbname=posts"),
                format!("host=db password='{quoted}' sslmode=verify-full"),
                format!("host=db sslmode={password}"),
                password.clone(),
            ] {
                let said = match read(&address) {
                    Ok(target) => format!("{target:?} {}", target.place()),
                    Err(error) => format!("{error} {error:?}"),
                };
                for piece in &pieces {
                    prop_assert!(!said.contains(piece), "{address}: {said}");
                }
            }
        }
    }

    #[test]
    fn a_password_comes_from_where_libpq_looks() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pass");
        fs::write(&file, "# none\ndb:5432:posts:ben:no\n*:*:posts:ana:a\\:b\n").unwrap();
        let look = |variables: &[(&str, &str)]| {
            let of = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            };
            let address = Secret::new("postgres://ana@db/posts");
            Target::read(&address, None, &of).map(|target| target.config)
        };
        let path = file.to_str().unwrap();
        let password = |config: &Config| config.get_password().map(<[u8]>::to_vec);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(look(&[("PGPASSFILE", path)]), Err(TargetError::PassFile(_))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password(&look(&[("PGPASSFILE", path)]).unwrap()), Some(b"a:b".to_vec()));
        let both = [("PGPASSFILE", path), ("PGPASSWORD", "sure")];
        assert_eq!(password(&look(&both).unwrap()), Some(b"sure".to_vec()));
        assert_eq!(password(&look(&[]).unwrap()), None);
    }
}
