//! Names that every file system takes: Linux, macOS and Windows, and the disks that people carry between them.

use sanitize_filename::{
    Options, OptionsForCheck, is_sanitized_with_options, sanitize_with_options,
};

/// The longest name of a file or folder, in bytes. File systems take 255; what is left is for what is put behind it
/// while the file is not complete.
pub(crate) const MAX_NAME: usize = 200;

/// The longest suffix that is kept whole when a name is cut short, in bytes.
const MAX_SUFFIX: usize = 16;

/// Stands where a character cannot.
const REPLACEMENT: &str = "_";

/// The name of a file or folder that says `text`; empty if that is empty.
pub(crate) fn safe(text: &str) -> String {
    let text = text.trim();
    // As a whole, names such as `con.mp3` mean a device to Windows.
    let check = OptionsForCheck { windows: true, truncate: false };
    let plain = replace(text);
    let name = match plain.as_str() {
        REPLACEMENT if !is_sanitized_with_options(text, check) => {
            replace(&format!("{REPLACEMENT}{text}"))
        }
        _ => plain,
    };
    // A leading dot hides a file.
    let name = match name.strip_prefix('.') {
        Some(rest) => format!("{REPLACEMENT}{rest}"),
        None => name,
    };
    shortened(&name, "")
}

fn replace(text: &str) -> String {
    let options = Options { windows: true, truncate: false, replacement: REPLACEMENT };
    sanitize_with_options(text, options)
}

/// `name` with `mark` before its suffix, cut so that it has at most [`MAX_NAME`] bytes.
pub(crate) fn shortened(name: &str, mark: &str) -> String {
    let (stem, suffix) = split(name);
    let room = MAX_NAME.saturating_sub(suffix.len() + mark.len());
    let stem = match stem.len() <= room {
        true => stem,
        false => stem[..stem.floor_char_boundary(room)].trim_end_matches([' ', '.']),
    };
    format!("{stem}{mark}{suffix}")
}

/// A name and its suffix, dot included; what is too long for a suffix is none.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_SUFFIX => name.split_at(dot),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_kept_but_for_what_some_system_refuses() {
        let table = [
            ("Jet.mp3", "Jet.mp3"),
            ("Ça plane pour moi", "Ça plane pour moi"),
            ("AC/DC", "AC_DC"),
            ("What? <Who>: \"Why\"*", "What_ _Who__ _Why__"),
            ("R.E.M.", "R.E.M_"),
            ("  spaces  ", "spaces"),
            ("bell\u{7}", "bell_"),
            ("..", "__"),
            (".hidden", "_hidden"),
            ("con", "_con"),
            ("Aux.mp3", "_Aux.mp3"),
            ("Constance", "Constance"),
            ("", ""),
            ("_", "_"),
        ];
        for (text, name) in table {
            assert_eq!(safe(text), name, "{text:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_suffix_and_whole_characters() {
        let name = safe(&format!("{}.flac", "é".repeat(300)));
        assert!(name.len() <= MAX_NAME && name.ends_with("é.flac"), "{name}");
        assert_eq!(shortened("Jet.mp3", " (2)"), "Jet (2).mp3");
        let marked = shortened(&name, " (2)");
        assert!(marked.len() <= MAX_NAME && marked.ends_with("é (2).flac"), "{marked}");
    }

    proptest! {
        #[test]
        fn every_text_gives_a_name_that_all_systems_take(text in ".{0,300}") {
            let name = safe(&text);
            prop_assert!(name.len() <= MAX_NAME);
            prop_assert!(is_sanitized_with_options(&name, OptionsForCheck { windows: true, truncate: true }), "{}", name);
            prop_assert!(!name.starts_with('.'));
            prop_assert_eq!(name.is_empty(), text.trim().is_empty());
        }
    }
}
