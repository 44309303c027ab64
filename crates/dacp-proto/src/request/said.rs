//! The parameters of a request of DACP, read strictly.
//!
//! A listing that guesses does no harm; a command that guesses plays the wrong song. So what is read here has to be
//! there once at most, and to say something.

use daap_proto::target::{Parameters, number};
use daap_proto::{Query, RequestError};

/// What Apple's Remote sends where it means to say nothing.
const NULL: &str = "(null)";

/// Parameters that are about to be read.
pub(crate) struct Said<'a>(Parameters<'a>);

impl<'a> Said<'a> {
    pub(crate) fn new(parameters: Parameters<'a>) -> Self {
        Self(parameters)
    }

    /// The parameters as DAAP reads them.
    pub(crate) fn parameters(&self) -> Parameters<'a> {
        self.0
    }

    /// The names of all parameters.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.names()
    }

    /// Whether there is a parameter of this name, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// A text that is not empty.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, RequestError> {
        if self.names().filter(|known| *known == name).count() > 1 {
            return Err(RequestError::RepeatedParameter { parameter: name });
        }
        match self.0.value(name) {
            Some(text) if text.is_empty() => Err(bad(name, &text)),
            text => Ok(text.filter(|text| text != NULL)),
        }
    }

    /// The same, of a parameter that has two names.
    pub(crate) fn either<T>(
        &self,
        names: [&'static str; 2],
        read: impl Fn(&Self, &'static str) -> Result<Option<T>, RequestError>,
    ) -> Result<Option<T>, RequestError> {
        match (read(self, names[0])?, read(self, names[1])?) {
            (Some(_), Some(_)) => Err(RequestError::RepeatedParameter { parameter: names[1] }),
            (first, second) => Ok(first.or(second)),
        }
    }

    /// A text that has to be there.
    pub(crate) fn needed(&self, name: &'static str) -> Result<String, RequestError> {
        self.text(name)?.ok_or(RequestError::MissingParameter { parameter: name })
    }

    /// What `meaning` makes of a text.
    pub(crate) fn read<T>(
        &self,
        name: &'static str,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let read = |text: String| meaning(&text).ok_or_else(|| bad(name, &text));
        self.text(name)?.map(read).transpose()
    }

    /// The same, of a text that has to be there.
    pub(crate) fn needed_read<T>(
        &self,
        name: &'static str,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Result<T, RequestError> {
        self.read(name, meaning)?.ok_or(RequestError::MissingParameter { parameter: name })
    }

    /// A number, decimal or hexadecimal.
    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u32>, RequestError> {
        self.read(name, number_32)
    }

    pub(crate) fn needed_number(&self, name: &'static str) -> Result<u32, RequestError> {
        self.needed_read(name, number_32)
    }

    /// 0 or 1.
    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, RequestError> {
        self.read(name, flag)
    }

    pub(crate) fn query(&self, name: &'static str) -> Result<Option<Query>, RequestError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        // homebridge-dacp leaves the quotes out where there is but one criterion.
        let is_bare = !text.trim_start().starts_with(['\'', '(']);
        let text = if is_bare { format!("'{text}'") } else { text };
        Ok(Some(Query::parse(&text)?))
    }

    pub(crate) fn needed_query(&self, name: &'static str) -> Result<Query, RequestError> {
        self.query(name)?.ok_or(RequestError::MissingParameter { parameter: name })
    }
}

pub(crate) fn bad(parameter: &'static str, value: &str) -> RequestError {
    RequestError::BadParameter { parameter, value: value.to_owned() }
}

/// A number of 32 bits, decimal or hexadecimal.
pub(crate) fn number_32(text: &str) -> Option<u32> {
    u32::try_from(number(text).filter(|_| !text.trim().is_empty())?).ok()
}

pub(crate) fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}
