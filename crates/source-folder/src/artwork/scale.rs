//! Pictures made to fit a box: bytes in, bytes out.

use std::io::Cursor;

use bytes::Bytes;
use fast_image_resize::Resizer;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x4;
use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
};
use jpeg_encoder::{ColorType, Encoder};
use library::{Artwork, ArtworkSize};

/// The largest picture that is decoded, in pixels. Covers scanned at 600 dpi are a quarter of it.
const MAX_PIXELS: u64 = 50_000_000;
/// The greatest width or height that is decoded.
const MAX_SIDE: u32 = 16_384;
/// Memory that a decoder may ask for.
const MAX_MEMORY: u64 = 256 << 20;
/// The quality of a JPEG made here, of 100.
const QUALITY: u8 = 85;
/// The largest colour profile that goes along with a scaled picture.
const MAX_PROFILE: usize = 64 << 10;

/// A picture ready to be sent.
#[derive(Debug, PartialEq)]
pub(super) enum Fitted {
    /// It fits as it is.
    AsIs(Artwork),
    /// It was made anew, which took some work.
    Made(Artwork),
}

/// Why a picture cannot be made to fit.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScaleError {
    #[error("it is no kind of picture that is known")]
    UnknownKind,
    #[error("it has {width} x {height} pixels, which is too many")]
    TooLarge { width: u32, height: u32 },
    #[error("it cannot be decoded: {0}")]
    Broken(#[from] image::ImageError),
    #[error("it cannot be scaled: {0}")]
    NotScaled(#[from] fast_image_resize::ResizeError),
    #[error("it cannot be encoded: {0}")]
    NotEncoded(#[from] jpeg_encoder::EncodingError),
}

/// Whether these bytes begin as a picture that can be made to fit.
pub(super) fn is_picture(bytes: &[u8]) -> bool {
    matches!(
        image::guess_format(bytes),
        Ok(ImageFormat::Jpeg
            | ImageFormat::Png
            | ImageFormat::WebP
            | ImageFormat::Gif
            | ImageFormat::Bmp)
    )
}

/// Makes a picture fit into the box, keeping its proportions and never enlarging it. A JPEG or PNG that fits
/// is left as it is; everything else becomes a JPEG, or a PNG if one can see through it.
pub(super) fn fit(bytes: &Bytes, size: ArtworkSize) -> Result<Fitted, ScaleError> {
    let media_type = match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Some("image/jpeg"),
        Ok(ImageFormat::Png) => Some("image/png"),
        _ if is_picture(bytes) => None,
        _ => return Err(ScaleError::UnknownKind),
    };
    if let (ArtworkSize::Original, Some(media_type)) = (size, media_type) {
        return Ok(Fitted::AsIs(Artwork { media_type, bytes: bytes.clone() }));
    }
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(image::ImageError::from)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS || width == 0 || height == 0 {
        return Err(ScaleError::TooLarge { width, height });
    }
    let turned = decoder.orientation()?;
    let sideways = {
        use image::metadata::Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        matches!(turned, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
    };
    let goal = goal(if sideways { (height, width) } else { (width, height) }, size);
    let fits = goal == if sideways { (height, width) } else { (width, height) };
    if let (true, Some(media_type)) = (fits, media_type) {
        return Ok(Fitted::AsIs(Artwork { media_type, bytes: bytes.clone() }));
    }
    // Profiles of grey and of printers' colours say nothing of the red, green and blue that comes out.
    let profile = decoder
        .icc_profile()?
        .filter(|profile| profile.get(16..20) == Some(b"RGB ") && profile.len() <= MAX_PROFILE);
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(turned);
    encode(picture, goal, profile.as_deref()).map(Fitted::Made)
}

/// The size that a picture gets in a box.
fn goal((width, height): (u32, u32), size: ArtworkSize) -> (u32, u32) {
    let ArtworkSize::Within { width: most_wide, height: most_high } = size else {
        return (width, height);
    };
    let unbounded = |most| if most == 0 { u32::MAX } else { most };
    let (most_wide, most_high) = (unbounded(most_wide), unbounded(most_high));
    if width <= most_wide && height <= most_high {
        return (width, height);
    }
    let scaled = |side: u32, by: u32, of: u32| {
        let side = (u64::from(side) * u64::from(by) + u64::from(of) / 2) / u64::from(of);
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    // The side that sticks out further decides.
    if u64::from(width) * u64::from(most_high) > u64::from(height) * u64::from(most_wide) {
        (most_wide, scaled(height, most_wide, width))
    } else {
        (scaled(width, most_high, height), most_high)
    }
}

fn encode(
    picture: DynamicImage,
    goal: (u32, u32),
    profile: Option<&[u8]>,
) -> Result<Artwork, ScaleError> {
    let size = (picture.width(), picture.height());
    let pixels = picture.into_rgba8();
    let is_opaque = pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let pixels = scale(pixels.into_raw(), size, goal)?;
    let mut bytes = Vec::new();
    let media_type = if is_opaque {
        let too_large = |_| ScaleError::TooLarge { width: goal.0, height: goal.1 };
        let (width, height) =
            (u16::try_from(goal.0).map_err(too_large)?, u16::try_from(goal.1).map_err(too_large)?);
        let mut encoder = Encoder::new(&mut bytes, QUALITY);
        if let Some(profile) = profile {
            encoder.add_icc_profile(profile)?;
        }
        encoder.encode(&pixels, width, height, ColorType::Rgba)?;
        "image/jpeg"
    } else {
        let encoder = PngEncoder::new(&mut bytes);
        encoder.write_image(&pixels, goal.0, goal.1, ExtendedColorType::Rgba8)?;
        "image/png"
    };
    Ok(Artwork { media_type, bytes: bytes.into() })
}

/// Scales red, green, blue and alpha. Asked for a kind of pixel that is only known when it runs, the library comes with code
/// for all of its thirteen, which is megabytes.
fn scale(
    pixels: Vec<u8>,
    (width, height): (u32, u32),
    goal: (u32, u32),
) -> Result<Vec<u8>, ScaleError> {
    if goal == (width, height) {
        return Ok(pixels);
    }
    let source = TypedImageRef::<U8x4>::from_buffer(width, height, &pixels)
        .expect("a decoder gives as many pixels as it says");
    let mut scaled = vec![0; goal.0 as usize * goal.1 as usize * 4];
    let mut view = TypedImage::<U8x4>::from_buffer(goal.0, goal.1, &mut scaled)
        .expect("it was made for so many pixels");
    Resizer::new().resize_typed(&source, &mut view, None)?;
    Ok(scaled)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;
    use testkit::media::jpeg;

    use super::*;

    const BOX: ArtworkSize = ArtworkSize::Within { width: 30, height: 20 };

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Bytes {
        let mut bytes = Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner().into()
    }

    /// How the picture comes out: `made` or `as is`, its kind and its size.
    fn shown(bytes: &Bytes, size: ArtworkSize) -> String {
        let (how, artwork) = match fit(bytes, size) {
            Ok(Fitted::AsIs(artwork)) => ("as is", artwork),
            Ok(Fitted::Made(artwork)) => ("made", artwork),
            Err(error) => return error.to_string(),
        };
        let picture = image::load_from_memory(&artwork.bytes).unwrap();
        format!("{how} {} {}x{}", artwork.media_type, picture.width(), picture.height())
    }

    #[test]
    fn a_picture_fits_its_box_and_keeps_its_proportions() {
        #[track_caller]
        fn check(picture: (u32, u32), within: (u32, u32), expected: (u32, u32)) {
            let size = ArtworkSize::Within { width: within.0, height: within.1 };
            assert_eq!(goal(picture, size), expected);
        }
        check((600, 600), (300, 300), (300, 300));
        check((600, 300), (300, 300), (300, 150));
        check((300, 600), (300, 300), (150, 300));
        check((200, 100), (300, 300), (200, 100));
        check((600, 600), (300, 0), (300, 300));
        check((600, 600), (0, 200), (200, 200));
        check((600, 600), (0, 0), (600, 600));
        check((10_000, 1), (100, 100), (100, 1));
        check((600, 400), (601, 399), (599, 399));
        assert_eq!(goal((7, 8), ArtworkSize::Original), (7, 8));
    }

    #[test]
    fn what_fits_is_left_as_it_is_and_what_does_not_is_made_anew() {
        let picture: Bytes = jpeg(60, 60).into();
        assert_eq!(shown(&picture, ArtworkSize::Original), "as is image/jpeg 60x60");
        assert_eq!(
            shown(&picture, ArtworkSize::Within { width: 60, height: 0 }),
            "as is image/jpeg 60x60"
        );
        assert_eq!(shown(&picture, BOX), "made image/jpeg 20x20");
        let Ok(Fitted::AsIs(artwork)) = fit(&picture, ArtworkSize::Original) else {
            panic!("it fits")
        };
        assert_eq!(artwork.bytes, picture);
    }

    #[test]
    fn other_kinds_become_jpeg_and_what_one_sees_through_png() {
        let red = RgbImage::from_pixel(60, 30, Rgb([255, 0, 0]));
        for format in [ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp] {
            let picture = encoded(red.clone(), format);
            assert_eq!(shown(&picture, BOX), "made image/jpeg 30x15", "{format:?}");
            assert_eq!(
                shown(&picture, ArtworkSize::Original),
                "made image/jpeg 60x30",
                "{format:?}"
            );
        }
        assert_eq!(shown(&encoded(red, ImageFormat::Png), BOX), "made image/jpeg 30x15");
        let glass = |alpha| {
            encoded(RgbaImage::from_pixel(60, 30, Rgba([255, 0, 0, alpha])), ImageFormat::Png)
        };
        assert_eq!(shown(&glass(100), BOX), "made image/png 30x15");
        assert_eq!(shown(&glass(255), BOX), "made image/jpeg 30x15");
        let grey = image::ImageBuffer::from_pixel(60, 30, image::Luma([77_u16]));
        assert_eq!(shown(&encoded(grey, ImageFormat::Png), BOX), "made image/jpeg 30x15");
    }

    #[test]
    fn colours_stay_what_they_are() {
        let picture = encoded(RgbImage::from_pixel(64, 64, Rgb([200, 100, 50])), ImageFormat::Png);
        let Ok(Fitted::Made(artwork)) = fit(&picture, BOX) else { panic!("it does not fit") };
        let pixel = image::load_from_memory(&artwork.bytes).unwrap().into_rgb8().get_pixel(9, 9).0;
        assert!(pixel.iter().zip([200, 100, 50]).all(|(a, b)| a.abs_diff(b) < 6), "{pixel:?}");
    }

    #[test]
    fn what_is_no_picture_or_far_too_large_is_refused() {
        assert_eq!(
            shown(&Bytes::from_static(b"no picture"), BOX),
            "it is no kind of picture that is known"
        );
        assert_eq!(shown(&Bytes::new(), BOX), "it is no kind of picture that is known");
        assert!(!is_picture(b"http://example.org/cover.jpg"));
        let cut = Bytes::from(jpeg(60, 60)).slice(..40);
        assert!(shown(&cut, BOX).starts_with("it cannot be decoded"));
        // A small file that says it is huge: the size in its header is set to 60,000 in each direction.
        let mut bomb = encoded(RgbImage::new(8, 8), ImageFormat::Bmp).to_vec();
        bomb[18..22].copy_from_slice(&12_000_u32.to_le_bytes());
        bomb[22..26].copy_from_slice(&12_000_u32.to_le_bytes());
        assert_eq!(shown(&bomb.into(), BOX), "it has 12000 x 12000 pixels, which is too many");
        let mut bomb = encoded(RgbImage::new(8, 8), ImageFormat::Gif).to_vec();
        bomb[6..10].copy_from_slice(&[0xFF; 4]);
        assert!(shown(&bomb.into(), BOX).contains("decoded"));
    }

    proptest! {
        #[test]
        fn a_goal_is_within_the_box_and_never_larger(w in 1..20_000_u32, h in 1..20_000_u32, mw in 1..3000_u32, mh in 1..3000_u32) {
            let (width, height) = goal((w, h), ArtworkSize::Within { width: mw, height: mh });
            prop_assert!(width >= 1 && height >= 1 && width <= mw.min(w) && height <= mh.min(h));
        }

        #[test]
        fn no_bytes_break_it(at in 0..600_usize, byte: u8, kind in 0..4_usize) {
            let picture = RgbImage::from_fn(24, 24, |x, y| Rgb([x as u8, y as u8, 9]));
            let format = [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Jpeg][kind];
            let mut bytes = encoded(picture, format).to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = fit(&bytes.into(), BOX);
        }
    }
}
