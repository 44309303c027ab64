#!/usr/bin/env python3
"""A long song to 16 and to 256 readers, and seeks in it, beside nginx."""
import os

import stage
from stage import Crowd, figure

READERS = (16, 256)


def streams(prefix, port, path):
    for readers in READERS:
        rates = []
        for _ in range(stage.RUNS):
            crowd = Crowd(port, [path], readers)
            took = crowd.run(stage.SECONDS)
            rates.append(crowd.received / took / 1e6)
        figure("%sstreams.%d" % (prefix, readers), "MB/s", rates)
    seeks = []
    for _ in range(stage.RUNS):
        crowd = Crowd(port, [path], READERS[0], seek=stage.RECORDING_MB << 20)
        took = crowd.run(stage.SECONDS)
        seeks.append(crowd.answered / took)
    figure(prefix + "streams.seeks", "/s", seeks)


def main():
    stage.open_files()
    with stage.serve(stage.recording(), data=os.path.join(stage.WORK, "data")) as server:
        client = server.client().open()
        path = stage.recording_path(client)
        client.close()
        streams("", server.port, path)

    def beside(nginx):
        path = nginx.put("recording.wav", os.path.join(stage.recording(), stage.RECORDING + ".wav"))
        with nginx:
            streams("nginx.", nginx.port, path)
    names = ["nginx.streams.%d" % readers for readers in READERS]
    stage.beside_nginx(beside, *names, "nginx.streams.seeks")


main()
