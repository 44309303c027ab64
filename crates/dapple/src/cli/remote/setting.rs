//! Settings of a player: told, or set, from where they are.

use std::io::Write;
use std::str::FromStr;

use dacp_client::{Remote, RemoteError};
use dacp_proto::{Percent, Repeat, Settings};

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    To(Percent),
    By(i16),
}

/// Where in a song, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    To(u32),
    By(i64),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Times {
    /// Nothing
    Off,
    /// The song
    One,
    /// The queue
    All,
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sign, digits) = signed(text);
        let number = digits.parse().ok().and_then(Percent::new).ok_or("a number from 0 to 100")?;
        Ok(match sign {
            None => Self::To(number),
            Some(sign) => Self::By(i16::from(sign) * i16::from(number.get())),
        })
    }
}

impl Level {
    /// How loud that is from here.
    pub(super) fn from(self, here: Percent) -> Percent {
        match self {
            Self::To(volume) => volume,
            Self::By(step) => {
                let volume = (i16::from(here.get()) + step).clamp(0, 100);
                u8::try_from(volume).ok().and_then(Percent::new).unwrap_or_default()
            }
        }
    }
}

impl FromStr for Position {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sign, time) = signed(text);
        let ms = milliseconds(time).ok_or("a time is SEC, MIN:SEC or H:MIN:SEC")?;
        Ok(sign.map_or(Self::To(ms), |sign| Self::By(i64::from(sign) * i64::from(ms))))
    }
}

impl Position {
    /// Where that is from here; not before the start.
    fn from(self, here_ms: u32) -> u32 {
        match self {
            Self::To(ms) => ms,
            Self::By(step) => {
                let there = (i64::from(here_ms) + step).max(0);
                u32::try_from(there).unwrap_or(u32::MAX)
            }
        }
    }
}

/// What stands before a number that counts from here, and the rest.
fn signed(text: &str) -> (Option<i8>, &str) {
    match text.split_at_checked(1) {
        Some(("+", rest)) => (Some(1), rest),
        Some(("-", rest)) => (Some(-1), rest),
        _ => (None, text),
    }
}

fn milliseconds(time: &str) -> Option<u32> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = time.split(':').collect();
    if parts.len() > 3 || !parts.iter().all(|part| digits(part)) {
        return None;
    }
    let seconds = parts
        .iter()
        .try_fold(0u32, |seconds, part| seconds.checked_mul(60)?.checked_add(part.parse().ok()?))?;
    seconds.checked_mul(1000)
}

pub(super) async fn seek(remote: &Remote, position: Position) -> Result<(), RemoteError> {
    let now = remote.status().await?.now_playing.ok_or(RemoteError::NothingPlays)?;
    let here_ms = now.time.map_or(0, |time| time.elapsed_ms);
    let position_ms = Some(position.from(here_ms));
    remote.set(Settings { position_ms, ..Settings::default() }).await
}

pub(super) async fn volume(
    remote: &Remote,
    level: Option<Level>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    if let Some(Level::To(volume)) = level {
        return Ok(remote.set_volume(volume).await?);
    }
    let here = remote.volume().await?.ok_or(RemoteError::Lacking { what: "volume to see" })?;
    match level {
        None => writeln!(out, "{}", here.get())?,
        Some(level) => remote.set_volume(level.from(here)).await?,
    }
    Ok(())
}

pub(super) async fn shuffle(
    remote: &Remote,
    switch: Option<Switch>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match switch {
        None => writeln!(out, "{}", on_off(remote.status().await?.shuffle))?,
        Some(switch) => {
            let shuffle = Some(switch == Switch::On);
            remote.set(Settings { shuffle, ..Settings::default() }).await?;
        }
    }
    Ok(())
}

pub(super) async fn repeat(
    remote: &Remote,
    times: Option<Times>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match times {
        None => writeln!(out, "{}", repeats(remote.status().await?.repeat))?,
        Some(times) => {
            let repeat = Some(match times {
                Times::Off => Repeat::Off,
                Times::One => Repeat::One,
                Times::All => Repeat::All,
            });
            remote.set(Settings { repeat, ..Settings::default() }).await?;
        }
    }
    Ok(())
}

pub(super) fn on_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

pub(super) fn repeats(repeat: Repeat) -> &'static str {
    match repeat {
        Repeat::Off => "off",
        Repeat::One => "one",
        Repeat::All => "all",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_number_or_a_step() {
        let percent = |number| Percent::new(number).unwrap();
        for (text, here, expected) in
            [("40", 10, 40), ("+5", 10, 15), ("-20", 10, 0), ("+100", 10, 100)]
        {
            assert_eq!(text.parse::<Level>().unwrap().from(percent(here)), percent(expected));
        }
        for text in ["", "101", "+", "x", "--5", "5%"] {
            assert!(text.parse::<Level>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_position_is_a_time_or_a_step() {
        for (text, here, expected) in [
            ("90", 0, 90_000),
            ("1:30", 0, 90_000),
            ("1:00:01", 0, 3_601_000),
            ("+10", 5_000, 15_000),
            ("-0:10", 5_000, 0),
        ] {
            assert_eq!(text.parse::<Position>().unwrap().from(here), expected, "{text}");
        }
        for text in ["", ":", "1:", "1:2:3:4", "x", "4294967295", "1.5"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
