//! Other people's shares: how one is named and reached, and which of its songs are meant.

mod condition;
mod entries;
pub(crate) mod field;
pub(crate) mod row;
pub(crate) mod selection;

use std::path::PathBuf;

use daap_client::{Builder, Client, ClientError};
use daap_proto::ShareUrl;

use crate::password::{self, Given, Secret};
use crate::seen;

/// Options by which a share lets us in.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct Access {
    /// Password of the share; other users of this machine can see it, so prefer --password-file
    /// [env: DAPPLE_SHARE_PASSWORD]
    #[arg(long, value_name = "PW")]
    password: Option<Secret>,
    /// Read the password from the first line of a file [env: DAPPLE_SHARE_PASSWORD_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
}

impl Access {
    /// The password that is to be given, if any.
    pub(crate) fn password(&self) -> anyhow::Result<Option<Secret>> {
        password_of((self.password.clone(), self.password_file.clone()))
    }

    /// How to go to a share.
    pub(crate) fn builder(&self) -> anyhow::Result<Builder> {
        let builder = Client::builder();
        Ok(match self.password()? {
            Some(password) => builder.password(password.reveal()),
            None => builder,
        })
    }

    /// Logs in to a share.
    ///
    /// One that is named as it is announced, and is not announced now, is tried where it was last seen.
    pub(crate) async fn connect(&self, url: &ShareUrl) -> anyhow::Result<Client> {
        let builder = self.builder()?;
        let connected = builder.connect(url).await;
        if let Err(error @ ClientError::NotFound { .. }) = connected {
            let Some(place) = seen::last_place(url) else { return Err(advised(error)) };
            eprintln!("{:?} is not announced now; it was last seen at {place}", url.host);
            return builder.connect(&place).await.map_err(advised);
        }
        connected.map_err(advised)
    }
}

/// The password of other people's shares: of the command line, or else of the environment.
pub(crate) fn password_of((password, file): Given) -> anyhow::Result<Option<Secret>> {
    let (variable, variable_file) = password::environment("DAPPLE_SHARE_PASSWORD");
    let given = password::first([
        ("the command line", password, file),
        ("the environment", variable, variable_file),
    ])?;
    password::read(given)
}

/// The error, with what to do about it.
pub(crate) fn advised(error: ClientError) -> anyhow::Error {
    let advice = advice(&error);
    anyhow::Error::new(error).context(advice)
}

/// What to do about an error.
pub(crate) fn advice(error: &ClientError) -> String {
    use ClientError as E;
    let advice = match error {
        E::NotFound { seen, .. } if !seen.is_empty() => {
            return format!("there is no such share; there is {}", seen.join(", "));
        }
        E::NotFound { .. } => {
            "there is no such share; `dapple discover` lists those that answer now"
        }
        E::Unreachable { .. } => {
            "no server answers there; `dapple discover` lists the shares that do, with their ports"
        }
        E::NotHttp { .. } | E::NotDaap { .. } => {
            "that is no music share; `dapple discover` lists those there are, with their ports"
        }
        E::PasswordWanted => {
            "give its password with --password-file FILE, or in DAPPLE_SHARE_PASSWORD"
        }
        E::WrongPassword => "the password is not the right one; ask who shares the music",
        E::AppleOnly { .. } => {
            "iTunes 7 and later, and Music, let in Apple's own programs only; who shares the music can share it with \
             `dapple serve` instead"
        }
        E::Busy => "the server has too many listeners, or is about to stop; try again later",
        E::Refused { status: 401 | 403, .. } => "the server does not let this machine do that",
        E::Stalled { .. } | E::CutShort { .. } => {
            "the network or the server fails; what is done again may succeed"
        }
        E::Broken { .. } | E::Unreadable { .. } | E::TooLarge { .. } | E::Astray { .. } => {
            "the server does not answer as music shares do; `curl -s URL | dapple dump` shows what it sends"
        }
        _ => "the server does not give what it was asked for",
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do_and_beneath_it_what_happened() {
        let error = advised(ClientError::PasswordWanted);
        assert!(error.to_string().contains("--password-file"), "{error}");
        assert_eq!(
            error.chain().nth(1).unwrap().to_string(),
            ClientError::PasswordWanted.to_string()
        );
        let seen = vec!["Ann's music".to_owned(), "Bo".to_owned()];
        let error = advised(ClientError::NotFound { name: "Cy".into(), seen });
        assert_eq!(error.to_string(), "there is no such share; there is Ann's music, Bo");
    }
}
