//! Remotes: how each of them asks, and what single ones were seen to ask.
//!
//! What is asked is said as on the first line of a request, `GET /ctrl-int/1/getspeakers`, without the session: each
//! Remote adds its own.

mod wrong;

use std::io;
use std::net::SocketAddr;

use dmap::Element;
use dmap::code::MLID;

pub use self::wrong::{STRICT, Strict, wrong_requests};
use crate::http::{Answer, Connection};

/// How a Remote asks.
#[derive(Debug)]
pub struct Manner {
    /// What it is.
    pub name: &'static str,
    /// What it sends with each request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Whether it asks everything by POST, and then sends the head first and what belongs to it later.
    pub posts_all: bool,
}

/// Apple's Remote 1021, which pyatv 0.18 gives itself out for.
pub const APPLE: Manner = Manner {
    name: "Apple Remote",
    headers: &[
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip"),
        ("Client-DAAP-Version", "3.13"),
        ("Client-ATV-Sharing-Version", "1.2"),
        ("Client-iTunes-Sharing-Version", "3.15"),
        ("User-Agent", "Remote/1021"),
        ("Viewer-Only-Client", "1"),
    ],
    posts_all: false,
};

/// TunesRemote+ on Android.
pub const TUNES_REMOTE: Manner = Manner {
    name: "TunesRemote+",
    headers: &[
        ("Viewer-Only-Client", "1"),
        ("Client-Daap-Version", "3.10"),
        ("Accept-Encoding", "gzip, deflate"),
    ],
    posts_all: false,
};

/// WPRemote on Windows Phone.
pub const WP_REMOTE: Manner = Manner {
    name: "WPRemote",
    headers: &[("Viewer-Only-Client", "1"), ("Client-DAAP-Version", "3.11")],
    posts_all: true,
};

/// homebridge-dacp, which copies Apple's Remote for the Apple TV.
pub const HOMEBRIDGE: Manner = Manner {
    name: "homebridge-dacp",
    headers: &[
        ("Client-DAAP-Version", "3.12"),
        ("Client-ATV-Sharing-Version", "1.2"),
        ("Client-iTunes-Sharing-Version", "3.10"),
        ("User-Agent", "TVRemote/186 CFNetwork/808.1.4 Darwin/16.1.0"),
        ("Viewer-Only-Client", "1"),
    ],
    posts_all: false,
};

/// A Remote of which nothing is known but what it asks: Retune, Hyperfine's, yTrack.
pub const PLAIN: Manner = Manner { name: "a Remote", headers: &[], posts_all: false };

/// What Apple's Remote asks when it is opened (owntone issue 836), and the first screens after that.
pub const START_UP: &[&str] = &[
    "GET /ctrl-int/1/playstatusupdate?revision-number=1",
    "GET /ctrl-int",
    "GET /update?revision-number=1&daap-no-disconnect=1",
    "GET /ctrl-int/1/playqueue-contents?span=50",
    "GET /databases",
    "GET /databases/1/containers?meta=dmap.itemname,dmap.itemcount,dmap.itemid,dmap.persistentid,\
     daap.baseplaylist,com.apple.itunes.special-playlist,com.apple.itunes.smart-playlist,\
     com.apple.itunes.saved-genius,dmap.parentcontainerid,dmap.editcommandssupported",
    "GET /databases/1/groups?meta=dmap.itemname,dmap.itemid,dmap.persistentid,daap.songartist&type=music\
     &group-type=albums&sort=artist&include-sort-headers=1&query=(('com.apple.itunes.mediakind:1',\
     'com.apple.itunes.mediakind:32')+'daap.songalbum!:')",
    "GET /databases/1/browse/artists?filter=('com.apple.itunes.mediakind:1','com.apple.itunes.mediakind:32')\
     +'daap.songartist!:'&include-sort-headers=1",
    "GET /ctrl-int/1/getspeakers",
    "GET /ctrl-int/1/getproperty?properties=dmcp.volume",
];

/// What pyatv 0.18 was captured to ask of owntone 29.3, each kind of request once.
pub const PYATV: &[&str] = &[
    "GET /ctrl-int/1/playstatusupdate?revision-number=0",
    "GET /server-info",
    "GET /databases",
    "GET /databases/1/items?type=music&meta=dmap.itemid,dmap.itemname,daap.songartist,daap.songtime&sort=name",
    "GET /databases/1/containers?meta=dmap.itemname,dmap.itemcount,dmap.itemid,dmap.persistentid,\
     daap.baseplaylist",
    "GET /ctrl-int",
    "GET /ctrl-int/1/cue?command=clear",
    "GET /ctrl-int/1/cue?command=play&query=('com.apple.itunes.mediakind:1')&index=2&sort=name&clear-first=1",
    "POST /ctrl-int/1/pause?prompt-id=0",
    "POST /ctrl-int/1/play?prompt-id=0",
    "POST /ctrl-int/1/playpause?prompt-id=0",
    "POST /ctrl-int/1/stop?prompt-id=0",
    "POST /ctrl-int/1/nextitem?prompt-id=0",
    "POST /ctrl-int/1/previtem?prompt-id=0",
    "POST /ctrl-int/1/setproperty?dacp.playingtime=3000",
    "POST /ctrl-int/1/setproperty?dacp.shufflestate=1",
    "POST /ctrl-int/1/setproperty?dacp.repeatstate=2",
    "POST /ctrl-int/1/setproperty?dmcp.volume=40",
    "POST /ctrl-int/1/volumeup?prompt-id=0",
    "POST /ctrl-int/1/volumedown?prompt-id=0",
    "GET /ctrl-int/1/getproperty?properties=dmcp.volume",
    "GET /ctrl-int/1/nowplayingartwork?mw=512&mh=0",
    "GET /ctrl-int/1/nowplayingartwork?mw=0&mh=0",
];

/// A Remote that is logged in.
#[derive(Debug)]
pub struct Remote {
    /// How it asks.
    pub manner: &'static Manner,
    /// The id of its session.
    pub session: u64,
    server: SocketAddr,
    connection: Connection,
}

impl Remote {
    /// Logs in by the guid of a pairing.
    ///
    /// # Errors
    /// It is not let in; with the status.
    pub async fn log_in(
        server: SocketAddr,
        manner: &'static Manner,
        guid: u64,
    ) -> io::Result<Self> {
        let login = format!("GET /login?pairing-guid=0x{guid:016X}&hasFP=1");
        let mut connection = Connection::open(server).await?;
        send(&mut connection, manner, &login).await?;
        let answer = connection.answer().await?;
        let mlog = Element::decode(&answer.body).ok().filter(|_| answer.status == 200);
        let session = mlog.and_then(|mlog| mlog.child(MLID)?.uint());
        let session = session.ok_or_else(|| io::Error::other(answer.status.to_string()))?;
        Ok(Self { manner, session, server, connection })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The connection broke off.
    pub async fn ask(&mut self, line: &str) -> io::Result<Answer> {
        let line = self.in_session(line);
        send(&mut self.connection, self.manner, &line).await?;
        self.connection.answer().await
    }

    /// Asks on a connection of its own, on which the answer will come.
    ///
    /// # Errors
    /// The connection cannot be opened, or broke off.
    pub async fn wait_for(&self, line: &str) -> io::Result<Connection> {
        let mut connection = Connection::open(self.server).await?;
        send(&mut connection, self.manner, &self.in_session(line)).await?;
        Ok(connection)
    }

    fn in_session(&self, line: &str) -> String {
        let separator = if line.contains('?') { '&' } else { '?' };
        format!("{line}{separator}session-id={}", self.session)
    }
}

async fn send(connection: &mut Connection, manner: &Manner, line: &str) -> io::Result<()> {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    if !manner.posts_all && method == "GET" {
        return connection.ask(method, target, manner.headers).await;
    }
    let posted: &[_] = if manner.posts_all {
        &[("Content-Length", "2"), ("Expect", "100-continue")]
    } else {
        &[("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "0")]
    };
    connection.ask("POST", target, &[manner.headers, posted].concat()).await?;
    if manner.posts_all {
        // It may only come once the server wants it.
        connection.head().await?;
        connection.send("\r\n").await?;
    }
    Ok(())
}
