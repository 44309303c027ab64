//! XSPF lists: no panic, and no text that is longer than the file it comes from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use source_folder::playlists::xspf;

/// One byte of the western set of Windows is three bytes of UTF-8 at most.
const GROWTH: usize = 3;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(parsed) = xspf::parse(bytes) {
        let text: usize =
            parsed.entries.iter().map(|entry| entry.location.len() + entry.title.len()).sum();
        assert!(text <= GROWTH * bytes.len(), "{parsed:?}");
    }
});
