//! The players that dapple may control as a Remote, remembered with their guids.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use daap_proto::ShareUrl;
use serde::{Deserialize, Serialize};

use crate::file;

/// The file, in the data folder. Who has a guid controls the player, so nobody else may read it.
const FILE: &str = "players.json";

/// How many players are remembered; with more the one goes that was paired first.
const PLAYERS_MAX: usize = 256;

/// A player that was paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Player {
    /// What it calls itself.
    pub(crate) name: String,
    /// Where it was when it was paired: as a URL, such as `daap://nas:3689/`.
    pub(crate) url: String,
    /// Under what it announces itself to Remotes.
    pub(crate) service_name: String,
    /// With what to log in.
    pub(crate) guid: String,
}

impl Player {
    /// Whether this is what somebody calls it: by its name, its host, or where it is.
    fn is_called(&self, text: &str) -> bool {
        let same = |name: &str| name.to_lowercase() == text.to_lowercase();
        let place = ShareUrl::typed(text).is_ok_and(|url| url.to_string() == self.url);
        let host = self.url.parse().is_ok_and(|url: ShareUrl| same(&url.host));
        same(&self.name) || same(&self.service_name) || place || host
    }
}

/// All that are remembered, the last paired first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Players(Vec<Player>);

impl Players {
    /// What the file in `folder` says. One that cannot be understood is set aside, and its new name told on standard
    /// error.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(file::kept(&folder.join(FILE))?.unwrap_or_default()))
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Player] {
        &self.0
    }

    /// The one that somebody calls so.
    pub(crate) fn find(&self, text: &str) -> Option<&Player> {
        self.0.iter().find(|player| player.is_called(text))
    }

    /// Adds a player to the file in `folder`, in the place of what was known of it.
    pub(crate) fn remember(folder: &Path, player: Player) -> anyhow::Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut players = Self::read(folder)?;
        players.0.retain(|known| known.service_name != player.service_name);
        players.0.insert(0, player);
        players.0.truncate(PLAYERS_MAX);
        players.write(folder)
    }

    /// Takes a player from the file in `folder`; `None` if none is called so.
    pub(crate) fn forget(folder: &Path, text: &str) -> anyhow::Result<Option<Player>> {
        let mut players = Self::read(folder)?;
        let Some(at) = players.0.iter().position(|player| player.is_called(text)) else {
            return Ok(None);
        };
        let player = players.0.remove(at);
        players.write(folder)?;
        Ok(Some(player))
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        file::keep_secret(&folder.join(FILE), &self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn player(name: &str, url: &str, service_name: &str) -> Player {
        Player {
            name: name.into(),
            url: url.into(),
            service_name: service_name.into(),
            guid: "0x1".into(),
        }
    }

    #[test]
    fn players_are_remembered_for_their_owner_alone_and_found_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not there yet");
        let den = player("Den", "daap://192.0.2.7:3690/", "74DEBFCE2ED0E1C0");
        Players::remember(&data, den.clone()).unwrap();
        Players::remember(&data, player("Attic", "daap://attic.local:3689/", "1")).unwrap();
        let players = Players::read(&data).unwrap();
        for text in ["Den", "den", "74debfce2ed0e1c0", "192.0.2.7", "192.0.2.7:3690"] {
            assert_eq!(players.find(text), Some(&den), "{text}");
        }
        assert_eq!(players.find("192.0.2.7:1"), None);
        assert_eq!(players.find("attic.local").unwrap().name, "Attic");
        let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_player_that_is_paired_again_takes_the_place_of_what_was_known() {
        let folder = tempfile::tempdir().unwrap();
        Players::remember(folder.path(), player("Den", "daap://a/", "7")).unwrap();
        Players::remember(folder.path(), player("Study", "daap://b/", "7")).unwrap();
        assert_eq!(Players::read(folder.path()).unwrap().all().len(), 1);
        let gone = Players::forget(folder.path(), "study").unwrap();
        assert_eq!(gone.unwrap().url, "daap://b/");
        assert_eq!(Players::forget(folder.path(), "study").unwrap(), None);
    }
}
