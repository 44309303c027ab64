//! Songs saved as files, from where an earlier try stopped.
//!
//! While a song is not complete its bytes lie beside the place where it is to be, in a file whose name says which song it
//! is: id for ever, size and date. So what there is of it is gone on with, however the last try ended, and what there
//! is of another song, or of the same before it changed, never is. The file gets its name when every byte is there and on
//! the disk.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use daap_model::{DatabaseId, Timestamp};
use daap_proto::read::Song;
use futures_util::TryStreamExt as _;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

use crate::{Client, ClientError, Sound};

/// A song that is to be saved.
///
/// ```no_run
/// # async fn example(client: daap_client::Client, database: daap_model::DatabaseId, song: daap_proto::read::Song)
/// # -> Result<(), daap_client::DownloadError> {
/// use daap_client::Download;
///
/// let download = Download::new(database, &song, "Wings/Jet.mp3");
/// let saved = download.run(&client, |bytes| println!("{bytes} more")).await?;
/// assert!(saved.length > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Download {
    database: DatabaseId,
    song: Song,
    path: PathBuf,
    replace: bool,
    any_size: bool,
}

/// A song that has been saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// How long the file is, in bytes.
    pub length: u64,
    /// How much of it was there before.
    pub kept: u64,
    /// The size by the server's list, if that is another: smaller, or where [any size](Download::taking_any_size) is
    /// taken greater.
    pub listed: Option<u64>,
}

/// Why a song was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// The server did not give it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The file cannot be written.
    #[error("{} cannot be written", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// In its place is a file that is not this song.
    #[error("{} is there with {length} bytes, and is another file", path.display())]
    Occupied {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// More or fewer bytes came than the server announced.
    #[error("{got} bytes came of {announced} that were announced")]
    WrongLength {
        /// How many were announced.
        announced: u64,
        /// How many there are.
        got: u64,
    },
    /// The server announced fewer bytes than it lists, and sent those: half a song, or its list is wrong.
    #[error("{got} bytes came, as they were announced, but the share lists {listed}")]
    FewerThanListed {
        /// How many are listed.
        listed: u64,
        /// How many came.
        got: u64,
    },
}

impl Download {
    /// Saves `song` of a database as the file `path`. Of the song its ids, format, size and date are needed.
    #[must_use]
    pub fn new(database: DatabaseId, song: &Song, path: impl Into<PathBuf>) -> Self {
        Self { database, song: song.clone(), path: path.into(), replace: false, any_size: false }
    }

    /// Replaces a file of another length, which is an error otherwise.
    #[must_use]
    pub fn replacing(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Takes what the server announces for the whole song even if it lists more bytes, which is an error otherwise.
    #[must_use]
    pub fn taking_any_size(self, any_size: bool) -> Self {
        Self { any_size, ..self }
    }

    /// Where its bytes lie while it is not complete. `None` if nothing tells the song from others: then it always begins
    /// anew.
    #[must_use]
    pub fn part(&self) -> Option<PathBuf> {
        let (id, track) = (self.song.persistent_id?, &self.song.track);
        Some(beside(&self.path, &format!("{id}-{:x}-{:x}.part", track.size, track.modified.0)))
    }

    /// How much of it an earlier try has left: all, if the file is there with the size that the server lists.
    ///
    /// # Errors
    /// It cannot be found out.
    pub async fn there(&self) -> Result<u64, DownloadError> {
        if let Some(length) = length(&self.path).await?
            && self.is_listed(length)
        {
            return Ok(length);
        }
        match self.part() {
            Some(part) => Ok(length(&part).await?.unwrap_or_default()),
            None => Ok(0),
        }
    }

    /// Saves it, and tells `progress` how many bytes came each time. What came is kept if it fails, or is dropped.
    ///
    /// # Errors
    /// The server fails, the file cannot be written, or there is another in its place.
    pub async fn run(
        &self,
        client: &Client,
        progress: impl FnMut(u64),
    ) -> Result<Saved, DownloadError> {
        if let Some(length) = length(&self.path).await? {
            let is_there = self.is_listed(length)
                || self.is_enough(length) && self.announced(client).await? == Some(length);
            if is_there {
                return Ok(self.saved(length, length));
            }
            if !self.replace {
                return Err(DownloadError::Occupied { path: self.path.clone(), length });
            }
        }
        let (path, begun) = match self.part() {
            Some(part) => (part.clone(), length(&part).await?.unwrap_or_default()),
            None => (beside(&self.path, "part"), 0),
        };
        // Nothing is made on the disk before the server gives something to put there.
        let mut sound = self.sound(client, begun).await?;
        let kept = sound.start();
        let mut file = Part::open(path, kept).await?;
        file.fill(&mut sound, progress).await?;
        self.check(&sound, file.length)?;
        file.finish(&self.path, self.song.track.modified)
            .await
            .map(|length| self.saved(length, kept))
    }

    /// Whether the server lists it with this length. Some list none.
    fn is_listed(&self, length: u64) -> bool {
        length > 0 && length == self.song.track.size
    }

    /// Whether so many bytes may be all of it, by the server's list.
    fn is_enough(&self, length: u64) -> bool {
        self.any_size || length >= self.song.track.size
    }

    /// How long the song is by what the server says when it is asked for it.
    async fn announced(&self, client: &Client) -> Result<Option<u64>, ClientError> {
        let format = &self.song.track.format;
        Ok(client.song(self.database, self.song.id, format, 0).await?.total())
    }

    /// The song from the byte `from` on, or from the start if the server knows no ranges or the song is another.
    async fn sound(&self, client: &Client, from: u64) -> Result<Sound, ClientError> {
        let ask = |from| client.song(self.database, self.song.id, &self.song.track.format, from);
        match ask(from).await {
            Ok(sound) if sound.start() == from || sound.start() == 0 => Ok(sound),
            Ok(_) | Err(ClientError::PastEnd { .. }) => ask(0).await,
            Err(error) => Err(error),
        }
    }

    /// Whether what came is all. Where the server says no length with it, what its list says is all there is to go by.
    fn check(&self, sound: &Sound, got: u64) -> Result<(), DownloadError> {
        let listed = self.song.track.size;
        let announced = match sound.length() {
            Some(_) => sound.total(),
            None => Some(listed.max(got)),
        };
        match announced {
            Some(announced) if announced != got => {
                Err(DownloadError::WrongLength { announced, got })
            }
            // Nobody lists a song that has no sound.
            _ if got == 0 => Err(DownloadError::WrongLength { announced: listed, got }),
            _ if !self.is_enough(got) => Err(DownloadError::FewerThanListed { listed, got }),
            _ => Ok(()),
        }
    }

    fn saved(&self, length: u64, kept: u64) -> Saved {
        let listed = Some(self.song.track.size).filter(|size| ![0, length].contains(size));
        Saved { length, kept, listed }
    }
}

/// The file beside `path` whose name is that one's with something behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// How long a file is, if it is there.
async fn length(path: &Path) -> Result<Option<u64>, DownloadError> {
    match fs::metadata(path).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => Ok(Some(found.map_err(failed(path))?.len())),
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DownloadError + use<> {
    let path = path.to_owned();
    move |cause| DownloadError::File { path, cause }
}

/// A file that is not complete.
struct Part {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Part {
    /// Opens it and keeps so many bytes of it. Makes the folder.
    async fn open(path: PathBuf, length: u64) -> Result<Self, DownloadError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).await.map_err(failed(folder))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).await;
        let file = file.map_err(failed(&path))?;
        file.set_len(length).await.map_err(failed(&path))?;
        Ok(Self { file, path, length })
    }

    /// Writes what comes. What was written before an error stays.
    async fn fill(
        &mut self,
        sound: &mut Sound,
        mut progress: impl FnMut(u64),
    ) -> Result<(), DownloadError> {
        let came = loop {
            match sound.try_next().await {
                Ok(Some(bytes)) => {
                    self.file.write_all(&bytes).await.map_err(failed(&self.path))?;
                    self.length += bytes.len() as u64;
                    progress(bytes.len() as u64);
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.file.flush().await.map_err(failed(&self.path))?;
        Ok(came?)
    }

    /// Gives it its name, once it is on the disk. Its length.
    async fn finish(self, path: &Path, modified: Timestamp) -> Result<u64, DownloadError> {
        let file = self.file.into_std().await;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified.0.into());
        let written = tokio::task::spawn_blocking(move || {
            if modified > SystemTime::UNIX_EPOCH {
                // Some file systems keep no dates; the song is none the worse.
                if let Err(error) = file.set_modified(modified) {
                    tracing::debug!(%error, "the date is not set");
                }
            }
            file.sync_all()
        });
        let written = written.await.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        written.map_err(failed(&self.path))?;
        fs::rename(&self.path, path).await.map_err(failed(path))?;
        Ok(self.length)
    }
}
