"""smpplib as an ESME: submits one text in as many segments as it needs, waits for each segment's final receipt.

    smpplib_esme.py --port PORT --to +8210… [--from … --text … --split udh|sar|payload --stat DELIVRD]
"""

import logging
import re

import smpplib.client
import smpplib.consts as consts
import smpplib.exceptions
import smpplib.gsm

import esme
import peer

# esm_class of an SMSC delivery receipt, SMPP 3.4 §5.2.12.
RECEIPT = 0b0000_0100


def submit(client, options):
    """Sends every segment; the sequence numbers say which answers to expect."""
    international = options.to.startswith("+")
    fields = {
        "source_addr_ton": consts.SMPP_TON_UNK,
        "source_addr": options.sender,
        "dest_addr_ton": consts.SMPP_TON_INTL if international else consts.SMPP_TON_UNK,
        "dest_addr_npi": consts.SMPP_NPI_ISDN,
        "destination_addr": options.to.lstrip("+"),
        "registered_delivery": True,
    }
    if options.split == "payload":
        octets = options.text.encode("utf-16-be")
        pdus = [client.send_message(data_coding=consts.SMPP_ENCODING_ISO10646, message_payload=octets, **fields)]
    else:
        parts, coding, esm_class = smpplib.gsm.make_parts(options.text, use_udhi=options.split == "udh")
        extra = [{} for _ in parts]
        if options.split == "sar" and len(parts) > 1:
            extra = [
                {"sar_msg_ref_num": 77, "sar_total_segments": len(parts), "sar_segment_seqnum": number}
                for number in range(1, len(parts) + 1)
            ]
        pdus = [
            client.send_message(data_coding=coding, esm_class=esm_class, short_message=part, **fields, **more)
            for part, more in zip(parts, extra)
        ]
    return {pdu.sequence for pdu in pdus}


def main():
    options = esme.parse(__doc__)
    logging.disable(logging.CRITICAL)
    peer.deadline(options.deadline)
    tally = esme.Tally(options)
    client = smpplib.client.Client("127.0.0.1", options.port, timeout=2, allow_unknown_opt_params=True)

    def answered(pdu):
        tally.accepted(pdu.message_id.decode())

    def arrived(pdu):
        octets = pdu.short_message or pdu.message_payload or b""
        if not pdu.esm_class & RECEIPT:
            text = octets.decode("utf-16-be" if pdu.data_coding == consts.SMPP_ENCODING_ISO10646 else "latin-1")
            peer.say("received", **{"from": pdu.source_addr.decode(), "to": pdu.destination_addr.decode(), "text": text})
            return
        text = octets.decode("latin-1")
        fields = dict(re.findall(r"(id|stat|err):(\S+)", text))
        tally.receipt(fields.get("id"), fields.get("stat"))

    client.set_message_sent_handler(answered)
    client.set_message_received_handler(arrived)
    try:
        client.connect()
        client.bind_transceiver(system_id=options.system_id, password=options.password)
        peer.say("bound")
        tally.expect(len(submit(client, options)))
        while not tally.complete():
            client.read_once()
        client.unbind()
        client.disconnect()
    except (smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError) as error:
        peer.fail(f"{type(error).__name__}: {error}")
    peer.say("done")


if __name__ == "__main__":
    main()
