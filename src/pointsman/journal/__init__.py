"""The append-only, checksummed record of what a gateway worker did.

    frames     bytes on disk: segment header, frame, tolerant scan
    entries    what a frame holds: begin, end (the whole record), content
    segments   files of one worker: names, rotation, bounds
    lock       which worker is alive
    writer     the one appender of a worker
    reader     find, list and follow, while writers are alive
    recovery   turns what a killed worker left open into records

It knows nothing of requests beyond their records, and nothing of the network.
"""
