//! What can go wrong with a Subsonic server.

use std::error::Error;
use std::{io, iter};

/// Why a Subsonic server did not give what it was asked for. No password is in any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// It has no such address as was given.
    #[error("{0:?} is not the address of a server: it begins with http:// or https://")]
    Address(String),
    /// A certificate that was given to trust is none.
    #[error("the certificate to trust cannot be read: {0}")]
    Certificate(String),
    /// The server cannot be reached, or fell silent.
    #[error("it cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// The server is not known to be the one that it says it is.
    #[error("its certificate is not trusted: {0}")]
    NotTrusted(rustls::CertificateError),
    /// The server sends on to another, who would be told what is for this one only.
    #[error("it sends on to {0:?}")]
    Elsewhere(String),
    /// The server takes nothing but the password itself, which others could read on the way.
    #[error("it wants the password itself, which others can read on the way")]
    BarePassword,
    /// The server sends something else than the MP3 that it was asked to make.
    #[error("it sends {0} where MP3 was asked for")]
    NotTranscoded(String),
    /// The server says no, in the words of Subsonic.
    #[error("it refuses: {message} (error {code})")]
    Refused {
        /// The number of the error; 40 is a wrong name or password, 70 is that something is not there.
        code: u64,
        /// What the server says of it.
        message: String,
        /// The version of the protocol that the server speaks.
        version: String,
    },
    /// The server, or something before it, says no in the words of HTTP.
    #[error("it answers with the status {0}")]
    Status(u16),
    /// Something answers that is no Subsonic server: a login page, a proxy, a device.
    #[error("a web page answers; is this the address of a Subsonic server?")]
    WebPage,
    /// What is answered is nothing that a Subsonic server says.
    #[error("it answers nonsense: {0}")]
    Nonsense(String),
    /// An answer is larger than any may be.
    #[error("an answer is larger than {0} bytes")]
    TooLarge(usize),
}

impl ApiError {
    /// Whether it is the name, the password or the key, so that trying again soon is of no use.
    #[must_use]
    pub fn is_about_login(&self) -> bool {
        matches!(
            self,
            Self::Refused { code: 10 | 20 | 30 | 40..=44, .. }
                | Self::Status(401 | 403)
                | Self::BarePassword
        )
    }

    /// Whether what was asked for is not there.
    #[must_use]
    pub fn is_not_there(&self) -> bool {
        matches!(self, Self::Refused { code: 70, .. } | Self::Status(404 | 410))
    }
}

impl ApiError {
    /// What a person can do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Address(_) => {
                "give the address as a browser would open it, such as https://music.example/"
            }
            Self::Certificate(_) => {
                "give a file with the certificate as PEM: it has a line -----BEGIN CERTIFICATE-----"
            }
            Self::Unreachable(_) => {
                "see whether the server runs, and whether this machine can reach it; it is tried again"
            }
            Self::NotTrusted(_) => {
                "if the certificate is the server's own, save it as PEM and have it trusted"
            }
            Self::Elsewhere(_) => "if that is the server, give its address",
            Self::BarePassword => {
                "give an address that begins with https://, or reach the server within the own network"
            }
            Self::NotTranscoded(_) => {
                "see that the server can make MP3, which may need ffmpeg or lame, or do without"
            }
            Self::Refused { code: 40 | 44, .. } | Self::Status(401 | 403) => {
                "check the user and the password or key"
            }
            Self::Refused { code: 41..=43, .. } => {
                "log in with a key of the server, or with a password if you gave a key"
            }
            Self::Refused { code: 50, .. } => "have the server allow it to this user",
            Self::Refused { code: 20 | 30, .. } => {
                "update the older of the two, the server or dapple"
            }
            Self::Refused { code: 60, .. } => {
                "see to the licence of the server, or to its time of trial"
            }
            Self::Refused { .. } => "the log of the server may say more; it is tried again",
            Self::Status(404 | 405 | 410 | 501) | Self::WebPage => {
                "check the address: it is where the server shows its page, with the folder if it is in one"
            }
            Self::Status(429) => {
                "let less ask the server at once, or less often; it is tried again"
            }
            Self::Status(_) => "see to the server, or to the proxy before it; it is tried again",
            Self::Nonsense(_) => {
                "check that this is a Subsonic server and no proxy garbles it; it is tried again"
            }
            Self::TooLarge(_) => "make the playlist or album smaller that is so large",
        }
    }
}

impl From<reqwest::Error> for ApiError {
    fn from(error: reqwest::Error) -> Self {
        match not_trusted(&error) {
            Some(why) => Self::NotTrusted(why),
            // The URL has the password in it.
            None => Self::Unreachable(error.without_url()),
        }
    }
}

/// What is wrong with a certificate, if that is behind an error.
fn not_trusted(error: &(dyn Error + 'static)) -> Option<rustls::CertificateError> {
    iter::successors(Some(error), |&error| behind(error)).find_map(|error| {
        match error.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(why) => Some(why.clone()),
            _ => None,
        }
    })
}

/// The cause of an error. One that I/O was given is the cause of that, which does not say so itself.
fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(given) => Some(given),
        None => error.source(),
    }
}

/// An error and what is behind it, as one line.
pub(crate) fn story(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |story, cause| format!("{story}: {cause}"))
}
