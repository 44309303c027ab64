//! Sources that follow a scripted server.

use std::time::Duration;

use library::{Change, Known, Listener, Playlist, PlaylistContent, Report, Source, Told};
use source_subsonic::{Login, SubsonicConfig, SubsonicSource};
use testkit::server::{Asked, Reply, Server};
use testkit::subsonic::Subsonic;
use tokio::task::JoinHandle;

/// Nothing here takes as long as this, unless something is wrong.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn login() -> Login {
    Login::Password { user: "joe".into(), password: "sesame".into() }
}

/// How to follow a server; it is looked at only when a test wants that, or when it was lost.
pub(crate) fn config(server: &Server) -> SubsonicConfig {
    let mut config = SubsonicConfig::new(&format!("http://{}/", server.address()), login());
    config.every = LONG * 60;
    config.retry = Duration::from_millis(10);
    config
}

/// Somebody who listens to what a source tells, as a library does.
pub(crate) struct Ear {
    pub(crate) source: SubsonicSource,
    listener: Listener,
    known: Known,
    running: JoinHandle<()>,
}

/// Listens to a source that follows a server.
pub(crate) fn follow(config: SubsonicConfig) -> Ear {
    go_on(config, Known::default())
}

/// The same for a library that knows of earlier runs.
pub(crate) fn go_on(config: SubsonicConfig, known: Known) -> Ear {
    let source = SubsonicSource::new(config).unwrap();
    let (report, listener) = Report::channel(16);
    let run = source.clone();
    let running = tokio::spawn(async move { run.run(report).await.unwrap() });
    Ear { source, listener, known, running }
}

impl Ear {
    /// All that is told until all is.
    pub(crate) async fn settled(&mut self) -> Vec<Change> {
        let settled = tokio::time::timeout(LONG, self.hear());
        settled.await.unwrap_or_else(|_| panic!("{:?}", self.listener.scan()))
    }

    async fn hear(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            match self.listener.next().await.expect("it goes on") {
                Told::Known(answer) => drop(answer.send(self.known.clone())),
                Told::Change(change) => {
                    self.know(&change);
                    changes.push(change);
                }
                Told::Settled(answer) => {
                    let _ = answer.send(());
                    return changes;
                }
                _ => {}
            }
        }
    }

    /// The next that is told.
    pub(crate) async fn hear_one(&mut self) {
        match tokio::time::timeout(LONG, self.listener.next()).await.expect("in time").unwrap() {
            Told::Known(answer) => drop(answer.send(self.known.clone())),
            Told::Change(change) => self.know(&change),
            _ => {}
        }
    }

    /// Listens for so long.
    pub(crate) async fn hear_for(&mut self, time: Duration) {
        let _ = tokio::time::timeout(time, self.hear()).await;
    }

    fn know(&mut self, change: &Change) {
        let Known { songs, playlists, .. } = &mut self.known;
        match change {
            Change::Song { key, stamp, .. } => drop(songs.insert(key.clone(), *stamp)),
            Change::Gone(key) => drop(songs.remove(key)),
            Change::Playlist(list) => drop(playlists.insert(list.key.clone(), list.stamp)),
            Change::PlaylistGone(key) => drop(playlists.remove(key)),
            _ => {}
        }
    }

    /// Has the server looked at now; what is told then.
    pub(crate) async fn look(&mut self) -> Vec<Change> {
        self.source.look();
        self.settled().await
    }

    /// How many songs are known.
    pub(crate) fn songs(&self) -> usize {
        self.known.songs.len()
    }

    /// What keeps the source from following, once something does; until then it is listened to.
    pub(crate) async fn problem(&mut self) -> String {
        let problem = async {
            loop {
                if let Some(problem) = self.listener.scan().problems.first() {
                    return problem.clone();
                }
                tokio::select! {
                    _ = self.hear() => {}
                    () = tokio::time::sleep(Duration::from_millis(1)) => {}
                }
            }
        };
        tokio::time::timeout(LONG, problem).await.expect("in time")
    }

    /// Ends the source; what a library would know of it.
    pub(crate) async fn stop(self) -> Known {
        self.listener.stop();
        self.running.await.unwrap();
        self.known
    }
}

/// What is told, in words.
pub(crate) fn words(changes: &[Change]) -> Vec<String> {
    let word = |change: &Change| match change {
        Change::Song { key, track, .. } => format!("{key}: {}", track.title),
        Change::Gone(key) => format!("{key} is gone"),
        Change::Usage { key, recorded, .. } => format!(
            "{key}: played {}, rated {}",
            recorded.play_count.unwrap_or(0),
            recorded.rating.unwrap_or(0)
        ),
        Change::Playlist(Playlist { name, content: PlaylistContent::Songs(songs), .. }) => {
            let songs: Vec<String> = songs.iter().map(ToString::to_string).collect();
            format!("{name}: {}", songs.join(" "))
        }
        Change::PlaylistGone(key) => format!("{key} is gone"),
        Change::Away(songs) => format!("{} are away", songs.len()),
        Change::Back(songs) => format!("{} are back", songs.len()),
        other => format!("{other:?}"),
    };
    // When a song came to the server is nothing to be told again in words.
    let mut words: Vec<String> = changes.iter().map(word).collect();
    words.retain(|word| !word.ends_with(": played 0, rated 0"));
    words
}

/// A server that answers as `subsonic` does, but for what `answer` answers.
pub(crate) async fn serve_but(
    subsonic: &Subsonic,
    answer: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let usual = subsonic.answer();
    Server::start(move |asked| answer(asked).unwrap_or_else(|| usual(asked))).await
}
