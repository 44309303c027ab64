//! Pictures of songs: from inside the file, or from beside it, scaled to what a client asks for.

mod cache;
mod embedded;
mod scale;

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use library::{Artwork, ArtworkSize, SourceError, SourceKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;

use crate::{key, names, walk};
use cache::Cache;
use scale::Fitted;

/// The largest file of a picture, in bytes.
const MAX_PICTURE: usize = 24 << 20;
/// Pictures made at the same time at most, unless the configuration says otherwise. Each may take two or three
/// hundred megabytes if it is as large as a picture may be.
const MAX_WORKERS: usize = 4;
/// Requests that wait for a worker at most; one more is told that there is too much to do. A waiting one is
/// small, and a Remote asks for the covers of a thousand albums at once.
const MAX_WAITING: usize = 4096;
/// Songs that are remembered to have no picture inside. When there are more, all are looked at again.
const MAX_WITHOUT: usize = 100_000;

/// How a [`Gallery`] is to work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GalleryConfig {
    /// Where scaled pictures are kept; nowhere if `None`. The folder is made when it is needed.
    pub cache: Option<PathBuf>,
    /// Bytes that they may take on disk.
    pub cache_limit: u64,
    /// How many pictures are made at the same time.
    pub workers: usize,
}

impl Default for GalleryConfig {
    /// No cache (256 MiB, once there is a folder for it), and a worker for each of up to 4 processors.
    fn default() -> Self {
        let workers = thread::available_parallelism().map_or(1, usize::from).min(MAX_WORKERS);
        Self { cache: None, cache_limit: 256 << 20, workers }
    }
}

/// Finds the pictures of songs and makes them fit. Clones share workers and cache, so several folders can have
/// one gallery.
///
/// A picture is decoded only if it does not fit as it is. Of those made anew the cache keeps what it has room for;
/// without one, or when its disk is full, each is made when it is asked for.
#[derive(Clone, Debug)]
pub struct Gallery {
    shared: Arc<Shared>,
    /// One place for each request that is worked on or waits.
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
}

impl Default for Gallery {
    /// The gallery of [`GalleryConfig::default`].
    fn default() -> Self {
        Self::new(GalleryConfig::default())
    }
}

#[derive(Debug)]
struct Shared {
    cache: Option<Cache>,
    /// Files without a picture, and sizes in which the picture of a file cannot be shown, as hashes. Held for a
    /// short step.
    without: Mutex<HashSet<u64>>,
}

impl Gallery {
    /// A gallery.
    #[must_use]
    pub fn new(config: GalleryConfig) -> Self {
        let workers = config.workers.clamp(1, Semaphore::MAX_PERMITS / 2);
        let cache = config.cache.map(|folder| Cache::new(folder, config.cache_limit));
        Self {
            shared: Arc::new(Shared { cache, without: Mutex::default() }),
            places: Arc::new(Semaphore::new(workers + MAX_WAITING)),
            workers: Arc::new(Semaphore::new(workers)),
        }
    }

    /// The picture of the song with this key below `root`, within `size`; `None` if it has none.
    ///
    /// It is the one inside the file, else the best of those beside it (`cover.jpg` and the like), else, for a
    /// folder that holds one disc of an album, of those beside that folder.
    pub(crate) async fn picture(
        &self,
        root: &Path,
        key: SourceKey,
        size: ArtworkSize,
    ) -> Result<Option<Artwork>, SourceError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| SourceError::Busy)?;
        let worker =
            Arc::clone(&self.workers).acquire_owned().await.map_err(|_| SourceError::Busy)?;
        let (shared, root) = (Arc::clone(&self.shared), root.to_owned());
        // The permits go along: a request that is given up still has its worker until the work ends.
        let work = move || shared.picture(&root, &key, size, (place, worker));
        task::spawn_blocking(work).await.unwrap_or_else(|failed| {
            let (what, cause) = ("a picture".to_owned(), io::Error::other(failed.to_string()));
            Err(SourceError::Unreadable { what, cause })
        })
    }
}

impl Shared {
    fn picture(
        &self,
        root: &Path,
        key: &SourceKey,
        size: ArtworkSize,
        _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    ) -> Result<Option<Artwork>, SourceError> {
        let failed = |cause| crate::failed(root, key, cause);
        let path =
            key::path(root, key.as_bytes()).ok_or_else(|| SourceError::NotThere(key.clone()))?;
        let metadata = fs::metadata(&path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(SourceError::NotThere(key.clone()));
        }
        let inside = || embedded::picture(&path);
        if let Some(artwork) = self.fitted(&path, &metadata, size, inside).map_err(failed)? {
            return Ok(Some(artwork));
        }
        let Some(beside) = beside(&path, key) else { return Ok(None) };
        let read = || read(&beside);
        // One that goes in this moment, or may not be read, is none.
        let fitted =
            fs::metadata(&beside).and_then(|metadata| self.fitted(&beside, &metadata, size, read));
        Ok(fitted.unwrap_or_else(|error| {
            tracing::debug!(path = %beside.display(), %error, "a picture cannot be read");
            None
        }))
    }

    /// The picture that `read` gets out of a file, made to fit; `None` if there is none that can be shown.
    fn fitted(
        &self,
        path: &Path,
        metadata: &Metadata,
        size: ArtworkSize,
        read: impl FnOnce() -> io::Result<Option<Bytes>>,
    ) -> io::Result<Option<Artwork>> {
        let file = hash_of(&(path, walk::Look::of(metadata)));
        let name = name_of(file, size);
        let asked = hash_of(&name);
        if self.is_without(file) || self.is_without(asked) {
            return Ok(None);
        }
        if let Some(artwork) = self.cache.as_ref().and_then(|cache| cache.find(&name)) {
            return Ok(Some(artwork));
        }
        let Some(bytes) = read()? else {
            self.remember_without(file);
            return Ok(None);
        };
        match fit(path, &bytes, size) {
            None => {
                self.remember_without(asked);
                Ok(None)
            }
            Some(Fitted::AsIs(artwork)) => Ok(Some(artwork)),
            Some(Fitted::Made(artwork)) => {
                if let Some(cache) = &self.cache {
                    cache.keep(&name, &artwork);
                }
                Ok(Some(artwork))
            }
        }
    }

    fn is_without(&self, hash: u64) -> bool {
        self.without().contains(&hash)
    }

    fn remember_without(&self, hash: u64) {
        let mut without = self.without();
        if without.len() >= MAX_WITHOUT {
            without.clear();
        }
        without.insert(hash);
    }

    fn without(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.without.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fit(path: &Path, bytes: &Bytes, size: ArtworkSize) -> Option<Fitted> {
    let fitted = embedded::guard("the picture", path, || scale::fit(bytes, size))?;
    let told = |error: &scale::ScaleError| {
        tracing::warn!(path = %path.display(), %error, "a picture cannot be shown");
    };
    fitted.inspect_err(told).ok()
}

/// The picture beside a song.
fn beside(song: &Path, key: &SourceKey) -> Option<PathBuf> {
    let folder = song.parent()?;
    let album = || {
        let disc = key::folder(key.as_bytes());
        let in_album = !disc.is_empty() && names::is_disc_folder(key::name(disc));
        folder.parent().filter(|_| in_album).and_then(names::picture_in)
    };
    names::picture_in(folder).or_else(album)
}

/// The bytes of a picture; `None` if it is larger than any real one.
fn read(path: &Path) -> io::Result<Option<Bytes>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_PICTURE as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_PICTURE).then(|| bytes.into()))
}

/// A number to know something by: of a path and a look, one that changes with the file.
fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// What a picture made from this file is called in the cache.
fn name_of(file: u64, size: ArtworkSize) -> String {
    match size {
        ArtworkSize::Original => format!("{file:016x}"),
        ArtworkSize::Within { width, height } => format!("{file:016x}-{width}x{height}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use testkit::media::{Song, jpeg};

    use super::*;

    const THUMB: ArtworkSize = ArtworkSize::Within { width: 20, height: 20 };

    struct Fixture {
        folder: tempfile::TempDir,
        gallery: Gallery,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache = Some(folder.path().join("cache"));
            let gallery =
                Gallery::new(GalleryConfig { cache, workers: 2, ..GalleryConfig::default() });
            Self { folder, gallery }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join("music").join(name)
        }

        fn song(&self, name: &str, cover: Option<u16>) {
            let song = Song::new("Jet");
            cover.map_or(song.clone(), |side| song.cover(&jpeg(side, side))).write(self.path(name));
        }

        async fn ask(&self, name: &str, size: ArtworkSize) -> Result<Option<Artwork>, SourceError> {
            self.gallery.picture(&self.path(""), name.into(), size).await
        }

        /// The width of a song's picture.
        async fn width(&self, name: &str, size: ArtworkSize) -> Option<u32> {
            let artwork = self.ask(name, size).await.unwrap()?;
            Some(image::load_from_memory(&artwork.bytes).unwrap().width())
        }

        fn cached(&self) -> usize {
            let folders = fs::read_dir(self.folder.path().join("cache")).into_iter().flatten();
            folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
        }
    }

    #[tokio::test]
    async fn the_picture_inside_comes_before_the_one_beside() {
        let it = Fixture::new();
        it.song("a/1.mp3", Some(50));
        it.song("a/2.mp3", None);
        it.song("b/3.mp3", None);
        fs::write(it.path("a/Folder.JPG"), jpeg(40, 40)).unwrap();
        assert_eq!(it.width("a/1.mp3", ArtworkSize::Original).await, Some(50));
        assert_eq!(it.width("a/2.mp3", ArtworkSize::Original).await, Some(40));
        assert_eq!(it.width("b/3.mp3", ArtworkSize::Original).await, None);
        assert_eq!(it.cached(), 0);
    }

    #[tokio::test]
    async fn the_discs_of_an_album_share_its_picture() {
        let it = Fixture::new();
        it.song("a/CD 1/1.mp3", None);
        it.song("a/Live/2.mp3", None);
        it.song("CD 2/3.mp3", None);
        fs::write(it.path("a/cover.jpg"), jpeg(40, 40)).unwrap();
        assert_eq!(it.width("a/CD 1/1.mp3", THUMB).await, Some(20));
        assert_eq!(it.width("a/Live/2.mp3", THUMB).await, None);
        assert_eq!(it.width("CD 2/3.mp3", THUMB).await, None);
    }

    #[tokio::test]
    async fn a_scaled_picture_is_made_once_until_the_file_changes() {
        let it = Fixture::new();
        it.song("1.mp3", None);
        it.song("2.mp3", None);
        fs::write(it.path("cover.jpg"), jpeg(40, 40)).unwrap();
        let first = it.ask("1.mp3", THUMB).await.unwrap();
        assert_eq!(it.ask("1.mp3", THUMB).await.unwrap(), first);
        assert_eq!(it.ask("2.mp3", THUMB).await.unwrap(), first);
        assert_eq!(it.cached(), 1);
        fs::write(it.path("cover.jpg"), jpeg(30, 15)).unwrap();
        let artwork = it.ask("1.mp3", THUMB).await.unwrap().unwrap();
        assert_eq!(image::load_from_memory(&artwork.bytes).unwrap().height(), 10);
        assert_eq!(it.cached(), 2);
    }

    #[tokio::test]
    async fn a_song_that_gets_a_picture_shows_it() {
        let it = Fixture::new();
        it.song("1.mp3", None);
        assert_eq!(it.width("1.mp3", THUMB).await, None);
        it.song("1.mp3", Some(50));
        File::options()
            .append(true)
            .open(it.path("1.mp3"))
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH)
            .unwrap();
        assert_eq!(it.width("1.mp3", THUMB).await, Some(20));
    }

    #[tokio::test]
    async fn what_cannot_be_shown_is_no_picture() {
        let it = Fixture::new();
        it.song("a/1.mp3", None);
        fs::write(it.path("a/cover.jpg"), b"\xFF\xD8\xFF\xE0 broken").unwrap();
        assert_eq!(it.ask("a/1.mp3", THUMB).await.unwrap(), None);
        it.song("b/2.mp3", None);
        File::create(it.path("b/cover.jpg")).unwrap().set_len(MAX_PICTURE as u64 + 1).unwrap();
        assert_eq!(it.ask("b/2.mp3", THUMB).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_picture_that_cannot_be_scaled_is_still_there_as_it_is() {
        let it = Fixture::new();
        it.song("1.mp3", None);
        let cut = jpeg(40, 40)[..40].to_vec();
        fs::write(it.path("cover.jpg"), &cut).unwrap();
        assert_eq!(it.ask("1.mp3", THUMB).await.unwrap(), None);
        let artwork = it.ask("1.mp3", ArtworkSize::Original).await.unwrap();
        assert_eq!(artwork.unwrap().bytes, cut);
    }

    #[tokio::test]
    async fn a_song_that_is_not_there_is_an_error() {
        let it = Fixture::new();
        it.song("1.mp3", None);
        for key in ["gone.mp3", "../music/1.mp3", ""] {
            assert!(matches!(it.ask(key, THUMB).await, Err(SourceError::NotThere(_))), "{key}");
        }
        fs::remove_dir_all(it.path("")).unwrap();
        assert!(matches!(it.ask("1.mp3", THUMB).await, Err(SourceError::Away { .. })));
    }

    #[tokio::test]
    async fn one_request_too_many_is_told_to_come_later() {
        let it = Fixture::new();
        it.song("1.mp3", Some(50));
        let taken = Arc::clone(&it.gallery.places)
            .acquire_many_owned(2 + MAX_WAITING as u32)
            .await
            .unwrap();
        assert!(matches!(it.ask("1.mp3", THUMB).await, Err(SourceError::Busy)));
        drop(taken);
        assert_eq!(it.width("1.mp3", THUMB).await, Some(20));
    }
}
