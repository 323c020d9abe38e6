"""XML that asks for a file: the kernel tells whether anybody opened it."""

import ctypes
import os
import struct

from lab import capture_xml, case, equal, inner
from sns import watched
from threats import threat

IN_ACCESS, IN_OPEN = 0x1, 0x20  # sys/inotify.h


class Watched:
    """A file that knows who looked into it."""

    def __init__(self, path, text):
        with open(path, "w") as f:
            f.write(text)
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.fd < 0 or libc.inotify_add_watch(self.fd, path.encode(), IN_ACCESS | IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self.path = path

    def looks(self):
        """How often it was opened or read since the last time."""
        try:
            data, n = os.read(self.fd, 65536), 0
        except BlockingIOError:
            return 0
        while data:
            data, n = data[16 + struct.unpack_from("iIII", data)[3]:], n + 1
        return n


@case("151-156 no file is opened for an entity, a DTD, a schema, a style sheet or an inclusion")
def no_file():
    with watched() as lab:
        entity = Watched(os.path.join(lab.folder, "entity.txt"), "stolen")
        dtd = Watched(os.path.join(lab.folder, "x.dtd"), '<!ENTITY a "stolen">')
        good, root = capture_xml(), "<CaptureNotification"
        ref = "<AmazonCaptureId>&e;</AmazonCaptureId>"
        named = good.replace("<AmazonCaptureId>S01-1111111-2222222-C000001</AmazonCaptureId>", ref)
        file = "file://" + entity.path
        documents = {
            "151 entity": named.replace(root, f'<!DOCTYPE x [<!ENTITY e SYSTEM "{file}">]>' + root, 1),
            "151 by path": named.replace(root, f'<!DOCTYPE x [<!ENTITY e SYSTEM "{entity.path}">]>' + root, 1),
            "151 by public name": named.replace(root, f'<!DOCTYPE x [<!ENTITY e PUBLIC "p" "{file}">]>' + root, 1),
            "152 DTD": good.replace(root, f'<!DOCTYPE CaptureNotification SYSTEM "file://{dtd.path}">' + root, 1),
            "155 parameter entity": named.replace(root, f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file://{dtd.path}"> %p;]>' + root, 1),
            "156 XInclude": capture_xml(extra='<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" '
                                        f'href="{file}"/>'),
            "schema": good.replace(root, f'{root} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                                   f'xsi:noNamespaceSchemaLocation="{file}"', 1),
            "style sheet": good.replace(root, f'<?xml-stylesheet type="text/xsl" href="{file}"?>' + root, 1),
        }
        for what, document in documents.items():
            with threat(what):
                equal(lab.send(lab.envelope(inner(document))).status, 200, "kept")
                equal((entity.looks(), dtd.looks()), (0, 0), "looks into the files")
        equal(lab.sns.count, 0, "connections")
        equal(lab.rows("SELECT count(*) FROM capture WHERE capture_id LIKE '%stolen%'"), [(0,)], "stolen text")
        for watch in (entity, dtd):  # and the watch would have told
            with open(watch.path) as f:
                f.read()
            equal(watch.looks() > 0, True, "the test's own look")
