//! Speakers, as AirPlay announces them.

use serde::Serialize;

use super::{Pairs, flag, hexadecimal, number, text};

/// How many numbers of a list are kept.
const LIST_MAX: usize = 16;

/// The bits of the status flags (`sf`, `flags`).
const NEEDS_CODE: u64 = 1 << 3 | 1 << 9;
const NEEDS_PASSWORD: u64 = 1 << 7;

/// What a speaker says about itself, as `_raop._tcp` or as `_airplay._tcp`. Everything may be missing, and of what
/// only the former says, in the latter it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct SpeakerTxt {
    /// By what it is known again: 48 bits, from the instance name (`_raop`) or `deviceid` (`_airplay`).
    #[serde(serialize_with = "super::as_hexadecimal")]
    pub device_id: Option<u64>,
    /// The model (`am`, `model`), such as `AirPort10,115`. The first AirPort Express does not say.
    pub model: Option<String>,
    /// The version of its software (`vs`, `srcvers`).
    pub version: Option<String>,
    /// Whether it asks for a password (`pw`, or the status flags).
    pub password: Option<bool>,
    /// Whether it must be paired with first, by a code that it shows (the status flags).
    pub code: Option<bool>,
    /// Ways to send the sound (`tp`), such as `TCP,UDP`.
    pub transports: Option<String>,
    /// Codecs (`cn`): 0 PCM, 1 ALAC, 2 AAC, 3 AAC-ELD.
    pub codecs: Vec<u8>,
    /// Encryptions (`et`): 0 none, 1 RSA and AES, 3 FairPlay, 4 MFi-SAP, 5 FairPlay SAP 2.5.
    pub encryptions: Vec<u8>,
    /// What it can show (`md`): 0 text, 1 pictures, 2 progress.
    pub metadata: Vec<u8>,
    /// Frames a second (`sr`).
    pub sample_rate: Option<u32>,
    /// Bits of a sample (`ss`).
    pub sample_bits: Option<u8>,
    /// Channels (`ch`).
    pub channels: Option<u8>,
}

impl SpeakerTxt {
    pub(crate) fn parse(instance: &str, pairs: &Pairs<'_>) -> Self {
        let either = |raop: &str, airplay: &str| {
            pairs.find(raop, text).or_else(|| pairs.find(airplay, text))
        };
        let flags = pairs.find("sf", hexadecimal).or_else(|| pairs.find("flags", hexadecimal));
        let device_id = split(instance).map(|(id, _)| id);
        Self {
            device_id: device_id.or_else(|| pairs.find("deviceid", mac_address)),
            model: either("am", "model"),
            version: either("vs", "srcvers"),
            password: pairs.find("pw", flag).or_else(|| flags.map(|f| f & NEEDS_PASSWORD != 0)),
            code: flags.map(|flags| flags & NEEDS_CODE != 0),
            transports: pairs.find("tp", text),
            codecs: pairs.find("cn", list).unwrap_or_default(),
            encryptions: pairs.find("et", list).unwrap_or_default(),
            metadata: pairs.find("md", list).unwrap_or_default(),
            sample_rate: pairs.find("sr", number),
            sample_bits: pairs.find("ss", number),
            channels: pairs.find("ch", number),
        }
    }
}

/// What people call a speaker whose instance name has its id as well.
pub(crate) fn speaker_name(instance: &str) -> Option<&str> {
    split(instance).map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Device id and name in the instance name of a `_raop._tcp` service: `5855CA06BD9E@Kitchen`.
fn split(instance: &str) -> Option<(u64, &str)> {
    let (id, name) = instance.split_once('@')?;
    Some((hexadecimal(id)?, name))
}

fn mac_address(value: &str) -> Option<u64> {
    hexadecimal(&value.replace([':', '-'], ""))
}

/// Numbers between commas; what is none is left out.
fn list(value: &str) -> Option<Vec<u8>> {
    let numbers: Vec<u8> = value.split(',').filter_map(number).take(LIST_MAX).collect();
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(instance: &str, pairs: &[(&str, &str)], expected: &SpeakerTxt) {
        let pairs = pairs.iter().map(|(key, value)| (*key, value.as_bytes())).collect();
        assert_eq!(&SpeakerTxt::parse(instance, &pairs), expected);
    }

    #[test]
    fn shairport_sync_is_understood() {
        // Captured from shairport-sync 3.3.8 of Debian 12.
        let said = "sf=0x4 fv=76400.10 am=ShairportSync vs=105.1 tp=TCP,UDP vn=65537 md=0,1,2 ss=16 sr=44100 \
                    da=true sv=false et=0,1 ek=1 cn=0,1 ch=2 txtvers=1 pw=false";
        let pairs: Vec<_> =
            said.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let expected = SpeakerTxt {
            device_id: Some(0x5855_CA06_BD9E),
            model: Some("ShairportSync".into()),
            version: Some("105.1".into()),
            password: Some(false),
            code: Some(false),
            transports: Some("TCP,UDP".into()),
            codecs: vec![0, 1],
            encryptions: vec![0, 1],
            metadata: vec![0, 1, 2],
            sample_rate: Some(44_100),
            sample_bits: Some(16),
            channels: Some(2),
        };
        check("5855CA06BD9E@Kitchen", &pairs, &expected);
        let json = serde_json::to_value(&expected).unwrap();
        assert_eq!(json["device_id"], "5855CA06BD9E");
    }

    #[test]
    fn an_apple_tv_is_understood() {
        // The keys of the unofficial AirPlay specification.
        let expected = SpeakerTxt {
            device_id: Some(0x5855_CA06_BD9E),
            model: Some("AppleTV3,2".into()),
            version: Some("220.68".into()),
            password: Some(true),
            code: Some(true),
            ..SpeakerTxt::default()
        };
        let pairs = [
            ("deviceid", "58:55:CA:06:BD:9E"),
            ("features", "0x5A7FFFF7,0xE"),
            ("flags", "0x88"),
            ("model", "AppleTV3,2"),
            ("srcvers", "220.68"),
        ];
        check("Living room", &pairs, &expected);
    }

    #[test]
    fn what_cannot_be_read_counts_as_missing() {
        let pairs = [("cn", "x,1,,300"), ("et", ""), ("sr", "many"), ("pw", "?"), ("sf", "zz")];
        check("no id@x", &pairs, &SpeakerTxt { codecs: vec![1], ..SpeakerTxt::default() });
        let long = "1,".repeat(10_000);
        check(
            "x",
            &[("md", &long)],
            &SpeakerTxt { metadata: vec![1; LIST_MAX], ..SpeakerTxt::default() },
        );
    }

    #[test]
    fn the_name_is_what_stands_after_the_first_at_sign() {
        assert_eq!(split("5855CA06BD9E@a@b"), Some((0x5855_CA06_BD9E, "a@b")));
        assert_eq!(split("Kitchen"), None);
        assert_eq!(split("Jo@home"), None);
    }
}
