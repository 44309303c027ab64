//! What the desktop sees and presses, in its own words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use daap_model::Item;
use daap_server::control::{
    Controller as _, Current, Order, Percent, PlayerState, Playing, Repeat, Song,
};
use dacp_proto::{VolumeChange, Volumes};
use library::Library;
use mpris_server::zbus::{self, fdo};
use mpris_server::{
    LoopStatus, Metadata, PlaybackRate, PlaybackStatus, PlayerInterface, Property, RootInterface,
    Time, TrackId, Volume,
};

use super::picture::Picture;
use super::time;
use crate::adapters::PlayerControl;

/// The only pace there is.
const RATE: PlaybackRate = 1.0;

/// A player as the desktop's panels have it.
pub(super) struct Panel {
    control: PlayerControl,
    library: Library,
    picture: Arc<Picture>,
}

impl Panel {
    pub(super) fn new(control: PlayerControl, library: Library) -> Self {
        let picture = Arc::new(Picture::new(library.clone()));
        Self { control, library, picture }
    }

    /// All that changes, but for the position.
    pub(super) async fn properties(&self, playing: &Playing) -> Vec<Property> {
        let has_song = playing.current.is_some();
        vec![
            Property::PlaybackStatus(playback(playing.state)),
            Property::LoopStatus(looping(playing.repeat)),
            Property::Shuffle(playing.shuffle),
            Property::Volume(fraction(volumes(playing).master())),
            Property::Metadata(self.song(playing.current).await),
            Property::CanSeek(has_song),
        ]
    }

    async fn song(&self, current: Option<Current>) -> Metadata {
        let Some(Current { song, time: length }) = current else { return Metadata::new() };
        let snapshot = self.library.snapshot();
        let item = snapshot.database(song.database).and_then(|it| it.items().find(song.item));
        let mut about = item.map_or_else(Metadata::new, |item| metadata(item));
        about.set_trackid(track_id(song));
        let length = length.map(|time| Duration::from_millis(time.length_ms.into()));
        about.set_length(length.map(time));
        let picture = Arc::clone(&self.picture);
        let url = tokio::spawn(async move { picture.url(song).await });
        about.set_art_url(url.await.ok().flatten());
        about
    }

    async fn obey(&self, order: Order) -> fdo::Result<()> {
        let control = self.control.clone();
        // What is awaited here has to be `Sync`, which the end of a task is, and a boxed future is not.
        let done = tokio::spawn(async move { control.obey(order).await });
        let done = done.await.map_err(|error| fdo::Error::Failed(error.to_string()))?;
        done.map_err(|error| fdo::Error::Failed(error.to_string()))
    }

    /// Goes to a place in the song that plays; past its end to the next.
    async fn go_to(&self, position: Duration, length: Duration) -> fdo::Result<()> {
        self.obey(if position > length { Order::Next } else { Order::Seek(position) }).await
    }
}

fn playback(state: PlayerState) -> PlaybackStatus {
    match state {
        PlayerState::Paused => PlaybackStatus::Paused,
        PlayerState::Playing | PlayerState::FastForward | PlayerState::Rewind => {
            PlaybackStatus::Playing
        }
        _ => PlaybackStatus::Stopped,
    }
}

fn looping(repeat: Repeat) -> LoopStatus {
    match repeat {
        Repeat::Off => LoopStatus::None,
        Repeat::One => LoopStatus::Track,
        Repeat::All => LoopStatus::Playlist,
    }
}

fn volumes(playing: &Playing) -> Volumes {
    let speakers = playing.speakers.iter();
    Volumes::new(speakers.map(|speaker| (speaker.id, speaker.is_active, speaker.volume)))
}

fn fraction(volume: Percent) -> Volume {
    f64::from(volume.get()) / 100.0
}

/// What is no number is silence.
fn percent(volume: Volume) -> Percent {
    Percent::new((volume * 100.0).round().clamp(0.0, 100.0) as u8).unwrap_or_default()
}

fn metadata(item: &Item) -> Metadata {
    let texts = |text: &str| (!text.is_empty()).then(|| vec![text.to_owned()]);
    let number = |number: u16| (number != 0).then_some(i32::from(number));
    let track = &item.track;
    let mut about = Metadata::new();
    about.set_title(Some(&*track.title));
    about.set_artist(texts(&track.artist));
    about.set_album(Some(&*track.album).filter(|album| !album.is_empty()));
    about.set_album_artist(texts(&track.album_artist));
    about.set_genre(texts(&track.genre));
    about.set_composer(texts(&track.composer));
    about.set_track_number(number(track.track));
    about.set_disc_number(number(track.disc));
    about.set_user_rating((item.usage.rating > 0).then(|| f64::from(item.usage.rating) / 100.0));
    about
}

/// By what the desktop tells songs apart.
fn track_id(song: Song) -> Option<TrackId> {
    TrackId::try_from(format!("/org/dapple/song/{}/{}", song.database, song.item)).ok()
}

impl RootInterface for Panel {
    async fn raise(&self) -> fdo::Result<()> {
        Ok(())
    }

    async fn quit(&self) -> fdo::Result<()> {
        Ok(())
    }

    async fn can_quit(&self) -> fdo::Result<bool> {
        Ok(false)
    }

    async fn fullscreen(&self) -> fdo::Result<bool> {
        Ok(false)
    }

    async fn set_fullscreen(&self, _fullscreen: bool) -> zbus::Result<()> {
        Ok(())
    }

    async fn can_set_fullscreen(&self) -> fdo::Result<bool> {
        Ok(false)
    }

    async fn can_raise(&self) -> fdo::Result<bool> {
        Ok(false)
    }

    async fn has_track_list(&self) -> fdo::Result<bool> {
        Ok(false)
    }

    async fn identity(&self) -> fdo::Result<String> {
        Ok(self.library.snapshot().name().to_string())
    }

    async fn desktop_entry(&self) -> fdo::Result<String> {
        Ok("dapple".to_owned())
    }

    async fn supported_uri_schemes(&self) -> fdo::Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn supported_mime_types(&self) -> fdo::Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl PlayerInterface for Panel {
    async fn next(&self) -> fdo::Result<()> {
        self.obey(Order::Next).await
    }

    async fn previous(&self) -> fdo::Result<()> {
        self.obey(Order::Previous).await
    }

    async fn pause(&self) -> fdo::Result<()> {
        self.obey(Order::Pause).await
    }

    async fn play_pause(&self) -> fdo::Result<()> {
        self.obey(Order::PlayPause).await
    }

    async fn stop(&self) -> fdo::Result<()> {
        self.obey(Order::Stop).await
    }

    async fn play(&self) -> fdo::Result<()> {
        self.obey(Order::Play).await
    }

    async fn seek(&self, offset: Time) -> fdo::Result<()> {
        let time = self.control.now().current.and_then(|current| current.time);
        let Some(time) = time else { return Ok(()) };
        let elapsed = i64::from(time.elapsed_ms).saturating_add(offset.as_millis()).max(0);
        let position = Duration::from_millis(elapsed.unsigned_abs());
        self.go_to(position, Duration::from_millis(time.length_ms.into())).await
    }

    async fn set_position(&self, track: TrackId, position: Time) -> fdo::Result<()> {
        let Some(current) = self.control.now().current else { return Ok(()) };
        let length_ms = current.time.map_or(0, |time| i64::from(time.length_ms));
        // A place in a song that is over, or in none, is not meant any more.
        let is_meant = track_id(current.song) == Some(track);
        match u64::try_from(position.as_millis()) {
            Ok(ms) if is_meant && position.as_millis() <= length_ms => {
                self.obey(Order::Seek(Duration::from_millis(ms))).await
            }
            _ => Ok(()),
        }
    }

    async fn open_uri(&self, _uri: String) -> fdo::Result<()> {
        Err(fdo::Error::NotSupported("it plays songs of its library".to_owned()))
    }

    async fn playback_status(&self) -> fdo::Result<PlaybackStatus> {
        Ok(playback(self.control.now().state))
    }

    async fn loop_status(&self) -> fdo::Result<LoopStatus> {
        Ok(looping(self.control.now().repeat))
    }

    async fn set_loop_status(&self, status: LoopStatus) -> zbus::Result<()> {
        let repeat = match status {
            LoopStatus::None => Repeat::Off,
            LoopStatus::Track => Repeat::One,
            LoopStatus::Playlist => Repeat::All,
        };
        Ok(self.obey(Order::Repeat(repeat)).await?)
    }

    async fn rate(&self) -> fdo::Result<PlaybackRate> {
        Ok(RATE)
    }

    async fn set_rate(&self, _rate: PlaybackRate) -> zbus::Result<()> {
        Ok(())
    }

    async fn shuffle(&self) -> fdo::Result<bool> {
        Ok(self.control.now().shuffle)
    }

    async fn set_shuffle(&self, shuffle: bool) -> zbus::Result<()> {
        Ok(self.obey(Order::Shuffle(shuffle)).await?)
    }

    async fn metadata(&self) -> fdo::Result<Metadata> {
        Ok(self.song(self.control.now().current).await)
    }

    async fn volume(&self) -> fdo::Result<Volume> {
        Ok(fraction(volumes(&self.control.now()).master()))
    }

    async fn set_volume(&self, volume: Volume) -> zbus::Result<()> {
        let playing = self.control.now();
        let mut volumes = volumes(&playing);
        volumes.apply(VolumeChange::Master(percent(volume)));
        let active = playing.speakers.iter().filter(|speaker| speaker.is_active);
        let heard: BTreeMap<_, _> =
            active.map(|speaker| (speaker.id, volumes.absolute(speaker.id))).collect();
        Ok(self.obey(Order::Volumes(heard)).await?)
    }

    async fn position(&self) -> fdo::Result<Time> {
        let time = self.control.now().current.and_then(|current| current.time);
        let elapsed_ms = time.map_or(0, |time| time.elapsed_ms);
        Ok(Time::from_millis(elapsed_ms.into()))
    }

    async fn minimum_rate(&self) -> fdo::Result<PlaybackRate> {
        Ok(RATE)
    }

    async fn maximum_rate(&self) -> fdo::Result<PlaybackRate> {
        Ok(RATE)
    }

    async fn can_go_next(&self) -> fdo::Result<bool> {
        Ok(true)
    }

    async fn can_go_previous(&self) -> fdo::Result<bool> {
        Ok(true)
    }

    async fn can_play(&self) -> fdo::Result<bool> {
        Ok(true)
    }

    async fn can_pause(&self) -> fdo::Result<bool> {
        Ok(true)
    }

    async fn can_seek(&self) -> fdo::Result<bool> {
        Ok(self.control.now().current.is_some())
    }

    async fn can_control(&self) -> fdo::Result<bool> {
        Ok(true)
    }
}
