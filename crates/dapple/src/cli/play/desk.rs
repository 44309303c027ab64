//! Where everything that happens while it plays comes together.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures_util::StreamExt as _;
use player::{Command, Heard, Player, PlayerError, Repeat, State, Status};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::Outcome;
use super::keys::Wish;
use super::show::Show;

/// Follows a player, shows what it does, and passes on what is wished.
pub(super) struct Desk<'a, W: Write> {
    player: &'a Player,
    reports: mpsc::Receiver<Heard>,
    show: Show<'a, W>,
    /// Whether a song could not be played.
    skipped: bool,
}

impl<'a, W: Write> Desk<'a, W> {
    pub(super) fn new(
        player: &'a Player,
        reports: mpsc::Receiver<Heard>,
        show: Show<'a, W>,
    ) -> Self {
        Self { player, reports, show, skipped: false }
    }

    /// Goes on until the last song has ended, or somebody wants it to end.
    pub(super) async fn run(mut self) -> anyhow::Result<Outcome> {
        let mut statuses = self.player.watch();
        let mut wishes = self.show.wishes();
        let mut tick = tokio::time::interval(self.show.every());
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop_signal());
        loop {
            let status = Arc::clone(&statuses.borrow_and_update());
            if let Some(why) = silent(&status) {
                bail!("nothing can be heard: {why}");
            }
            self.show.status(&status, Instant::now())?;
            if status.state == State::Stopped {
                break;
            }
            tokio::select! {
                changed = statuses.changed() => changed?,
                Some(report) = self.reports.recv() => self.heard(&report)?,
                Some(wish) = wishes.next() => {
                    if wish == Wish::Quit {
                        break;
                    }
                    self.grant(wish, &status).await?;
                }
                _ = tick.tick() => {}
                () = &mut stop => break,
            }
        }
        while let Ok(report) = self.reports.try_recv() {
            self.heard(&report)?;
        }
        Ok(if self.skipped { Outcome::Failed } else { Outcome::Done })
    }

    fn heard(&mut self, report: &Heard) -> anyhow::Result<()> {
        if let Heard::Failed(failure) = report {
            self.skipped = true;
            self.show.failed(failure)?;
        }
        Ok(())
    }

    /// Does what is wished, if it can be done.
    async fn grant(&mut self, wish: Wish, status: &Status) -> anyhow::Result<()> {
        for command in commands(wish, status) {
            match self.player.tell(command).await {
                Ok(()) => {}
                Err(error @ PlayerError::Closed) => return Err(error.into()),
                Err(error) => self.show.say(&error.to_string())?,
            }
        }
        Ok(())
    }
}

/// What a player is told to grant a wish.
fn commands(wish: Wish, status: &Status) -> Vec<Command> {
    match wish {
        Wish::PlayPause => vec![Command::PlayPause],
        Wish::Next => vec![Command::Next],
        Wish::Previous => vec![Command::Previous],
        Wish::Seek(ms) => vec![Command::SeekBy(ms)],
        Wish::Volume(by) => {
            let louder = |volume: u8| volume.saturating_add_signed(by.clamp(-100, 100) as i8);
            let outputs = status.outputs.iter();
            let set = outputs.map(|output| Command::Volume {
                output: output.id,
                percent: louder(output.volume).min(100),
            });
            set.collect()
        }
        Wish::Shuffle => vec![Command::Shuffle(!status.shuffle)],
        Wish::Repeat => vec![Command::Repeat(match status.repeat {
            Repeat::Off => Repeat::All,
            Repeat::All => Repeat::One,
            Repeat::One => Repeat::Off,
        })],
        Wish::Quit => Vec::new(),
    }
}

/// Why nothing can be heard, if no output works and none has so far.
fn silent(status: &Status) -> Option<&str> {
    let begun = status.current.is_none_or(|current| current.elapsed.position > Duration::ZERO);
    if begun || !status.history.is_empty() {
        return None;
    }
    let troubles: Option<Vec<&str>> =
        status.outputs.iter().map(|output| output.trouble.as_deref()).collect();
    troubles?.first().copied()
}

/// Waits until somebody wants the program to end.
async fn stop_signal() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(|kind| {
        Box::pin(async move {
            match signal(kind) {
                Ok(mut signal) => signal.recv().await,
                // It cannot be caught, and so ends the program at once.
                Err(_) => std::future::pending().await,
            }
        })
    });
    futures_util::future::select_all(signals).await;
}
