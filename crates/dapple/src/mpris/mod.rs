//! The player on a Linux desktop: its media keys, panels and lock screen control it by MPRIS, over the session bus.
//!
//! To the player this is one more Remote: what is shown comes from the same [`Controller`](daap_server::control::Controller), and what is pressed is told to it.

mod panel;
mod picture;

use std::path::Path;
use std::time::{Duration, Instant};

use daap_server::control::{Controller as _, PlayerState, Playing, Song};
use library::Library;
use mpris_server::{Property, Server, Signal, Time};

use self::panel::Panel;
use crate::adapters::PlayerControl;

/// A place that differs this much from where time would have brought the song was sought.
const LEAP: Duration = Duration::from_secs(1);

/// Shows the player on the session bus, if there is one, for as long as there is a player.
pub(crate) async fn show(control: PlayerControl, library: Library) {
    if !has_session_bus() {
        return;
    }
    // Several may run: each has a name of its own, as the specification wants it.
    let name = format!("dapple.instance{}", std::process::id());
    match Server::new(&name, Panel::new(control.clone(), library)).await {
        Ok(server) => {
            if let Err(error) = follow(&server, &control).await {
                tracing::warn!("the desktop's media keys do not work any more: {error}");
            }
        }
        Err(error) => tracing::info!("the desktop's media keys do not work here: {error}"),
    }
}

/// Whether there is a session bus, where it is by the environment or by custom.
fn has_session_bus() -> bool {
    let is_bus = |folder: std::ffi::OsString| Path::new(&folder).join("bus").exists();
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some()
        || std::env::var_os("XDG_RUNTIME_DIR").is_some_and(is_bus)
}

/// Tells the desktop of every change.
async fn follow(server: &Server<Panel>, control: &PlayerControl) -> mpris_server::zbus::Result<()> {
    let mut revisions = control.revision();
    let (mut told, mut place): (Vec<Property>, Option<Place>) = (Vec::new(), None);
    loop {
        revisions.borrow_and_update();
        let playing = control.now();
        let properties = server.imp().properties(&playing).await;
        let news: Vec<_> = properties.iter().filter(|new| !told.contains(new)).cloned().collect();
        if !news.is_empty() {
            server.properties_changed(news).await?;
        }
        let now = Place::of(&playing);
        if let (Some(before), Some(now)) = (place, now)
            && before.leaps_to(now)
        {
            server.emit(Signal::Seeked { position: time(now.position) }).await?;
        }
        (told, place) = (properties, now);
        if revisions.changed().await.is_err() {
            return Ok(());
        }
    }
}

/// Where in which song the player was, when.
#[derive(Clone, Copy, Debug)]
struct Place {
    song: Song,
    position: Duration,
    at: Instant,
    moves: bool,
}

impl Place {
    fn of(playing: &Playing) -> Option<Self> {
        let current = playing.current?;
        let position = Duration::from_millis(current.time?.elapsed_ms.into());
        let moves = playing.state == PlayerState::Playing;
        Some(Self { song: current.song, position, at: Instant::now(), moves })
    }

    /// Whether the other place is not the one that time would have brought it to.
    fn leaps_to(self, now: Self) -> bool {
        let passed = if self.moves { now.at - self.at } else { Duration::ZERO };
        self.song == now.song && (self.position + passed).abs_diff(now.position) > LEAP
    }
}

fn time(time: Duration) -> Time {
    Time::from_micros(i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use daap_model::{DatabaseId, ItemId};

    use super::*;

    #[test]
    fn a_leap_is_what_time_alone_does_not_do() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let song = |item| Song {
            database: DatabaseId::LOWEST,
            item: ItemId::new(item).unwrap(),
            container: None,
            entry: None,
        };
        let place = |song, position, at, moves| Place { song, position, at, moves };
        let playing = place(song(1), 10 * second, start, true);
        let later = start + 5 * second;
        assert!(!playing.leaps_to(place(song(1), 15 * second, later, true)));
        assert!(playing.leaps_to(place(song(1), 40 * second, later, true)));
        assert!(playing.leaps_to(place(song(1), 2 * second, later, true)));
        assert!(!playing.leaps_to(place(song(2), Duration::ZERO, later, true)));
        let paused = Place { moves: false, ..playing };
        assert!(!paused.leaps_to(place(song(1), 10 * second, later, true)));
    }
}
