//! By what clients and other servers know this machine again.

use library::Persist;
use store::Store;

/// Under this name the library keeps it.
const MACHINE: &str = "machine-id";

/// The number by which clients and other servers know this machine again: made once, then kept.
pub(crate) fn id(store: &mut Store) -> u64 {
    let kept = store.setting(MACHINE).ok().flatten();
    if let Some(machine) = kept.and_then(|kept| u64::from_str_radix(&kept, 16).ok()) {
        return machine;
    }
    let machine = rand::random();
    // Not kept is no harm: the next start makes another.
    if let Err(error) = store.set_setting(MACHINE, Some(&format!("{machine:016x}"))) {
        tracing::warn!("{error}");
    }
    machine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_stays() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(&folder.path().join("library.db")).unwrap();
        let made = id(&mut open());
        assert_eq!(id(&mut open()), made);
    }
}
