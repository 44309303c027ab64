//! Libraries of iTunes: no panic, and nothing that is larger than the file it comes from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use source_folder::playlists::itunes_xml;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(library) = itunes_xml::parse(bytes) {
        let locations: usize = library.tracks.iter().map(|track| track.location.len()).sum();
        let lists: usize =
            library.lists.iter().map(|list| list.name.len() + list.items.len()).sum();
        assert!(locations + lists <= bytes.len(), "{library:?}");
        assert!(library.lists.iter().all(|list| !list.id.is_empty()), "{library:?}");
        assert!(
            library
                .tracks
                .iter()
                .all(|track| track.recorded.rating.is_none_or(|rating| rating <= 100))
        );
    }
});
