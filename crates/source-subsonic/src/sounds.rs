//! The sounds of songs: in which form each is asked for, passed through and kept.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use disk_cache::DiskCache;
use library::{Content, SourceError, SourceKey};
use relay::{Fetch, Relay};

use crate::api::Api;
use crate::failed;

/// As what the sound of a song is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// As it is on the server.
    Original,
    /// As MP3 of at most so many kbit/s, which the server makes.
    Mp3 { kbps: u16 },
}

/// The sounds of the songs of a server.
#[derive(Debug)]
pub(crate) struct Sounds {
    api: Arc<Api>,
    relay: Relay,
    mp3_kbps: u16,
    /// The songs that are asked for as MP3. Held for a short step.
    as_mp3: Mutex<HashSet<SourceKey>>,
    /// The songs that are to stay. Held for a short step.
    pinned: Mutex<Vec<SourceKey>>,
    /// That they do not fit was said.
    is_full: AtomicBool,
}

impl Sounds {
    pub(crate) fn new(api: Arc<Api>, cache: Option<DiskCache>, mp3_kbps: u16) -> Self {
        // Each user has songs pinned, and none has those of another unpinned.
        let relay = Relay::new(&api.account(), cache);
        let (as_mp3, pinned, is_full) = Default::default();
        Self { api, relay, mp3_kbps, as_mp3, pinned, is_full }
    }

    pub(crate) async fn open(&self, key: &SourceKey) -> Result<Content, SourceError> {
        let form = self.form(key);
        self.relay.open(&kept_as(key, form), self.fetch(key, form)).await
    }

    /// Takes in whether a song is asked for as MP3.
    pub(crate) fn know(&self, key: &SourceKey, is_mp3: bool) {
        let mut as_mp3 = self.as_mp3();
        if !is_mp3 {
            as_mp3.remove(key);
        } else if !as_mp3.contains(key) {
            as_mp3.insert(key.clone());
        }
    }

    /// Forgets what is kept of a song in any form, as it is another now.
    pub(crate) fn forget(&self, key: &SourceKey) {
        for form in [Form::Original, self.mp3()] {
            self.relay.forget(&kept_as(key, form));
        }
    }

    /// Has these songs stay, and those that were named before no longer.
    pub(crate) async fn pin(&self, keys: Vec<SourceKey>) {
        let kept: Vec<_> = keys.iter().map(|key| kept_as(key, self.form(key))).collect();
        self.relay.pin(&kept).await;
        *self.pinned() = keys;
    }

    /// Fetches what is to stay, one song after another.
    pub(crate) async fn fetch_pinned(&self) {
        let pinned = self.pinned().clone();
        for key in pinned {
            let form = self.form(&key);
            match self.relay.keep(&kept_as(&key, form), self.fetch(&key, form)).await {
                Ok(true) => {}
                Ok(false) => {
                    if !self.is_full.swap(true, Ordering::Relaxed) {
                        let url = self.api.url();
                        tracing::warn!("what is pinned of {url} does not fit into the cache");
                    }
                    return;
                }
                Err(error) => tracing::debug!(%key, %error, "not fetched ahead"),
            }
        }
        self.is_full.store(false, Ordering::Relaxed);
    }

    /// How to ask the server for a song.
    fn fetch(&self, key: &SourceKey, form: Form) -> Fetch {
        let (api, key) = (Arc::clone(&self.api), key.clone());
        Arc::new(move |from| {
            let (api, key) = (Arc::clone(&api), key.clone());
            Box::pin(async move {
                let arriving = api.song(&key.to_string(), form, from).await;
                arriving.map_err(|error| failed(&api, &key, error))
            })
        })
    }

    fn form(&self, key: &SourceKey) -> Form {
        if self.as_mp3().contains(key) { self.mp3() } else { Form::Original }
    }

    fn mp3(&self) -> Form {
        Form::Mp3 { kbps: self.mp3_kbps }
    }

    fn as_mp3(&self) -> MutexGuard<'_, HashSet<SourceKey>> {
        self.as_mp3.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pinned(&self) -> MutexGuard<'_, Vec<SourceKey>> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under which key a form of a song is kept. No key of a song has a line break.
fn kept_as(key: &SourceKey, form: Form) -> SourceKey {
    match form {
        Form::Original => key.clone(),
        Form::Mp3 { kbps } => format!("{key}\nmp3 {kbps}").as_str().into(),
    }
}
