//! `dapple remote speakers`: where a player plays, and how loud in each place.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Context as _;
use clap::Subcommand;
use dacp_client::Remote;
use dacp_proto::{Command, Speaker, SpeakerId};
use serde::Serialize;

use super::super::Outcome;
use super::setting::{Level, on_off};
use crate::terminal;

/// List where it can play, or choose
///
/// One line a speaker, with tabs between name, on or off, volume and id. Speakers are named by their name or id.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    #[command(subcommand)]
    change: Option<Change>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Change {
    /// Play on these, and on no others
    Set {
        /// The speakers
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Turn one speaker; all others stay as loud as they are
    Volume {
        /// The speaker
        name: String,
        /// 0 to 100; with + or - before it from how it is
        #[arg(allow_hyphen_values = true)]
        level: Level,
    },
}

/// A speaker, as a program is told of it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    id: String,
    name: &'a str,
    on: bool,
    volume: u8,
}

pub(super) async fn run(
    remote: &Remote,
    args: Args,
    out: &mut impl Write,
) -> anyhow::Result<Outcome> {
    match args.change {
        None => return list(remote, args.json, out).await,
        Some(Change::Set { names }) => {
            let speakers = remote.speakers().await?;
            let chosen: anyhow::Result<BTreeSet<SpeakerId>> =
                names.iter().map(|name| find(&speakers, name)).collect();
            remote.obey(Command::SetSpeakers(chosen?)).await?;
        }
        Some(Change::Volume { name, level }) => {
            let speaker = find(&remote.speakers().await?, &name)?;
            let here = remote.volumes().await?.absolute(speaker);
            remote.turn(speaker, level.from(here)).await?;
        }
    }
    Ok(Outcome::Done)
}

async fn list(remote: &Remote, json: bool, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let (speakers, volumes) = (remote.speakers().await?, remote.volumes().await?);
    let told = |speaker: &Speaker| volumes.absolute(speaker.id).get();
    let told: Vec<Told<'_>> = speakers
        .iter()
        .map(|speaker| Told {
            id: speaker.id.to_string(),
            name: &speaker.name,
            on: speaker.is_active,
            volume: told(speaker),
        })
        .collect();
    if json {
        serde_json::to_writer_pretty(&mut *out, &told)?;
        writeln!(out)?;
    } else {
        terminal::head("name\ton\tvolume\tid");
        for Told { id, name, on, volume } in &told {
            writeln!(out, "{}\t{}\t{volume}\t{id}", terminal::printable(name), on_off(*on))?;
        }
    }
    Ok(if told.is_empty() { Outcome::NothingFound } else { Outcome::Done })
}

/// The speaker that somebody calls so.
fn find(speakers: &[Speaker], name: &str) -> anyhow::Result<SpeakerId> {
    let is_it = |speaker: &&Speaker| {
        speaker.name.to_lowercase() == name.to_lowercase()
            || speaker.id.to_string().eq_ignore_ascii_case(name)
    };
    speakers.iter().find(is_it).map(|speaker| speaker.id).with_context(|| {
        let names: Vec<&str> = speakers.iter().map(|speaker| speaker.name.as_str()).collect();
        format!("the player has no speaker {name}; it has {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speaker_is_named_by_name_or_id() {
        let speaker =
            |id, name: &str| Speaker { id: SpeakerId(id), name: name.into(), ..Speaker::default() };
        let speakers = [speaker(0, "Computer"), speaker(0x78CA_3946_072A, "Kitchen")];
        for (name, id) in
            [("kitchen", 0x78CA_3946_072A), ("0x78ca3946072a", 0x78CA_3946_072A), ("0", 0)]
        {
            assert_eq!(find(&speakers, name).unwrap(), SpeakerId(id), "{name}");
        }
        let error = find(&speakers, "hall").unwrap_err().to_string();
        assert!(error.contains("Computer, Kitchen"), "{error}");
    }
}
