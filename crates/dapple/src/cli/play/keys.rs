//! What keys mean.

use std::pin::Pin;

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::{Stream, StreamExt as _, stream};

/// How far an arrow seeks, in milliseconds.
const SEEK_MS: i64 = 10_000;
/// By how much an arrow changes the volume, in percent.
const VOLUME_STEP: i16 = 5;

/// What somebody wants who pressed a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    PlayPause,
    Next,
    Previous,
    /// By so many milliseconds.
    Seek(i64),
    /// By so many percent.
    Volume(i16),
    Shuffle,
    Repeat,
    Quit,
}

/// What is wished as keys are pressed.
pub(super) type Wishes = Pin<Box<dyn Stream<Item = Wish>>>;

/// The wishes of who sits at the terminal.
pub(super) fn of_terminal() -> Wishes {
    Box::pin(EventStream::new().filter_map(async |event| match event {
        Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => of_key(key),
        _ => None,
    }))
}

/// Nobody wishes anything.
pub(super) fn none() -> Wishes {
    Box::pin(stream::pending())
}

fn of_key(key: KeyEvent) -> Option<Wish> {
    if key.modifiers.contains(KeyModifiers::CONTROL) {
        return (key.code == KeyCode::Char('c')).then_some(Wish::Quit);
    }
    Some(match key.code {
        KeyCode::Char(' ') => Wish::PlayPause,
        KeyCode::Char('n') => Wish::Next,
        KeyCode::Char('p') => Wish::Previous,
        KeyCode::Right => Wish::Seek(SEEK_MS),
        KeyCode::Left => Wish::Seek(-SEEK_MS),
        KeyCode::Up | KeyCode::Char('+') => Wish::Volume(VOLUME_STEP),
        KeyCode::Down | KeyCode::Char('-') => Wish::Volume(-VOLUME_STEP),
        KeyCode::Char('s') => Wish::Shuffle,
        KeyCode::Char('r') => Wish::Repeat,
        KeyCode::Char('q') => Wish::Quit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_manual_says() {
        let plain = |code| of_key(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(plain(KeyCode::Char(' ')), Some(Wish::PlayPause));
        assert_eq!(plain(KeyCode::Char('n')), Some(Wish::Next));
        assert_eq!(plain(KeyCode::Char('p')), Some(Wish::Previous));
        assert_eq!(plain(KeyCode::Left), Some(Wish::Seek(-10_000)));
        assert_eq!(plain(KeyCode::Right), Some(Wish::Seek(10_000)));
        assert_eq!(plain(KeyCode::Up), Some(Wish::Volume(5)));
        assert_eq!(plain(KeyCode::Down), Some(Wish::Volume(-5)));
        assert_eq!(plain(KeyCode::Char('s')), Some(Wish::Shuffle));
        assert_eq!(plain(KeyCode::Char('r')), Some(Wish::Repeat));
        assert_eq!(plain(KeyCode::Char('q')), Some(Wish::Quit));
        assert_eq!(plain(KeyCode::Char('x')), None);
    }

    #[test]
    fn control_c_quits_and_no_other_control_key_does_anything() {
        let control = |code| of_key(KeyEvent::new(KeyCode::Char(code), KeyModifiers::CONTROL));
        assert_eq!(control('c'), Some(Wish::Quit));
        assert_eq!(control('n'), None);
    }
}
