//! Pictures, as a library asks a folder for them.

use library::{ArtworkSize, Source, SourceError};
use source_folder::{FolderConfig, FolderSource, Gallery, GalleryConfig};
use testkit::media::{Song, jpeg};

#[tokio::test]
async fn a_folder_gives_the_pictures_of_its_songs() {
    let music = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    Song::new("Jet").cover(&jpeg(60, 40)).write(music.path().join("Wings/Jet.m4a"));
    Song::new("Let 'Em In").write(music.path().join("Wings/Let 'Em In.flac"));
    let mut gallery = GalleryConfig::default();
    gallery.cache = Some(cache.path().join("pictures"));
    let mut config = FolderConfig::new(music.path());
    config.gallery = Gallery::new(gallery);
    let source = FolderSource::new(config);

    let size = ArtworkSize::Within { width: 30, height: 0 };
    for _ in ["made", "from the cache"] {
        let artwork = source.artwork("Wings/Jet.m4a".into(), size).await.unwrap().unwrap();
        assert_eq!(artwork.media_type, "image/jpeg");
        let picture = image::load_from_memory(&artwork.bytes).unwrap();
        assert_eq!((picture.width(), picture.height()), (30, 20));
    }
    assert!(cache.path().join("pictures").is_dir());
    assert_eq!(source.artwork("Wings/Let 'Em In.flac".into(), size).await.unwrap(), None);
    let gone = source.artwork("Wings/Gone.mp3".into(), size).await;
    assert!(matches!(gone, Err(SourceError::NotThere(_))));
}
