//! The jukebox: a player with its outputs, what is kept of it from one run to the next, and the Remotes that control it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use daap_server::{Builder, Handle};
use library::Library;
use outputs::Spec;
use player::{Command, Heard, OutputId, Player, Saved};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::adapters::{LibrarySongs, PairedHere, PlayerControl, note};
use crate::config::{File, ReplayGain};
use crate::file;
use crate::remotes::Desk;

/// The file in the data folder that has the queue, and all that was set.
const FILE: &str = "player.json";

/// Changes within this time are kept together.
const SETTLE: Duration = Duration::from_secs(2);

/// How many songs may wait for their play counts; of more, the player's thread says nothing.
const HEARD_MAX: usize = 256;

/// How long the player may take to end.
const END_LIMIT: Duration = Duration::from_secs(3);

/// What stands for a machine that is to play nothing.
const NO_PLAYER: &str = "none";

/// What was decided of the player.
#[derive(Debug, PartialEq)]
pub(crate) struct Settings {
    outputs: Vec<Spec>,
    cross_fade: Option<Duration>,
    volume: Option<u8>,
    replay_gain: ReplayGain,
}

impl Settings {
    /// From the command line or the environment, and the file; `None` if there is to be no player.
    ///
    /// Where nothing is said it is this machine's sound, which is opened when something is to be played: so a fresh
    /// server can be controlled, and one without sound says so when it is asked to play, and not before.
    pub(crate) fn resolve(named: Vec<String>, file: &File) -> anyhow::Result<Option<Self>> {
        let named = if named.is_empty() { file.outputs.clone() } else { named };
        let outputs = match named.as_slice() {
            [] => vec!["local".parse()?],
            [none] if none == NO_PLAYER => return Ok(None),
            named => specs(named)?,
        };
        let volume = file.volume;
        if let Some(volume) = volume.filter(|volume| *volume > 100) {
            bail!("volume = {volume}: the loudest is 100");
        }
        let cross_fade = file.cross_fade_s.map(Duration::from_secs);
        if cross_fade.is_some_and(|fade| fade > player::MAX_CROSS_FADE) {
            bail!("cross_fade_s: songs fade for {} s at most", player::MAX_CROSS_FADE.as_secs());
        }
        let replay_gain = file.replay_gain.unwrap_or_default();
        Ok(Some(Self { outputs, cross_fade, volume, replay_gain }))
    }
}

fn specs(named: &[String]) -> anyhow::Result<Vec<Spec>> {
    let mut specs: Vec<Spec> = Vec::new();
    for name in named {
        let spec = name.parse().context("--output none is no player at all")?;
        if specs.contains(&spec) {
            bail!("the output {spec} is named twice");
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// What an output is called in a list of speakers.
fn speaker_name(spec: &Spec) -> String {
    match spec {
        Spec::Local => "Computer".to_owned(),
        Spec::Null => "Silence".to_owned(),
        Spec::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into(),
        other => other.to_string(),
    }
}

/// A player at work, and the desk where Remotes are paired that may control it.
pub(crate) struct Jukebox {
    player: Player,
    control: PlayerControl,
    desk: Arc<Desk>,
    /// They end after the player.
    keeping: [JoinHandle<()>; 2],
}

impl Jukebox {
    /// Starts a player that goes on where the last run was, but does not play yet.
    pub(crate) async fn start(
        settings: &Settings,
        library: &Library,
        data: &Path,
        desk: Desk,
    ) -> anyhow::Result<Self> {
        let path = data.join(FILE);
        let saved: Option<Saved> = file::kept(&path)?;
        let is_new = saved.is_none();
        let (listener, heard) = mpsc::channel(HEARD_MAX);
        let mut player = Player::builder(LibrarySongs::new(library.clone(), settings.replay_gain))
            .resume(saved.unwrap_or_default())
            .listener(listener);
        for (spec, id) in settings.outputs.iter().zip(0..) {
            player = player.output(OutputId(id), &speaker_name(spec), outputs::open(spec), true);
        }
        let player = player.start().context("cannot start the player's thread")?;
        let saved = player.watch_saved();
        let keeping =
            [tokio::spawn(keep(saved, path)), tokio::spawn(count(heard, library.clone()))];
        set(&player, settings, is_new).await?;
        let control = PlayerControl::new(player.clone(), library.clone());
        #[cfg(feature = "mpris")]
        tokio::spawn(crate::mpris::show(control.clone(), library.clone()));
        Ok(Self { player, control, desk: Arc::new(desk), keeping })
    }

    /// Has it be controlled at this server.
    pub(crate) fn controlled_at(&self, server: Builder) -> Builder {
        server.control(self.control.clone(), PairedHere(self.desk()))
    }

    /// Where the Remotes are paired that may control it.
    pub(crate) fn desk(&self) -> Arc<Desk> {
        Arc::clone(&self.desk)
    }

    /// Has this server, where it is controlled, send away the Remotes that are forgotten.
    pub(crate) fn log_in_at(&self, server: Handle) {
        self.desk.guests().log_in_at(server);
    }

    /// Ends it, once its last state is kept.
    pub(crate) async fn end(self) {
        let ended = async {
            self.player.shutdown().await;
            for kept in self.keeping {
                // It can only fail by a panic, which has been logged.
                let _ = kept.await;
            }
        };
        if timeout(END_LIMIT, ended).await.is_err() {
            tracing::warn!("the player did not end in time; its last state may be lost");
        }
    }
}

/// Sets what the file says: the volumes only of a player that nobody has set them of.
async fn set(player: &Player, settings: &Settings, is_new: bool) -> anyhow::Result<()> {
    if let Some(cross_fade) = settings.cross_fade {
        player.tell(Command::CrossFade(cross_fade)).await?;
    }
    let volume = settings.volume.filter(|_| is_new);
    for output in player.status().outputs.iter().map(|output| output.id) {
        if let Some(percent) = volume {
            player.tell(Command::Volume { output, percent }).await?;
        }
    }
    Ok(())
}

/// Keeps the state of a player in a file until the player ends.
async fn keep(mut saved: watch::Receiver<Arc<Saved>>, path: PathBuf) {
    while saved.changed().await.is_ok() {
        let mut ending = saved.clone();
        let ended = async { while ending.changed().await.is_ok() {} };
        // Over in time is an end; else there may be more to come, which the next turn keeps.
        let _ = timeout(SETTLE, ended).await;
        let (now, path) = (saved.borrow_and_update().clone(), path.clone());
        let kept = tokio::task::spawn_blocking(move || file::keep(&path, &*now)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!("the queue is not kept for the next start: {error:#}");
        }
    }
}

/// Has the library count what is heard until the player ends.
async fn count(mut heard: mpsc::Receiver<Heard>, library: Library) {
    while let Some(heard) = heard.recv().await {
        note(&library, heard).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(named: &[&str], file: &str) -> anyhow::Result<Option<String>> {
        let file: File = toml::from_str(file)?;
        let named = named.iter().map(ToString::to_string).collect();
        let settings = Settings::resolve(named, &file)?;
        let written = |settings: Settings| {
            let outputs: Vec<_> = settings.outputs.iter().map(ToString::to_string).collect();
            outputs.join(" ")
        };
        Ok(settings.map(written))
    }

    #[track_caller]
    fn check(named: &[&str], file: &str, expected: Option<&str>) {
        assert_eq!(outputs(named, file).unwrap().as_deref(), expected);
    }

    #[test]
    fn it_plays_on_this_machine_unless_something_else_is_said() {
        check(&[], "", Some("local"));
        check(&[], "outputs = ['null', 'file:/tmp/snapfifo']", Some("null file:/tmp/snapfifo"));
        check(&["null"], "outputs = ['local']", Some("null"));
        check(&["none"], "outputs = ['local']", None);
        check(&[], "outputs = ['none']", None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (named, file) in [
            (&["kitchen"][..], ""),
            (&["local", "local"], ""),
            (&["local", "none"], ""),
            (&[], "volume = 101"),
            (&[], "cross_fade_s = 60"),
        ] {
            assert!(outputs(named, file).is_err(), "{named:?} {file:?}");
        }
    }
}
