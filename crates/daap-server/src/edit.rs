//! `/edit`: playlists that clients change.

use std::sync::Arc;

use daap_model::{DatabaseId, ItemId, Snapshot};
use daap_proto::reply::{self, Reply};
use daap_proto::{EditAction, Query, RequestError};
use http::StatusCode;
use library::{Edited, PlaylistChange, PlaylistEdit, PlaylistError};

use crate::answer::{self, Answer};
use crate::event::Event;
use crate::foreign;
use crate::listing;
use crate::service::Core;
use crate::session::Activity;

/// Who may change playlists, if the share lets them be changed. Whoever it is needs a session, and no browser may:
/// any page could use it for its own ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Editing {
    /// Nobody.
    #[default]
    Nobody,
    /// Clients on this machine.
    ThisMachine,
    /// Clients on this machine and on the local network.
    LocalNetwork,
}

/// Does what a client asks, and says what came of it.
pub(crate) async fn answer(
    core: &Core,
    database: DatabaseId,
    action: EditAction,
    session: Activity,
) -> Result<Answer, RequestError> {
    let Some(change) = change(core.snapshot(), database, action).await? else {
        return Ok(listing::whole(reply::edited()));
    };
    let edit = PlaylistEdit { database, change };
    let work = async { core.share.edit(edit.clone()).await };
    match foreign::within(core.limits.answer, work).await {
        Ok(Ok(edited)) => {
            let reply = tell(&edited)?;
            tracing::info!(session = session.number(), "a playlist was changed");
            let session = session.number();
            core.observers.tell(|| Event::PlaylistEdited { session, edit, edited });
            Ok(listing::whole(reply))
        }
        Ok(Err(error)) => Ok(refused(&error)),
        Err(failure) => {
            tracing::error!("the share gave no answer about a playlist: {failure}");
            Ok(answer::text(answer::unanswered(failure), "the playlist cannot be changed"))
        }
    }
}

/// What the share is to do, if anything.
async fn change(
    snapshot: Arc<Snapshot>,
    database: DatabaseId,
    action: EditAction,
) -> Result<Option<PlaylistChange>, RequestError> {
    Ok(Some(match action {
        EditAction::AddPlaylist { name } => PlaylistChange::Add { name: name.into() },
        EditAction::RemovePlaylist(container) => PlaylistChange::Remove(container),
        EditAction::Rename { container, name } => {
            PlaylistChange::Rename { container, name: name.into() }
        }
        EditAction::Append { container, songs } => {
            let items = items(snapshot, database, songs).await?;
            PlaylistChange::Append { container, items }
        }
        EditAction::Take { container, entries } => PlaylistChange::Take { container, entries },
        EditAction::Move { container, entry, after } => {
            PlaylistChange::Move { container, entry, after }
        }
        EditAction::Refresh(_) => return Ok(None),
    }))
}

/// The songs that a client names, one by one or by a query. All songs may have to be looked at, so it is done
/// elsewhere than on the threads that serve all connections.
async fn items(
    snapshot: Arc<Snapshot>,
    database: DatabaseId,
    songs: Query,
) -> Result<Vec<ItemId>, RequestError> {
    let search = tokio::task::spawn_blocking(move || {
        snapshot.database(database).map(|database| songs.songs(database))
    });
    let found = search.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    found.ok_or(RequestError::NotFound { what: "database", id: database.get().into() })
}

fn tell(edited: &Edited) -> Result<Reply, RequestError> {
    Ok(match edited {
        Edited::Done => reply::edited(),
        Edited::Playlist(id) => reply::playlist_added(*id),
        Edited::Entries(entries) => reply::entries_added(entries)?,
    })
}

fn refused(error: &PlaylistError) -> Answer {
    let status = match error {
        PlaylistError::NoDatabase(_)
        | PlaylistError::NoPlaylist(_)
        | PlaylistError::NoSong(_)
        | PlaylistError::NoEntry { .. } => StatusCode::NOT_FOUND,
        PlaylistError::ReadOnly(_) => StatusCode::FORBIDDEN,
        PlaylistError::TooMuch => StatusCode::PAYLOAD_TOO_LARGE,
        PlaylistError::IdsExhausted => StatusCode::INSUFFICIENT_STORAGE,
        PlaylistError::NotSaved | PlaylistError::Closed => return answer::busy(&error.to_string()),
        // The library may learn of other reasons before this server does.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    answer::text(status, &error.to_string())
}
