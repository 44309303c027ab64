//! Names of services as multicast DNS can carry them.
//!
//! An instance name is one DNS label: any UTF-8 of at most 63 bytes. Two characters are replaced by a
//! look-alike in ours: the dot and the backslash. mdns-sd 0.21 keeps its records under the name with these two
//! escaped but hears questions and answers with them plain, so under such a name it would neither answer
//! questions for the share (clients lose it when its records expire, after two minutes) nor notice that
//! someone else has the name. People read the same; the TXT record carries the true spelling.

/// The longest DNS label, in bytes.
const LABEL_MAX: usize = 63;

/// What a share is called if its name has nothing to show.
const NAMELESS: &str = "Music";

/// How much of what tells a host apart is used, in bytes. The ids of Remotes have up to forty letters.
const MARK_MAX: usize = 48;

const LOOK_ALIKES: [(char, char); 2] = [('.', '\u{2024}'), ('\\', '\u{29F5}')];

/// A name that a share can have on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// As people read it, and as the server should call itself.
    pub(crate) display: String,
    /// As the instance is called in DNS.
    pub(crate) label: String,
}

impl Name {
    /// The name that `wished` becomes when its first `number - 1` forms are taken: `Jo's music (2)`.
    fn numbered(wished: &str, number: u32) -> Self {
        let (stem, first) = split_number(wished);
        let suffix = match (number, first) {
            (1, None) => String::new(),
            (number, first) => format!(" ({})", first.unwrap_or(1).saturating_add(number - 1)),
        };
        let stem_label: String = stem.chars().map(to_look_alike).collect();
        let stem_label = cut(&stem_label, LABEL_MAX - suffix.len()).trim_end();
        Self { display: format!("{stem}{suffix}"), label: format!("{stem_label}{suffix}") }
    }

    /// The first form of `wished` that is not `taken`.
    pub(crate) fn free(wished: &str, taken: impl Fn(&str) -> bool) -> Self {
        let clean: String = wished.chars().filter(|c| !c.is_control()).collect();
        let clean = clean.trim();
        let wished = if clean.is_empty() { NAMELESS } else { clean };
        (1..)
            .map(|number| Self::numbered(wished, number))
            .find(|name| !taken(&name.label))
            .expect("fewer than four billion names are taken")
    }
}

/// `Music (3)` is `Music` and 3.
fn split_number(name: &str) -> (&str, Option<u32>) {
    let split = || {
        let (stem, digits) = name.strip_suffix(')')?.rsplit_once(" (")?;
        let number = digits.parse().ok().filter(|n| *n >= 2 && !digits.starts_with('+'))?;
        (!stem.is_empty()).then_some((stem, Some(number)))
    };
    split().unwrap_or((name, None))
}

fn to_look_alike(c: char) -> char {
    LOOK_ALIKES.iter().find(|(plain, _)| *plain == c).map_or(c, |(_, alike)| *alike)
}

fn from_look_alike(c: char) -> char {
    LOOK_ALIKES.iter().find(|(_, alike)| *alike == c).map_or(c, |(plain, _)| *plain)
}

/// The form in which two names that people cannot tell apart are equal. DNS ignores the case of ASCII
/// letters; we ignore that of all.
pub(crate) fn fold(label: &str) -> String {
    label.chars().map(from_look_alike).flat_map(char::to_lowercase).collect()
}

/// The longest beginning of `text` with at most `max` bytes that ends between two characters.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// The label of a host that serves what the mark tells apart: `nas-3689`. Of a long mark only the beginning counts.
pub(crate) fn host_label(host: &str, mark: &str) -> String {
    let host = plain(host.split('.').next().unwrap_or_default());
    let mark = plain(mark);
    let suffix = format!("-{}", cut(&mark, MARK_MAX).trim_end_matches('-'));
    let host = cut(&host, LABEL_MAX - suffix.len()).trim_end_matches('-');
    format!("{}{suffix}", if host.is_empty() { "dapple" } else { host })
}

/// What a host can be called for this.
fn plain(text: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    text.chars().map(letter).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(wished: &str, taken: &[&str], display: &str, label: &str) {
        let taken: Vec<String> = taken.iter().map(|name| fold(name)).collect();
        let name = Name::free(wished, |label| taken.contains(&fold(label)));
        assert_eq!((name.display.as_str(), name.label.as_str()), (display, label));
    }

    #[test]
    fn a_taken_name_gets_the_next_free_number() {
        check("Music", &[], "Music", "Music");
        check("Music", &["Music"], "Music (2)", "Music (2)");
        check("Music", &["music", "Music (2)"], "Music (3)", "Music (3)");
        check("Music", &["Other", "Music (2)"], "Music", "Music");
        check("Music (2)", &["Music (2)"], "Music (3)", "Music (3)");
        check("Music (1999)", &[], "Music (1999)", "Music (1999)");
        check("(2)", &["(2)"], "(2) (2)", "(2) (2)");
    }

    #[test]
    fn dots_and_backslashes_become_look_alikes_that_clash_with_the_plain_ones() {
        check("Vol. 1", &[], "Vol. 1", "Vol\u{2024} 1");
        check("Vol. 1", &["Vol. 1"], "Vol. 1 (2)", "Vol\u{2024} 1 (2)");
        check("Vol. 1", &["Vol\u{2024} 1"], "Vol. 1 (2)", "Vol\u{2024} 1 (2)");
        check(r"AC\DC", &[r"ac\dc"], r"AC\DC (2)", "AC\u{29F5}DC (2)");
    }

    #[test]
    fn a_long_name_is_cut_between_characters_and_keeps_its_number() {
        let long = "Ærø".repeat(20); // 5 bytes each, 100 in all
        let label = "Ærø".repeat(12) + "Ær";
        check(&long, &[], &long, &label);
        check(&long, &[&label], &format!("{long} (2)"), &("Ærø".repeat(11) + "Ær (2)"));
    }

    #[test]
    fn a_name_without_letters_to_show_is_replaced() {
        check("", &[], "Music", "Music");
        check(" \u{7}\n", &["Music"], "Music (2)", "Music (2)");
        check("a\tb\0", &[], "ab", "ab");
    }

    #[test]
    fn hosts_get_a_name_of_their_own() {
        assert_eq!(host_label("nas", "3689"), "nas-3689");
        assert_eq!(host_label("Nas.home.arpa", "3689-2"), "nas-3689-2");
        assert_eq!(host_label("_my_pc_", "80"), "my-pc-80");
        assert_eq!(host_label("", "80"), "dapple-80");
        assert_eq!(host_label("ü", "80"), "dapple-80");
        assert_eq!(host_label("nas", "iTunes_Ctrl_3C69"), "nas-itunes-ctrl-3c69");
        assert!(host_label(&"x".repeat(300), &"7".repeat(300)).len() <= LABEL_MAX);
    }

    proptest! {
        #[test]
        fn every_label_is_one_that_dns_can_carry(wished in ".*", repeat in 1usize..9, clashes in 0usize..12) {
            let wished = wished.repeat(repeat);
            let mut taken: Vec<String> = Vec::new();
            for _ in 0..=clashes {
                let name = Name::free(&wished, |label| taken.contains(&fold(label)));
                prop_assert!(!name.label.is_empty() && name.label.len() <= LABEL_MAX);
                prop_assert!(!name.label.contains(['.', '\\']));
                prop_assert!(!taken.contains(&fold(&name.label)));
                taken.push(fold(&name.label));
            }
        }
    }
}
