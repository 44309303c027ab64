//! PLS lists: no panic, and no entry that could not be one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use source_folder::playlists::{MAX_ENTRIES, pls};

fuzz_target!(|bytes: &[u8]| {
    let parsed = pls::parse(bytes);
    assert!(parsed.entries.len() <= MAX_ENTRIES);
    for entry in parsed.entries {
        assert!(!entry.location.is_empty() && !entry.location.contains(&0), "{entry:?}");
    }
});
