"""What every Python peer shares: speaking in JSON lines, deadlines, children that end with us.

A peer prints one JSON object a line on standard output, each with an "event". It exits 0 when it saw what it
was asked to see, and with a sentence on standard error and exit code 1 when it did not.
"""

import atexit
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


def say(event, **fields):
    """Tells the test one thing."""
    print(json.dumps({"event": event, **fields}, ensure_ascii=False), flush=True)


def fail(sentence):
    """Ends this peer, also from a thread that is not the first."""
    print(f"{os.path.basename(sys.argv[0])}: {sentence}", file=sys.stderr, flush=True)
    stop()
    os._exit(1)


def deadline(seconds):
    """Ends this peer with a sentence when it is not done in time; returns the watch, to be cancelled."""
    watch = threading.Timer(seconds, lambda: fail(f"not done after {seconds} s"))
    watch.daemon = True
    watch.start()
    return watch


def free_port():
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


CHILDREN = []
FOLDERS = []


def folder(prefix):
    """A folder of this peer's own; it goes when this peer ends."""
    made = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    FOLDERS.append(made)
    return made


def start(command, log, **options):
    """Starts a server of this peer's own; it ends with this peer."""
    out = open(log, "ab")
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **options
    )
    CHILDREN.append(child)
    return child


def stop():
    """Ends the servers, the last started first; asks, then insists. Then removes the folders."""
    for child in reversed(CHILDREN):
        for sign, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(child.pid, sign)
            except ProcessLookupError:
                break
            try:
                child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
    CHILDREN.clear()
    for made in FOLDERS:
        shutil.rmtree(made, ignore_errors=True)
    FOLDERS.clear()


atexit.register(stop)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def wait_for(what, child, probe, seconds):
    """Waits until `probe()` is true; the child must live that long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if child is not None and child.poll() is not None:
            fail(f"{what} ended with {child.returncode} while it was starting")
        try:
            if probe():
                return
        except OSError:
            pass
        time.sleep(0.1)
    fail(f"{what} did not start in {seconds} s")


def listens(port):
    """Whether something accepts connections on this port of the loopback."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def until_told():
    """Serves until the test closes our standard input."""
    while sys.stdin.buffer.read(4096):
        pass
