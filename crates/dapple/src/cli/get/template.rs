//! How downloaded files are named: `{albumartist}/{album}/{disc}-{track} {title}.{ext}`.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{bail, ensure};
use daap_proto::Field;
use dmap::Code;

use super::file_name;
use crate::share::field;

/// The names of files unless something else is asked for.
pub(crate) const DEFAULT: &str = "{albumartist}/{album}/{disc}-{track} {title}.{ext}";

/// The word for the suffix of a song's file, beside those of [`field::WORDS`].
const SUFFIX: &str = "ext";
/// What it stands for.
const FORMAT: Code = Field::Format.code();

/// How many folders may lie in one another.
const MAX_DEPTH: usize = 16;

/// A template: what each folder and at last the file is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Name>);

/// The name of a folder or file: texts, and fields of the song.
type Name = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Code),
}

impl FromStr for Template {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let mut names = text.split('/').map(pieces).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(
            names.len() <= MAX_DEPTH,
            "more than {MAX_DEPTH} folders in one another are not made"
        );
        for name in &names {
            match name.as_slice() {
                [] => {
                    bail!("a folder or file needs a name; the template is below the folder of --to")
                }
                [Piece::Text(text)] if text.chars().all(|c| c == '.') => {
                    bail!("`{text}` is no name")
                }
                _ => {}
            }
        }
        if !names.iter().flatten().any(|piece| *piece == Piece::Field(FORMAT)) {
            // A file without its suffix is one that no player takes.
            let file = names.last_mut().expect("a text has at least one part");
            file.extend([Piece::Text(".".into()), Piece::Field(FORMAT)]);
        }
        Ok(Self(names))
    }
}

/// Reads the template of one name: `{word}` is a field, `{{` and `}}` are brackets.
fn pieces(text: &str) -> anyhow::Result<Name> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal += &rest[..at];
        let bracket = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(bracket) {
            literal += bracket;
            rest = after;
            continue;
        }
        let Some((word, after)) = rest.split_once('}').filter(|_| bracket == "{") else {
            bail!("a `{bracket}` is alone; a bracket that is meant as such is written twice")
        };
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        let field = if word == SUFFIX { FORMAT } else { field::by_word(word)? };
        pieces.push(Piece::Field(field));
        rest = after;
    }
    literal += rest;
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

impl Template {
    /// The fields of a song that it names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Code> {
        self.0.iter().flatten().filter_map(|piece| match piece {
            Piece::Field(field) => Some(*field),
            Piece::Text(_) => None,
        })
    }

    /// The path of a song of which `value` knows the fields; relative, and safe on every file system. A folder
    /// without name is left out, a file without name is called `untitled`.
    pub(crate) fn path(&self, value: impl Fn(Code) -> String) -> PathBuf {
        let (file, folders) = self.0.split_last().expect("a template has a file");
        let mut path = PathBuf::new();
        for folder in folders {
            let name = file_name::safe(&fill(folder, &value));
            if !name.is_empty() {
                path.push(name);
            }
        }
        let name = file_name::safe(&fill(file, &value));
        path.push(if name.is_empty() { "untitled" } else { &name });
        path
    }
}

/// Puts the fields into a name. A text that stands before a field goes with it, one at the end with the field
/// before it, and between two fields it needs both: so what is not known leaves no stray separator. Closing brackets go
/// with what they close.
fn fill(name: &[Piece], value: &impl Fn(Code) -> String) -> String {
    let mut filled = String::new();
    let mut separator = "";
    let mut any_field = false;
    let mut last_known = true;
    for piece in name {
        match piece {
            Piece::Text(text) => {
                let rest = text.trim_start_matches([')', ']', '}', '>']);
                let closing = &text[..text.len() - rest.len()];
                if last_known {
                    filled += closing;
                }
                separator = rest;
            }
            Piece::Field(field) => {
                let text = value(*field);
                last_known = !text.is_empty();
                if last_known {
                    if !any_field || !filled.is_empty() {
                        filled += separator;
                    }
                    // A slash in a title is not the end of a folder.
                    filled += &text.replace(['/', '\\'], "_");
                }
                any_field = true;
                separator = "";
            }
        }
    }
    if last_known {
        filled += separator;
    }
    filled
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    /// The path that a template gives for a song with these fields.
    #[track_caller]
    fn check(template: &str, song: &[(&str, &str)], path: &str) {
        let template: Template = template.parse().unwrap();
        let value = |field| {
            let known = song.iter().find(|(word, _)| match *word {
                "ext" => field == FORMAT,
                word => field::by_word(word).unwrap() == field,
            });
            known.map_or_else(String::new, |(_, value)| (*value).to_owned())
        };
        assert_eq!(template.path(value), PathBuf::from(path));
    }

    const JET: [(&str, &str); 6] = [
        ("albumartist", "Wings"),
        ("album", "Band on the Run"),
        ("disc", "1"),
        ("track", "02"),
        ("title", "Jet"),
        ("ext", "mp3"),
    ];

    /// The song without some of its fields.
    fn jet_without(words: &[&str]) -> Vec<(&'static str, &'static str)> {
        JET.into_iter().filter(|(word, _)| !words.contains(word)).collect()
    }

    #[test]
    fn fields_are_put_in_their_places() {
        check(DEFAULT, &JET, "Wings/Band on the Run/1-02 Jet.mp3");
        check(
            "{artist} - {title}",
            &[("artist", "Wings"), ("title", "Jet"), ("ext", "ogg")],
            "Wings - Jet.ogg",
        );
        check("{{{title}}}.{ext}", &JET, "{Jet}.mp3");
        check("all of it/{title}.{ext}", &JET, "all of it/Jet.mp3");
    }

    #[test]
    fn what_is_not_known_leaves_no_stray_separators() {
        check(DEFAULT, &jet_without(&["disc"]), "Wings/Band on the Run/02 Jet.mp3");
        check(DEFAULT, &jet_without(&["track"]), "Wings/Band on the Run/1 Jet.mp3");
        check(DEFAULT, &jet_without(&["disc", "track"]), "Wings/Band on the Run/Jet.mp3");
        check(DEFAULT, &jet_without(&["album"]), "Wings/1-02 Jet.mp3");
        check(DEFAULT, &jet_without(&["albumartist", "album", "disc"]), "02 Jet.mp3");
        check(DEFAULT, &jet_without(&["ext"]), "Wings/Band on the Run/1-02 Jet");
        check(DEFAULT, &[], "untitled");
        check("Disc {disc}/{title}", &jet_without(&["disc"]), "Jet.mp3");
        check("({year}) {album}", &jet_without(&[]), "Band on the Run.mp3");
        check("{album} ({year}) x{disc}", &jet_without(&[]), "Band on the Run x1.mp3");
        check("{album} ({year}) x{disc}", &[("album", "A"), ("year", "1973")], "A (1973)");
    }

    #[test]
    fn no_tag_leads_out_of_the_folder() {
        check(
            "{album}/{title}",
            &[("album", ".."), ("title", "../../etc/passwd")],
            "__/_._.._etc_passwd",
        );
        check("{title}", &[("title", "/etc/passwd")], "_etc_passwd");
        check("{title}", &[("title", "..\\x"), ("ext", "../../sh")], "_._x..._.._sh");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, why) in [
            ("/etc/{title}", "needs a name"),
            ("{title}/", "needs a name"),
            ("", "needs a name"),
            ("../{title}", "`..` is no name"),
            ("{titel}", "did you mean `title`"),
            ("{title", "alone"),
            ("title}", "alone"),
        ] {
            let error = text.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_tags_hold_a_file_is_below_its_folder(
            tags in proptest::collection::vec("[./\\\\a: é\u{0}~]{0,8}", 8),
            template in prop_oneof![Just(DEFAULT), Just("{album}/{title}"), Just("{album}{title}/{artist}")],
        ) {
            let template: Template = template.parse().unwrap();
            let value = |code: Code| tags[code.number() as usize % tags.len()].clone();
            let path = template.path(value);
            prop_assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
        }
    }
}
