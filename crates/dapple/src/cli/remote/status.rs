//! `dapple remote status`: what a player does.

use std::io::Write;

use dacp_client::{News, Remote};
use dacp_proto::{PlayStatus, PlayerState};
use serde::Serialize;

use super::super::Outcome;
use super::place::Place;
use super::setting::{on_off, repeats};
use crate::terminal;

/// Say what plays, how far it is, how loud
///
/// A line for each thing, with a tab before what it is. With --watch a line each time that something changes: state, title,
/// artist, album, position and length.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Go on until interrupted
    #[arg(long)]
    watch: bool,
    /// Print JSON: an object, or with --watch one a line
    #[arg(long)]
    json: bool,
}

/// What is told of a player.
#[derive(Debug, Serialize)]
struct Told {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artist: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    album: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    genre: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_ms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<u8>,
    shuffle: bool,
    repeat: &'static str,
}

pub(super) async fn run(
    remote: &Remote,
    place: &Place,
    args: Args,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    if !args.watch {
        let told = Told::new(remote, remote.status().await?).await?;
        match args.json {
            true => told.write_json(out)?,
            false => write!(out, "{}", told.page())?,
        }
        return Ok(Outcome::Done);
    }
    let mut follow = remote.follow();
    loop {
        match follow.next().await? {
            News::Status(status) if args.json => {
                Told::new(remote, status).await?.write_json(out)?;
            }
            News::Status(status) => writeln!(out, "{}", Told::of(status).line())?,
            News::Away(error) => eprintln!("{} is away: {error}; trying again", place.name()),
            _ => {}
        }
        out.flush()?;
    }
}

impl Told {
    /// All that there is to tell.
    async fn new(remote: &Remote, status: PlayStatus) -> anyhow::Result<Self> {
        let volume = remote.volume().await?.map(|volume| volume.get());
        Ok(Self { volume, ..Self::of(status) })
    }

    /// What a status says.
    fn of(status: PlayStatus) -> Self {
        let time = status.now_playing.as_ref().and_then(|now| now.time);
        let song = status.now_playing.map(|now| now.song).unwrap_or_default();
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            state: word(status.state),
            title: text(song.title),
            artist: text(song.artist),
            album: text(song.album),
            genre: text(song.genre),
            position_ms: time.map(|time| time.elapsed_ms),
            length_ms: time.map(|time| time.length_ms),
            volume: None,
            shuffle: status.shuffle,
            repeat: repeats(status.repeat),
        }
    }

    fn write_json(&self, out: &mut impl Write) -> anyhow::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        Ok(writeln!(out)?)
    }

    fn page(&self) -> String {
        let lines = [
            ("state", Some(self.state.to_owned())),
            ("title", self.title.clone()),
            ("artist", self.artist.clone()),
            ("album", self.album.clone()),
            ("position", self.position_ms.map(clock)),
            ("length", self.length_ms.map(clock)),
            ("volume", self.volume.map(|volume| volume.to_string())),
            ("shuffle", Some(on_off(self.shuffle).to_owned())),
            ("repeat", Some(self.repeat.to_owned())),
        ];
        let lines = lines.into_iter().filter_map(|(key, value)| Some((key, value?)));
        lines.map(|(key, value)| format!("{key}\t{}\n", terminal::printable(&value))).collect()
    }

    fn line(&self) -> String {
        let text = |text: &Option<String>| terminal::printable(text.as_deref().unwrap_or_default());
        let time = |ms: Option<u32>| ms.map(clock).unwrap_or_default();
        [
            self.state.to_owned(),
            text(&self.title),
            text(&self.artist),
            text(&self.album),
            time(self.position_ms),
            time(self.length_ms),
        ]
        .join("\t")
    }
}

fn word(state: PlayerState) -> &'static str {
    match state {
        PlayerState::Idle => "idle",
        PlayerState::Loading => "loading",
        PlayerState::Stopped => "stopped",
        PlayerState::Paused => "paused",
        PlayerState::Playing => "playing",
        PlayerState::FastForward => "winding forward",
        PlayerState::Rewind => "winding back",
    }
}

/// `1:05`, `1:00:05`.
pub(super) fn clock(ms: u32) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use dacp_proto::{NowPlaying, PlayTime, Song};

    use super::*;

    fn playing() -> PlayStatus {
        let song = Song { title: "Jet\t".into(), artist: "Wings".into(), ..Song::default() };
        let time = Some(PlayTime { elapsed_ms: 65_900, length_ms: 3_605_000 });
        let now_playing = Some(NowPlaying { song, time });
        PlayStatus { state: PlayerState::Playing, now_playing, ..PlayStatus::default() }
    }

    #[test]
    fn a_page_has_a_line_for_each_thing_that_is_known() {
        let told = Told { volume: Some(60), ..Told::of(playing()) };
        assert_eq!(
            told.page(),
            "state\tplaying\ntitle\tJet \nartist\tWings\nposition\t1:05\nlength\t1:00:05\nvolume\t60\n\
             shuffle\toff\nrepeat\toff\n"
        );
        assert_eq!(Told::of(playing()).line(), "playing\tJet \tWings\t\t1:05\t1:00:05");
        let idle = Told::of(PlayStatus::default());
        assert_eq!(idle.page(), "state\tidle\nshuffle\toff\nrepeat\toff\n");
    }
}
