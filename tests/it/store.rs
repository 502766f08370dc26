//! The token store of a world, looked at from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::World;

impl World {
    /// Where it is.
    pub(crate) fn store_path(&self) -> PathBuf {
        self.home().join("home/user_tokens.json")
    }

    /// Its text.
    pub(crate) fn store_text(&self) -> String {
        fs::read_to_string(self.store_path()).unwrap()
    }

    /// The entry of an account.
    pub(crate) fn entry(&self, handle: &str) -> Value {
        let store: Value = serde_json::from_str(&self.store_text()).unwrap();
        store["accounts"][self.open_id(handle)].clone()
    }

    /// Replaces the store, keeping its mode.
    pub(crate) fn write_store(&self, text: &str) {
        fs::write(self.store_path(), text).unwrap();
        chmod(&self.store_path(), 0o600);
    }

    /// Takes from an account's entry which API issued its tokens, as versions before that wrote it.
    pub(crate) fn forget_api(&self, handle: &str) {
        let mut store: Value = serde_json::from_str(&self.store_text()).unwrap();
        store["accounts"][self.open_id(handle)].as_object_mut().unwrap().remove("api");
        self.write_store(&store.to_string());
    }

    /// The names in the state directory that no finished run leaves.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let Ok(names) = fs::read_dir(self.home().join("home")) else { return Vec::new() };
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(".tmp-") || name.contains(".new")).collect()
    }
}

/// Sets a mode.
pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
