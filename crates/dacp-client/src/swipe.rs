//! The arrows of an Apple TV, which are played on its touch pad.

use dacp_proto::{PromptEntry, TouchPhase};

/// A finger that goes over the touch pad of an Apple TV, which moves through its menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Swipe {
    /// To the entry above.
    Up,
    /// To the entry below.
    Down,
    /// To the left.
    Left,
    /// To the right.
    Right,
}

/// Between which places the finger moves, from above and from the left; as pyatv has it, which Apple TVs take.
const VERTICAL: (u32, [u32; 2]) = (20, [250, 275]);
const HORIZONTAL: (u32, [u32; 2]) = (100, [50, 75]);

/// In how many moves it gets there.
const MOVES: u32 = 5;

impl Swipe {
    /// The finger is put down, moves, and is taken away.
    pub(crate) fn touches(self) -> impl Iterator<Item = PromptEntry> {
        let (across, [low, high]) = match self {
            Self::Up | Self::Down => VERTICAL,
            Self::Left | Self::Right => HORIZONTAL,
        };
        let [from, to] = match self {
            Self::Up | Self::Left => [high, low],
            Self::Down | Self::Right => [low, high],
        };
        (0..=MOVES + 1).map(move |time_ms| {
            let (phase, step) = match time_ms {
                0 => (TouchPhase::Down, 0),
                step if step <= MOVES => (TouchPhase::Move, step),
                _ => (TouchPhase::Up, MOVES),
            };
            let along = (from * (MOVES - step) + to * step) / MOVES;
            let (x, y) = match self {
                Self::Up | Self::Down => (across, along),
                Self::Left | Self::Right => (along, across),
            };
            PromptEntry::Touch { phase, time_ms, x, y }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(swipe: Swipe, expected: [&str; 7]) {
        let touches: Vec<String> = swipe.touches().map(|touch| touch.to_string()).collect();
        assert_eq!(touches, expected);
    }

    #[test]
    fn a_finger_goes_where_the_arrow_points() {
        check(
            Swipe::Up,
            [
                "touchDown&time=0&point=20,275",
                "touchMove&time=1&point=20,270",
                "touchMove&time=2&point=20,265",
                "touchMove&time=3&point=20,260",
                "touchMove&time=4&point=20,255",
                "touchMove&time=5&point=20,250",
                "touchUp&time=6&point=20,250",
            ],
        );
        check(
            Swipe::Right,
            [
                "touchDown&time=0&point=50,100",
                "touchMove&time=1&point=55,100",
                "touchMove&time=2&point=60,100",
                "touchMove&time=3&point=65,100",
                "touchMove&time=4&point=70,100",
                "touchMove&time=5&point=75,100",
                "touchUp&time=6&point=75,100",
            ],
        );
        for (swipe, last) in [(Swipe::Down, "20,275"), (Swipe::Left, "50,100")] {
            let last_touch = swipe.touches().last().unwrap().to_string();
            assert_eq!(last_touch, format!("touchUp&time=6&point={last}"));
        }
    }
}
