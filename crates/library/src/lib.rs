//! The owner of the library.

mod content;
mod report;
mod source;

pub use content::{Body, ByteStream, Content, Ranged};
pub use report::{Closed, Known, Listener, Report, ScanPhase, ScanState, Told};
pub use source::{
    Artwork, ArtworkSize, Change, Playlist, PlaylistContent, Recorded, Source, SourceError,
    SourceFuture, SourceKey, Stamp,
};
