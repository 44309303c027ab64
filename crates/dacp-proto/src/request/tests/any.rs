//! Any request survives its URI.

use daap_model::{
    ContainerId, ContainerItemId, DatabaseId, GroupId, GroupKind, ItemId, PersistentId, Revision,
    Sort,
};
use daap_proto::{Criterion, Listing, PixelBox, Query, Step};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::*;

fn any_id<T: std::fmt::Debug>(new: fn(u32) -> Option<T>) -> impl Strategy<Value = T> {
    (1..=u32::MAX).prop_map(move |number| new(number).unwrap())
}

fn any_persistent() -> impl Strategy<Value = PersistentId> {
    any::<u64>().prop_map(PersistentId::new)
}

fn any_spec<T: std::fmt::Debug>(new: fn(u32) -> Option<T>) -> impl Strategy<Value = Spec<T>> {
    prop_oneof![any_id(new).prop_map(Spec::Id), any_persistent().prop_map(Spec::Persistent)]
}

fn any_percent() -> impl Strategy<Value = Percent> {
    (0..=100_u8).prop_map(|number| Percent::new(number).unwrap())
}

fn any_sort() -> impl Strategy<Value = Sort> {
    prop_oneof![Just(Sort::Title), Just(Sort::Album), Just(Sort::Artist), Just(Sort::ReleaseDate)]
}

fn any_query() -> impl Strategy<Value = Query> {
    let criterion = ("[a-zA-Z0-9.-]{1,12}", any::<bool>(), ".{0,12}");
    let leaf =
        criterion.prop_map(|(key, negated, value)| Query::Is(Criterion { key, negated, value }));
    let leaf = leaf.boxed();
    prop_oneof![
        leaf.clone(),
        vec(leaf.clone(), 2..4).prop_map(Query::And),
        vec(leaf, 2..4).prop_map(Query::Or)
    ]
}

fn any_speaker() -> impl Strategy<Value = SpeakerId> {
    prop_oneof![Just(SpeakerId::COMPUTER), any::<u64>().prop_map(SpeakerId)]
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let volume = prop_oneof![
        any_percent().prop_map(VolumeChange::Master),
        (any_speaker(), any_percent()).prop_map(|(id, to)| VolumeChange::Relative(id, to)),
        (any_speaker(), any_percent()).prop_map(|(id, to)| VolumeChange::Absolute(id, to)),
    ];
    let repeat = prop_oneof![Just(Repeat::Off), Just(Repeat::One), Just(Repeat::All)];
    let rating = (option::of(any_spec(DatabaseId::new)), any_spec(ItemId::new), any_percent());
    let rating =
        rating.prop_map(|(database, item, rating)| RatingChange { database, item, rating });
    let flag = || option::of(any::<bool>());
    let device_volume =
        (-14_400..=0_i16).prop_map(|hundredths| DeviceVolume::new(hundredths).unwrap());
    (
        (option::of(volume), option::of(any::<u32>()), flag(), option::of(repeat)),
        (option::of(rating), option::of(device_volume), flag(), flag()),
    )
        .prop_map(
            |((volume, position_ms, shuffle, repeat), (rating, device_volume, prevented, busy))| {
                Settings {
                    volume,
                    position_ms,
                    shuffle,
                    repeat,
                    rating,
                    device_volume,
                    device_prevented: prevented,
                    device_busy: busy,
                }
            },
        )
}

fn any_cue() -> impl Strategy<Value = Cue> {
    let found = (option::of(any_persistent()), any_query(), option::of(any_sort()), any::<bool>());
    let found = found
        .prop_map(|(database, query, sort, reversed)| Found { database, query, sort, reversed })
        .boxed();
    let rest = || (any::<u32>(), option::of(any::<bool>()));
    prop_oneof![
        Just(Cue::Clear),
        (found.clone(), rest()).prop_map(|(songs, (index, shuffle))| Cue::Play {
            songs,
            index,
            shuffle
        }),
        rest().prop_map(|(index, shuffle)| Cue::PlayQueued { index, shuffle }),
        found.prop_map(Cue::Add),
    ]
}

fn any_start() -> impl Strategy<Value = Start> {
    prop_oneof![
        any_id(ContainerItemId::new).prop_map(Start::Entry),
        any_spec(ItemId::new).prop_map(Start::Item),
    ]
}

fn any_list() -> impl Strategy<Value = SongList> {
    prop_oneof![
        any_persistent().prop_map(SongList::Album),
        any_persistent().prop_map(SongList::Artist),
        any_id(ContainerId::new).prop_map(SongList::Playlist),
        ".{0,9}".prop_map(SongList::Genre),
        ".{0,9}".prop_map(SongList::Composer),
    ]
}

fn any_edit() -> impl Strategy<Value = QueueEdit> {
    let which = prop_oneof![
        any_query().prop_map(Which::Found),
        any_id(ContainerId::new).prop_map(Which::Playlist),
        ".{1,9}".prop_map(Which::PlaylistNamed),
    ];
    let database = || option::of(any_persistent());
    let songs = (database(), which, option::of(any_sort()));
    let songs = songs.prop_map(|(database, which, sort)| Songs { database, which, sort }).boxed();
    let from = (database(), any_list(), any_start(), option::of(any_sort()), any::<bool>());
    let place = prop_oneof![
        any::<u32>().prop_map(QueuePlace::Queue),
        any::<u32>().prop_map(QueuePlace::History),
    ];
    prop_oneof![
        songs.clone().prop_map(QueueEdit::Append),
        songs.clone().prop_map(QueueEdit::PlayNext),
        (songs, any::<bool>()).prop_map(|(songs, shuffle)| QueueEdit::Play { songs, shuffle }),
        from.prop_map(|(database, list, start, sort, shuffle)| {
            QueueEdit::PlayFrom { database, list, start, sort, shuffle }
        }),
        (database(), any_id(ItemId::new))
            .prop_map(|(database, item)| QueueEdit::PlayAlbumFrom { database, item }),
        place.prop_map(QueueEdit::PlayNow),
        any::<(u32, u32)>().prop_map(|(from, after)| QueueEdit::Move { from, after }),
        btree_set(any::<u32>(), 1..9).prop_map(QueueEdit::Remove),
        Just(QueueEdit::Clear),
        Just(QueueEdit::ClearHistory),
    ]
}

fn any_play_spec() -> impl Strategy<Value = PlaySpec> {
    let parts = (
        any_spec(DatabaseId::new),
        any_spec(ContainerId::new),
        option::of(any_start()),
        option::of(any::<bool>()),
    );
    parts.prop_map(|(database, container, start, shuffle)| PlaySpec {
        database,
        container,
        start,
        shuffle,
    })
}

fn any_command() -> impl Strategy<Value = Command> {
    let button = proptest::sample::select(vec![
        Button::PlayPause,
        Button::Play,
        Button::Pause,
        Button::Stop,
        Button::Next,
        Button::Previous,
        Button::FastForward,
        Button::Rewind,
        Button::PlayResume,
        Button::VolumeUp,
        Button::VolumeDown,
        Button::ToggleMute,
        Button::ToggleShuffle,
    ]);
    prop_oneof![
        button.prop_map(Command::Press),
        any_settings().prop_map(Command::Set),
        btree_set(any_speaker(), 1..5).prop_map(Command::SetSpeakers),
        any_cue().prop_map(Command::Cue),
        any_play_spec().prop_map(Command::PlaySpec),
        any_edit().prop_map(Command::Queue),
    ]
}

fn any_library() -> impl Strategy<Value = daap_proto::Endpoint> {
    let group = any_id(GroupId::new).prop_map(|group| daap_proto::Endpoint::GroupArtwork {
        database: DatabaseId::LOWEST,
        group,
        kind: GroupKind::Albums,
        size: None,
    });
    prop_oneof![
        Just(daap_proto::Endpoint::ServerInfo),
        Just(daap_proto::Endpoint::Login),
        Just(daap_proto::Endpoint::Databases(Step::default())),
        group,
    ]
}

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    use Property::*;
    let properties = proptest::sample::subsequence(
        vec![Volume, PlayerState, NowPlaying, PlayingTime, VolumeControllable, Visualizer],
        0..=6,
    );
    let size = option::of(any::<(u32, u32)>());
    let size = size.prop_map(|size| size.map(|(width, height)| PixelBox { width, height }));
    let listing = option::of(any_query()).prop_map(|query| Listing { query, ..Listing::default() });
    let told = prop_oneof![
        any::<u64>().prop_map(|guid| Endpoint::Login(PairingGuid(guid))),
        Just(Endpoint::Interfaces),
        any::<u32>().prop_map(|seen| Endpoint::PlayStatus { seen: Revision::new(seen) }),
        properties.prop_map(|properties| Endpoint::Properties(properties.into_iter().collect())),
        Just(Endpoint::Speakers),
        any::<u32>().prop_map(|count| Endpoint::Queue(Span::Upcoming(count))),
        any::<u32>().prop_map(|count| Endpoint::Queue(Span::History(count))),
        size.prop_map(|size| Endpoint::NowPlayingArtwork { size }),
        listing.prop_map(Endpoint::NowPlayingItems),
        any::<u32>().prop_map(|seen| Endpoint::PromptUpdate { seen }),
        any::<u32>().prop_map(|prompt_id| Endpoint::PromptEntry { prompt_id }),
        any_library().prop_map(Endpoint::Library),
    ];
    prop_oneof![told, any_command().prop_map(Endpoint::Command)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_request_survives_its_uri(endpoint in any_endpoint(), session in any::<u32>()) {
        let request = Request::new(endpoint).in_session(session);
        prop_assert_eq!(Request::parse(&request.to_uri()), Ok(request));
    }

    #[test]
    fn any_target_is_read_without_panic(
        verb in "(cue|playspec|playqueue-edit|setproperty|setspeakers|getproperty|playqueue-contents)",
        parameters in "((command|query|mode|sort|span|items|dmcp.volume|speaker-id)=[a-z0-9'.:,%-]{0,9}&){0,5}",
    ) {
        if let Ok(request) = Request::parse(&format!("/ctrl-int/1/{verb}?{parameters}")) {
            prop_assert_eq!(Request::parse(&request.to_uri()), Ok(request));
        }
    }
}
