//! The query language: what `query=` and `filter=` say.
//!
//! ```text
//! query     = and-expr *( "," and-expr )            "," is or
//! and-expr  = term *( ("+" / 1*" ") term )          and binds tighter
//! term      = "(" query ")" / "'" key op value "'"
//! op        = ":" / "!:" / "@" / "!@"
//! ```
//!
//! In a value `\` takes the next character as it is; every character but the quote may stand for itself. Spaces
//! around terms are passed over, since a library on the way may have decoded `+` as one (iTunes sends `+`,
//! Roku a space).
//!
//! What is parsed here is only the form. What a key and a value mean for a library is said by
//! [`Query::to_filter`], which forgives: a key that nobody knows narrows nothing.

use std::fmt;

use crate::fields::Field;

/// The longest query that is read, in bytes after percent-decoding.
pub const MAX_QUERY: usize = 8 * 1024;

/// How deep brackets may lie in one another.
pub const MAX_QUERY_DEPTH: usize = 32;

/// How many values may begin or end with a star. Each makes every song be searched, which no index helps; the
/// search of Apple's Remote has one a field.
pub const MAX_WILDCARDS: usize = 32;

/// A query as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// All of them; two or more.
    And(Vec<Query>),
    /// Any of them; two or more.
    Or(Vec<Query>),
    /// One comparison.
    Is(Criterion),
}

/// One comparison: `'daap.songartist!:Wings'`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Criterion {
    /// The long name of a field: letters, digits, `.` and `-`.
    pub key: String,
    /// Whether the field is to differ (`!:`).
    pub negated: bool,
    /// What it is compared with; may be empty.
    pub value: String,
}

/// Why a query cannot be read. Offsets are bytes of the decoded query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// It is longer than [`MAX_QUERY`].
    #[error("the query has {length} bytes; at most {MAX_QUERY} are read")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// Its brackets lie deeper than [`MAX_QUERY_DEPTH`].
    #[error("the bracket at offset {offset} lies deeper than {MAX_QUERY_DEPTH} others")]
    TooDeep {
        /// Where the bracket is that was not entered.
        offset: usize,
    },
    /// More values than [`MAX_WILDCARDS`] begin or end with a star.
    #[error(
        "the value before offset {offset} has a star, as have {MAX_WILDCARDS} before it; more are not looked for"
    )]
    TooManyWildcards {
        /// Where the value ends that is one too many.
        offset: usize,
    },
    /// Something else stands where a part of the query has to be.
    #[error("{expected} is missing at offset {offset}")]
    Expected {
        /// What was looked for.
        expected: &'static str,
        /// Where.
        offset: usize,
    },
}

impl Query {
    /// Reads a query, percent-decoded.
    ///
    /// # Errors
    /// It is too long, too deep, asks for too much, or does not follow the grammar; with the place.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > MAX_QUERY {
            return Err(QueryError::TooLong { length: text.len() });
        }
        let mut parser = Parser { text, offset: 0, depth: 0, wildcards: 0 };
        parser.spaces();
        let query = parser.query()?;
        match parser.peek() {
            None => Ok(query),
            Some(_) => Err(parser.expected("an operator or the end")),
        }
    }

    /// What is this in a field: any text, which need not be escaped, or a number in decimal. A text that begins or ends
    /// with a star finds more with some servers, since there is no way to say that the star is meant.
    ///
    /// ```
    /// use daap_proto::{Field, Query};
    ///
    /// let query = Query::all_of([
    ///     Query::is(Field::Album, "Kid's audiobooks"),
    ///     Query::contains(Field::Name, "one"),
    /// ]);
    /// let text = r"'daap.songalbum:Kid\'s audiobooks'+'dmap.itemname:*one*'";
    /// assert_eq!(query.map(|query| query.to_string()).as_deref(), Some(text));
    /// ```
    #[must_use]
    pub fn is(field: Field, value: impl Into<String>) -> Self {
        Self::Is(Criterion { key: field.name().to_owned(), negated: false, value: value.into() })
    }

    /// What has this somewhere in a field of text.
    #[must_use]
    pub fn contains(field: Field, text: &str) -> Self {
        Self::is(field, format!("*{text}*"))
    }

    /// What all of these ask for; `None` if there are none.
    #[must_use]
    pub fn all_of(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::joined(parts, Self::And)
    }

    /// What any of these asks for; `None` if there are none.
    #[must_use]
    pub fn any_of(parts: impl IntoIterator<Item = Self>) -> Option<Self> {
        Self::joined(parts, Self::Or)
    }

    fn joined(parts: impl IntoIterator<Item = Self>, join: fn(Vec<Self>) -> Self) -> Option<Self> {
        let parts: Vec<Self> = parts.into_iter().collect();
        (!parts.is_empty()).then(|| one_or(parts, join))
    }
}

/// Written so that [`Query::parse`] gives the same again, and in no more bytes than it was read from: what was
/// short enough to be read stays so.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (parts, operator) = match self {
            Self::Is(criterion) => return criterion.fmt(f),
            Self::And(parts) => (parts, "+"),
            Self::Or(parts) => (parts, ","),
        };
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { operator })?;
            match (self, part) {
                (_, Self::Is(_)) | (Self::Or(_), Self::And(_)) => part.fmt(f)?,
                _ => write!(f, "({part})")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}{}:", self.key, if self.negated { "!" } else { "" })?;
        for c in self.value.chars() {
            f.write_str(if matches!(c, '\'' | '\\') { "\\" } else { "" })?;
            write!(f, "{c}")?;
        }
        f.write_str("'")
    }
}

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    depth: usize,
    wildcards: usize,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, QueryError> {
        let mut parts = vec![self.and_expr()?];
        while self.take(',') {
            self.spaces();
            parts.push(self.and_expr()?);
        }
        Ok(one_or(parts, Query::Or))
    }

    fn and_expr(&mut self) -> Result<Query, QueryError> {
        let mut parts = vec![self.term()?];
        loop {
            let spaced = self.spaces();
            if self.take('+') {
                self.spaces();
            } else if !(spaced && matches!(self.peek(), Some('(' | '\''))) {
                return Ok(one_or(parts, Query::And));
            }
            parts.push(self.term()?);
        }
    }

    fn term(&mut self) -> Result<Query, QueryError> {
        let offset = self.offset;
        if !self.take('(') {
            return self.criterion().map(Query::Is);
        }
        if self.depth == MAX_QUERY_DEPTH {
            return Err(QueryError::TooDeep { offset });
        }
        self.depth += 1;
        self.spaces();
        let inner = self.query()?;
        self.depth -= 1;
        match self.take(')') {
            true => Ok(inner),
            false => Err(self.expected("a closing bracket")),
        }
    }

    fn criterion(&mut self) -> Result<Criterion, QueryError> {
        if !self.take('\'') {
            return Err(self.expected("a quote or a bracket"));
        }
        let key = self.key();
        if key.is_empty() {
            return Err(self.expected("the name of a field"));
        }
        let negated = self.take('!');
        // `@` is taken for `:`; what else it may once have meant, no source says.
        if !(self.take(':') || self.take('@')) {
            return Err(self.expected("a colon"));
        }
        let value = self.value()?;
        self.wildcards += usize::from(value.starts_with('*') || value.ends_with('*'));
        if self.wildcards > MAX_WILDCARDS {
            return Err(QueryError::TooManyWildcards { offset: self.offset });
        }
        Ok(Criterion { key, negated, value })
    }

    fn key(&mut self) -> String {
        let rest = &self.text[self.offset..];
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-');
        let key = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        self.offset += key.len();
        key.to_owned()
    }

    /// The value and the quote after it.
    fn value(&mut self) -> Result<String, QueryError> {
        let mut value = String::new();
        loop {
            match self.next() {
                Some('\'') => return Ok(value),
                Some('\\') => value.extend(self.next()),
                Some(c) => value.push(c),
                None => return Err(self.expected("a closing quote")),
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.offset..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.offset += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.offset += if found { wanted.len_utf8() } else { 0 };
        found
    }

    /// Passes over spaces; whether there were any.
    fn spaces(&mut self) -> bool {
        let start = self.offset;
        while self.take(' ') {}
        self.offset > start
    }

    fn expected(&self, expected: &'static str) -> QueryError {
        QueryError::Expected { expected, offset: self.offset }
    }
}

/// The only part, or all of them joined.
fn one_or(mut parts: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is(key: &str, value: &str) -> Query {
        Query::Is(Criterion { key: key.into(), negated: false, value: value.into() })
    }

    fn not(key: &str, value: &str) -> Query {
        Query::Is(Criterion { key: key.into(), negated: true, value: value.into() })
    }

    #[track_caller]
    fn check(text: &str, expected: Query) {
        assert_eq!(Query::parse(text), Ok(expected));
    }

    #[track_caller]
    fn refuse(text: &str, expected: &'static str, offset: usize) {
        assert_eq!(Query::parse(text), Err(QueryError::Expected { expected, offset }));
    }

    #[test]
    fn plus_and_space_are_and_comma_is_or() {
        let both = Query::And(vec![is("daap.songgenre", "Other"), is("daap.songartist", "Band")]);
        check("'daap.songgenre:Other'+'daap.songartist:Band'", both.clone()); // iTunes
        check("'daap.songgenre:Other' 'daap.songartist:Band'", both.clone()); // Roku
        check("  'daap.songgenre:Other'  +  'daap.songartist:Band' ", both);
        check(
            "'dmap.itemid:1000','dmap.itemid:1001'",
            Query::Or(vec![is("dmap.itemid", "1000"), is("dmap.itemid", "1001")]),
        );
    }

    #[test]
    fn and_binds_tighter_than_or() {
        check(
            "'a:x','b:y'+'c:z'",
            Query::Or(vec![is("a", "x"), Query::And(vec![is("b", "y"), is("c", "z")])]),
        );
        check(
            "('a:x','b:y')+'c:z'",
            Query::And(vec![Query::Or(vec![is("a", "x"), is("b", "y")]), is("c", "z")]),
        );
    }

    #[test]
    fn what_remotes_ask_is_read() {
        let kinds = || {
            let key = "com.apple.itunes.extended-media-kind";
            Query::Or(vec![is(key, "1"), is(key, "32")])
        };
        check(
            "(('com.apple.itunes.extended-media-kind:1','com.apple.itunes.extended-media-kind:32')\
             +'daap.songartist!:'+'dmap.itemname:*love*')",
            Query::And(vec![kinds(), not("daap.songartist", ""), is("dmap.itemname", "*love*")]),
        );
        check(
            "('daap.songalbumid:3241737424055794579'+('com.apple.itunes.extended-media-kind:1',\
             'com.apple.itunes.extended-media-kind:32'))",
            Query::And(vec![is("daap.songalbumid", "3241737424055794579"), kinds()]),
        );
        // Remote 1 joins a group and a criterion with a space.
        check(
            "('com.apple.itunes.extended-media-kind:1','com.apple.itunes.extended-media-kind:32') \
             'daap.songartist!:'",
            Query::And(vec![kinds(), not("daap.songartist", "")]),
        );
    }

    #[test]
    fn values_hold_any_character_and_escapes() {
        check("'daap.songgenre:a+b, c (d)'", is("daap.songgenre", "a+b, c (d)"));
        check(r"'daap.songalbum:Kid\'s audiobooks'", is("daap.songalbum", "Kid's audiobooks"));
        check(r"'a:\\\x'", is("a", r"\x"));
        check("'a:b:c!:日本'", is("a", "b:c!:日本"));
    }

    #[test]
    fn the_old_operator_is_read_as_equals() {
        check("'a@x'", is("a", "x"));
        check("'a!@x'", not("a", "x"));
    }

    #[test]
    fn what_is_not_a_query_is_refused_with_the_place() {
        refuse("", "a quote or a bracket", 0);
        refuse("daap.songartist:A", "a quote or a bracket", 0);
        refuse("'daap.songartist:A", "a closing quote", 18);
        refuse(r"'a:b\", "a closing quote", 5);
        refuse("'a'", "a colon", 2);
        refuse("':x'", "the name of a field", 1);
        refuse("('a:x'", "a closing bracket", 6);
        refuse("'a:x')", "an operator or the end", 5);
        refuse("'a:x'+", "a quote or a bracket", 6);
        refuse("'a:x',", "a quote or a bracket", 6);
        refuse("'a:x''b:y'", "an operator or the end", 5);
    }

    #[test]
    fn long_and_deep_queries_are_refused() {
        let deep = |depth| format!("{}'a:b'{}", "(".repeat(depth), ")".repeat(depth));
        check(&deep(MAX_QUERY_DEPTH), is("a", "b"));
        assert_eq!(
            Query::parse(&deep(MAX_QUERY_DEPTH + 1)),
            Err(QueryError::TooDeep { offset: MAX_QUERY_DEPTH })
        );
        let long = format!("'a:{}'", "x".repeat(MAX_QUERY));
        assert_eq!(Query::parse(&long), Err(QueryError::TooLong { length: MAX_QUERY + 4 }));
    }

    #[test]
    fn a_query_of_the_greatest_length_can_be_sent_on() {
        // Found by fuzzing: brackets that nobody had written made it too long to be read again.
        let text = vec!["'a:b'+'c:d'"; MAX_QUERY / 12].join(",");
        let query = Query::parse(&text).unwrap();
        assert_eq!(query.to_string(), text);
    }

    #[test]
    fn many_things_may_be_looked_for_but_not_hundreds_of_parts() {
        let any_of = |value: &str, count| vec![format!("'a:{value}'"); count].join(",");
        for value in ["*x*", "x*", "*x"] {
            assert!(Query::parse(&any_of(value, MAX_WILDCARDS)).is_ok());
            let offset = (MAX_WILDCARDS + 1) * (value.len() + 5) - 1;
            assert_eq!(
                Query::parse(&any_of(value, MAX_WILDCARDS + 1)),
                Err(QueryError::TooManyWildcards { offset })
            );
        }
        assert!(Query::parse(&any_of("1", 1000)).is_ok());
    }

    /// Any query that [`Query::parse`] can give.
    pub(crate) fn any_query() -> impl Strategy<Value = Query> {
        let criterion = ("[a-zA-Z0-9.-]{1,12}", any::<bool>(), ".{0,12}");
        let leaf = criterion
            .prop_map(|(key, negated, value)| Query::Is(Criterion { key, negated, value }));
        leaf.prop_recursive(4, 24, 4, |inner| {
            let parts = || prop::collection::vec(inner.clone(), 2..4);
            prop_oneof![parts().prop_map(Query::And), parts().prop_map(Query::Or)]
        })
    }

    #[test]
    fn a_query_can_be_put_together() {
        let wings = || Query::is(Field::Artist, "Wings");
        assert_eq!(wings(), is("daap.songartist", "Wings"));
        assert_eq!(Query::contains(Field::Name, "jet"), is("dmap.itemname", "*jet*"));
        assert_eq!(Query::all_of([]), None);
        assert_eq!(Query::any_of([wings()]), Some(wings()));
        assert_eq!(Query::all_of([wings(), wings()]), Some(Query::And(vec![wings(), wings()])));
    }

    proptest! {
        #[test]
        fn any_text_can_be_asked_for(text in ".{0,24}|['\\\\*+, ()]{0,12}") {
            for query in [Query::is(Field::Album, &*text), Query::contains(Field::Album, &text)] {
                prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
            }
        }

        #[test]
        fn a_query_survives_its_text(query in any_query()) {
            prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "['a:!@+, ()*\\\\é]{0,40}") {
            if let Ok(query) = Query::parse(&text) {
                prop_assert!(query.to_string().len() <= text.len());
                prop_assert_eq!(Query::parse(&query.to_string()), Ok(query));
            }
        }
    }
}
