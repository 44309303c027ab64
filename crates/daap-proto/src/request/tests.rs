use super::*;
use crate::fields::{Field, Fields};
use crate::query::tests::any_query;
use daap_model::ContainerItemId;
use proptest::prelude::*;

const DB: DatabaseId = match DatabaseId::new(1) {
    Some(id) => id,
    None => unreachable!(),
};

fn item(number: u32) -> ItemId {
    ItemId::new(number).unwrap()
}

#[track_caller]
fn check(target: &str, endpoint: Endpoint) {
    assert_eq!(Request::parse(target), Ok(Request::new(endpoint)));
}

#[track_caller]
fn refuse(target: &str, status: u16) {
    let error = Request::parse(target).unwrap_err();
    assert_eq!(error.status(), status, "{error}");
}

#[track_caller]
fn listing(parameters: &str) -> Listing {
    match Request::parse(&format!("/databases/1/items?{parameters}")).unwrap().endpoint {
        Endpoint::Items { listing, .. } => listing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_form_of_target_is_read() {
    for target in [
        "/server-info",
        "server-info",
        "//server-info",
        "/server-info/",
        "/server-info?",
        "daap://192.168.1.2:3689/server-info",
        "http://[fe80::1]:3689/server-info?",
        "HTTP://host/server-info",
        "daap://host//server-info",
    ] {
        check(target, Endpoint::ServerInfo);
    }
}

#[test]
fn songs_are_found_whatever_their_extension() {
    let song = |extension: &str| Endpoint::Song {
        database: DB,
        item: item(75),
        extension: extension.into(),
    };
    check("/databases/1/items/75.mp3", song("mp3"));
    check("http://10.0.0.1:3689/databases/1/items/75.mp3", song("mp3"));
    check("/databases/1/items/75", song(""));
    check("/databases/1/items/75.Unknown", song("Unknown"));
    check("/databases/1/items/75.tar.gz", song("tar.gz"));
}

#[test]
fn lists_are_read_with_their_parameters() {
    let request = Request::parse(
        "/databases/1/containers/7/items?session-id=12&revision-number=5&delta=4&type=music\
         &meta=dmap.itemkind,dmap.itemid,dmap.containeritemid&query='daap.songartist:A%20B'\
         +'daap.songgenre:C%2bD'&index=0-9&sort=album&include-sort-headers=1",
    );
    let expected = Request {
        session_id: Some(12),
        endpoint: Endpoint::ContainerItems {
            database: DB,
            container: ContainerId::new(7).unwrap(),
            listing: Listing {
                meta: Some(
                    Fields::of(&[Field::ItemKind, Field::Id, Field::ContainerItemId]).into(),
                ),
                query: Some(Query::parse("'daap.songartist:A B'+'daap.songgenre:C+D'").unwrap()),
                index: Some(Index::From { first: 0, last: Some(9) }),
                sort: Some(Sort::Album),
                sort_headers: true,
                step: Step { revision: Some(Revision::new(5)), delta: Some(Revision::new(4)) },
            },
        },
    };
    assert_eq!(request, Ok(expected));
}

#[test]
fn container_0_is_the_base() {
    check(
        "/databases/1/containers/0/items",
        Endpoint::ContainerItems {
            database: DB,
            container: ContainerId::BASE,
            listing: Listing::default(),
        },
    );
}

#[test]
fn browse_and_groups_name_what_they_list() {
    check(
        "/databases/1/browse/composers",
        Endpoint::Browse { database: DB, category: Browse::Composers, listing: Listing::default() },
    );
    let groups = |kind| Endpoint::Groups { database: DB, kind, listing: Listing::default() };
    check("/databases/1/groups?group-type=artists", groups(GroupKind::Artists));
    check("/databases/1/groups", groups(GroupKind::Albums));
    refuse("/databases/1/groups?group-type=composers", 400);
    refuse("/databases/1/browse/years", 400);
}

#[test]
fn songs_are_asked_for_by_their_type() {
    let listing = Listing::default;
    let items = Endpoint::Items { database: DB, listing: listing() };
    assert_eq!(Request::new(items).to_uri(), "/databases/1/items?type=music");
    let entries =
        Endpoint::ContainerItems { database: DB, container: ContainerId::BASE, listing: listing() };
    assert_eq!(Request::new(entries).to_uri(), "/databases/1/containers/1/items?type=music");
}

#[test]
fn the_query_of_a_browse_list_goes_by_the_name_that_every_server_knows() {
    let listing = Listing { query: Some(Query::is(Field::Genre, "Rock")), ..Listing::default() };
    let browse = Endpoint::Browse { database: DB, category: Browse::Artists, listing };
    assert_eq!(
        Request::new(browse).to_uri(),
        "/databases/1/browse/artists?filter=%27daap.songgenre:Rock%27"
    );
}

#[test]
fn artwork_is_boxed_by_both_sides_or_not_at_all() {
    let artwork = |size| Endpoint::ItemArtwork { database: DB, item: item(5), size };
    let path = "/databases/1/items/5/extra_data/artwork";
    check(path, artwork(None));
    check(&format!("{path}?mw=55"), artwork(None));
    let size = Some(PixelBox { width: 55, height: 320 });
    check(&format!("{path}?mw=55&mh=320"), artwork(size));
    refuse(&format!("{path}?mw=-1&mh=320"), 400);
    refuse(&format!("{path}?mw=55&mh=big"), 400);
    check(
        "/databases/1/groups/5/extra_data/artwork?group-type=artists&mw=0&mh=1",
        Endpoint::GroupArtwork {
            database: DB,
            group: GroupId::new(5).unwrap(),
            kind: GroupKind::Artists,
            size: Some(PixelBox { width: 0, height: 1 }),
        },
    );
}

#[test]
fn session_ids_come_back_signed_from_some() {
    for (text, id) in [
        ("7", Some(7)),
        ("4294967280", Some(4_294_967_280)),
        ("-16", Some(4_294_967_280)),
        ("0", None),
        ("", None),
        ("x", None),
        ("4294967296", None),
        ("-2147483649", None),
    ] {
        let request = Request::parse(&format!("/update?session-id={text}")).unwrap();
        assert_eq!(request.session_id, id, "{text}");
    }
}

#[test]
fn of_a_parameter_that_comes_twice_the_first_counts() {
    assert_eq!(listing("index=1&index=2"), listing("index=1"));
    let wanted = Query::parse("'a:b'").unwrap();
    assert_eq!(listing("filter='c:d'&query='a:b'").query, Some(wanted.clone()));
    assert_eq!(listing("filter='a:b'").query, Some(wanted.clone()));
    assert_eq!(listing("query=&filter='a:b'").query, Some(wanted));
}

#[test]
fn what_clients_write_loosely_is_read_as_meant() {
    // TunesRemote SE leaves a comma before the next parameter, and an empty query.
    assert_eq!(
        listing("meta=dmap.itemname,daap.songcompilation,&query=").meta,
        Some(Fields::of(&[Field::Name, Field::Compilation]).into())
    );
    // Banshee leaves an ampersand at the end.
    check("/databases?session-id=0&", Endpoint::Databases(Step::default()));
    // A form decoder on the way makes a space of the plus.
    let spaced = listing("query='daap.songartist:A'%20'daap.songgenre:B'").query;
    assert_eq!(spaced, listing("query='daap.songartist:A'+'daap.songgenre:B'").query);
    assert_eq!(spaced, listing("query=%27daap.songartist:A%27%2B%27daap.songgenre:B%27").query);
}

#[test]
fn what_cannot_be_read_and_does_no_harm_is_passed_over() {
    assert_eq!(listing("index=a&sort=colour&revision-number=x&delta=-1"), Listing::default());
}

#[test]
fn a_query_is_refused_where_it_matters_and_not_on_playlists() {
    refuse("/databases/1/items?query='daap.songartist:A", 400);
    refuse("/databases/1/browse/artists?filter=(", 400);
    check(
        "/databases/1/containers?query=('dmap.itemname:x",
        Endpoint::Containers { database: DB, listing: Listing::default() },
    );
}

#[test]
fn unknown_paths_and_impossible_ids_are_not_found() {
    for path in [
        "",
        "/",
        "/Databases",
        "/databases/1/videos",
        "/databases/x/items",
        "/databases/+1/items",
        "/databases/0/items",
        "/databases/4294967296/items",
        "/databases/99999999999999999999999/items",
        "/databases/1/items/.mp3",
        "/databases/1/items/-5.mp3",
        "/databases/1/items/../1.mp3",
        "/resolve",
        "/fp-setup",
        "daap://host",
        "daap://host?session-id=1",
    ] {
        refuse(path, 404);
    }
}

#[test]
fn a_target_past_the_limit_is_refused() {
    refuse(&format!("/server-info?{}", "x".repeat(MAX_TARGET)), 414);
}

#[test]
fn a_client_has_what_its_delta_says_if_that_can_be() {
    for (parameters, seen) in [
        ("delta=5&revision-number=6", Some(5)),
        ("delta=6&revision-number=6", Some(6)),
        ("delta=5", Some(5)),
        ("revision-number=6", None),
        ("delta=0&revision-number=6", None),
        ("delta=7&revision-number=6", None),
    ] {
        assert_eq!(listing(parameters).step.seen(), seen.map(Revision::new), "{parameters}");
    }
}

#[track_caller]
fn check_edit(target: &str, action: EditAction) {
    check(target, Endpoint::Edit { database: DB, action });
}

const LIST: ContainerId = match ContainerId::new(25) {
    Some(id) => id,
    None => unreachable!(),
};

fn entry(number: u32) -> ContainerItemId {
    ContainerItemId::new(number).unwrap()
}

#[test]
fn what_remotes_change_is_read() {
    let edit = |on: &str, rest: &str| format!("/databases/1{on}/edit?{rest}");
    check_edit(
        &edit("", "action=add&edit-params='dmap.itemname:New%20Playlist'"),
        EditAction::AddPlaylist { name: "New Playlist".into() },
    );
    check_edit(
        &edit("", "action=remove&edit-params='dmap.itemid:25'"),
        EditAction::RemovePlaylist(LIST),
    );
    let check = |rest: &str, action| check_edit(&edit("/containers/25", rest), action);
    check(
        "action=rename&edit-params='dmap.itemname:Other'",
        EditAction::Rename { container: LIST, name: "Other".into() },
    );
    let append =
        |query: &str| EditAction::Append { container: LIST, songs: Query::parse(query).unwrap() };
    check("action=add&edit-params='dmap.itemid:267'", append("'dmap.itemid:267'"));
    check(
        "action=add&edit-params=(('daap.songartist:Weezer','daap.songalbumartist:Weezer')\
         +('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32'))&session-id=0",
        append(
            "('daap.songartist:Weezer','daap.songalbumartist:Weezer')\
             +('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32')",
        ),
    );
    let take = |entries: &[u32]| EditAction::Take {
        container: LIST,
        entries: entries.iter().copied().map(entry).collect(),
    };
    check("action=remove&edit-params='dmap.containeritemid:24804'", take(&[24_804]));
    check(
        "action=remove&edit-params=('dmap.containeritemid:5','dmap.containeritemid:0x3')",
        take(&[5, 3]),
    );
    let place = |after: Option<u32>| EditAction::Move {
        container: LIST,
        entry: entry(24_804),
        after: after.map(entry),
    };
    check("action=move&edit-params='edit-param.move-pair:24804,24801'", place(Some(24_801)));
    check("action=move&edit-params='edit-param.move-pair:24804,0'", place(None));
    check("action=move&edit-params=%27edit-param.move-pair%3A24804%2C%27", place(None));
    check("action=move&edit-params='edit-param.move-pair:24804'", place(None));
    check("action=refresh", EditAction::Refresh(LIST));
    check_edit(
        "/databases/1/containers/0/edit?action=refresh",
        EditAction::Refresh(ContainerId::BASE),
    );
}

#[test]
fn a_playlist_may_have_any_name() {
    for (sent, name) in [
        ("%27dmap.itemname%3ARoad%20trip%27", "Road trip"),
        (r"'dmap.itemname:Kid\'s'", "Kid's"),
        ("%27dmap.itemname:Kid%5C%27s%20%5C%5C%27", r"Kid's \"),
        ("'dmap.itemname:R+B, (50%25) %26 more: %E6%97%A5%E6%9C%AC'", "R+B, (50%) & more: 日本"),
        ("'dmap.itemname:*'", "*"),
    ] {
        let target = format!("/databases/1/edit?action=add&edit-params={sent}");
        check_edit(&target, EditAction::AddPlaylist { name: name.into() });
    }
}

#[test]
fn a_change_that_is_not_clear_is_refused() {
    for on_database in [
        "",
        "action=rename&edit-params='dmap.itemname:x'",
        "action=move&edit-params='edit-param.move-pair:1,2'",
        "action=refresh",
        "action=add",
        "action=add&edit-params=",
        "action=add&edit-params=New",
        "action=add&edit-params='dmap.itemname:'",
        "action=add&edit-params='dmap.itemname!:x'",
        "action=add&edit-params='dmap.itemname:a','dmap.itemname:b'",
        "action=add&edit-params='dmap.itemname:Kid's'",
        "action=remove&edit-params='dmap.itemid:0'",
        "action=remove&edit-params='dmap.itemid:4294967296'",
        "action=remove&edit-params='dmap.containeritemid:5'",
        "action=ADD&edit-params='dmap.itemname:x'",
    ] {
        refuse(&format!("/databases/1/edit?{on_database}"), 400);
    }
    for on_container in [
        "action=delete&edit-params='dmap.itemid:5'",
        "action=rename&edit-params='dmap.itemid:5'",
        "action=add&edit-params='x.unknown:5'",
        "action=remove&edit-params='dmap.itemid:5'",
        "action=remove&edit-params='dmap.containeritemid:5'+'dmap.containeritemid:6'",
        "action=remove&edit-params='dmap.containeritemid!:5'",
        "action=move&edit-params='edit-param.move-pair:0,1'",
        "action=move&edit-params='edit-param.move-pair:1,2,3'",
        "action=move&edit-params='edit-param.move-pair:1,x'",
    ] {
        refuse(&format!("/databases/1/containers/25/edit?{on_container}"), 400);
    }
    refuse("/databases/1/containers/0x19/edit?action=refresh", 404);
}

fn any_edit() -> impl Strategy<Value = EditAction> {
    let list = || (1_u32..).prop_map(|id| ContainerId::new(id).unwrap());
    let any_entry = || (1_u32..).prop_map(entry);
    // A query of which nothing is known is refused.
    let songs = any_query().prop_map(|query| {
        Query::And(vec![Query::parse("'daap.songartist:Wings'").unwrap(), query])
    });
    let entries = prop::collection::vec(any_entry(), 1..5);
    prop_oneof![
        ".{1,12}".prop_map(|name| EditAction::AddPlaylist { name }),
        list().prop_map(EditAction::RemovePlaylist),
        (list(), ".{1,12}").prop_map(|(container, name)| EditAction::Rename { container, name }),
        (list(), songs).prop_map(|(container, songs)| EditAction::Append { container, songs }),
        (list(), entries).prop_map(|(container, entries)| EditAction::Take { container, entries }),
        (list(), any_entry(), prop::option::of(any_entry()))
            .prop_map(|(container, entry, after)| EditAction::Move { container, entry, after }),
        list().prop_map(EditAction::Refresh),
    ]
}

fn any_meta() -> impl Strategy<Value = Meta> {
    let fields = prop::sample::subsequence(Field::ALL, 0..=Field::ALL.len());
    let others = prop::collection::btree_set("x[a-zA-Z0-9._-]{0,12}", 0..4);
    let named = (fields, others)
        .prop_map(|(fields, others)| Meta::Named { fields: Fields::from_iter(fields), others });
    prop_oneof![1 => Just(Meta::All), 9 => named]
}

fn any_listing() -> impl Strategy<Value = Listing> {
    let index = prop_oneof![
        (any::<u32>(), any::<u32>()).prop_map(|(first, more)| Index::From {
            first,
            last: Some(first.saturating_add(more)),
        }),
        any::<u32>().prop_map(|first| Index::From { first, last: None }),
        any::<u32>().prop_map(Index::Last),
    ];
    let sort = prop::sample::select(&Sort::ALL[..]);
    (
        prop::option::of(any_meta()),
        prop::option::of(any_query()),
        prop::option::of(index),
        prop::option::of(sort),
        any::<bool>(),
        any_step(),
    )
        .prop_map(|(meta, query, index, sort, sort_headers, step)| Listing {
            meta,
            query,
            index,
            sort,
            sort_headers,
            step,
        })
}

fn any_step() -> impl Strategy<Value = Step> {
    let revision = || prop::option::of(any::<u32>().prop_map(Revision::new));
    (revision(), revision()).prop_map(|(revision, delta)| Step { revision, delta })
}

fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let number = || 1_u32..;
    let database = || number().prop_map(|id| DatabaseId::new(id).unwrap());
    let kind = || prop_oneof![Just(GroupKind::Albums), Just(GroupKind::Artists)];
    let size = || {
        prop::option::of(
            (any::<u32>(), any::<u32>()).prop_map(|(width, height)| PixelBox { width, height }),
        )
    };
    prop_oneof![
        Just(Endpoint::ServerInfo),
        Just(Endpoint::ContentCodes),
        Just(Endpoint::Login),
        Just(Endpoint::Logout),
        Just(Endpoint::Activity),
        any_step().prop_map(Endpoint::Update),
        any_step().prop_map(Endpoint::Databases),
        (database(), any_listing())
            .prop_map(|(database, listing)| Endpoint::Items { database, listing }),
        (database(), any_listing()).prop_map(|(database, listing)| Endpoint::Containers {
            database,
            listing: Listing { query: None, ..listing },
        }),
        (database(), number(), any_listing()).prop_map(|(database, container, listing)| {
            let container = ContainerId::new(container).unwrap();
            Endpoint::ContainerItems { database, container, listing }
        }),
        (database(), prop::sample::select(&Browse::ALL[..]), any_listing()).prop_map(
            |(database, category, listing)| Endpoint::Browse { database, category, listing }
        ),
        (database(), kind(), any_listing())
            .prop_map(|(database, kind, listing)| Endpoint::Groups { database, kind, listing }),
        (database(), number(), "[^/]{0,6}").prop_map(|(database, id, extension)| {
            Endpoint::Song { database, item: item(id), extension }
        }),
        (database(), number(), size()).prop_map(|(database, id, size)| Endpoint::ItemArtwork {
            database,
            item: item(id),
            size,
        }),
        (database(), number(), kind(), size()).prop_map(|(database, group, kind, size)| {
            let group = GroupId::new(group).unwrap();
            Endpoint::GroupArtwork { database, group, kind, size }
        }),
        (database(), any_edit()).prop_map(|(database, action)| Endpoint::Edit { database, action }),
    ]
}

proptest! {
    #[test]
    fn a_request_survives_its_uri(
        session_id in prop::option::of(1_u32..),
        endpoint in any_endpoint(),
    ) {
        let request = Request { session_id, endpoint };
        let uri = request.to_uri();
        prop_assert_eq!(Request::parse(&uri), Ok(request.clone()), "{}", uri);
        let absolute = format!("daap://[::1]:3689{uri}");
        prop_assert_eq!(Request::parse(&absolute), Ok(request));
    }

    #[test]
    fn any_target_is_read_without_panic(
        target in "(daap://h)?/(databases/[0-9]{0,3}/)?[a-z/.0-9]{0,12}\\?[a-z=&%'\\-:+ é0-9]{0,40}",
    ) {
        let _ = Request::parse(&target);
    }
}
