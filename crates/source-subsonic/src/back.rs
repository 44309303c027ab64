//! What listeners do, written to the server.

use daap_model::Timestamp;
use library::{SourceError, SourceKey};

use crate::{SubsonicSource, failed};

/// Refused with [`SourceError::NotAllowed`] unless the configuration lets it [write](crate::SubsonicConfig::writes).
impl SubsonicSource {
    /// Says that a song was played to its end.
    ///
    /// # Errors
    /// It may not, or the server does not take it.
    pub async fn played(&self, key: &SourceKey, at: Timestamp) -> Result<(), SourceError> {
        let milliseconds = (u64::from(at.0) * 1000).to_string();
        self.write("scrobble", key, &[("time", &milliseconds), ("submission", "true")]).await
    }

    /// Says that a song is being played now.
    ///
    /// # Errors
    /// It may not, or the server does not take it.
    pub async fn playing(&self, key: &SourceKey) -> Result<(), SourceError> {
        self.write("scrobble", key, &[("submission", "false")]).await
    }

    /// Rates a song from 0 to 100, as the library does; 0 takes its rating back. The server knows whole stars.
    ///
    /// # Errors
    /// It may not, or the server does not take it.
    pub async fn rate(&self, key: &SourceKey, rating: u8) -> Result<(), SourceError> {
        let stars = rating.min(100).div_ceil(20).to_string();
        self.write("setRating", key, &[("rating", &stars)]).await
    }

    /// Gives a song a star, or takes it back.
    ///
    /// # Errors
    /// It may not, or the server does not take it.
    pub async fn star(&self, key: &SourceKey, is_starred: bool) -> Result<(), SourceError> {
        self.write(if is_starred { "star" } else { "unstar" }, key, &[]).await
    }

    async fn write(
        &self,
        method: &str,
        key: &SourceKey,
        parameters: &[(&str, &str)],
    ) -> Result<(), SourceError> {
        if !self.0.config.writes {
            return Err(SourceError::not_allowed(key.to_string()));
        }
        let id = key.to_string();
        let parameters = [&[("id", id.as_str())], parameters].concat();
        let written = self.0.api.ask(method, &parameters).await;
        written.map(drop).map_err(|error| failed(&self.0.api, key, error))
    }
}
