//! The display on a terminal: two lines that are drawn anew, and what is said above them.

use std::io::{self, Write};
use std::sync::Once;
use std::time::Instant;

use crossterm::cursor::{Hide, MoveToColumn, MoveUp, Show};
use crossterm::style::Print;
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{execute, queue};
use daap_model::Track;
use player::{Repeat, State, Status};
use unicode_width::UnicodeWidthChar as _;

use super::show::position;
use crate::share::row::clock;
use crate::terminal::printable;

/// Columns of a terminal that does not say how many it has.
const USUAL_COLUMNS: u16 = 80;
/// The longest bar, in columns.
const LONGEST_BAR: usize = 60;

/// A terminal whose keys come one by one and are not shown. Once it is dropped, the terminal is as it was.
pub(super) struct Screen {
    /// The lines that were drawn last.
    lines: Vec<String>,
}

impl Screen {
    /// Takes the terminal. A panic gives it back before it says what happened.
    pub(super) fn enter() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                usual(panic);
            }));
        });
        terminal::enable_raw_mode()?;
        let screen = Self { lines: Vec::new() };
        execute!(io::stdout(), Hide)?;
        Ok(screen)
    }

    /// Draws how things are.
    pub(super) fn draw(
        &mut self,
        status: &Status,
        track: Option<&Track>,
        now: Instant,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let columns = terminal::size().map_or(USUAL_COLUMNS, |(columns, _)| columns);
        // A character in the last column makes some terminals begin a new line.
        let columns = usize::from(columns).saturating_sub(1);
        let lines = [song_line(status, track), state_line(status, track, now, columns)];
        self.erase(out)?;
        self.lines = lines.map(|line| cut(&line, columns)).into();
        self.put(out)
    }

    /// Says something above the display.
    pub(super) fn say(&mut self, text: &str, out: &mut impl Write) -> io::Result<()> {
        self.erase(out)?;
        queue!(out, Print(printable(text)), Print("\r\n"))?;
        self.put(out)
    }

    fn erase(&self, out: &mut impl Write) -> io::Result<()> {
        match self.lines.len() {
            0 => Ok(()),
            1 => queue!(out, MoveToColumn(0), Clear(ClearType::FromCursorDown)),
            lines => queue!(
                out,
                MoveUp(lines as u16 - 1),
                MoveToColumn(0),
                Clear(ClearType::FromCursorDown)
            ),
        }
    }

    fn put(&self, out: &mut impl Write) -> io::Result<()> {
        queue!(out, Print(self.lines.join("\r\n")))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
        println!();
    }
}

fn restore() {
    // There is nothing to be done about a terminal that cannot be restored.
    let _ = terminal::disable_raw_mode();
    let _ = execute!(io::stdout(), Show);
}

fn song_line(status: &Status, track: Option<&Track>) -> String {
    let sign = match status.state {
        State::Playing => "▶",
        State::Paused => "⏸",
        State::Stopped => "⏹",
    };
    let texts = track.map(|track| [&track.title, &track.artist, &track.album]);
    let texts = texts.into_iter().flatten().filter(|text| !text.is_empty());
    let texts: Vec<String> = texts.map(|text| printable(text)).collect();
    format!("{sign} {}", texts.join(" – "))
}

fn state_line(status: &Status, track: Option<&Track>, now: Instant, columns: usize) -> String {
    let Some(current) = status.current else { return String::new() };
    let elapsed_ms = position(&current, now).as_millis();
    let listed = track.map(|track| u128::from(track.duration_ms)).filter(|ms| *ms > 0);
    let length_ms = current.length.map(|length| length.as_millis()).or(listed);
    let elapsed = clock_of(elapsed_ms);
    let rest = rest_of(status);
    let Some(length_ms) = length_ms else { return format!("  {elapsed}   {rest}") };
    let length = clock_of(length_ms);
    let others = elapsed.len() + length.len() + rest.len() + 10;
    let width = columns.saturating_sub(others).min(LONGEST_BAR);
    format!("  {elapsed} {} {length}   {rest}", bar(elapsed_ms, length_ms, width))
}

/// What else there is to say.
fn rest_of(status: &Status) -> String {
    let volume = status.outputs.iter().map(|output| output.volume).max().unwrap_or_default();
    let mut words = vec![format!("volume {volume}")];
    if status.shuffle {
        words.push("shuffled".to_owned());
    }
    match status.repeat {
        Repeat::Off => {}
        Repeat::One => words.push("repeats the song".to_owned()),
        Repeat::All => words.push("repeats".to_owned()),
    }
    match status.upcoming.len() {
        0 => {}
        left => words.push(format!("{left} to come")),
    }
    words.join(", ")
}

/// How much of something has gone, as a bar.
fn bar(gone: u128, whole: u128, width: usize) -> String {
    let filled = gone.saturating_mul(width as u128) / whole.max(1);
    let filled = usize::try_from(filled).unwrap_or(width).min(width);
    format!("{}{}", "━".repeat(filled), "─".repeat(width - filled))
}

fn clock_of(ms: u128) -> String {
    clock(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// As much of a line as has room.
fn cut(line: &str, columns: usize) -> String {
    let mut used = 0;
    let fits = |character: &char| {
        used += character.width().unwrap_or_default();
        used <= columns
    };
    line.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_is_to_be_whatever_has_gone() {
        assert_eq!(bar(0, 100, 4), "────");
        assert_eq!(bar(50, 100, 4), "━━──");
        assert_eq!(bar(200, 100, 4), "━━━━");
        assert_eq!(bar(5, 0, 4), "━━━━");
        assert_eq!(bar(5, 10, 0), "");
    }

    #[test]
    fn a_line_is_cut_by_columns_and_not_in_a_character() {
        assert_eq!(cut("Jet – Wings", 80), "Jet – Wings");
        assert_eq!(cut("Jet – Wings", 5), "Jet –");
        assert_eq!(cut("津軽海峡", 5), "津軽");
        assert_eq!(cut("Jet", 0), "");
    }
}
