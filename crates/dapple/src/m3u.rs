//! Playlists in the form that every player reads: M3U, in UTF-8.

use std::io::{self, Write};

/// Begins a playlist.
pub(crate) fn begin(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "#EXTM3U")
}

/// One song of a playlist.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// How long it plays, in milliseconds; 0 if that is not known.
    pub(crate) duration_ms: u32,
    /// Who plays it; may be empty.
    pub(crate) artist: &'a str,
    /// What it is called.
    pub(crate) title: &'a str,
    /// Where it is: a URL, or a path from the playlist's folder.
    pub(crate) location: &'a str,
}

impl Entry<'_> {
    /// Writes its two lines.
    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let seconds = match self.duration_ms {
            0 => -1,
            ms => i64::from(ms).saturating_add(500) / 1000,
        };
        let dash = if self.artist.is_empty() || self.title.is_empty() { "" } else { " - " };
        let (artist, title) = (one_line(self.artist), one_line(self.title));
        writeln!(out, "#EXTINF:{seconds},{artist}{dash}{title}")?;
        // A path may begin with the sign of a comment.
        let here = if self.location.starts_with('#') { "./" } else { "" };
        writeln!(out, "{here}{}", one_line(self.location))
    }
}

/// The text without what would end its line.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: Entry<'_>, expected: &str) {
        let mut out = Vec::new();
        entry.write(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_song_is_two_lines_whatever_its_tags_hold() {
        let jet = Entry {
            duration_ms: 248_499,
            artist: "Wings",
            title: "Jet",
            location: "http://h/1.mp3",
        };
        check(jet, "#EXTINF:248,Wings - Jet\nhttp://h/1.mp3\n");
        check(Entry { duration_ms: 0, artist: "", ..jet }, "#EXTINF:-1,Jet\nhttp://h/1.mp3\n");
        let hostile = Entry { artist: "a\r\nfile:///etc/passwd", location: "#1.mp3", ..jet };
        check(hostile, "#EXTINF:248,a  file:///etc/passwd - Jet\n./#1.mp3\n");
    }
}
