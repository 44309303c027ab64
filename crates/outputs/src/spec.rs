//! Outputs as people write them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use player::Output;

use crate::file::FileOutput;
#[cfg(unix)]
use crate::local::Local;
use crate::null::Null;

/// What there is, for those who ask for something else.
const THERE_ARE: &str = if cfg!(unix) { "local, null and file:PATH" } else { "null and file:PATH" };

/// Which output.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Spec {
    /// The sound card of this computer.
    #[cfg(unix)]
    Local,
    /// Nothing, in real time.
    Null,
    /// A file or a pipe. A file is emptied when the player first plays, and added to from then on. A pipe may have a reader or none.
    File(PathBuf),
}

/// An output for a player. It is not opened yet: the player does that when there is something to play.
#[must_use]
pub fn open(spec: &Spec) -> Box<dyn Output> {
    match spec {
        #[cfg(unix)]
        Spec::Local => Box::new(Local::default()),
        Spec::Null => Box::new(Null::default()),
        Spec::File(path) => Box::new(FileOutput::new(path.clone())),
    }
}

impl FromStr for Spec {
    type Err = UnknownOutput;

    fn from_str(text: &str) -> Result<Self, UnknownOutput> {
        match text.split_once(':') {
            #[cfg(unix)]
            None if text == "local" => Ok(Self::Local),
            None if text == "null" => Ok(Self::Null),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(UnknownOutput(text.to_owned())),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(unix)]
            Self::Local => f.write_str("local"),
            Self::Null => f.write_str("null"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// A text that names no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no output `{0}`: there are {THERE_ARE}")]
pub struct UnknownOutput(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_read() {
        for text in ["local", "null", "file:/tmp/snapfifo", "file:music.pcm", "file:a:b"] {
            assert_eq!(text.parse::<Spec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_no_output_is_told_what_there_is() {
        for text in ["", "Local", "file", "file:", "local:0", "airplay:Kitchen"] {
            let message = text.parse::<Spec>().unwrap_err().to_string();
            assert_eq!(
                message,
                format!("there is no output `{text}`: there are local, null and file:PATH")
            );
        }
    }
}
