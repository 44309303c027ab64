//! A song as a server lists it, with every tag that was sent.

use daap_proto::Field;
use daap_proto::read::{Entry, ReadError, Song};
use dmap::{Code, Element, Kind, Tag, Utc, Value};
use serde_json::{Map, Value as Json};

use super::field;
use crate::terminal::printable;

/// A song of a list.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What is known of it.
    pub(crate) song: Song,
    /// Its tags, in the order in which they came.
    tags: Vec<Element>,
}

impl Entry for Row {
    fn read(tag: Tag<'_>) -> Result<Self, ReadError> {
        let tags = match Element::read(tag)?.value {
            Value::Container(tags) => tags,
            _ => Vec::new(),
        };
        Ok(Self { song: Song::read(tag)?, tags })
    }
}

impl Row {
    /// The value of a tag, if it was sent.
    pub(crate) fn value(&self, code: Code) -> Option<&Value> {
        self.tags.iter().find(|tag| tag.code == code).map(|tag| &tag.value)
    }

    /// The value of a tag for people, on one line; empty if it was not sent.
    pub(crate) fn text(&self, code: Code) -> String {
        self.value(code).map_or_else(String::new, |value| text(code, value))
    }

    /// Every tag for people, as in `title=Jet`.
    pub(crate) fn all_texts(&self) -> impl Iterator<Item = String> {
        self.tags
            .iter()
            .map(|tag| format!("{}={}", field::word(tag.code), text(tag.code, &tag.value)))
    }

    /// These tags for programs; `None` means all. What was not sent is null.
    pub(crate) fn json(&self, codes: Option<&[Code]>) -> Json {
        let value = |code| self.value(code).map_or(Json::Null, |value| json(code, value));
        match codes {
            Some(codes) => {
                let members =
                    codes.iter().map(|code| (field::word(*code).into_owned(), value(*code)));
                Json::Object(members.collect())
            }
            None => object(&self.tags),
        }
    }
}

/// Tags whose 64 bits are an id, which is written as in URLs.
const IDS: [Code; 3] = [Field::PersistentId.code(), Field::AlbumId.code(), Field::ArtistId.code()];

fn text(code: Code, value: &Value) -> String {
    match value {
        Value::Unsigned(ms, _) if code == Field::Time.code() => clock(*ms),
        value => match json(code, value) {
            Json::String(text) => printable(&text),
            Json::Null => String::new(),
            other => other.to_string(),
        },
    }
}

fn json(code: Code, value: &Value) -> Json {
    match value {
        Value::Unsigned(id, _) if IDS.contains(&code) => Json::String(format!("{id:016X}")),
        Value::Unsigned(word, 4) if code == Field::CodecType.code() => {
            Json::String(four_letters(*word))
        }
        Value::Unsigned(number, _) => (*number).into(),
        Value::Signed(number, _) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::Date(0) => Json::Null,
        Value::Date(seconds) => Utc(u64::from(*seconds)).to_string().into(),
        Value::Version(version) => version.to_string().into(),
        Value::Container(tags) => object(tags),
        Value::Raw(bytes) if code.kind() == Kind::String => String::from_utf8_lossy(bytes).into(),
        Value::Raw(bytes) => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }
        _ => Json::Null,
    }
}

fn object(tags: &[Element]) -> Json {
    let members =
        tags.iter().map(|tag| (field::word(tag.code).into_owned(), json(tag.code, &tag.value)));
    Json::Object(members.collect::<Map<_, _>>())
}

/// Minutes and seconds, with hours where there are some.
pub(crate) fn clock(ms: u64) -> String {
    let seconds = ms.saturating_add(500) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// What the low four bytes say in ASCII.
fn four_letters(word: u64) -> String {
    let bytes = (word as u32).to_be_bytes();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()
}
