//! The picture inside a song's file.

use std::any::Any;
use std::fs::File;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use bytes::Bytes;
use lofty::config::ParseOptions;
use lofty::file::TaggedFileExt;
use lofty::picture::{Picture, PictureType};
use lofty::probe::Probe;

use super::{MAX_PICTURE, scale};
use crate::reader::BoundedReader;
use crate::tags;

/// The most that is read of a file on the way to its picture.
const READ_BUDGET: u64 = 128 << 20;

/// The picture in a file that shows the song best: its front cover, if one is called that. `None` if there is
/// none that can be shown, and for files that no tag can be read from.
pub(super) fn picture(path: &Path) -> io::Result<Option<Bytes>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let reader = BoundedReader::new(file, length, READ_BUDGET);
    tags::limit_allocations();
    // Tag readers meet hostile files: a panic costs this picture and nothing else.
    Ok(guard("the tags", path, || best(reader)).flatten())
}

/// Runs what might panic on hostile bytes; `None` if it did.
pub(super) fn guard<T>(what: &str, path: &Path, work: impl FnOnce() -> T) -> Option<T> {
    let told = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let reason =
            text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned();
        tracing::warn!(path = %path.display(), reason, "{what} break their reader");
    };
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(told).ok()
}

fn best(reader: BoundedReader) -> Option<Bytes> {
    let options = ParseOptions::new().read_properties(false);
    let file = Probe::new(reader).options(options).guess_file_type().ok()?.read().ok()?;
    let pictures = file.tags().iter().flat_map(lofty::tag::Tag::pictures);
    let shown =
        pictures.filter(|it| it.data().len() <= MAX_PICTURE && scale::is_picture(it.data()));
    shown.min_by_key(|picture| rank(picture)).map(|picture| Bytes::copy_from_slice(picture.data()))
}

/// How far a picture is from being the front cover.
fn rank(picture: &Picture) -> u8 {
    match picture.pic_type() {
        PictureType::CoverFront => 0,
        // Most programs that write one picture leave its kind open.
        PictureType::Other | PictureType::Undefined(_) => 1,
        PictureType::Media | PictureType::Illustration | PictureType::Leaflet => 2,
        PictureType::Icon | PictureType::OtherIcon => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use lofty::config::WriteOptions;
    use lofty::tag::{Tag, TagExt, TagType};
    use testkit::media::{Format, Song, jpeg};

    use super::*;

    #[test]
    fn every_format_gives_its_cover() {
        let folder = tempfile::tempdir().unwrap();
        let cover = jpeg(8, 8);
        for (format, suffix) in Format::ALL {
            let path = folder.path().join(format!("{format:?}.{suffix}"));
            Song::new("Jet").cover(&cover).write_as(format, &path);
            assert_eq!(picture(&path).unwrap(), Some(cover.clone().into()), "{format:?}");
            Song::new("Jet").write_as(format, &path);
            assert_eq!(picture(&path).unwrap(), None, "{format:?}");
        }
    }

    #[test]
    fn the_front_cover_is_preferred_and_what_is_no_picture_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        Song::untagged().write(&path);
        let mut tag = Tag::new(TagType::Id3v2);
        let mut push = |kind, data: &[u8]| {
            tag.push_picture(Picture::unchecked(data.to_vec()).pic_type(kind).build())
        };
        let (back, front) = (jpeg(9, 9), jpeg(8, 8));
        push(PictureType::CoverFront, b"http://example.org/cover.jpg");
        push(PictureType::CoverBack, &back);
        push(PictureType::CoverFront, &front);
        tag.save_to_path(&path, WriteOptions::new()).unwrap();
        assert_eq!(picture(&path).unwrap(), Some(front.into()));
    }

    #[test]
    fn files_without_tags_have_no_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp3");
        std::fs::write(&path, b"no song").unwrap();
        assert_eq!(picture(&path).unwrap(), None);
        assert!(picture(&folder.path().join("none.mp3")).is_err());
    }

    #[test]
    fn a_panic_is_kept_in() {
        assert_eq!(guard("tests", Path::new("a"), || 1), Some(1));
        assert_eq!(guard("tests", Path::new("a"), || -> u8 { panic!("on purpose") }), None);
    }
}
