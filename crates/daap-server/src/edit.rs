//! `/edit`: playlists that clients change.

use std::sync::Arc;

use daap_model::{DatabaseId, ItemId};
use daap_proto::reply::{self, Reply};
use daap_proto::{EditAction, Query, RequestError};
use http::StatusCode;
use library::{Edited, PlaylistChange, PlaylistEdit, PlaylistError};

use crate::answer::{self, Answer};
use crate::event::Event;
use crate::foreign::{self, NoAnswer};
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
    let Some(change) = change(core, database, action).await? else {
        return Ok(listing::whole(reply::edited()));
    };
    match done(core, PlaylistEdit { database, change }, session.number()).await {
        Ok(Ok(edited)) => Ok(listing::whole(tell(&edited)?)),
        Ok(Err(error)) => Ok(refused(&error)),
        Err(failure) => {
            Ok(answer::text(answer::unanswered(failure), "the playlist cannot be changed"))
        }
    }
}

/// Has the share do it. What is begun goes on while there is time, though its client may leave: it cannot know how
/// much of it is done, and observers are to hear of all that is.
async fn done(
    core: &Core,
    edit: PlaylistEdit,
    session: u64,
) -> Result<Result<Edited, PlaylistError>, NoAnswer> {
    let (share, observers) = (Arc::clone(&core.share), Arc::clone(&core.observers));
    let limit = core.limits.answer;
    let work = tokio::spawn(async move {
        let edited = foreign::within(limit, async { share.edit(edit.clone()).await }).await;
        match &edited {
            Ok(Ok(edited)) => {
                tracing::info!(session, "a playlist was changed");
                let edited = edited.clone();
                observers.tell(|| Event::PlaylistEdited { session, edit, edited });
            }
            Ok(Err(_)) => {}
            Err(failure) => {
                tracing::error!("the share gave no answer about a playlist: {failure}");
            }
        }
        edited
    });
    work.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// What the share is to do, if anything.
async fn change(
    core: &Core,
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
            let items = items(core, database, songs).await?;
            PlaylistChange::Append { container, items }
        }
        EditAction::Take { container, entries } => PlaylistChange::Take { container, entries },
        EditAction::Move { container, entry, after } => {
            PlaylistChange::Move { container, entry, after }
        }
        EditAction::Refresh(_) => return Ok(None),
    }))
}

/// The songs that a client names, one by one or by a query, for which all songs may have to be looked at.
async fn items(
    core: &Core,
    database: DatabaseId,
    songs: Query,
) -> Result<Vec<ItemId>, RequestError> {
    let snapshot = core.snapshot();
    let search = move || snapshot.database(database).map(|database| songs.songs(database));
    core.aside(search)
        .await
        .ok_or(RequestError::NotFound { what: "database", id: database.get().into() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn songs_are_looked_for_in_turn_with_the_big_listings() {
        let library = library::Library::builder("Songs").start().await.unwrap();
        let core = crate::Server::builder(library).core();
        let turns = core.limits.listings_at_once as u32;
        let all_turns = core.preparing.acquire_many(turns).await.unwrap();
        let query = Query::parse("'daap.songartist:Wings'").unwrap();
        let mut search = Box::pin(items(&core, DatabaseId::new(1).unwrap(), query));
        let soon = Duration::from_secs(1);
        assert!(tokio::time::timeout(soon, &mut search).await.is_err());
        drop(all_turns);
        assert_eq!(search.await, Ok(Vec::new()));
    }
}
