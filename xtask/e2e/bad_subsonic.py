"""A small Subsonic server, whose every answer a test can spoil."""
import json
import os
import re
import ssl
import urllib.parse

import bad_server
from bad_server import Answer, status, whole

ALBUM = {"id": "al", "name": "An album", "artist": "Somebody"}


class Subsonic(bad_server.Server):
    """Has one album. With the folder of a certificate, that of `certificate`, it speaks TLS."""

    def __init__(self, spoil=None, titles=("One", "Two", "Three"), size=300_000, certified=None):
        self.titles, self.scans, self.context = list(titles), 1, None
        self.songs = [bad_server.content(number, size) for number in range(len(titles))]
        if certified:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(certified, "cert.pem"), os.path.join(certified, "key.pem"))
        super().__init__(spoil)

    @property
    def address(self):
        return self.listener.getsockname()

    def streamed(self, number):
        """How often it was asked for the sound of a song."""
        return sum(method(request) == "stream" and asked_song(request) == number for request in self.asked)

    def _serve(self, connection):
        if self.context:
            try:
                connection = self.context.wrap_socket(connection, server_side=True)
            except OSError:
                return      # the client does not trust it
        super()._serve(connection)

    def behave(self, request):
        asked = method(request)
        if asked == "stream":
            return self.sound(request)
        # Of a list there is one page.
        first = parameters(request).get("songOffset", parameters(request).get("offset", "0")) == "0"
        found = {"ping": {},
                 "getScanStatus": {"scanStatus": {"count": len(self.songs), "lastScan": "scan %d" % self.scans}},
                 "getAlbumList2": {"albumList2": {"album": [dict(ALBUM, songCount=len(self.songs))] if first else []}},
                 "search3": {"searchResult3": {"song": self.entries() if first else []}},
                 "getAlbum": {"album": dict(ALBUM, song=self.entries())},
                 "getStarred2": {"starred2": {}},
                 "getPlaylists": {"playlists": {}}}.get(asked)
        return status(404) if found is None else said(dict(found, status="ok"))

    def sound(self, request):
        song = self.songs[asked_song(request)]
        start = request.range()
        if start is None:
            return whole(song, Content_Type="audio/mpeg", Accept_Ranges="bytes")
        sent = "bytes %d-%d/%d" % (start, len(song) - 1, len(song))
        return Answer(206, {"Content-Type": "audio/mpeg", "Content-Range": sent}, [song[start:]])

    def entries(self):
        return [{"id": "so-%d" % number, "title": title, "album": ALBUM["name"], "albumId": ALBUM["id"],
                 "artist": ALBUM["artist"], "track": number + 1, "duration": 180, "size": len(song), "suffix": "mp3"}
                for number, (title, song) in enumerate(zip(self.titles, self.songs))]


def said(response):
    server = {"version": "1.16.1", "type": "bad", "serverVersion": "1.0", "openSubsonic": True}
    body = json.dumps({"subsonic-response": dict(server, **response)})
    return whole(body.encode(), Content_Type="application/json")


def method(request):
    """What is asked for, in the words of the protocol."""
    return re.sub(r"^/rest/|\.view$", "", request.path)


def parameters(request):
    return dict(urllib.parse.parse_qsl(request.query))


def asked_song(request):
    """The number of the song whose sound is asked for."""
    return int(parameters(request)["id"].removeprefix("so-"))
