//! What a shared music library is.

mod ids;
mod item;

pub use ids::{ContainerId, ContainerItemId, DatabaseId, GroupId, ItemId, PersistentId, Revision};
pub use item::{
    Codec, ContentRating, Item, MediaKind, MusicBrainzId, Text, Timestamp, Track, Usage,
};
