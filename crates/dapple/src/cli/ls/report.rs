//! Lists as they are printed: lines for people and `cut`, or JSON for programs.

use std::io::{self, Write};

use serde_json::Value as Json;

use crate::terminal::{self, printable};

/// A list that is being printed, entry by entry, so that its length does not matter.
pub(super) struct Report<'a, W> {
    out: &'a mut W,
    json: bool,
    entries: u64,
}

impl<'a, W: Write> Report<'a, W> {
    /// Begins a list. `columns` says what the cells of a line are, where a person looks and no program reads.
    pub(super) fn begin(out: &'a mut W, json: bool, columns: &[&str]) -> io::Result<Self> {
        if json {
            write!(out, "[")?;
        } else {
            terminal::head(&columns.join("\t"));
        }
        Ok(Self { out, json, entries: 0 })
    }

    /// Prints an entry: its cells, or the object that it is.
    pub(super) fn entry<C: AsRef<str>>(
        &mut self,
        cells: impl FnOnce() -> Vec<C>,
        object: impl FnOnce() -> Json,
    ) -> io::Result<()> {
        if self.json {
            self.out.write_all(if self.entries == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut self.out, &object())?;
        } else {
            let cells: Vec<String> = cells().iter().map(|cell| printable(cell.as_ref())).collect();
            writeln!(self.out, "{}", cells.join("\t"))?;
        }
        self.entries += 1;
        Ok(())
    }

    /// Ends the list. Whether there was anything in it.
    pub(super) fn end(self) -> io::Result<bool> {
        if self.json {
            writeln!(self.out, "\n]")?;
        }
        Ok(self.entries > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(is_json: bool, names: &[&str]) -> String {
        let mut out = Vec::new();
        let mut report = Report::begin(&mut out, is_json, &["name", "length"]).unwrap();
        for name in names {
            let cells = || vec![(*name).to_owned(), name.len().to_string()];
            report.entry(cells, || json!({"name": name})).unwrap();
        }
        assert_eq!(report.end().unwrap(), !names.is_empty());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_entry_is_a_line_that_nothing_in_it_can_break() {
        assert_eq!(printed(false, &["Jet", "a\tb\n\u{1b}[2J"]), "Jet\t3\na b  [2J\t8\n");
        assert_eq!(printed(false, &[]), "");
    }

    #[test]
    fn json_is_an_array_with_an_object_a_line() {
        assert_eq!(
            printed(true, &["Jet", "b\n"]),
            "[\n{\"name\":\"Jet\"},\n{\"name\":\"b\\n\"}\n]\n"
        );
        assert_eq!(serde_json::from_str::<Json>(&printed(true, &[])).unwrap(), json!([]));
    }
}
