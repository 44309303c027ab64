//! Sounds and pictures that an author opens when they are asked for.

use std::future::Future;
use std::sync::Arc;

use daap_model::{DatabaseId, Item};

use crate::{Artwork, ArtworkSize, Content, SourceError, SourceFuture};

/// Opens the sounds and pictures of songs that were added without: from a disk, from another server, or made
/// on the fly.
///
/// A closure is one for sounds: `|database, item: Arc<Item>| async move { … }`.
///
/// ```
/// use library::{Content, Provider, SourceError};
/// use daap_model::{DatabaseId, Item};
///
/// struct Folder;
///
/// impl Provider for Folder {
///     async fn open(&self, _: DatabaseId, item: &Item) -> Result<Content, SourceError> {
///         // A file that is not there is a 404, a disk that cannot be read a 500: `?` sees to it.
///         Ok(Content::file(format!("/music/{}.mp3", item.persistent_id)).await?)
///     }
/// }
/// ```
pub trait Provider: Send + Sync + 'static {
    /// Opens the sound of a song. Each listener, and each part that one asks for, is a call of its own;
    /// dropping the future or the content cancels it.
    fn open(
        &self,
        database: DatabaseId,
        item: &Item,
    ) -> impl Future<Output = Result<Content, SourceError>> + Send;

    /// The picture of a song, if possible scaled to fit `size`; `None` if it has none. Clients ask for songs
    /// whose track says `has_artwork`.
    fn artwork(
        &self,
        database: DatabaseId,
        item: &Item,
        size: ArtworkSize,
    ) -> impl Future<Output = Result<Option<Artwork>, SourceError>> + Send {
        let _ = (database, item, size);
        std::future::ready(Ok(None))
    }
}

impl<Open, Opening> Provider for Open
where
    Open: Fn(DatabaseId, Arc<Item>) -> Opening + Send + Sync + 'static,
    Opening: Future<Output = Result<Content, SourceError>> + Send,
{
    fn open(
        &self,
        database: DatabaseId,
        item: &Item,
    ) -> impl Future<Output = Result<Content, SourceError>> + Send {
        self(database, Arc::new(item.clone()))
    }
}

/// A [`Provider`] of any kind.
pub(super) trait AnyProvider: Send + Sync + 'static {
    fn open(
        &self,
        database: DatabaseId,
        item: Arc<Item>,
    ) -> SourceFuture<'_, Result<Content, SourceError>>;

    fn artwork(
        &self,
        database: DatabaseId,
        item: Arc<Item>,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>>;
}

impl<P: Provider> AnyProvider for P {
    fn open(
        &self,
        database: DatabaseId,
        item: Arc<Item>,
    ) -> SourceFuture<'_, Result<Content, SourceError>> {
        Box::pin(async move { Provider::open(self, database, &item).await })
    }

    fn artwork(
        &self,
        database: DatabaseId,
        item: Arc<Item>,
        size: ArtworkSize,
    ) -> SourceFuture<'_, Result<Option<Artwork>, SourceError>> {
        Box::pin(async move { Provider::artwork(self, database, &item, size).await })
    }
}
