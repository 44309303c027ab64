//! Pictures kept on disk once they are made.

use std::io::Read;
use std::path::PathBuf;

use bytes::Bytes;
use disk_cache::DiskCache;
use library::Artwork;

/// The largest picture that is kept.
const MAX_FILE: u64 = 8 << 20;

/// A folder of pictures, with a limit.
#[derive(Debug)]
pub(super) struct Cache(DiskCache);

impl Cache {
    /// A cache in this folder, which is made when there is something to keep.
    pub(super) fn new(folder: PathBuf, limit: u64) -> Self {
        Self(DiskCache::new(folder, limit))
    }

    /// The picture that was kept under this name.
    pub(super) fn find(&self, name: &str) -> Option<Artwork> {
        let mut bytes = Vec::new();
        self.0.find(name)?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
        let Some(media_type) = whole(&bytes) else {
            // Power was lost while it was written.
            self.0.remove(name);
            return None;
        };
        Some(Artwork { media_type, bytes: Bytes::from(bytes) })
    }

    /// Keeps a picture.
    pub(super) fn keep(&self, name: &str, artwork: &Artwork) {
        if artwork.bytes.len() as u64 <= MAX_FILE {
            self.0.keep(name, &artwork.bytes);
        }
    }
}

/// The kind of a picture that was made here, if it is complete.
fn whole(bytes: &[u8]) -> Option<&'static str> {
    const PNG_END: &[u8] = b"IEND\xAE\x42\x60\x82";
    if bytes.starts_with(b"\xFF\xD8") && bytes.ends_with(b"\xFF\xD9") {
        Some("image/jpeg")
    } else {
        (bytes.starts_with(b"\x89PNG") && bytes.ends_with(PNG_END)).then_some("image/png")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_was_kept_is_found_and_half_of_one_is_removed_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("pictures"), 1 << 20);
        let bytes = [&b"\xFF\xD8"[..], &vec![0; 5000], b"\xFF\xD9"].concat();
        let picture = Artwork { media_type: "image/jpeg", bytes: bytes.into() };
        cache.keep("ab12", &picture);
        assert_eq!(cache.find("ab12"), Some(picture));
        for broken in [&b"\xFF\xD8\xFF"[..], b"", b"\x89PNG...."] {
            cache.0.keep("ab12", broken);
            assert_eq!(cache.find("ab12"), None);
            assert!(cache.0.find("ab12").is_none());
        }
    }
}
