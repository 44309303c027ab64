//! The two ways to say what is to be played.
//!
//! Since iTunes 11 the queue of a player can be seen and edited (`playqueue-edit`). Players before that, and Apple TVs, take
//! songs that a query finds (`cue`) and playlists (`playspec`), and nothing else. What a player knows it tells at the
//! start.

use dacp_proto::{
    Command, ControlInterface, Cue, Found, PlaySpec, QueueEdit, QueuePlace, Songs, Spec, Which,
};

use crate::RemoteError;

const NO_SUCH_EDIT: RemoteError = RemoteError::Lacking { what: "queue to edit" };

/// What to tell a player, so that its queue is changed like this.
pub(crate) fn commands(
    interface: ControlInterface,
    edit: QueueEdit,
) -> Result<Vec<Command>, RemoteError> {
    if interface.extensions & ControlInterface::QUEUE != 0 {
        return Ok(vec![Command::Queue(edit)]);
    }
    match edit {
        QueueEdit::Play { songs, shuffle } => play(songs, shuffle),
        QueueEdit::Append(songs) => Ok(vec![Command::Cue(Cue::Add(found(songs)?))]),
        QueueEdit::PlayNow(QueuePlace::Queue(index)) => {
            Ok(vec![Command::Cue(Cue::PlayQueued { index, shuffle: None })])
        }
        _ => Err(NO_SUCH_EDIT),
    }
}

fn play(songs: Songs, shuffle: bool) -> Result<Vec<Command>, RemoteError> {
    let shuffle = shuffle.then_some(true);
    if let (Which::Playlist(container), Some(database)) = (&songs.which, songs.database) {
        let (database, container) = (Spec::Persistent(database), Spec::Id(*container));
        return Ok(vec![Command::PlaySpec(PlaySpec { database, container, start: None, shuffle })]);
    }
    // To owntone an index is one of the whole queue, so it has to be empty.
    let songs = found(songs)?;
    Ok(vec![Command::Cue(Cue::Clear), Command::Cue(Cue::Play { songs, index: 0, shuffle })])
}

fn found(songs: Songs) -> Result<Found, RemoteError> {
    let Songs { database, which: Which::Found(query), sort } = songs else {
        return Err(NO_SUCH_EDIT);
    };
    Ok(Found { database, query, sort, reversed: false })
}
