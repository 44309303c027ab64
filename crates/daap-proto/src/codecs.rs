//! Sets of codecs, and how clients tell theirs.

use daap_model::Codec;

/// A set of codecs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codecs(u16);

const _: () = assert!(Codec::ALL.len() <= u16::BITS as usize, "one bit a codec");

impl Codecs {
    /// None.
    pub const NONE: Self = Self(0);

    /// Every codec, those that nobody knows included.
    pub const ALL: Self = Self(u16::MAX);

    /// The set of these.
    #[must_use]
    pub const fn of(codecs: &[Codec]) -> Self {
        let mut set = Self::NONE;
        let mut index = 0;
        while index < codecs.len() {
            set.0 |= 1 << codecs[index] as u16;
            index += 1;
        }
        set
    }

    /// The set that the words of an `Accept-Codecs` header name: codec types between commas (`mpeg,mp4a,wav`, as
    /// the Roku SoundBridge is said to send), or what files of the codec are mostly called.
    ///
    /// ```
    /// use daap_model::Codec;
    /// use daap_proto::Codecs;
    ///
    /// let codecs = Codecs::accepted("mpeg, mp4a,mp4v,WAV");
    /// assert_eq!(codecs, Codecs::of(&[Codec::Mpeg, Codec::Aac, Codec::Wav]));
    /// ```
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let words = header.split(',').map(|word| word.trim().to_ascii_lowercase());
        let codecs = words.filter_map(|word| Some(WORDS.iter().find(|(is, _)| *is == word)?.1));
        codecs.fold(Self::NONE, |set, codec| set.and(Self::of(&[codec])))
    }

    /// The set with the codecs of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without these.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the codec is in the set.
    #[must_use]
    pub const fn has(self, codec: Codec) -> bool {
        self.0 & 1 << codec as u16 != 0
    }
}

/// What codecs are called in `Accept-Codecs`.
const WORDS: &[(&str, Codec)] = &[
    ("mpeg", Codec::Mpeg),
    ("mp3", Codec::Mpeg),
    ("mp4a", Codec::Aac),
    ("aac", Codec::Aac),
    ("alac", Codec::Alac),
    ("wav", Codec::Wav),
    ("aif", Codec::Aiff),
    ("aiff", Codec::Aiff),
    ("flac", Codec::Flac),
    ("ogg", Codec::Vorbis),
    ("vorbis", Codec::Vorbis),
    ("opus", Codec::Opus),
    ("speex", Codec::Speex),
    ("spx", Codec::Speex),
    ("ape", Codec::Ape),
    ("wv", Codec::WavPack),
    ("mpc", Codec::Musepack),
    ("wma", Codec::Wma),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_nobody_knows_name_nothing() {
        assert_eq!(Codecs::accepted(""), Codecs::NONE);
        assert_eq!(Codecs::accepted("mp4v,,*/*"), Codecs::NONE);
    }

    #[test]
    fn every_codec_but_the_unknown_has_a_word_and_a_place_of_its_own() {
        for codec in Codec::ALL {
            let named = WORDS.iter().any(|(_, known)| *known == codec);
            assert_eq!(named, codec != Codec::Unknown, "{codec:?}");
            let others = Codec::ALL.into_iter().filter(|other| *other != codec);
            assert!(!others.into_iter().any(|other| Codecs::of(&[codec]).has(other)));
            assert!(!Codecs::ALL.without(Codecs::of(&[codec])).has(codec));
        }
    }
}
