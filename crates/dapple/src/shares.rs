//! Shares of other servers that are republished, each as a database of ours.

use std::path::PathBuf;

use anyhow::{Context, bail};
use daap_client::Client;
use daap_proto::{ShareTarget, ShareUrl};
use disk_cache::DiskCache;
use serde::Deserialize;
use source_daap::{Carried, DaapConfig, DaapSource};

use crate::password::{self, Secret};

/// A share as the configuration file names it: by its URL alone, or with its password.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Named {
    /// Its URL.
    Url(String),
    /// Its URL and password.
    WithPassword(WithPassword),
}

/// A share and its password.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithPassword {
    url: String,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
}

/// A share to republish.
#[derive(Debug, PartialEq)]
pub(crate) struct Republished {
    url: ShareUrl,
    password: Option<Secret>,
}

impl Republished {
    /// The share that is named; where no password comes with it, it is `password`.
    fn resolve(named: Named, password: Option<&Secret>) -> anyhow::Result<Self> {
        let (text, own) = match named {
            Named::Url(url) => (url, None),
            Named::WithPassword(WithPassword { url, password, password_file }) => {
                let place = format!("the entry of {url}");
                let given = password::first([(place.as_str(), password, password_file)])?;
                (url, password::read(given)?)
            }
        };
        let url = ShareUrl::typed(&text).with_context(|| {
            format!("`{text}` names no share; `dapple discover` lists those that answer now")
        })?;
        if url.target != ShareTarget::Share {
            bail!("{url} is a part of a share; only a whole one can be republished");
        }
        Ok(Self { url, password: own.or_else(|| password.cloned()) })
    }

    /// By what the library knows it again.
    fn key(&self) -> String {
        self.url.to_string()
    }

    /// It as a source.
    fn source(&self, carried: &Carried, cache: &DiskCache) -> DaapSource {
        let client = Client::builder();
        let client = match &self.password {
            Some(password) => client.password(password.reveal()),
            None => client,
        };
        let mut config = DaapConfig::new(self.url.clone(), client);
        config.carried = Some(carried.clone());
        config.cache = Some(cache.clone());
        DaapSource::new(config)
    }
}

/// Makes what the user named into shares to republish.
pub(crate) fn resolve(
    named: Vec<Named>,
    password: Option<&Secret>,
) -> anyhow::Result<Vec<Republished>> {
    let mut shares: Vec<Republished> = Vec::new();
    for named in named {
        let share = Republished::resolve(named, password)?;
        if shares.iter().any(|other| other.url == share.url) {
            bail!("{} is named twice", share.url);
        }
        shares.push(share);
    }
    Ok(shares)
}

/// Adds a database for each share. It has the name of the share once that was reached, and of its host before.
pub(crate) fn add(
    builder: library::Builder,
    shares: &[Republished],
    carried: &Carried,
    cache: &DiskCache,
) -> library::Builder {
    shares.iter().fold(builder, |builder, share| {
        let builder = builder.database(&share.key(), &share.url.host);
        builder.source(&share.key(), share.source(carried, cache))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Named {
        Named::Url(text.to_owned())
    }

    #[test]
    fn a_share_has_its_own_password_or_else_that_of_all() {
        let own = WithPassword {
            url: "daap://attic/".into(),
            password: Some("own".to_owned().into()),
            password_file: None,
        };
        let shares =
            resolve(vec![url("nas"), Named::WithPassword(own)], Some(&"all".to_owned().into()));
        let shares = shares.unwrap();
        let own = |share: &Republished| share.password.as_ref().map(|own| own.reveal().to_owned());
        let seen: Vec<_> = shares.iter().map(|share| (share.key(), own(share))).collect();
        let expected = [("daap://nas/", "all"), ("daap://attic/", "own")];
        assert_eq!(
            seen,
            expected.map(|(url, password)| (url.to_owned(), Some(password.to_owned())))
        );
    }

    #[test]
    fn what_is_no_share_or_named_twice_is_refused() {
        let refused = |named: Vec<Named>| resolve(named, None).unwrap_err().to_string();
        assert!(refused(vec![url("")]).contains("names no share"));
        assert!(refused(vec![url("daap://nas/artists/Wings")]).contains("part of a share"));
        assert!(refused(vec![url("nas"), url("daap://nas/")]).contains("twice"));
    }
}
