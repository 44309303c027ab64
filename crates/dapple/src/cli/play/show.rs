//! What is shown while it plays: a display on a terminal, lines elsewhere, or JSON.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use daap_model::Track;
use player::{Current, Failure, Song, State, Status};
use serde_json::{Value as Json, json};

use super::choice::Choice;
use super::keys::{self, Wishes};
use super::screen::Screen;
use crate::share::row::clock;
use crate::terminal::{self, printable};

/// How often what is shown is made anew.
const LIVE: Duration = Duration::from_millis(250);
const ELSEWHERE: Duration = Duration::from_secs(1);

/// Shows what a player does.
pub(super) struct Show<'a, W: Write> {
    choice: &'a Choice,
    out: &'a mut W,
    way: Way,
    /// The song that was told last.
    told: Option<Song>,
    /// What was told of the outputs' trouble.
    troubles: Vec<Option<String>>,
}

enum Way {
    Live(Screen),
    Lines,
    Json,
}

impl<'a, W: Write> Show<'a, W> {
    pub(super) fn new(choice: &'a Choice, json: bool, out: &'a mut W) -> io::Result<Self> {
        let way = match json {
            true => Way::Json,
            false if io::stdout().is_terminal() && io::stdin().is_terminal() => {
                Way::Live(Screen::enter()?)
            }
            false => Way::Lines,
        };
        if matches!(way, Way::Lines) {
            terminal::head("title\tartist\talbum\ttime");
        }
        Ok(Self { choice, out, way, told: None, troubles: Vec::new() })
    }

    /// What is wished by who looks at it.
    pub(super) fn wishes(&self) -> Wishes {
        match self.way {
            Way::Live(_) => keys::of_terminal(),
            Way::Lines | Way::Json => keys::none(),
        }
    }

    /// How often it has to be made anew, as time passes.
    pub(super) fn every(&self) -> Duration {
        if matches!(self.way, Way::Live(_)) { LIVE } else { ELSEWHERE }
    }

    /// Shows how things are.
    pub(super) fn status(&mut self, status: &Status, now: Instant) -> io::Result<()> {
        self.tell_troubles(status)?;
        // When all has been played the first song would be next: it is not told.
        let current = status.current.filter(|_| status.state != State::Stopped);
        let song = current.map(|current| current.song);
        let is_new = std::mem::replace(&mut self.told, song) != song;
        let track = song.and_then(|song| self.choice.track(song));
        match &mut self.way {
            Way::Live(screen) => return screen.draw(status, track, now, self.out),
            Way::Lines => {
                if let Some(track) = track.filter(|_| is_new) {
                    writeln!(self.out, "{}", line(track))?;
                }
            }
            Way::Json => {
                if let (Some(song), true) = (song, is_new) {
                    writeln!(self.out, "{}", song_json("song", song, track))?;
                }
                writeln!(self.out, "{}", status_json(status, now))?;
            }
        }
        self.out.flush()
    }

    /// Says that a song is skipped.
    pub(super) fn failed(&mut self, failure: &Failure) -> io::Result<()> {
        let track = self.choice.track(failure.song);
        if matches!(self.way, Way::Json) {
            let mut event = song_json("failed", failure.song, track);
            event["why"] = failure.why.clone().into();
            return writeln!(self.out, "{event}");
        }
        let title = track.map_or_else(String::new, |track| printable(&track.title));
        self.say(&format!("{title} cannot be played and is skipped: {}", failure.why))
    }

    /// Says something to who looks at it.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        match &mut self.way {
            Way::Live(screen) => screen.say(text, self.out),
            Way::Lines | Way::Json => writeln!(io::stderr(), "{text}"),
        }
    }

    fn tell_troubles(&mut self, status: &Status) -> io::Result<()> {
        let troubles: Vec<_> = status.outputs.iter().map(|output| output.trouble.clone()).collect();
        let before = std::mem::replace(&mut self.troubles, troubles);
        for (number, output) in status.outputs.iter().enumerate() {
            match (before.get(number).and_then(Option::as_ref), &output.trouble) {
                (None, Some(why)) => self.say(&format!("{} does not work: {why}", output.name))?,
                (Some(_), None) => self.say(&format!("{} works again", output.name))?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// How far a song is: at its end it stays there, until it is heard that the next one has begun.
pub(super) fn position(current: &Current, now: Instant) -> Duration {
    current.elapsed.at(now).min(current.length.unwrap_or(Duration::MAX))
}

fn line(track: &Track) -> String {
    let texts = [&track.title, &track.artist, &track.album].map(|text| printable(text));
    format!("{}\t{}", texts.join("\t"), clock(track.duration_ms.into()))
}

fn song_json(event: &str, song: Song, track: Option<&Track>) -> Json {
    let text = |text: fn(&Track) -> &str| track.map(text);
    json!({
        "event": event,
        "database": song.database.get(),
        "item": song.item.get(),
        "title": text(|track| &track.title),
        "artist": text(|track| &track.artist),
        "album": text(|track| &track.album),
    })
}

fn status_json(status: &Status, now: Instant) -> Json {
    let current = status.current;
    json!({
        "event": "status",
        "state": format!("{:?}", status.state).to_lowercase(),
        "item": current.map(|current| current.song.item.get()),
        "position_s": current.map(|current| position(&current, now).as_secs_f64()),
        "length_s": current.and_then(|current| current.length).map(|length| length.as_secs_f64()),
        "shuffle": status.shuffle,
        "repeat": status.repeat,
        "left": status.upcoming.len(),
        "outputs": status.outputs.iter().map(|output| json!({
            "name": output.name, "volume": output.volume, "trouble": output.trouble,
        })).collect::<Vec<_>>(),
    })
}
