//! Which machine this is, to notice a journal that was copied or restored to another one.

/// A hash that tells machines apart and does not tell which one it is. `None`: this machine has no
/// lasting name, as most containers.
///
/// The machine id is to be hashed before it is stored anywhere:
/// <https://www.freedesktop.org/software/systemd/man/latest/machine-id.html>.
pub(super) fn id() -> Option<String> {
    let name = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| text.len() == 32)
        .or_else(node_name)?;
    let key = blake3::derive_key("tiktok-up journal host 1", name.as_bytes());
    Some(blake3::Hash::from_bytes(key).to_hex().as_str()[..32].to_owned())
}

/// Where there is no machine id file at all, the name of the host has to do. On Linux a missing one
/// means a container, whose name changes with each run.
fn node_name() -> Option<String> {
    if cfg!(target_os = "linux") {
        return None;
    }
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}
