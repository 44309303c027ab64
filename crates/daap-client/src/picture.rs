//! Pictures.

use std::fmt;

use bytes::Bytes;
use http::header::CONTENT_TYPE;

use crate::ClientError;
use crate::transport::Answer;

/// The largest picture that is taken, in bytes.
pub const MAX_PICTURE: usize = 32 << 20;

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Such as `image/jpeg`.
    pub media_type: String,
    /// The file.
    pub bytes: Bytes,
}

impl Picture {
    /// The picture that a server answered with; `None` if nothing is in it.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`] above [`MAX_PICTURE`]; it ends early, stalls or cannot be unpacked.
    pub async fn read(answer: Answer) -> Result<Option<Self>, ClientError> {
        let told = answer.header(CONTENT_TYPE).unwrap_or_default().to_owned();
        let bytes = answer.read(MAX_PICTURE).await?;
        Ok((!bytes.is_empty()).then(|| Self { media_type: media_type(&bytes, told), bytes }))
    }
}

/// What a picture is: as it begins, or as it is said where that is not known.
fn media_type(bytes: &[u8], told: String) -> String {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg".to_owned(),
        [0x89, b'P', b'N', b'G', ..] => "image/png".to_owned(),
        _ => told,
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (media_type, length) = (&self.media_type, self.bytes.len());
        f.debug_struct("Picture").field("media_type", media_type).field("length", &length).finish()
    }
}
