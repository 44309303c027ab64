//! The picture of the song that plays, as a file: panels want a URL that they can open by themselves.

use std::fs;
use std::path::PathBuf;

use daap_server::control::Song;
use library::{ArtworkSize, Library};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// As large as panels show it on screens of today.
const SIZE: ArtworkSize = ArtworkSize::Within { width: 512, height: 512 };

/// The picture of one song, in a folder of its own that goes with it.
pub(super) struct Picture {
    library: Library,
    /// Held while a picture is made, so that it is made once.
    shown: Mutex<Option<Shown>>,
}

struct Shown {
    song: Song,
    url: Option<String>,
    /// Where it is, for as long as it is shown.
    _folder: Option<TempDir>,
}

impl Picture {
    pub(super) fn new(library: Library) -> Self {
        Self { library, shown: Mutex::default() }
    }

    /// Where the picture of a song is; `None` if it has none, or none can be had now.
    pub(super) async fn url(&self, song: Song) -> Option<String> {
        let mut shown = self.shown.lock().await;
        if let Some(shown) = shown.as_ref().filter(|shown| shown.song == song) {
            return shown.url.clone();
        }
        let made = self.make(song).await;
        let (url, _folder) = made.map_or((None, None), |(url, folder)| (Some(url), Some(folder)));
        shown.insert(Shown { song, url, _folder }).url.clone()
    }

    async fn make(&self, song: Song) -> Option<(String, TempDir)> {
        let artwork = self.library.artwork(song.database, song.item, SIZE).await.ok()??;
        let made = tokio::task::spawn_blocking(move || {
            let folder = tempfile::Builder::new().prefix("dapple-cover-").tempdir()?;
            let suffix = artwork.media_type.rsplit('/').next().unwrap_or_default();
            // Panels keep pictures by their names, so each song has another.
            let path: PathBuf = folder.path().join(format!("{}.{suffix}", song.item));
            fs::write(&path, &artwork.bytes)?;
            std::io::Result::Ok((format!("file://{}", path.display()), folder))
        });
        made.await.ok()?.inspect_err(|error| tracing::info!("no picture is shown: {error}")).ok()
    }
}
