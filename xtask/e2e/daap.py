"""A strict DAAP client and DMAP decoder that shares no code with dapple (standard library only)."""
import base64
import http.client
import urllib.parse

# code, type, name; types 1/3/5/7 are integers of 1/2/4/8 bytes, 9 text, 10 date, 11 version, 12 container
TABLE = """
mdcl 12 dmap.dictionary|mstt 5 dmap.status|miid 5 dmap.itemid|minm 9 dmap.itemname|mikd 1 dmap.itemkind
mper 7 dmap.persistentid|mcon 12 dmap.container|mcti 5 dmap.containeritemid|mpco 5 dmap.parentcontainerid
msts 9 dmap.statusstring|mimc 5 dmap.itemcount|mctc 5 dmap.containercount|mrco 5 dmap.returnedcount
mtco 5 dmap.specifiedtotalcount|mlcl 12 dmap.listing|mlit 12 dmap.listingitem|mbcl 12 dmap.bag
msrv 12 dmap.serverinforesponse|msau 1 dmap.authenticationmethod|mslr 1 dmap.loginrequired
mpro 11 dmap.protocolversion|msal 1 dmap.supportsautologout|msup 1 dmap.supportsupdate
mspi 1 dmap.supportspersistentids|msex 1 dmap.supportsextensions|msbr 1 dmap.supportsbrowse
msqy 1 dmap.supportsquery|msix 1 dmap.supportsindex|msrs 1 dmap.supportsresolve|mstm 5 dmap.timeoutinterval
msdc 5 dmap.databasescount|mstc 10 dmap.utctime|msto 5 dmap.utcoffset|mlog 12 dmap.loginresponse
mlid 5 dmap.sessionid|mupd 12 dmap.updateresponse|musr 5 dmap.serverrevision|muty 1 dmap.updatetype
mudl 12 dmap.deletedidlisting|mccr 12 dmap.contentcodesresponse|mcnm 5 dmap.contentcodesnumber
mcna 9 dmap.contentcodesname|mcty 3 dmap.contentcodestype|meds 5 dmap.editcommandssupported
mdst 1 dmap.downloadstatus|msma 7 dmap.machineaddress|msas 5 dmap.authenticationschemes
mshl 12 dmap.sortingheaderlisting|mshc 3 dmap.sortingheaderchar|mshi 5 dmap.sortingheaderindex
mshn 5 dmap.sortingheadernumber|msml 12 dmap.speakermachinelist|apro 11 daap.protocolversion
avdb 12 daap.serverdatabases|abro 12 daap.databasebrowse|abal 12 daap.browsealbumlisting
abar 12 daap.browseartistlisting|abcp 12 daap.browsecomposerlisting|abgn 12 daap.browsegenrelisting
adbs 12 daap.databasesongs|asal 9 daap.songalbum|asar 9 daap.songartist|asbt 3 daap.songbeatsperminute
asbr 3 daap.songbitrate|ascm 9 daap.songcomment|asco 1 daap.songcompilation|asda 10 daap.songdateadded
asdm 10 daap.songdatemodified|asdc 3 daap.songdisccount|asdn 3 daap.songdiscnumber|asdb 1 daap.songdisabled
aseq 9 daap.songeqpreset|asfm 9 daap.songformat|asgn 9 daap.songgenre|asdt 9 daap.songdescription
asrv 1 daap.songrelativevolume|assr 5 daap.songsamplerate|assz 5 daap.songsize|asst 5 daap.songstarttime
assp 5 daap.songstoptime|astm 5 daap.songtime|astc 3 daap.songtrackcount|astn 3 daap.songtracknumber
asur 1 daap.songuserrating|asyr 3 daap.songyear|asdk 1 daap.songdatakind|asul 9 daap.songdataurl
aply 12 daap.databaseplaylists|abpl 1 daap.baseplaylist|apso 12 daap.playlistsongs|arsv 12 daap.resolve
arif 12 daap.resolveinfo|ascp 9 daap.songcomposer|agrp 9 daap.songgrouping|asaa 9 daap.songalbumartist
asct 9 daap.songcategory|ascn 9 daap.songcontentdescription|ascr 1 daap.songcontentrating
aslc 9 daap.songlongcontentdescription|asky 9 daap.songkeywords|assn 9 daap.sortname|assa 9 daap.sortartist
assl 9 daap.sortalbumartist|assu 9 daap.sortalbum|assc 9 daap.sortcomposer|asss 9 daap.sortseriesname
asai 7 daap.songalbumid|asri 7 daap.songartistid|asac 3 daap.songartworkcount|ascd 5 daap.songcodectype
ascs 5 daap.songcodecsubtype|asgp 1 daap.songgapless|asbk 1 daap.bookmarkable|asbo 5 daap.songbookmark
aspu 9 daap.songpodcasturl|ased 3 daap.songextradata|asdr 10 daap.songdatereleased|asdp 10 daap.songdatepurchased
ashp 1 daap.songhasbeenplayed|aspl 10 daap.songdateplayed|aspc 5 daap.songuserplaycount
askp 5 daap.songuserskipcount|askd 10 daap.songlastskipdate|asls 7 daap.songlongsize
asvc 1 daap.songprimaryvideocodec|asrs 1 daap.songuserratingstatus|aslr 1 daap.songalbumuserrating
asas 1 daap.songalbumuserratingstatus|ahdl 7 daap.headlessid|agal 12 daap.albumgrouping|agar 12 daap.artistgrouping
agac 5 daap.groupalbumcount|asgr 3 daap.supportsgroups|prsv 12 daap.resolve2|asse 7 daap.songstoreid
ated 3 daap.supportsextradata|asop 3 daap.songplaybackoffset|aeNV 5 com.apple.itunes.norm-volume
aeSP 1 com.apple.itunes.smart-playlist|aePC 1 com.apple.itunes.is-podcast
aePP 1 com.apple.itunes.is-podcast-playlist|aePS 1 com.apple.itunes.special-playlist
aeSG 1 com.apple.itunes.saved-genius|aeMK 1 com.apple.itunes.mediakind|aeMk 5 com.apple.itunes.extended-media-kind
aeHV 1 com.apple.itunes.has-video|aeHD 1 com.apple.itunes.is-hd-video|aeSI 5 com.apple.itunes.itms-songid
aeAI 5 com.apple.itunes.itms-artistid|aePI 5 com.apple.itunes.itms-playlistid
aeCI 5 com.apple.itunes.itms-composerid|aeGI 5 com.apple.itunes.itms-genreid
aeSF 5 com.apple.itunes.itms-storefrontid|aeSV 5 com.apple.itunes.music-sharing-version
aeSN 9 com.apple.itunes.series-name|aeNN 9 com.apple.itunes.network-name|aeEN 9 com.apple.itunes.episode-num-str
aeES 5 com.apple.itunes.episode-sort|aeSU 5 com.apple.itunes.season-num|aeGH 5 com.apple.itunes.gapless-heur
aeGD 5 com.apple.itunes.gapless-enc-dr|aeGU 7 com.apple.itunes.gapless-dur|aeGR 7 com.apple.itunes.gapless-resy
aeGE 5 com.apple.itunes.gapless-enc-del|aeSE 7 com.apple.itunes.store-pers-id|aeFP 1 com.apple.itunes.req-fplay
ceJV 5 com.apple.itunes.jukebox-vote|ceJC 1 com.apple.itunes.jukebox-client-vote
ceJI 5 com.apple.itunes.jukebox-current|aeCR 9 com.apple.itunes.content-rating|aeDV 5 com.apple.itunes.drm-versions
aeAD 12 com.apple.itunes.adam-ids-array|aeGs 1 com.apple.itunes.can-be-genius-seed
aeK1 7 com.apple.itunes.drm-key1-id|aeK2 7 com.apple.itunes.drm-key2-id|aeDP 7 com.apple.itunes.drm-platform-id
aeDR 7 com.apple.itunes.drm-user-id|aeND 7 com.apple.itunes.non-drm-user-id|aeXD 9 com.apple.itunes.xid
msed 1 dmap.editstatus|medc 12 dmap.editdictionary|aeMQ 1 com.apple.itunes.unknown-MQ|aeSL 1 com.apple.itunes.unknown-SL
aeSR 1 com.apple.itunes.unknown-SR|aeTr 1 com.apple.itunes.unknown-Tr
"""
CODES = {row.split()[0].encode(): (int(row.split()[1]), row.split()[2])
         for row in TABLE.replace("\n", "|").split("|") if row}
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 8, 8: 8, 10: 4, 11: 4}
TEXT, CONTAINER = 9, 12
NAMES_ONLY = (b"abal", b"abar", b"abcp", b"abgn")   # their mlit is the name itself


class Bad(Exception):
    """What a server sent is not DMAP."""


def parse(body, start=0, end=None, parent=None, depth=0, types=CODES, unknown=None):
    """DMAP as a list of (code, value): containers become lists, strings text, all else a number.

    Strict: a stray byte, a length past the parent, a wrong width or bad UTF-8 is `Bad`. A code of no known
    type stays bytes, and is added to the set `unknown`."""
    end = len(body) if end is None else end
    if depth > 16:
        raise Bad("nested too deep")
    out = []
    while start < end:
        if start + 8 > end:
            raise Bad("%d stray bytes at %d" % (end - start, start))
        code, at = body[start:start + 4], start
        first = start + 8
        start = first + int.from_bytes(body[start + 4:first], "big")
        if start > end:
            raise Bad("%r at %d runs %d bytes past its parent" % (code, at, start - end))
        kind = types.get(code, (0, ""))[0]
        if kind == TEXT or code == b"mlit" and parent in NAMES_ONLY:
            try:
                out.append((code, body[first:start].decode("utf-8")))
            except UnicodeDecodeError:
                raise Bad("%r at %d is not UTF-8: %r" % (code, at, body[first:start][:40]))
        elif kind == CONTAINER:
            out.append((code, parse(body, first, start, code, depth + 1, types, unknown)))
        elif kind == 0:
            out.append((code, body[first:start]))
            if unknown is not None:
                unknown.add(code)
        elif start - first != WIDTHS[kind]:
            raise Bad("%r at %d has %d bytes, its type has %d" % (code, at, start - first, WIDTHS[kind]))
        else:
            out.append((code, int.from_bytes(body[first:start], "big")))
    return out


def find(tree, *path):
    """The first value at a path of codes, or None."""
    for code in path:
        tree = next((value for got, value in tree or () if got == code), None)
    return tree


def rows(tree):
    """The rows of a listing's root, each as a dict in the order sent."""
    return [dict(row) for code, row in find(tree[0][1], b"mlcl") or () if code == b"mlit"]


def gone(tree):
    """The ids a delta says are gone."""
    return [value for code, value in find(tree[0][1], b"mudl") or () if code == b"miid"]


CODECS = "mpeg,mp4a,alac,wav,aif,flac,ogg,opus,speex,ape,wv,mpc,wma"


class Client:
    """A DAAP client on one kept connection."""

    def __init__(self, url, password=None, user="e2e", agent="iTunes/12.12.4 (Windows; N)", timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.timeout = parts.hostname, parts.port, timeout
        # With the name alone the songs that iTunes cannot play would come as WAV files.
        self.headers = {"User-Agent": agent, "Client-DAAP-Version": "3.13", "Accept": "*/*", "Accept-Codecs": CODECS}
        if password is not None:
            credential = base64.b64encode(("%s:%s" % (user, password)).encode()).decode()
            self.headers["Authorization"] = "Basic " + credential
        self.connection = None
        self.session = self.revision = self.database = None

    def get(self, path, headers=None, method="GET", timeout=None):
        """(status, headers in lower case, body)."""
        for last in (False, True):
            fresh_one = self.connection is None
            if fresh_one:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout or self.timeout)
            elif self.connection.sock is not None:
                self.connection.sock.settimeout(timeout or self.timeout)
            try:
                self.connection.request(method, path, headers=dict(self.headers, **(headers or {})))
                answer = self.connection.getresponse()
                body = answer.read()
                if answer.will_close:
                    self.close()
                return answer.status, {key.lower(): value for key, value in answer.getheaders()}, body
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                if last or fresh_one:
                    raise
            except Exception:
                self.close()
                raise

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def path(self, path, **parameters):
        """A target with the session and the given parameters (`_` stands for `-`)."""
        pairs = list(parameters.items())
        if self.session is not None:
            pairs.append(("session-id", self.session))
        text = "&".join("%s=%s" % (key.replace("_", "-"), urllib.parse.quote(str(value), safe=",.-:'*()"))
                        for key, value in pairs)
        return path + ("?" + text if text else "")

    def tree(self, path, timeout=None, **parameters):
        """The decoded answer of a list request; anything but 200 is an error."""
        status, _, body = self.get(self.path(path, **parameters), timeout=timeout)
        if status != 200:
            raise Bad("%s: status %d" % (path, status))
        return parse(body)

    def open(self):
        """Logs in and learns the revision and the first database."""
        self.session = find(self.tree("/login"), b"mlog", b"mlid")
        self.revision = self.update(1)
        self.database = rows(self.tree("/databases", revision_number=self.revision))[0][b"miid"]
        return self

    def update(self, seen, timeout=None):
        """The revision after `seen`; waits for it."""
        return find(self.tree("/update", revision_number=seen, timeout=timeout), b"mupd", b"musr")

    def items(self, meta="dmap.itemid,dmap.itemname,dmap.persistentid,daap.songsize,daap.songformat", **parameters):
        """The rows of the item list."""
        return rows(self.items_tree(meta=meta, **parameters))

    def items_tree(self, **parameters):
        parameters.setdefault("revision_number", self.revision)
        return self.tree("/databases/%d/items" % self.database, **parameters)

    def song_path(self, item):
        """Where the bytes of a song are."""
        suffix = item.get(b"asfm", "mp3")
        return self.path("/databases/%d/items/%d.%s" % (self.database, item[b"miid"], suffix))
