//! What a Remote's command means for the player, as things are now.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use daap_model::Snapshot;
use dacp_proto::{Button, Command, Cue, Percent, PlaySpec, QueueEdit, Settings, SpeakerId};

use super::Jukebox;
use super::resolve::{self, Choice};
use crate::control::{NotDone, Order, QueuePlace};

impl Jukebox {
    /// The orders that a command is, to be obeyed in turn; none if all is already as it asks. What cannot be done in
    /// part is refused as a whole.
    pub(crate) fn orders(
        &self,
        command: &Command,
        snapshot: &Snapshot,
    ) -> Result<Vec<Order>, NotDone> {
        match command {
            Command::Press(button) => Ok(self.press(*button)),
            Command::Set(settings) => self.set(settings, snapshot),
            Command::SetSpeakers(speakers) => self.choose(speakers),
            Command::Cue(cue) => cued(snapshot, cue),
            Command::PlaySpec(spec) => play_spec(snapshot, spec),
            Command::Queue(edit) => edited(snapshot, edit).map(|order| vec![order]),
        }
    }

    fn press(&self, button: Button) -> Vec<Order> {
        let speakers = || self.now().speakers;
        let volumes = match button {
            Button::VolumeUp => self.mixer().step(&speakers(), true),
            Button::VolumeDown => self.mixer().step(&speakers(), false),
            Button::ToggleMute => self.mixer().mute(&speakers()),
            Button::PlayPause => return vec![Order::PlayPause],
            Button::Play => return vec![Order::Play],
            Button::Pause => return vec![Order::Pause],
            Button::Stop => return vec![Order::Stop],
            Button::Next => return vec![Order::Next],
            Button::Previous => return vec![Order::Previous],
            Button::FastForward => return vec![Order::FastForward],
            Button::Rewind => return vec![Order::Rewind],
            Button::PlayResume => return vec![Order::PlayOn],
            Button::ToggleShuffle => return vec![Order::Shuffle(!self.now().shuffle)],
        };
        turned(volumes).into_iter().collect()
    }

    /// What is said of AirPlay speakers by themselves concerns none that a player here has.
    fn set(&self, settings: &Settings, snapshot: &Snapshot) -> Result<Vec<Order>, NotDone> {
        let rated = settings.rating.map(|change| {
            let (database, item) = resolve::rated(snapshot, &change)?;
            Ok(Order::Rate { database, item, rating: change.rating })
        });
        let rated = rated.transpose()?;
        let volumes = |change| turned(self.mixer().change(&self.now().speakers, change));
        let position = settings.position_ms.map(|ms| Duration::from_millis(ms.into()));
        let orders = [
            rated,
            settings.volume.and_then(volumes),
            position.map(Order::Seek),
            settings.shuffle.map(Order::Shuffle),
            settings.repeat.map(Order::Repeat),
        ];
        Ok(orders.into_iter().flatten().collect())
    }

    /// Speakers that are not there any more are passed over, unless no other is named.
    fn choose(&self, wanted: &BTreeSet<SpeakerId>) -> Result<Vec<Order>, NotDone> {
        let speakers = self.now().speakers;
        let known = speakers.iter().map(|speaker| speaker.id).filter(|id| wanted.contains(id));
        let active: BTreeSet<_> = known.collect();
        if active.is_empty() {
            return Err(NotDone::Missing("speaker"));
        }
        // First, so that none is too loud for a moment.
        let volumes = turned(self.mixer().choose(&speakers, &active));
        Ok(volumes.into_iter().chain([Order::Speakers(active)]).collect())
    }
}

fn turned(volumes: BTreeMap<SpeakerId, Percent>) -> Option<Order> {
    (!volumes.is_empty()).then_some(Order::Volumes(volumes))
}

fn cued(snapshot: &Snapshot, cue: &Cue) -> Result<Vec<Order>, NotDone> {
    Ok(match cue {
        Cue::Clear => vec![Order::StopAndClear],
        Cue::Play { songs, index, shuffle } => {
            let Choice { songs, start } = resolve::found(snapshot, songs, Some(*index))?;
            vec![Order::Replace { songs, start, shuffle: *shuffle }]
        }
        Cue::PlayQueued { index, shuffle } => {
            // Only then, as places are counted in the order that there is.
            let shuffle = shuffle.map(Order::Shuffle);
            let place = Order::PlayAt(QueuePlace::Queue(*index));
            [place].into_iter().chain(shuffle).collect()
        }
        Cue::Add(songs) => vec![Order::Append(resolve::found(snapshot, songs, None)?.songs)],
    })
}

fn play_spec(snapshot: &Snapshot, spec: &PlaySpec) -> Result<Vec<Order>, NotDone> {
    let Choice { songs, start } = resolve::playlist(snapshot, spec)?;
    Ok(vec![Order::Replace { songs, start, shuffle: spec.shuffle }])
}

fn edited(snapshot: &Snapshot, edit: &QueueEdit) -> Result<Order, NotDone> {
    Ok(match edit {
        QueueEdit::Append(songs) => Order::Append(resolve::songs(snapshot, songs)?.songs),
        QueueEdit::PlayNext(songs) => Order::PlayNext(resolve::songs(snapshot, songs)?.songs),
        QueueEdit::Play { songs, shuffle } => {
            let Choice { songs, start } = resolve::songs(snapshot, songs)?;
            Order::Replace { songs, start, shuffle: shuffle.then_some(true) }
        }
        QueueEdit::PlayFrom { database, list, start, sort, shuffle } => {
            let Choice { songs, start } = resolve::list(snapshot, *database, list, *start, *sort)?;
            Order::Replace { songs, start, shuffle: shuffle.then_some(true) }
        }
        QueueEdit::PlayAlbumFrom { database, item } => {
            let Choice { songs, start } = resolve::album_from(snapshot, *database, *item)?;
            Order::Replace { songs, start, shuffle: None }
        }
        QueueEdit::PlayNow(place) => Order::PlayAt(*place),
        QueueEdit::Move { from, after } => Order::Move { from: *from, after: *after },
        QueueEdit::Remove(places) => Order::Remove(places.clone()),
        QueueEdit::Clear => Order::Clear,
        QueueEdit::ClearHistory => Order::ClearHistory,
    })
}
