//! Volumes as Remotes turn them, and as speakers have them.

use std::collections::{BTreeMap, BTreeSet};

use dacp_proto::{Percent, SpeakerId, VolumeChange, Volumes};

use crate::control::Speaker;

/// How far one press of a button turns the volume, in percent.
const STEP: u8 = 5;

/// Works out volumes. It outlives a request, as the balance of several speakers cannot be told from their volumes once
/// all are 0.
#[derive(Debug, Default)]
pub(crate) struct Mixer {
    volumes: Volumes,
    /// The master volume before it was muted.
    before_mute: Percent,
}

impl Mixer {
    /// The volumes of these speakers, as they are now.
    pub(crate) fn of(&mut self, speakers: &[Speaker]) -> &Volumes {
        let told = speakers.iter().map(|speaker| (speaker.id, speaker.is_active, speaker.volume));
        self.volumes.follow(told);
        &self.volumes
    }

    /// What these speakers are to be turned to, so that it is as a Remote says.
    pub(crate) fn change(
        &mut self,
        speakers: &[Speaker],
        change: VolumeChange,
    ) -> BTreeMap<SpeakerId, Percent> {
        self.of(speakers);
        self.volumes.apply(change);
        self.changes(speakers)
    }

    /// The same, a step louder or softer.
    pub(crate) fn step(
        &mut self,
        speakers: &[Speaker],
        louder: bool,
    ) -> BTreeMap<SpeakerId, Percent> {
        let master = self.of(speakers).master().get();
        let turned = if louder { (master + STEP).min(100) } else { master.saturating_sub(STEP) };
        self.change(speakers, VolumeChange::Master(Percent::new(turned).unwrap_or_default()))
    }

    /// The same: silent, or again as loud as before.
    pub(crate) fn mute(&mut self, speakers: &[Speaker]) -> BTreeMap<SpeakerId, Percent> {
        let silence = Percent::default();
        let master = self.of(speakers).master();
        let turned = if master == silence { self.before_mute } else { silence };
        self.before_mute = master;
        self.change(speakers, VolumeChange::Master(turned))
    }

    /// The same, so that of those which are to play none is suddenly louder than the rest.
    pub(crate) fn choose(
        &mut self,
        speakers: &[Speaker],
        active: &BTreeSet<SpeakerId>,
    ) -> BTreeMap<SpeakerId, Percent> {
        self.of(speakers);
        self.volumes.activate(|id| active.contains(&id));
        self.changes(speakers)
    }

    fn changes(&self, speakers: &[Speaker]) -> BTreeMap<SpeakerId, Percent> {
        let turned = speakers.iter().map(|speaker| (speaker, self.volumes.absolute(speaker.id)));
        let turned = turned.filter(|(speaker, volume)| speaker.volume != *volume);
        turned.map(|(speaker, volume)| (speaker.id, volume)).collect()
    }
}
