"""aiosmpplib as an ESME: submits one text, waits for its final receipt; the library splits and joins by itself.

    aiosmpplib_esme.py --port PORT --to +8210… [--from … --text … --split udh|payload --stat DELIVRD]
"""

import asyncio

from aiosmpplib import ESME, AbstractHook, DeliverSm, GenericNack, PhoneNumber, SmppCommandStatus, SubmitSm, SubmitSmResp
from aiosmpplib.state import NPI, TON

import esme
import peer

UDH_INDICATOR = 0b0100_0000


class Watch(AbstractHook):
    """Sees whole messages: the library hides the segments of a text and of its receipts."""

    def __init__(self, options):
        self.stat = options.stat
        self.done = asyncio.Event()

    async def sending(self, smpp_message, pdu, client_id):
        pass

    async def send_error(self, smpp_message, error, client_id):
        peer.fail(f"the text could not be sent: {error!r}")

    async def received(self, smpp_message, pdu, client_id):
        # Nothing parsed means a segment of a longer text; what cannot be parsed ends in the deadline.
        if isinstance(smpp_message, GenericNack):
            peer.fail("the other side did not understand a PDU")
        if isinstance(smpp_message, SubmitSmResp):
            if smpp_message.command_status != SmppCommandStatus.ESME_ROK:
                peer.fail(f"submit was refused with {smpp_message.command_status!r}")
            peer.say("accepted", ids=[smpp_message.message_id], log_id=smpp_message.log_id)
        if isinstance(smpp_message, DeliverSm):
            self.delivered(smpp_message)

    def delivered(self, deliver):
        if not deliver.is_receipt():
            peer.say("received", **{"from": deliver.source.number, "to": deliver.destination.number, "text": deliver.short_message})
            return
        receipt = deliver.parse_receipt()
        peer.say("receipt", id=receipt.get("id"), stat=receipt.get("stat"), log_id=deliver.log_id)
        if receipt.get("stat") in esme.Tally.INTERIM:
            return
        if receipt.get("stat") != self.stat:
            peer.fail(f"the receipt says {receipt.get('stat')}, expected {self.stat}")
        if deliver.log_id != "text":
            peer.fail("the receipt names an id that no answer gave")
        self.done.set()


async def run(options):
    watch = Watch(options)
    client = ESME(
        smsc_host="127.0.0.1", smsc_port=options.port, system_id=options.system_id, password=options.password,
        hook=watch, log_level="CRITICAL",
    )
    await client.broker.enqueue(
        SubmitSm(
            short_message=options.text,
            source=PhoneNumber(options.sender, ton=TON.UNKNOWN, npi=NPI.ISDN),
            destination=PhoneNumber(options.to.lstrip("+"), ton=TON.INTERNATIONAL, npi=NPI.ISDN),
            esm_class=UDH_INDICATOR if options.split == "udh" else 0,
            auto_message_payload=options.split == "payload",
            registered_delivery=1,
            encoding="ucs2" if not options.text.isascii() else None,
            log_id="text",
        )
    )
    running = asyncio.create_task(client.start())
    done = asyncio.create_task(watch.done.wait())
    await asyncio.wait({running, done}, return_when=asyncio.FIRST_COMPLETED)
    if not watch.done.is_set():
        peer.fail(f"the ESME ended before its receipt came: {running.exception()!r}")
    await client.stop()
    peer.say("done")


def main():
    options = esme.parse(__doc__)
    peer.deadline(options.deadline)
    if options.split == "sar":
        peer.fail("aiosmpplib 0.7.4 fails on its own before it sends SAR segments")
    asyncio.run(run(options))


if __name__ == "__main__":
    main()
