//! Users with passwords, in a file of their own. A password is kept as what it opens: a random key, wrapped with the
//! key that argon2id makes of the password, at the cost that stores are encrypted with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::visitor::Role;
use crate::encrypt::{Key, UnwrapError, WrapError, Wrapped};
use crate::fs::{
    FsError, Lock, LockError, PRIVATE_FILE, clean_temps, private_dir, read_private, write_atomic,
};
use crate::problem::{Coded, ErrorCode, ErrorKind, Problem};
use crate::secret::Secret;

/// The version of the file that is written, and the newest that is read.
const VERSION: u32 = 1;

/// How long another process may take to write.
const WAIT: Duration = Duration::from_secs(10);

/// How many letters a name may have.
const NAME: usize = 32;

/// How many letters a password has at least, and bytes at most.
const PASSWORD: (usize, usize) = (10, 1024);

/// Why users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UsersError {
    /// The file, or its directory.
    #[error(transparent)]
    File(#[from] FsError),
    /// The lock under which it is written.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What is in it is not what this program writes.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error("`{}` was written by a newer version", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
    },
    /// No name for a user.
    #[error("a name has 1 to {NAME} characters of a-z, 0-9, `.`, `_` and `-`")]
    Name,
    /// No password.
    #[error("a password has at least {} characters", PASSWORD.0)]
    Short,
    /// No password either.
    #[error("a password has at most {} bytes", PASSWORD.1)]
    Long,
    /// There is a user of that name.
    #[error("there is a user `{0}`")]
    Taken(String),
    /// The password could not be kept.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// The password could not be compared, for want of memory as a rule.
    #[error(transparent)]
    Unwrap(UnwrapError),
}

impl Coded for UsersError {
    fn problem(&self) -> Problem {
        use ErrorCode as Code;
        match self {
            Self::File(error) => error.problem(),
            Self::Lock(error) => error.problem(),
            Self::Damaged { path } => {
                Problem::new(Code::ConsoleUsersDamaged).with("path", path.display())
            }
            Self::Newer { path } => {
                Problem::new(Code::ConsoleUsersNewer).with("path", path.display())
            }
            Self::Name | Self::Short | Self::Long | Self::Taken(_) => Code::ConsoleUser.into(),
            Self::Wrap(WrapError::Random(_)) => {
                Problem::new(Code::NoRandom).of_kind(ErrorKind::Local)
            }
            Self::Wrap(WrapError::Derive(error)) | Self::Unwrap(error) => match error {
                UnwrapError::Memory(_) => Code::NoMemory.into(),
                // Neither happens to a password that is being kept or compared, unless a file was edited.
                UnwrapError::Wrong | UnwrapError::Form(_) => Code::ProgramFault.into(),
            },
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    version: u32,
    users: Vec<User>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    /// In lower case.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// Another one for each that is added, also of the same name.
    pub(super) id: String,
    password: Wrapped,
}

/// The users of a state directory.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    path: PathBuf,
}

impl Users {
    /// Those in `users.json` of a directory, which need not be there.
    pub(crate) fn within(dir: &Path) -> Self {
        Self { path: dir.join("users.json") }
    }

    /// All of them, in the order in which they were added.
    pub(crate) fn list(&self) -> Result<Vec<User>, UsersError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Some(bytes) = read_private(&self.path)? else { return Ok(Vec::new()) };
        let damaged = |_| UsersError::Damaged { path: self.path.clone() };
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(UsersError::Newer { path: self.path.clone() });
        }
        let stored: Stored = serde_json::from_slice(&bytes).map_err(damaged)?;
        Ok(stored.users)
    }

    /// The user of a name, in whatever case it is written.
    pub(crate) fn find(&self, name: &str) -> Result<Option<User>, UsersError> {
        let name = name.to_ascii_lowercase();
        Ok(self.list()?.into_iter().find(|user| user.name == name))
    }

    /// Adds one. Takes some tenths of a second, as every guess at the password shall.
    pub(crate) fn add(&self, name: &str, role: Role, password: &Secret) -> Result<(), UsersError> {
        let name = name.to_ascii_lowercase();
        check_name(&name)?;
        if password.expose().chars().count() < PASSWORD.0 {
            return Err(UsersError::Short);
        }
        if password.expose().len() > PASSWORD.1 {
            return Err(UsersError::Long);
        }
        let key = Key::random().map_err(WrapError::from)?;
        let user = User { name, role, id: new_id(), password: Wrapped::new(&key, password)? };
        self.change(|users| {
            if users.iter().any(|other| other.name == user.name) {
                return Err(UsersError::Taken(user.name));
            }
            users.push(user);
            Ok(())
        })
    }

    /// Removes one; says whether there was one. Their sessions end with their next request.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, UsersError> {
        let name = name.to_ascii_lowercase();
        let mut is_gone = false;
        self.change(|users| {
            let before = users.len();
            users.retain(|user| user.name != name);
            is_gone = users.len() < before;
            Ok(())
        })?;
        Ok(is_gone)
    }

    /// The user of that name and password. Takes as long for a name that nobody has, if there are users at all; blocks
    /// for some tenths of a second and takes 64 MiB meanwhile.
    pub(crate) fn verify(&self, name: &str, password: &Secret) -> Result<Option<User>, UsersError> {
        let users = self.list()?;
        let name = name.to_ascii_lowercase();
        let user = users.iter().find(|user| user.name == name);
        let Some(compared) = user.or(users.first()) else { return Ok(None) };
        match compared.password.unwrap_with(password) {
            Ok(_) => Ok(user.cloned()),
            Err(UnwrapError::Wrong) => Ok(None),
            Err(error) => Err(UsersError::Unwrap(error)),
        }
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Vec<User>) -> Result<(), UsersError>,
    ) -> Result<(), UsersError> {
        if let Some(dir) = self.path.parent() {
            private_dir(dir)?;
        }
        let lock = Lock::acquire_blocking(&self.path.with_extension("lock"), WAIT)?;
        clean_temps(&self.path, &lock)?;
        let mut users = self.list()?;
        change(&mut users)?;
        let stored = Stored { version: VERSION, users };
        let damaged = |_| UsersError::Damaged { path: self.path.clone() };
        let bytes = serde_json::to_vec_pretty(&stored).map_err(damaged)?;
        Ok(write_atomic(&self.path, &bytes, PRIVATE_FILE)?)
    }
}

/// An error unless this, in lower case, is a name for a user.
fn check_name(name: &str) -> Result<(), UsersError> {
    let may =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    let fits = (1..=NAME).contains(&name.len()) && name.bytes().all(may);
    fits.then_some(()).ok_or(UsersError::Name)
}

fn new_id() -> String {
    let mut id = String::new();
    for _ in 0..2 {
        // A String takes everything.
        _ = write!(id, "{:08x}", rand::random::<u32>());
    }
    id
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::visitor::Visitor;
    use super::*;

    const RIGHT: &str = "correct horse";

    fn users() -> (tempfile::TempDir, Users) {
        let dir = tempfile::tempdir().unwrap();
        let users = Users::within(&dir.path().join("console"));
        (dir, users)
    }

    fn right() -> Secret {
        Secret::new(RIGHT)
    }

    #[test]
    fn a_user_is_who_knows_the_password() {
        let (_dir, users) = users();
        users.add("Ada", Role::Editor, &right()).unwrap();
        let found = users.verify("aDa", &right()).unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.role), ("ada", Role::Editor));
        for (name, password) in [("ada", "correct horsE"), ("ada", ""), ("bob", RIGHT)] {
            let found = users.verify(name, &Secret::new(password)).unwrap();
            assert!(found.is_none(), "{name} {password}");
        }
    }

    #[test]
    fn the_file_is_private_and_tells_no_password() {
        let (_dir, users) = users();
        users.add("ada", Role::Owner, &right()).unwrap();
        let text = std::fs::read_to_string(&users.path).unwrap();
        assert!(text.contains("\"version\": 1") && text.contains("argon2id"), "{text}");
        assert!(!text.contains("horse"));
        let mode = std::fs::metadata(&users.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, PRIVATE_FILE);
    }

    #[test]
    fn a_name_is_had_once_and_again_after_its_end_by_somebody_else() {
        let (_dir, users) = users();
        users.add("ada", Role::Owner, &right()).unwrap();
        let first = users.find("ADA").unwrap().unwrap();
        let again = users.add("Ada", Role::Viewer, &right());
        assert!(matches!(again, Err(UsersError::Taken(_))));
        assert!(users.remove("ada").unwrap());
        assert!(!users.remove("ada").unwrap());
        assert!(users.verify("ada", &right()).unwrap().is_none());
        users.add("ada", Role::Viewer, &right()).unwrap();
        assert_ne!(users.find("ada").unwrap().unwrap().id, first.id);
    }

    #[test]
    fn names_and_passwords_are_checked() {
        let (_dir, users) = users();
        for name in ["", "a b", "ä", "a/b", "a\n", Visitor::LINK, &"a".repeat(33)] {
            let added = users.add(name, Role::Viewer, &right());
            assert!(matches!(added, Err(UsersError::Name)), "{name}");
        }
        let added = users.add("a", Role::Viewer, &Secret::new("äöüäöüäöü"));
        assert!(matches!(added, Err(UsersError::Short)));
        let added = users.add("a", Role::Viewer, &Secret::unlisted("a".repeat(1025)));
        assert!(matches!(added, Err(UsersError::Long)));
        assert!(users.list().unwrap().is_empty());
    }

    #[test]
    fn a_file_of_a_newer_version_is_left_alone() {
        let (_dir, users) = users();
        private_dir(users.path.parent().unwrap()).unwrap();
        let newer = br#"{"version": 2, "users": {}}"#;
        write_atomic(&users.path, newer, PRIVATE_FILE).unwrap();
        let added = users.add("ada", Role::Owner, &right());
        assert!(matches!(added, Err(UsersError::Newer { .. })), "{added:?}");
        assert_eq!(std::fs::read(&users.path).unwrap(), newer);
        write_atomic(&users.path, b"{}", PRIVATE_FILE).unwrap();
        assert!(matches!(users.list(), Err(UsersError::Damaged { .. })));
    }
}
