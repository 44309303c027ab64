//! M3U lists and what their locations mean: no panic, no entry that could not be one, no key outside of the folder.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use library::SourceKey;
use source_folder::playlists::{Found, MAX_LOCATION, Resolver, Songs, m3u};

static SONGS: LazyLock<Songs> = LazyLock::new(|| {
    let keys = [
        "Jet.mp3",
        "Wings/Jet.mp3",
        "Wings/Let 'Em In.flac",
        "wings/jet.mp3",
        "Motörhead/Ace.mp3",
        "a/b/c d%20.mp3",
    ];
    Songs::new(Path::new("/srv/music"), keys.map(SourceKey::from))
});

fuzz_target!(|bytes: &[u8]| {
    let playlist = SourceKey::from("Lists/x.m3u");
    let resolver = Resolver::new(&SONGS, &playlist);
    for entry in m3u::parse(bytes).entries {
        let location = &entry.location;
        assert!(!location.is_empty() && !location.contains(&0), "{entry:?}");
        assert!(location.len() <= 4 * MAX_LOCATION, "{entry:?}");
        if let Found::Missing(Some(key)) = resolver.find(location) {
            let plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
            assert!(key.as_bytes().split(|byte| *byte == b'/').all(plain), "{entry:?} is {key:?}");
        }
    }
});
