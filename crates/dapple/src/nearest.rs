//! What somebody who mistyped a name most likely meant.

/// How alike two names must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.7;

/// How alike two names are, from 0 to 1, whatever their case.
pub(crate) fn likeness(a: &str, b: &str) -> f64 {
    strsim::jaro_winkler(&a.to_lowercase(), &b.to_lowercase())
}

/// The known name that is most like the given one.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known = known.into_iter();
    known.max_by(|a, b| likeness(name, a).total_cmp(&likeness(name, b)))
}

/// The few names that are most like the one that was wanted, of as many as are offered.
#[derive(Debug)]
pub(crate) struct Near {
    wanted: String,
    /// Likeness and name, the most alike first.
    best: Vec<(f64, String)>,
}

impl Near {
    /// How many names are kept.
    const KEPT: usize = 3;

    /// None so far.
    pub(crate) fn to(wanted: &str) -> Self {
        Self { wanted: wanted.to_owned(), best: Vec::new() }
    }

    /// Considers a name.
    pub(crate) fn offer(&mut self, name: &str) {
        let likeness = likeness(&self.wanted, name);
        if likeness < ALIKE || self.best.iter().any(|(_, known)| known == name) {
            return;
        }
        let place = self.best.partition_point(|(known, _)| *known >= likeness);
        self.best.insert(place, (likeness, name.to_owned()));
        self.best.truncate(Self::KEPT);
    }

    /// The names, the most alike first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.best.iter().map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_what_was_meant() {
        assert_eq!(nearest("pasword", ["name", "password", "port"]), Some("password"));
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn few_names_are_kept_the_most_alike_first_and_none_that_is_unlike() {
        let mut near = Near::to("the beatles");
        for name in ["Beatles", "Wings", "The Beatles", "The Beetles", "The Beatles", "The Bees"] {
            near.offer(name);
        }
        assert_eq!(near.names().collect::<Vec<_>>(), ["The Beatles", "The Bees", "The Beetles"]);
    }
}
