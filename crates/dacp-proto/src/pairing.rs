//! Pairing: how a server and a Remote come to trust each other.
//!
//! A Remote announces itself and shows its owner a code of four digits. Whoever is told it types it into the server,
//! and the server asks the Remote for a guid, proving that it knows the code. From then on who names that guid at
//! login is let in. Nothing of this is encrypted.
//!
//! ```
//! use dacp_proto::{PairRequest, Pin};
//!
//! // Captured from an iPhone: what it announced, the code it showed, and what iTunes asked it.
//! let pin: Pin = "3883".parse()?;
//! let request = PairRequest::new("AF07431C9971AB1D", pin, "74DEBFCE2ED0E1C0");
//! assert_eq!(request.code, "3FB658B77CC8DEF0D473FAD20A991BF2");
//! assert!(request.knows("AF07431C9971AB1D", pin));
//! # Ok::<(), dacp_proto::NotAPin>(())
//! ```

use std::fmt;
use std::str::FromStr;

use daap_proto::read::{FromTag, ReadError, root};
use daap_proto::target::{Target, split, words};
use daap_proto::{Reply, RequestError, md5, reply};
use dmap::code::*;

use crate::request::{Said, bad};

/// What a Remote gives at pairing, and a login names: the whole of its rights.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairingGuid(pub u64);

/// Sixteen hexadecimal digits after `0x`.
impl fmt::Display for PairingGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:016X}", self.0)
    }
}

/// No more than that there is one: it is as good as a password.
impl fmt::Debug for PairingGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingGuid(..)")
    }
}

/// A text that is no pairing guid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pairing guid is 0x and up to 16 hexadecimal digits")]
pub struct NotAGuid;

impl FromStr for PairingGuid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_number);
        number.map(Self).ok_or(NotAGuid)
    }
}

/// The code that a Remote shows: four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin([u8; 4]);

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

/// A text that is no code of a Remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code that a Remote shows has four digits")]
pub struct NotAPin;

impl FromStr for Pin {
    type Err = NotAPin;

    fn from_str(text: &str) -> Result<Self, NotAPin> {
        let digits: [u8; 4] = text.as_bytes().try_into().map_err(|_| NotAPin)?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits)).ok_or(NotAPin)
    }
}

/// `/pair`: what a server asks a Remote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairRequest {
    /// What proves that the server was told the code: 32 hexadecimal digits, upper-case, as TunesRemote-SE takes no
    /// others.
    pub code: String,
    /// The name under which the server announces that it can be controlled. Not empty; by it alone the Remote finds the
    /// server again.
    pub service_name: String,
}

const PAIRING_CODE: &str = "pairingcode";
const SERVICE_NAME: &str = "servicename";

impl PairRequest {
    /// The request to a Remote that announces `pair` and shows `pin`.
    #[must_use]
    pub fn new(pair: &str, pin: Pin, service_name: impl Into<String>) -> Self {
        Self { code: code(pair, pin), service_name: service_name.into() }
    }

    /// Whether who asks this knows the code.
    #[must_use]
    pub fn knows(&self, pair: &str, pin: Pin) -> bool {
        self.code.eq_ignore_ascii_case(&code(pair, pin))
    }

    /// Reads a request target.
    ///
    /// # Errors
    /// It is none of this kind, or lacks something.
    pub fn parse(target: &str) -> Result<Self, RequestError> {
        let (path, parameters) = split(target)?;
        if words(path) != ["pair"] {
            return Err(RequestError::UnknownPath { path: path.to_owned() });
        }
        let said = Said::new(parameters);
        let code = said.needed(PAIRING_CODE)?;
        let is_code = code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        match is_code {
            true => Ok(Self { code, service_name: said.needed(SERVICE_NAME)? }),
            false => Err(bad(PAIRING_CODE, &code)),
        }
    }

    /// The target, with its parameters in the order that all servers have them in.
    #[must_use]
    pub fn to_uri(&self) -> String {
        let mut uri = Target::new("/pair");
        uri.text(PAIRING_CODE, &self.code);
        uri.text(SERVICE_NAME, &self.service_name);
        uri.finish()
    }
}

/// MD5 over what the Remote announces, letter for letter, and the digits, each with a zero after it.
fn code(pair: &str, pin: Pin) -> String {
    let digits = pin.0.iter().flat_map(|digit| [*digit, 0]);
    md5(&pair.bytes().chain(digits).collect::<Vec<_>>())
}

/// What a Remote answers that was asked rightly. To any other it answers with status 404 (pyatv: 500).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairingAnswer {
    /// The guid to let in. It is not what was announced as `Pair`, but with pyatv and homebridge-dacp.
    pub guid: PairingGuid,
    /// What the device is called.
    pub name: String,
    /// What it is: `iPhone`, `iPod`.
    pub device_type: String,
}

impl PairingAnswer {
    /// The answer as a Remote gives it.
    ///
    /// # Errors
    /// A text is longer than DMAP can say.
    pub fn reply(&self) -> Result<Reply, dmap::TooLong> {
        Reply::element(CMPA, |out| {
            out.u64(CMPG, self.guid.0);
            out.string(CMNM, &self.name);
            out.string(CMTY, &self.device_type);
        })
    }

    /// Reads the answer, whatever it says it is (pyatv: `application/octet-stream`), its tags in any order.
    ///
    /// # Errors
    /// It is no such answer, or has no guid.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let root = root(bytes, CMPA, "an answer to pairing")?;
        let (mut guid, mut name, mut device_type) = (None, String::new(), String::new());
        for tag in root.children()? {
            let tag = tag?;
            match tag.code {
                CMPG => guid = tag.uint().ok().map(PairingGuid),
                CMNM => name.set(&tag),
                CMTY => device_type.set(&tag),
                _ => {}
            }
        }
        let guid = guid.ok_or(ReadError::Missing { code: CMPG, offset: root.offset })?;
        Ok(Self { guid, name, device_type })
    }
}

/// The body that goes with [`RequestError::NotPaired`], as an Apple TV has it.
#[must_use]
pub fn not_paired() -> Reply {
    reply::error(MLOG, 503, "not paired with this server")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(text: &str) -> Pin {
        text.parse().unwrap()
    }

    #[test]
    fn pairing_codes_are_those_of_real_remotes() {
        for (pair, pin, expected) in [
            ("FAEA410630AEC05E", "0427", "27CE364E5BA51DA4A4628EB860525424"), // taken by pyatv
            ("AF07431C9971AB1D", "3883", "3FB658B77CC8DEF0D473FAD20A991BF2"), // an iPhone's
            ("0000000000000001", "1234", "690E6FF61E0D7C747654A42AED17047D"), // TunesRemote+, pyatv
            ("A1B2C3D4E5F60718", "9051", "71B61754BD84BC7BE30623AC81C8793C"), // taken by pyatv
            ("7D1324235F535AE7", "0001", "A34C3361C7D57D61CA41F62A8042F069"),
            ("1234ABCDE56789FF", "5555", "58AD1D195B6DAA58AA2EA29DC25B81C3"), // pyatv's tests
            ("5B03A9CF4A983143", "1234", "7AF2D0B8629DE3C704D40A14C9E8CB93"),
        ] {
            assert_eq!(code(pair, self::pin(pin)), expected, "{pair} {pin}");
        }
        // What the Remote announces is hashed in its own spelling, however long.
        assert_eq!(code("faea410630aec05e", pin("0427")), "5EA5109C687060BA1F02F14C42A13710");
        assert_ne!(code("1", pin("0001")), code("01", pin("0001")));
    }

    #[test]
    fn a_pin_has_four_digits() {
        assert_eq!(pin("0427").to_string(), "0427");
        for text in ["", "427", "04271", "042x", "+427", " 427", "４27"] {
            assert_eq!(text.parse::<Pin>(), Err(NotAPin), "{text}");
        }
    }

    #[test]
    fn a_guid_is_up_to_sixteen_digits() {
        let read = |text: &str| text.parse().map(|PairingGuid(number)| number);
        assert_eq!(read("0x76CDAF9666B293BD"), Ok(0x76CD_AF96_66B2_93BD));
        assert_eq!(read("76cdaf9666b293bd"), Ok(0x76CD_AF96_66B2_93BD));
        assert_eq!(PairingGuid(0xAF).to_string(), "0x00000000000000AF");
        for text in ["", "0x", "0xnull", "+1", "-1", "0x11111111111111111"] {
            assert_eq!(read(text), Err(NotAGuid), "{text}");
        }
    }

    #[test]
    fn a_guid_is_not_told_in_logs() {
        assert_eq!(format!("{:?}", PairingGuid(0xAF)), "PairingGuid(..)");
    }

    #[test]
    fn what_a_server_asks_is_read_as_it_is_written() {
        // Captured from owntone 29.3, to pyatv.
        let target =
            "/pair?pairingcode=D5DF2A47CAA893DBCCD7C6282420F377&servicename=3C69B5CF12DBA52C";
        let request = PairRequest::parse(target).unwrap();
        assert_eq!(request.service_name, "3C69B5CF12DBA52C");
        assert_eq!(request.to_uri(), target);
    }

    #[test]
    fn who_does_not_know_the_code_is_told_apart() {
        let mut request = PairRequest::new("FAEA410630AEC05E", pin("0427"), "1");
        assert!(request.knows("FAEA410630AEC05E", pin("0427")));
        assert!(!request.knows("FAEA410630AEC05E", pin("0428")));
        assert!(!request.knows("FAEA410630AEC05F", pin("0427")));
        request.code = request.code.to_lowercase();
        assert!(request.knows("FAEA410630AEC05E", pin("0427")));
    }

    #[test]
    fn half_a_question_is_refused() {
        let code = "D5DF2A47CAA893DBCCD7C6282420F377";
        for (target, status) in [
            ("/pair".to_owned(), 400),
            (format!("/pair?pairingcode={code}"), 400),
            (format!("/pair?pairingcode={code}&servicename="), 400),
            (format!("/pair?pairingcode={code}&pairingcode={code}&servicename=1"), 400),
            (format!("/pair?pairingcode={code}0&servicename=1"), 400),
            ("/pair?pairingcode=D5DF2A47CAA893DBCCD7C6282420F37%2B&servicename=1".to_owned(), 400),
            ("/pair?servicename=1".to_owned(), 400),
            (format!("/pairs?pairingcode={code}&servicename=1"), 404),
        ] {
            let error = PairRequest::parse(&target).unwrap_err();
            assert_eq!(error.status(), status, "{target}: {error}");
        }
    }
}
