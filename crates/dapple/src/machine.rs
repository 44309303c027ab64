//! By what clients know this machine again.

use library::Library;

/// Under this name the library keeps it.
const MACHINE: &str = "machine-id";

/// The number by which clients know this machine again: made once, then kept.
pub(crate) async fn id(library: &Library) -> u64 {
    let kept = library.setting(MACHINE).await.ok().flatten();
    if let Some(machine) = kept.and_then(|kept| u64::from_str_radix(&kept, 16).ok()) {
        return machine;
    }
    let machine = rand::random();
    // Not kept is no harm: the next start makes another.
    if let Err(error) = library.set_setting(MACHINE, Some(&format!("{machine:016x}"))).await {
        tracing::warn!("{error}");
    }
    machine
}
