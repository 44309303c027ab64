//! `dapple remote`: controls a player as an iPhone's Remote does.

mod artwork;
mod pair;
mod place;
mod queue;
mod setting;
mod songs;
mod speakers;
mod status;

use std::io::Write;

use clap::Subcommand;
use dacp_client::{Remote, RemoteError, Swipe};
use dacp_proto::{Button, Percent, PromptButton, PromptEntry};

use self::place::Place;
use self::setting::{Level, Position, Switch, Times};
use super::Outcome;

/// Control a player: dapple, iTunes, Music, OwnTone, an Apple TV 2 or 3
///
/// Exit code 0 done, 1 if there is nothing (nothing queued, no picture, nobody paired), 2 if it failed.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  dapple remote status
  dapple remote play /albums/Wings/Venus%20and%20Mars
  dapple remote nas pair
  dapple remote nas volume +5
  dapple remote 'Living room' speakers set Kitchen Computer")]
pub(crate) struct Args {
    /// The player: HOST, HOST:PORT, or the name of one that was paired [default: the dapple of this machine]
    #[arg(value_name = "HOST")]
    host: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    Status(status::Args),
    /// Play on; or these songs instead of what is queued
    Play(songs::Play),
    /// Pause
    Pause,
    /// Pause if it plays, else play
    Toggle,
    /// Stop; the queue is kept
    Stop,
    /// Go to the next song
    Next,
    /// Go to the start of the song, or if that is near to the song before
    Previous,
    /// Go to a place in the song
    Seek {
        /// Seconds, MIN:SEC or H:MIN:SEC from the start; with + or - before it from here
        #[arg(allow_hyphen_values = true)]
        position: Position,
    },
    /// Say how loud it is, or set it
    Volume {
        /// 0 to 100; with + or - before it from how it is
        #[arg(allow_hyphen_values = true)]
        level: Option<Level>,
    },
    /// Say whether it shuffles, or set it
    Shuffle {
        /// Whether it is to
        switch: Option<Switch>,
    },
    /// Say what it repeats, or set it
    Repeat {
        /// What is to be repeated
        times: Option<Times>,
    },
    Queue(queue::Args),
    /// Add songs to the end of the queue
    Add(songs::Add),
    Speakers(speakers::Args),
    /// Rate what plays
    Rate {
        /// Stars; 0 takes them away
        #[arg(value_parser = clap::value_parser!(u8).range(0..=5))]
        stars: u8,
    },
    Artwork(artwork::Args),
    /// Press a button of an Apple TV
    Press {
        /// The button
        button: Key,
    },
    /// Type a text into an Apple TV
    Type {
        /// The text
        text: String,
    },
    Pair(pair::Args),
    /// List the players that were paired: name, place and id, with tabs between
    Servers,
    /// Forget a player that was paired
    Forget {
        /// Its name, host or id
        name: String,
    },
}

/// A button of an Apple TV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Key {
    /// Back
    Menu,
    /// To the top of the menu
    TopMenu,
    /// The menu of what is selected
    ContextMenu,
    Select,
    Up,
    Down,
    Left,
    Right,
}

pub(crate) async fn run(args: Args, out: &mut impl Write) -> anyhow::Result<Outcome> {
    match args.verb {
        Verb::Servers => return place::list(out),
        Verb::Forget { name } => return place::forget(&name, out),
        Verb::Pair(pair) => return pair::run(args.host.as_deref(), pair, out).await,
        _ => {}
    }
    let place = Place::of(args.host)?;
    let remote = place.connect().await.map_err(|error| place.advised(error))?;
    let done = obey(&remote, &place, args.verb, out).await;
    remote.log_out().await;
    done.map_err(|error| match error.downcast::<RemoteError>() {
        Ok(error) => place.advised(error),
        Err(error) => error,
    })
}

/// Does what a verb says.
async fn obey(
    remote: &Remote,
    place: &Place,
    verb: Verb,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    match verb {
        Verb::Status(args) => return status::run(remote, place, args, out).await,
        Verb::Play(play) => play.run(remote).await?,
        Verb::Pause => remote.press(Button::Pause).await?,
        Verb::Toggle => remote.press(Button::PlayPause).await?,
        Verb::Stop => remote.press(Button::Stop).await?,
        Verb::Next => remote.press(Button::Next).await?,
        Verb::Previous => remote.press(Button::Previous).await?,
        Verb::Seek { position } => setting::seek(remote, position).await?,
        Verb::Volume { level } => setting::volume(remote, level, out).await?,
        Verb::Shuffle { switch } => setting::shuffle(remote, switch, out).await?,
        Verb::Repeat { times } => setting::repeat(remote, times, out).await?,
        Verb::Queue(args) => return queue::run(remote, args, out).await,
        Verb::Add(add) => add.run(remote).await?,
        Verb::Speakers(args) => return speakers::run(remote, args, out).await,
        Verb::Rate { stars } => remote.rate(rating(stars)).await?,
        Verb::Artwork(args) => return artwork::run(remote, args, out).await,
        Verb::Press { button } => press(remote, button).await?,
        Verb::Type { text } => {
            remote.enter(&PromptEntry::Text(text)).await?;
            remote.enter(&PromptEntry::TextDone).await?;
        }
        Verb::Pair(_) | Verb::Servers | Verb::Forget { .. } => {}
    }
    Ok(Outcome::Done)
}

/// So many stars.
fn rating(stars: u8) -> Percent {
    Percent::new(stars.saturating_mul(20)).unwrap_or(Percent::FULL)
}

async fn press(remote: &Remote, key: Key) -> Result<(), RemoteError> {
    let button = match key {
        Key::Menu => PromptButton::Menu,
        Key::TopMenu => PromptButton::TopMenu,
        Key::ContextMenu => PromptButton::ContextMenu,
        Key::Select => PromptButton::Select,
        Key::Up => return remote.swipe(Swipe::Up).await,
        Key::Down => return remote.swipe(Swipe::Down).await,
        Key::Left => return remote.swipe(Swipe::Left).await,
        Key::Right => return remote.swipe(Swipe::Right).await,
    };
    remote.enter(&PromptEntry::Press(button)).await
}
