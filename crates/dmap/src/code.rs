//! The one table of content codes: four bytes, a long name, a type.
//!
//! Codes and names are facts of the wire, gathered from what iTunes and the open servers and clients send
//! (`docs/protocol.md`). A constant is its code in upper case; where two codes differ only in case, the one
//! that ends in a small letter has `_LOWER` after it.

use std::fmt;
use std::sync::LazyLock;

/// Four bytes that say what an element is. By habit ASCII, but not always: 66 8D 63 68 is in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub [u8; 4]);

impl Code {
    /// The code's row in the table, or `None` for a code nobody told us of.
    #[must_use]
    pub fn definition(self) -> Option<&'static Definition> {
        TABLE.binary_search_by_key(&self, |row| row.code).ok().map(|row| &TABLE[row])
    }

    /// The row with this long name. Of the few names that two codes share, the one to send wins.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Definition> {
        let found = BY_NAME.binary_search_by_key(&name, |row| row.name).ok()?;
        Some(BY_NAME[found])
    }

    /// The long name, such as `dmap.itemname`; empty if there is none.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.definition().map_or("", |row| row.name)
    }

    /// How to read the value; [`Kind::Raw`] for a code nobody told us of.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.definition().map_or(Kind::Raw, |row| row.kind)
    }

    /// The four bytes as a number, as `dmap.contentcodesnumber` has them.
    #[must_use]
    pub const fn number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }
}

/// The four letters; a byte that is not a printable ASCII character becomes `\x` and two hex digits.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({self})")
    }
}

/// The types of values. Even numbers are the signed ones: `asrv` (type 2) and `msto` (type 6) go below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 1 byte, unsigned; also a boolean.
    UByte,
    /// 1 byte, signed.
    Byte,
    /// 2 bytes, unsigned.
    UShort,
    /// 2 bytes, signed.
    Short,
    /// 4 bytes, unsigned.
    UInt,
    /// 4 bytes, signed.
    Int,
    /// 8 bytes, unsigned.
    ULong,
    /// 8 bytes, signed. No code in the table has it.
    Long,
    /// UTF-8 without terminator.
    String,
    /// 4 bytes, seconds since 1970-01-01 UTC.
    Date,
    /// 4 bytes: major (two of them), minor, patch.
    Version,
    /// Elements.
    Container,
    /// Unsigned, of a width that no source gives. Never sent.
    Number,
    /// Bytes that have no type of their own.
    Raw,
}

impl Kind {
    /// The number in `dmap.contentcodestype`, 1 to 12; `None` for what has none and is never announced.
    #[must_use]
    pub const fn number(self) -> Option<u16> {
        Some(match self {
            Self::UByte => 1,
            Self::Byte => 2,
            Self::UShort => 3,
            Self::Short => 4,
            Self::UInt => 5,
            Self::Int => 6,
            Self::ULong => 7,
            Self::Long => 8,
            Self::String => 9,
            Self::Date => 10,
            Self::Version => 11,
            Self::Container => 12,
            Self::Number | Self::Raw => return None,
        })
    }

    /// Whether the value is a whole number, of any width.
    #[must_use]
    pub const fn is_integer(self) -> bool {
        self.is_signed()
            || matches!(self, Self::UByte | Self::UShort | Self::UInt | Self::ULong | Self::Number)
    }

    /// Whether the value can be below zero.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        matches!(self, Self::Byte | Self::Short | Self::Int | Self::Long)
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct Definition {
    /// The four bytes.
    pub code: Code,
    /// The long name, or empty where nobody gives one.
    pub name: &'static str,
    /// How to read the value.
    pub kind: Kind,
}

/// Every code we were told of, in the order of its bytes.
#[must_use]
pub fn all() -> &'static [Definition] {
    TABLE
}

/// Rows that have a name, in the order of the names, each name once.
static BY_NAME: LazyLock<Vec<&'static Definition>> = LazyLock::new(|| {
    let mut rows: Vec<_> = TABLE.iter().filter(|row| !row.name.is_empty()).collect();
    // Of two rows with one name, the later in byte order is the one that iTunes sends today:
    // aeCs, musr, 66 8D 63 68.
    rows.sort_by(|a, b| a.name.cmp(b.name).then(b.code.cmp(&a.code)));
    rows.dedup_by_key(|row| row.name);
    rows
});

macro_rules! content_codes {
    ($($constant:ident $code:literal $name:literal $kind:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($constant), "`, ", $name, ": ", stringify!($kind), ".")]
            pub const $constant: Code = Code(*$code);
        )*

        static TABLE: &[Definition] =
            &[$(Definition { code: $constant, name: $name, kind: Kind::$kind }),*];
    };
}

content_codes! {
    ABAL b"abal" "daap.browsealbumlisting" Container;
    ABAR b"abar" "daap.browseartistlisting" Container;
    ABCP b"abcp" "daap.browsecomposerlisting" Container;
    ABGN b"abgn" "daap.browsegenrelisting" Container;
    ABPL b"abpl" "daap.baseplaylist" UByte;
    ABRO b"abro" "daap.databasebrowse" Container;
    ADBS b"adbs" "daap.databasesongs" Container;
    AEAD b"aeAD" "com.apple.itunes.adam-ids-array" Container;
    AEAI b"aeAI" "com.apple.itunes.itms-artistid" UInt;
    AEAK b"aeAK" "" String;
    AECD b"aeCD" "com.apple.itunes.flat-chapter-data" Raw;
    AECF b"aeCF" "com.apple.itunes.cloud-flavor-id" ULong;
    AECI b"aeCI" "com.apple.itunes.itms-composerid" UInt;
    AECK b"aeCK" "com.apple.itunes.cloud-library-kind" UByte;
    AECM b"aeCM" "com.apple.itunes.cloud-match-type" UByte;
    AECR b"aeCR" "com.apple.itunes.content-rating" String;
    AECS b"aeCS" "com.apple.itunes.artworkchecksum" UInt;
    AECU b"aeCU" "com.apple.itunes.cloud-user-id" ULong;
    AECD_LOWER b"aeCd" "com.apple.itunes.cloud-id" ULong;
    AECS_LOWER b"aeCs" "com.apple.itunes.artworkchecksum" UInt;
    AEDE b"aeDE" "com.apple.itunes.longest-content-description" String;
    AEDL b"aeDL" "com.apple.itunes.drm-downloader-user-id" ULong;
    AEDP b"aeDP" "com.apple.itunes.drm-platform-id" UInt;
    AEDR b"aeDR" "com.apple.itunes.drm-user-id" ULong;
    AEDV b"aeDV" "com.apple.itunes.drm-versions" UInt;
    AEEN b"aeEN" "com.apple.itunes.episode-num-str" String;
    AEES b"aeES" "com.apple.itunes.episode-sort" UInt;
    AEFA b"aeFA" "com.apple.itunes.drm-family-id" ULong;
    AEFP b"aeFP" "com.apple.itunes.req-fplay" UByte;
    AEFR b"aeFR" "com.apple.itunes.unknown-FR" UByte;
    AEGD b"aeGD" "com.apple.itunes.gapless-enc-dr" UInt;
    AEGE b"aeGE" "com.apple.itunes.gapless-enc-del" UInt;
    AEGH b"aeGH" "com.apple.itunes.gapless-heur" UInt;
    AEGI b"aeGI" "com.apple.itunes.itms-genreid" UInt;
    AEGR b"aeGR" "com.apple.itunes.gapless-resy" ULong;
    AEGU b"aeGU" "com.apple.itunes.gapless-dur" ULong;
    AEGS b"aeGs" "com.apple.itunes.can-be-genius-seed" UByte;
    AEHC b"aeHC" "com.apple.itunes.has-chapter-data" Number;
    AEHD b"aeHD" "com.apple.itunes.is-hd-video" UByte;
    AEHV b"aeHV" "com.apple.itunes.has-video" UByte;
    AEIM b"aeIM" "com.apple.itunes.unknown-IM" ULong;
    AEK1 b"aeK1" "com.apple.itunes.drm-key1-id" ULong;
    AEK2 b"aeK2" "com.apple.itunes.drm-key2-id" ULong;
    AEMC b"aeMC" "com.apple.itunes.playlist-contains-media-type-count" Number;
    AEMK b"aeMK" "com.apple.itunes.mediakind" UByte;
    AEMQ b"aeMQ" "com.apple.itunes.unknown-MQ" UByte;
    AEMX b"aeMX" "com.apple.itunes.movie-info-xml" String;
    AEMK_LOWER b"aeMk" "com.apple.itunes.extended-media-kind" UInt;
    AEND b"aeND" "com.apple.itunes.non-drm-user-id" ULong;
    AENN b"aeNN" "com.apple.itunes.network-name" String;
    AENV b"aeNV" "com.apple.itunes.norm-volume" UInt;
    AEPC b"aePC" "com.apple.itunes.is-podcast" UByte;
    AEPI b"aePI" "com.apple.itunes.itms-playlistid" UInt;
    AEPP b"aePP" "com.apple.itunes.is-podcast-playlist" UByte;
    AEPS b"aePS" "com.apple.itunes.special-playlist" UByte;
    AERD b"aeRD" "com.apple.itunes.rental-duration" Number;
    AERM b"aeRM" "com.apple.itunes.unknown-RM" ULong;
    AERP b"aeRP" "com.apple.itunes.rental-pb-start" Number;
    AERS b"aeRS" "com.apple.itunes.rental-start" Number;
    AERU b"aeRU" "com.apple.itunes.rental-pb-duration" Number;
    AERF b"aeRf" "com.apple.itunes.is-featured" Number;
    AESE b"aeSE" "com.apple.itunes.store-pers-id" ULong;
    AESF b"aeSF" "com.apple.itunes.itms-storefrontid" UInt;
    AESG b"aeSG" "com.apple.itunes.saved-genius" UByte;
    AESI b"aeSI" "com.apple.itunes.itms-songid" ULong;
    AESL b"aeSL" "com.apple.itunes.unknown-SL" UByte;
    AESN b"aeSN" "com.apple.itunes.series-name" String;
    AESP b"aeSP" "com.apple.itunes.smart-playlist" UByte;
    AESR b"aeSR" "com.apple.itunes.unknown-SR" UByte;
    AESU b"aeSU" "com.apple.itunes.season-num" UInt;
    AESV b"aeSV" "com.apple.itunes.music-sharing-version" UInt;
    AESX b"aeSX" "com.apple.itunes.unknown-SX" ULong;
    AETR b"aeTr" "com.apple.itunes.unknown-Tr" UByte;
    AEXD b"aeXD" "com.apple.itunes.xid" String;
    AEAD_LOWER b"aead" "" Raw;
    AECP b"aecp" "com.apple.itunes.collection-description" String;
    AELB b"aelb" "com.apple.itunes.like-button" Number;
    AELS b"aels" "com.apple.itunes.liked-state" UByte;
    AEMI b"aemi" "com.apple.itunes.media-kind-listing-item" Container;
    AEML b"aeml" "com.apple.itunes.media-kind-listing" Container;
    AGAC b"agac" "daap.groupalbumcount" UInt;
    AGAL b"agal" "daap.albumgrouping" Container;
    AGAR b"agar" "" Container;
    AGMA b"agma" "daap.groupmatchedqueryalbumcount" Number;
    AGMI b"agmi" "daap.groupmatchedqueryitemcount" Number;
    AGRP b"agrp" "daap.songgrouping" String;
    AJAE b"ajAE" "com.apple.itunes.store.ams-episode-type" Number;
    AJAS b"ajAS" "com.apple.itunes.store.ams-episode-sort-order" Number;
    AJAT b"ajAT" "com.apple.itunes.store.ams-show-type" Number;
    AJAV b"ajAV" "com.apple.itunes.store.is-ams-video" Number;
    AJAL b"ajal" "com.apple.itunes.store.album-liked-state" Byte;
    AJCA b"ajcA" "com.apple.itunes.store.show-composer-as-artist" Byte;
    AJCA_LOWER b"ajca" "com.apple.itunes.store.show-composer-as-artist" Number;
    AJUW b"ajuw" "com.apple.itunes.store.use-work-name-as-display-name" Number;
    AMVC b"amvc" "daap.songmovementcount" Number;
    AMVM b"amvm" "daap.songmovementname" String;
    AMVN b"amvn" "daap.songmovementnumber" Number;
    APLY b"aply" "daap.databaseplaylists" Container;
    APRM b"aprm" "daap.playlistrepeatmode" UByte;
    APRO b"apro" "daap.protocolversion" Version;
    APSM b"apsm" "daap.playlistshufflemode" UByte;
    APSO b"apso" "daap.playlistsongs" Container;
    ARIF b"arif" "daap.resolveinfo" Container;
    ARSV b"arsv" "daap.resolve" Container;
    ASAA b"asaa" "daap.songalbumartist" String;
    ASAC b"asac" "daap.songartworkcount" UShort;
    ASAI b"asai" "daap.songalbumid" ULong;
    ASAL b"asal" "daap.songalbum" String;
    ASAR b"asar" "daap.songartist" String;
    ASAS b"asas" "daap.songalbumuserratingstatus" UByte;
    ASBK b"asbk" "daap.bookmarkable" UByte;
    ASBO b"asbo" "daap.songbookmark" UInt;
    ASBR b"asbr" "daap.songbitrate" UShort;
    ASBT b"asbt" "daap.songbeatsperminute" UShort;
    ASCD b"ascd" "daap.songcodectype" UInt;
    ASCM b"ascm" "daap.songcomment" String;
    ASCN b"ascn" "daap.songcontentdescription" String;
    ASCO b"asco" "daap.songcompilation" UByte;
    ASCP b"ascp" "daap.songcomposer" String;
    ASCR b"ascr" "daap.songcontentrating" UByte;
    ASCS b"ascs" "daap.songcodecsubtype" UInt;
    ASCT b"asct" "daap.songcategory" String;
    ASDA b"asda" "daap.songdateadded" Date;
    ASDB b"asdb" "daap.songdisabled" UByte;
    ASDC b"asdc" "daap.songdisccount" UShort;
    ASDK b"asdk" "daap.songdatakind" UByte;
    ASDM b"asdm" "daap.songdatemodified" Date;
    ASDN b"asdn" "daap.songdiscnumber" UShort;
    ASDP b"asdp" "daap.songdatepurchased" Date;
    ASDR b"asdr" "daap.songdatereleased" Date;
    ASDT b"asdt" "daap.songdescription" String;
    ASED b"ased" "daap.songextradata" UShort;
    ASEQ b"aseq" "daap.songeqpreset" String;
    ASES b"ases" "daap.songexcludefromshuffle" UByte;
    ASFM b"asfm" "daap.songformat" String;
    ASGN b"asgn" "daap.songgenre" String;
    ASGP b"asgp" "daap.songgapless" UByte;
    ASGR b"asgr" "daap.supportsgroups" UShort;
    ASHP b"ashp" "daap.songhasbeenplayed" UByte;
    ASKD b"askd" "daap.songlastskipdate" Date;
    ASKP b"askp" "daap.songuserskipcount" UInt;
    ASKY b"asky" "daap.songkeywords" String;
    ASLC b"aslc" "daap.songlongcontentdescription" String;
    ASLR b"aslr" "daap.songalbumuserrating" UByte;
    ASLS b"asls" "daap.songlongsize" ULong;
    ASPC b"aspc" "daap.songuserplaycount" UInt;
    ASPL b"aspl" "daap.songdateplayed" Date;
    ASPU b"aspu" "daap.songpodcasturl" String;
    ASRI b"asri" "daap.songartistid" ULong;
    ASRS b"asrs" "daap.songuserratingstatus" UByte;
    ASRV b"asrv" "daap.songrelativevolume" Byte;
    ASSA b"assa" "daap.sortartist" String;
    ASSC b"assc" "daap.sortcomposer" String;
    ASSE b"asse" "com.apple.itunes.unknown-se" ULong;
    ASSL b"assl" "daap.sortalbumartist" String;
    ASSN b"assn" "daap.sortname" String;
    ASSP b"assp" "daap.songstoptime" UInt;
    ASSR b"assr" "daap.songsamplerate" UInt;
    ASSS b"asss" "daap.sortseriesname" String;
    ASST b"asst" "daap.songstarttime" UInt;
    ASSU b"assu" "daap.sortalbum" String;
    ASSZ b"assz" "daap.songsize" UInt;
    ASTC b"astc" "daap.songtrackcount" UShort;
    ASTM b"astm" "daap.songtime" UInt;
    ASTN b"astn" "daap.songtracknumber" UShort;
    ASUL b"asul" "daap.songdataurl" String;
    ASUR b"asur" "daap.songuserrating" UByte;
    ASVC b"asvc" "daap.songprimaryvideocodec" Number;
    ASYR b"asyr" "daap.songyear" UShort;
    ATCV b"atCV" "" Number;
    ATSV b"atSV" "" Number;
    ATED b"ated" "daap.supportsextradata" UShort;
    AVDB b"avdb" "daap.serverdatabases" Container;
    AWRK b"awrk" "daap.songwork" String;
    CAAR b"caar" "dacp.availablerepeatstates" UInt;
    CAAS b"caas" "dacp.availableshufflestates" UInt;
    CACI b"caci" "dacp.controlint" Container;
    CACR b"cacr" "dacp.cacr" Container;
    CADS b"cads" "" UInt;
    CAFE b"cafe" "dacp.fullscreenenabled" UByte;
    CAFS b"cafs" "dacp.fullscreen" UByte;
    CAHP b"cahp" "dacp.unknown" UByte;
    CAIA b"caia" "dacp.isactive" UByte;
    CAIP b"caip" "com.apple.itunes.unknown-ip" UByte;
    CAIV b"caiv" "com.apple.itunes.unknown-iv" UByte;
    CAKS b"caks" "" UByte;
    CANA b"cana" "dacp.nowplayingartist" String;
    CANG b"cang" "dacp.nowplayinggenre" String;
    CANL b"canl" "dacp.nowplayingalbum" String;
    CANN b"cann" "dacp.nowplayingname" String;
    CANP b"canp" "dacp.nowplayingids" Raw;
    CANT b"cant" "dacp.nowplayingtime" UInt;
    CAOV b"caov" "dacp.unknown" UByte;
    CAPL b"capl" "" Raw;
    CAPR b"capr" "dacp.protocolversion" Version;
    CAPS b"caps" "dacp.playerstate" UByte;
    CARP b"carp" "dacp.repeatstate" UByte;
    CASA b"casa" "com.apple.itunes.unknown-sa" UInt;
    CASC b"casc" "" UByte;
    CASG b"casg" "dacp.sg" UByte;
    CASH b"cash" "dacp.shufflestate" UByte;
    CASP b"casp" "dacp.speakers" Container;
    CASS b"cass" "dacp.ss" UByte;
    CAST b"cast" "dacp.songtime" UInt;
    CASU b"casu" "com.apple.itunes.unknown-su" UByte;
    CAVC b"cavc" "dacp.volumecontrollable" UByte;
    CAVD b"cavd" "com.apple.itunes.unknown-vd" UByte;
    CAVE b"cave" "dacp.visualizerenabled" UByte;
    CAVS b"cavs" "dacp.visualizer" UByte;
    CEDR b"ceDR" "" UByte;
    CEGS b"ceGS" "com.apple.itunes.genius-selectable" UByte;
    CEJC b"ceJC" "com.apple.itunes.jukebox-client-vote" Byte;
    CEJI b"ceJI" "com.apple.itunes.jukebox-current" UInt;
    CEJS b"ceJS" "com.apple.itunes.jukebox-score" Short;
    CEJV b"ceJV" "com.apple.itunes.jukebox-vote" UInt;
    CEMQ b"ceMQ" "" Number;
    CENQ b"ceNQ" "" Number;
    CENR b"ceNR" "" Raw;
    CEQA b"ceQA" "" Number;
    CEQI b"ceQI" "" UInt;
    CEQR b"ceQR" "com.apple.itunes.playqueue-contents-response" Container;
    CEQS b"ceQS" "com.apple.itunes.playqueue-content-unknown" Container;
    CEQU b"ceQU" "" Number;
    CEQA_LOWER b"ceQa" "com.apple.itunes.playqueue-album" String;
    CEQG b"ceQg" "com.apple.itunes.playqueue-genre" String;
    CEQH b"ceQh" "" String;
    CEQI_LOWER b"ceQi" "" UInt;
    CEQK b"ceQk" "" String;
    CEQL b"ceQl" "" String;
    CEQM b"ceQm" "" UInt;
    CEQN b"ceQn" "com.apple.itunes.playqueue-name" String;
    CEQR_LOWER b"ceQr" "com.apple.itunes.playqueue-artist" String;
    CEQS_LOWER b"ceQs" "com.apple.itunes.playqueue-id" String;
    CEQU_LOWER b"ceQu" "com.apple.itunes.unknown-Qu" UByte;
    CESD b"ceSD" "" Raw;
    CESG b"ceSG" "com.apple.itunes.saved-genius" UByte;
    CESX b"ceSX" "" ULong;
    CEVO b"ceVO" "com.apple.itunes.unknown-voting" UByte;
    CMBE b"cmbe" "" String;
    CMCC b"cmcc" "" String;
    CMCE b"cmce" "" String;
    CMCP b"cmcp" "dmcp.controlprompt" Container;
    CMCV b"cmcv" "" Raw;
    CMGT b"cmgt" "dmcp.getpropertyresponse" Container;
    CMIK b"cmik" "dmcp.ik" UByte;
    CMMK b"cmmk" "dmcp.mediakind" UInt;
    CMNM b"cmnm" "dacp.devicename" String;
    CMPA b"cmpa" "dacp.pairinganswer" Container;
    CMPG b"cmpg" "dacp.pairingguid" ULong;
    CMPR b"cmpr" "dmcp.protocolversion" Version;
    CMRL b"cmrl" "dacp.unknown" UByte;
    CMSB b"cmsb" "" Number;
    CMSC b"cmsc" "" Number;
    CMSP b"cmsp" "dmcp.ik" UByte;
    CMSR b"cmsr" "dmcp.serverrevision" UInt;
    CMST b"cmst" "dmcp.playstatus" Container;
    CMSV b"cmsv" "dmcp.sv" UByte;
    CMTE b"cmte" "" String;
    CMTY b"cmty" "dacp.devicetype" String;
    CMVO b"cmvo" "dmcp.volume" UInt;
    FQCH b"f?ch" "dmap.haschildcontainers" UByte;
    FXCH b"f\x8dch" "dmap.haschildcontainers" UByte;
    IPSA b"ipsa" "dpap.iphotoslideshowadvancedoptions" Container;
    IPSL b"ipsl" "dpap.iphotoslideshowoptions" Container;
    MBCL b"mbcl" "dmap.bag" Container;
    MCCR b"mccr" "dmap.contentcodesresponse" Container;
    MCNA b"mcna" "dmap.contentcodesname" String;
    MCNM b"mcnm" "dmap.contentcodesnumber" UInt;
    MCON b"mcon" "dmap.container" Container;
    MCTC b"mctc" "dmap.containercount" UInt;
    MCTI b"mcti" "dmap.containeritemid" UInt;
    MCTY b"mcty" "dmap.contentcodestype" UShort;
    MDBK b"mdbk" "dmap.databasekind" UInt;
    MDCL b"mdcl" "dmap.dictionary" Container;
    MDST b"mdst" "dmap.downloadstatus" UByte;
    MEDC b"medc" "dmap.editdictionary" Container;
    MEDS b"meds" "dmap.editcommandssupported" UInt;
    MEIA b"meia" "dmap.itemdateadded" Number;
    MEIP b"meip" "dmap.itemdateplayed" Number;
    MEXT b"mext" "dmap.objectextradata" Number;
    MIID b"miid" "dmap.itemid" UInt;
    MIKD b"mikd" "dmap.itemkind" UByte;
    MIMC b"mimc" "dmap.itemcount" UInt;
    MINM b"minm" "dmap.itemname" String;
    MLCL b"mlcl" "dmap.listing" Container;
    MLID b"mlid" "dmap.sessionid" UInt;
    MLIT b"mlit" "dmap.listingitem" Container;
    MLOG b"mlog" "dmap.loginresponse" Container;
    MPCO b"mpco" "dmap.parentcontainerid" UInt;
    MPER b"mper" "dmap.persistentid" ULong;
    MPRO b"mpro" "dmap.protocolversion" Version;
    MRCO b"mrco" "dmap.returnedcount" UInt;
    MRPR b"mrpr" "dmap.remotepersistentid" ULong;
    MSAL b"msal" "dmap.supportsautologout" UByte;
    MSAS b"msas" "dmap.authenticationschemes" UByte;
    MSAU b"msau" "dmap.authenticationmethod" UByte;
    MSBR b"msbr" "dmap.supportsbrowse" UByte;
    MSCU b"mscu" "" ULong;
    MSDC b"msdc" "dmap.databasescount" UInt;
    MSED b"msed" "dmap.supportsedit" UByte;
    MSEX b"msex" "dmap.supportsextensions" UByte;
    MSHC b"mshc" "dmap.sortingheaderchar" UShort;
    MSHI b"mshi" "dmap.sortingheaderindex" UInt;
    MSHL b"mshl" "dmap.sortingheaderlisting" Container;
    MSHN b"mshn" "dmap.sortingheadernumber" UInt;
    MSIX b"msix" "dmap.supportsindex" UByte;
    MSLR b"mslr" "dmap.loginrequired" UByte;
    MSMA b"msma" "dmap.machineaddress" ULong;
    MSML b"msml" "dmap.speakermachinelist" Container;
    MSPI b"mspi" "dmap.supportspersistentids" UByte;
    MSQY b"msqy" "dmap.supportsquery" UByte;
    MSRS b"msrs" "dmap.supportsresolve" UByte;
    MSRV b"msrv" "dmap.serverinforesponse" Container;
    MSTC b"mstc" "dmap.utctime" Date;
    MSTM b"mstm" "dmap.timeoutinterval" UInt;
    MSTO b"msto" "dmap.utcoffset" Int;
    MSTS b"msts" "dmap.statusstring" String;
    MSTT b"mstt" "dmap.status" UInt;
    MSUP b"msup" "dmap.supportsupdate" UByte;
    MSUR b"msur" "dmap.serverrevision" UInt;
    MTCO b"mtco" "dmap.specifiedtotalcount" UInt;
    MUDL b"mudl" "dmap.deletedidlisting" Container;
    MUPD b"mupd" "dmap.updateresponse" Container;
    MUSR b"musr" "dmap.serverrevision" UInt;
    MUTY b"muty" "dmap.updatetype" UByte;
    PASP b"pasp" "dpap.aspectratio" String;
    PCMT b"pcmt" "dpap.imagecomments" String;
    PEAK b"peak" "com.apple.itunes.photos.album-kind" UInt;
    PEED b"peed" "com.apple.itunes.photos.exposure-date" Date;
    PEFC b"pefc" "com.apple.itunes.photos.faces" Container;
    PEKI b"peki" "com.apple.itunes.photos.key-image-id" UInt;
    PEKM b"pekm" "com.apple.itunes.photos.key-image" Container;
    PEMD b"pemd" "com.apple.itunes.photos.modification-date" Date;
    PFAI b"pfai" "dpap.failureids" Container;
    PFDT b"pfdt" "dpap.filedata" Raw;
    PFMT b"pfmt" "dpap.imageformat" String;
    PHGT b"phgt" "dpap.imagepixelheight" UInt;
    PICD b"picd" "dpap.creationdate" Date;
    PIFS b"pifs" "dpap.imagefilesize" UInt;
    PIMF b"pimf" "dpap.imagefilename" String;
    PLSZ b"plsz" "dpap.imagelargefilesize" ULong;
    PPRO b"ppro" "dpap.protocolversion" Version;
    PRAT b"prat" "dpap.imagerating" UInt;
    PRET b"pret" "dpap.retryids" Container;
    PRSV b"prsv" "daap.resolve" Container;
    PWTH b"pwth" "dpap.imagepixelwidth" UInt;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_byte_order_and_has_each_code_once() {
        for pair in all().windows(2) {
            assert!(pair[0].code < pair[1].code, "{} before {}", pair[0].code, pair[1].code);
        }
    }

    #[test]
    fn every_row_is_found_by_its_code_and_its_name() {
        for row in all() {
            assert_eq!(row.code.definition().map(|found| found.code), Some(row.code));
            if !row.name.is_empty() {
                assert_eq!(Code::by_name(row.name).map(|found| found.name), Some(row.name));
            }
        }
        assert_eq!(Code(*b"zzzz").definition().map(|row| row.code), None);
        assert_eq!(Code::by_name("").map(|row| row.code), None);
        assert_eq!(Code::by_name("dmap.itemnam").map(|row| row.code), None);
    }

    #[test]
    fn case_is_significant() {
        assert_eq!((AEMK.kind(), AEMK_LOWER.kind()), (Kind::UByte, Kind::UInt));
    }

    #[test]
    fn a_name_that_two_codes_share_means_the_one_to_send() {
        for (name, code) in [
            ("dmap.haschildcontainers", FXCH),
            ("dmap.serverrevision", MUSR),
            ("com.apple.itunes.artworkchecksum", AECS_LOWER),
        ] {
            assert_eq!(Code::by_name(name).map(|row| row.code), Some(code));
        }
    }

    #[test]
    fn a_code_that_is_not_text_prints_escaped() {
        assert_eq!(FXCH.to_string(), "f\\x8dch");
        assert_eq!(MINM.to_string(), "minm");
    }
}
