"""What both Python ESMEs share: their arguments, and the count of answers and receipts."""

import argparse

import peer


def parse(description):
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--system-id", default="esme")
    options.add_argument("--password", default="secret")
    options.add_argument("--from", dest="sender", default="15881234")
    options.add_argument("--to", required=True)
    options.add_argument("--text", default="hello")
    options.add_argument("--split", choices=("udh", "sar", "payload"), default="udh")
    options.add_argument("--stat", default="DELIVRD")
    options.add_argument("--deadline", type=float, default=30)
    options.add_argument("--serve", action="store_true")
    return options.parse_args()


class Tally:
    """Which ids were given, and what their receipts say; a receipt may come before the answer that names its id."""

    INTERIM = {"ACCEPTD", "ENROUTE"}

    def __init__(self, options):
        self.stat = options.stat
        self.expected = None
        self.ids = []
        self.final = {}

    def expect(self, count):
        self.expected = count

    def accepted(self, message_id):
        if message_id in self.ids:
            peer.fail(f"the id {message_id} was given twice")
        self.ids.append(message_id)
        if len(self.ids) == self.expected:
            peer.say("accepted", ids=self.ids)

    def receipt(self, message_id, stat):
        peer.say("receipt", id=message_id, stat=stat)
        if stat in self.INTERIM:
            return
        if stat != self.stat:
            peer.fail(f"the receipt of {message_id} says {stat}, expected {self.stat}")
        if message_id in self.final:
            peer.fail(f"{message_id} has two final receipts")
        self.final[message_id] = stat

    def complete(self):
        return self.expected is not None and len(self.ids) == self.expected and all(one in self.final for one in self.ids)
