//! What sounds now, what follows it, and how the one becomes the other.

use std::f32::consts::FRAC_PI_2;
use std::time::Duration;

use audio::Depth;

use crate::Song;
use crate::feed::{Feed, Feeds};
use crate::frames;
use crate::machine::{Event, TurnId};
use crate::tape::Tape;

/// Puts the sound together: the current song, then at once the next, or both for a while.
pub(crate) struct Deck {
    feeds: Feeds,
    rate: u32,
    current: Option<Playing>,
    next: Option<Playing>,
    /// What the current song has been fading in over.
    fading: Option<Fade>,
    mixed: Vec<f32>,
}

/// A song, and how long it is.
struct Playing {
    feed: Feed,
    /// In frames of the session.
    length: Option<u64>,
}

impl Playing {
    fn failed(&mut self) -> Option<Event> {
        let why = self.feed.failed()?;
        Some(Event::Failed { turn: self.feed.turn, why })
    }
}

/// A song that fades away.
struct Fade {
    feed: Feed,
    /// For how many frames it does.
    frames: u64,
    done: u64,
}

impl Deck {
    pub(crate) fn new(feeds: Feeds, rate: u32) -> Self {
        Self { feeds, rate, current: None, next: None, fading: None, mixed: Vec::new() }
    }

    /// This song now, from this place; the one that sounds already only goes there.
    pub(crate) fn begin(&mut self, turn: TurnId, song: Song, at: Option<Duration>) {
        self.fading = None;
        let is = |playing: &Option<Playing>| playing.as_ref().is_some_and(|p| p.feed.turn == turn);
        if is(&self.next) {
            self.current = self.next.take();
        } else if !is(&self.current) {
            self.next = None;
            // What sounded gives its place away first.
            self.current = None;
            self.current = Some(self.open(turn, song, at));
            return;
        }
        if let Some(Playing { feed, .. }) = &mut self.current
            && (at.is_some() || feed.has_begun())
        {
            feed.go_to(at);
        }
    }

    /// This song, or none, when the current one has ended.
    pub(crate) fn prepare(&mut self, next: Option<(TurnId, Song)>) {
        self.next = None;
        self.next = next.map(|(turn, song)| self.open(turn, song, None));
    }

    /// Nothing.
    pub(crate) fn clear(&mut self) {
        (self.current, self.next, self.fading) = (None, None, None);
    }

    fn open(&self, turn: TurnId, song: Song, at: Option<Duration>) -> Playing {
        Playing { feed: self.feeds.open(turn, song, at), length: None }
    }

    /// How many songs are open, those that are being given up counted.
    pub(crate) fn open_songs(&self) -> usize {
        self.feeds.count()
    }

    /// Waits until the song that plays and those about to follow are decoded, or as far ahead as their buffers hold.
    pub(crate) fn settle(&self) {
        let fading = self.fading.iter().map(|fade| &fade.feed);
        let playing = self.current.iter().chain(&self.next).map(|playing| &playing.feed);
        playing.chain(fading).for_each(Feed::settle);
    }

    /// What has become known of the songs.
    pub(crate) fn news(&mut self) -> Vec<Event> {
        let mut news = Vec::new();
        for playing in self.current.iter_mut().chain(&mut self.next) {
            let Playing { feed, length } = playing;
            self.feeds.start(feed);
            if let Some(about) = feed.opened() {
                *length = about.length.map(|length| frames::count(length, self.rate));
                news.push(Event::Opened { turn: feed.turn, about });
            }
            news.extend(playing.failed());
        }
        news
    }

    /// Whether the current song has been given out to its end.
    pub(crate) fn is_at_end(&self) -> bool {
        let ready = self.current.as_ref().map(|playing| playing.feed.ready());
        self.next.is_none() && ready.is_some_and(|ready| ready.last && ready.frames == 0)
    }

    /// Whether there is sound to give out.
    pub(crate) fn has_sound(&self) -> bool {
        let ready = |playing: &Playing| playing.feed.ready().frames > 0;
        self.current.as_ref().is_some_and(ready)
    }

    /// Puts as many of the next `wanted` frames on the tape as there are.
    pub(crate) fn produce(
        &mut self,
        wanted: u64,
        cross_fade: Duration,
        tape: &mut Tape,
    ) -> Vec<Event> {
        let mut joined = Vec::new();
        let mut left = wanted;
        while left > 0 {
            let made = match self.until_fade(cross_fade) {
                Some(0) => {
                    self.begin_fade();
                    joined.extend(self.joined());
                    continue;
                }
                until => self.play(left.min(until.unwrap_or(left)), tape),
            };
            left -= made;
            if made == 0 {
                // That it broke off is told before it is gone.
                joined.extend(self.current.as_mut().and_then(Playing::failed));
                if !self.pass_on() {
                    break;
                }
                joined.extend(self.joined());
            }
        }
        joined
    }

    fn joined(&self) -> Option<Event> {
        self.current.as_ref().map(|playing| Event::Joined { turn: playing.feed.turn })
    }

    /// Puts at most so many frames on the tape, of the current song and of one that fades away.
    fn play(&mut self, wanted: u64, tape: &mut Tape) -> u64 {
        let Some(Playing { feed, .. }) = &mut self.current else { return 0 };
        let ready = feed.ready();
        let mut frames = ready.frames.min(usize::try_from(wanted).unwrap_or(usize::MAX));
        if let Some(fade) = &mut self.fading {
            let fades = fade.feed.ready();
            let rest = usize::try_from(fade.frames - fade.done).unwrap_or(usize::MAX);
            frames = frames.min(rest);
            if !fades.last {
                frames = frames.min(fades.frames);
            }
        }
        if frames == 0 {
            return 0;
        }
        let depth = if self.fading.is_some() { Depth::F32 } else { feed.depth() };
        tape.mark(feed.turn, feed.position(), depth);
        let first = tape.samples().len();
        let made = feed.take(frames, tape.samples());
        if let Some(fade) = &mut self.fading {
            self.mixed.clear();
            fade.feed.take(made, &mut self.mixed);
            fade.mix(&mut tape.samples()[first..], &self.mixed, made);
            if fade.done >= fade.frames {
                self.fading = None;
            }
        }
        made as u64
    }

    /// Lets the next song follow where the current one has ended; `false` if it has not, or nothing follows.
    fn pass_on(&mut self) -> bool {
        let ready = self.current.as_ref().map(|playing| playing.feed.ready());
        let ended = ready.is_some_and(|ready| ready.last && ready.frames == 0);
        let follows = self.next.as_ref().is_some_and(|next| next.feed.ready().frames > 0);
        if ended && follows {
            self.current = self.next.take();
        }
        ended && follows
    }

    /// How many frames of the current song come before it fades into the next; `None` if it does not.
    fn until_fade(&self, cross_fade: Duration) -> Option<u64> {
        let (current, next) = (self.current.as_ref()?, self.next.as_ref()?);
        if cross_fade.is_zero() || self.fading.is_some() || next.feed.ready().frames == 0 {
            return None;
        }
        let length = current.length?;
        // A short song is not faded in and out at the same time.
        let fade = frames::count(cross_fade, self.rate).min(length / 2);
        let left = length.saturating_sub(current.feed.position());
        (left > 0 && fade > 0).then(|| left.saturating_sub(fade))
    }

    fn begin_fade(&mut self) {
        let Some(next) = self.next.take() else { return };
        if let Some(Playing { feed, length }) = self.current.replace(next) {
            let frames = length.unwrap_or(0).saturating_sub(feed.position());
            self.fading = Some(Fade { feed, frames, done: 0 });
        }
    }
}

impl Fade {
    /// Mixes what fades away into what fades in, so that together they are about as loud as each.
    fn mix(&mut self, into: &mut [f32], from: &[f32], frames: usize) {
        let channels = into.len() / frames.max(1);
        for (n, frame) in into.chunks_exact_mut(channels.max(1)).enumerate() {
            let way = (self.done + n as u64) as f32 / self.frames as f32;
            let (rising, falling) = (way * FRAC_PI_2).sin_cos();
            let old = from.get(n * channels..).unwrap_or_default();
            let old = old.iter().chain(std::iter::repeat(&0.0));
            for (sample, old) in frame.iter_mut().zip(old) {
                *sample = *sample * rising + old * falling;
            }
        }
        self.done += frames as u64;
    }
}
