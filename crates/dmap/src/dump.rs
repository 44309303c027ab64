//! A message for people: one element a line, indented by its depth.

use std::fmt;

use crate::code::{ASCD, MCNM};
use crate::{DecodeError, Kind, Tag, Tags};

/// Bytes of an unknown value that are shown.
const RAW_SHOWN: usize = 32;

/// Prints `bytes` as elements, each with its code, name and value, as far as they can be read; a last line that
/// begins with `!` says why the rest cannot.
///
/// ```
/// let login = b"mlog\0\0\0\x0cmlid\0\0\0\x04\0\0\x1f\xde";
/// assert_eq!(
///     dmap::dump(login).to_string(),
///     "mlog dmap.loginresponse\n  mlid dmap.sessionid 8158\n",
/// );
/// ```
#[must_use]
pub fn dump(bytes: &[u8]) -> Dump<'_> {
    Dump(bytes)
}

/// What [`dump`] returns; its `Display` is the text.
#[derive(Clone, Copy, Debug)]
pub struct Dump<'a>(&'a [u8]);

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open = vec![Tags::new(self.0)];
        while let Some(tags) = open.last_mut() {
            let next = tags.next_tag();
            let indent = 2 * (open.len() - 1);
            match next {
                Ok(None) => drop(open.pop()),
                Ok(Some(tag)) => {
                    write!(f, "{:indent$}", "")?;
                    write_tag(f, &tag)?;
                    if tag.kind == Kind::Container {
                        match tag.children() {
                            Ok(children) => open.push(children),
                            Err(error) => return write_error(f, &error),
                        }
                    }
                }
                Err(error) => return write_error(f, &error),
            }
        }
        Ok(())
    }
}

fn write_error(f: &mut fmt::Formatter<'_>, error: &DecodeError) -> fmt::Result {
    writeln!(f, "! {error}")
}

fn write_tag(f: &mut fmt::Formatter<'_>, tag: &Tag<'_>) -> fmt::Result {
    write!(f, "{}", tag.code)?;
    let name = tag.code.name();
    if !name.is_empty() {
        write!(f, " {name}")?;
    }
    write_value(f, tag)?;
    writeln!(f)
}

fn write_value(f: &mut fmt::Formatter<'_>, tag: &Tag<'_>) -> fmt::Result {
    match (tag.kind, tag.uint()) {
        (Kind::Container, _) => Ok(()),
        (Kind::String, _) => write!(f, " {:?}", tag.text()),
        (Kind::Version, Ok(_)) if tag.payload.len() == 4 => match tag.version() {
            Ok(version) => write!(f, " {version}"),
            Err(_) => write_raw(f, tag.payload),
        },
        (Kind::Date, Ok(seconds)) => write!(f, " {seconds} ({})", Utc(seconds)),
        (Kind::UInt, Ok(_)) if [ASCD, MCNM].contains(&tag.code) && tag.payload.len() == 4 => {
            write!(f, " '{}'", tag.payload.escape_ascii())
        }
        (Kind::ULong, Ok(value)) => write!(f, " {value} (0x{value:016X})"),
        (kind, Ok(value)) if kind.is_integer() => match (kind.is_signed(), tag.int()) {
            (true, Ok(value)) => write!(f, " {value}"),
            _ => write!(f, " {value}"),
        },
        _ => write_raw(f, tag.payload),
    }
}

fn write_raw(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, " <{} bytes", bytes.len())?;
    for (index, byte) in bytes.iter().take(RAW_SHOWN).enumerate() {
        write!(f, "{}{byte:02x}", if index == 0 { ": " } else { " " })?;
    }
    write!(f, "{}>", if bytes.len() > RAW_SHOWN { " ..." } else { "" })
}

/// Seconds since 1970; its `Display` is the date and time of day in UTC, as in `2023-11-14T22:13:20Z`.
#[derive(Clone, Copy, Debug)]
pub struct Utc(pub u64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        let Ok(days) = u32::try_from(days) else { return write!(f, "far in the future") };
        let (year, month, day) = civil(days.into());
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day comes last, in eras of 400 years of 146,097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // from 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_across_leap_years() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (u64::from(u32::MAX), "2106-02-07T06:28:15Z"),
        ] {
            assert_eq!(Utc(seconds).to_string(), expected);
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_after_what_can() {
        assert_eq!(
            dump(b"mlog\0\0\0\x14mlid\0\0\0\x04\0\0\0\x07zzzz\0\0\0\x09").to_string(),
            "mlog dmap.loginresponse\n  mlid dmap.sessionid 7\n\
             ! zzzz at offset 20 announces 9 bytes; 0 are left\n"
        );
    }

    #[test]
    fn a_long_unknown_value_is_shown_in_part() {
        let mut bytes = b"zzzz\0\0\0\x21".to_vec();
        bytes.extend([0xAB; 33]);
        let text = dump(&bytes).to_string();
        assert!(
            text.starts_with("zzzz <33 bytes: ab ab") && text.ends_with(" ab ...>\n"),
            "{text}"
        );
    }
}
