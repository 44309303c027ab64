//! The two texts that a desktop reads: the entry of a program, and which program opens what.
//!
//! As freedesktop.org's Desktop Entry Specification and its Association between MIME types and applications have them.

use std::path::Path;

/// The file name of the entry, by which it is known to the desktop.
pub(super) const FILE: &str = "dapple.desktop";
/// What it opens.
const TYPE: &str = "x-scheme-handler/daap";
/// Where the user's choices stand.
const DEFAULTS: &str = "[Default Applications]";

/// The entry that has `program` list what a link names, in a terminal that stays open. `None` if its path cannot
/// stand in an entry.
pub(super) fn entry(program: &Path) -> Option<String> {
    let program = quoted(program.to_str()?)?;
    Some(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=dapple\n\
         Comment=List what is in a music share\n\
         Exec={program} ls --wait %u\n\
         Terminal=true\n\
         NoDisplay=true\n\
         MimeType={TYPE};\n"
    ))
}

/// A word of a command line. Quotes, and within them a backslash before four characters; that text once more as all
/// texts of an entry are, with two backslashes for one.
fn quoted(word: &str) -> Option<String> {
    if word.chars().any(char::is_control) || word.contains('=') {
        return None;
    }
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '\\' => quoted += r"\\\\",
            '"' | '`' | '$' => {
                quoted += r"\\";
                quoted.push(c);
            }
            '%' => quoted += "%%",
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Some(quoted)
}

/// A list of choices, `text`, with this program before any other for such links.
pub(super) fn with_default(text: &str) -> String {
    let names = format!("{FILE};{}", others(text));
    with_choice(&without_line(text), &names)
}

/// A list of choices without this program.
pub(super) fn without_default(text: &str) -> String {
    match (lines(text).any(|(_, ours)| ours), others(text)) {
        (false, _) => text.to_owned(),
        (true, others) if others.is_empty() => without_line(text),
        (true, others) => with_choice(&without_line(text), &others),
    }
}

/// The list with `names` chosen for such links, where it has no such line yet.
fn with_choice(text: &str, names: &str) -> String {
    let line = format!("{TYPE}={names}\n");
    match text.split_once(DEFAULTS) {
        Some((before, after)) => {
            format!("{before}{DEFAULTS}\n{line}{}", after.strip_prefix('\n').unwrap_or(after))
        }
        None if text.is_empty() => format!("{DEFAULTS}\n{line}"),
        None => format!("{}\n\n{DEFAULTS}\n{line}", text.trim_end()),
    }
}

/// The lines, and whether each is the user's choice for such links.
fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut in_defaults = false;
    text.split_inclusive('\n').map(move |line| {
        if line.starts_with('[') {
            in_defaults = line.trim_end() == DEFAULTS;
        }
        let key = line.split_once('=').map(|(key, _)| key.trim_end());
        (line, in_defaults && key == Some(TYPE))
    })
}

fn without_line(text: &str) -> String {
    lines(text).filter(|(_, ours)| !ours).map(|(line, _)| line).collect()
}

/// The other programs for such links, each with a semicolon behind it.
fn others(text: &str) -> String {
    let values = lines(text).filter(|(_, ours)| *ours).filter_map(|(line, _)| line.split_once('='));
    let names = values.flat_map(|(_, names)| names.trim().split(';'));
    let others = names.map(str::trim).filter(|name| !name.is_empty() && *name != FILE);
    others.map(|name| format!("{name};")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_one_word_whatever_its_path() {
        let exec = |path: &str| {
            let entry = entry(Path::new(path))?;
            entry.lines().find_map(|line| line.strip_prefix("Exec=")).map(str::to_owned)
        };
        assert_eq!(exec("/usr/bin/dapple").as_deref(), Some("\"/usr/bin/dapple\" ls --wait %u"));
        assert_eq!(
            exec(r#"/my apps/50%/$x"\dapple"#).as_deref(),
            Some(r#""/my apps/50%%/\\$x\\"\\\\dapple" ls --wait %u"#)
        );
        assert_eq!(exec("/a\nb"), None);
    }

    #[test]
    fn the_choice_is_put_before_others_and_taken_back_alone() {
        let web = "[Default Applications]\ntext/html=web.desktop\n";
        let added = "[Added Associations]\nx-scheme-handler/daap=rhythmbox.desktop;\n";
        let other = "[Default Applications]\nx-scheme-handler/daap=rhythmbox.desktop;\n";
        let ours = "[Default Applications]\nx-scheme-handler/daap=dapple.desktop;";
        let table = [
            ("", format!("{ours}\n"), "[Default Applications]\n".to_owned()),
            (web, format!("{ours}\ntext/html=web.desktop\n"), web.to_owned()),
            (added, format!("{added}\n{ours}\n"), format!("{added}\n[Default Applications]\n")),
            (other, format!("{ours}rhythmbox.desktop;\n"), other.to_owned()),
        ];
        for (before, with, without) in table {
            assert_eq!(without_default(before), before);
            assert_eq!(with_default(before), with);
            assert_eq!(with_default(&with), with);
            assert_eq!(without_default(&with), without);
        }
    }
}
