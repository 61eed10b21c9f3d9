"""A home subscriber server, as far as an S-CSCF asks: Diameter Cx (3GPP TS 29.228, 29.229) over TCP.

It knows subscribers with a password (SIP digest) or with a vector of AKA, and gives each the same profile: every
registration and every MESSAGE and INVITE is the business of one application server. Kamailio's S-CSCF asks it; it
stands in for a part of the network that the gateway never meets.

It says {"event": "ready", "port": …} once it listens, and an event for each request that it answered, by its
command.
"""

import argparse
import hashlib
import json
import socket
import struct
import sys
import threading

VENDOR_3GPP = 10415
CX = 16777216
SUCCESS = 2001
USER_UNKNOWN = 5001

# Commands (RFC 6733 §3.1, TS 29.229 §6.1).
CAPABILITIES, WATCHDOG, DISCONNECT = 257, 280, 282
USER_AUTHORIZATION, SERVER_ASSIGNMENT, LOCATION_INFO, MULTIMEDIA_AUTH = 300, 301, 302, 303

# AVPs of the base protocol.
USER_NAME, HOST_IP_ADDRESS, AUTH_APPLICATION, VENDOR_SPECIFIC_APPLICATION = 1, 257, 258, 260
SESSION, ORIGIN_HOST, VENDOR, RESULT, PRODUCT = 263, 264, 266, 268, 269
AUTH_SESSION_STATE, ORIGIN_REALM, EXPERIMENTAL_RESULT, EXPERIMENTAL_RESULT_CODE = 277, 296, 297, 298
DIGEST_REALM, DIGEST_ALGORITHM, DIGEST_QOP, DIGEST_HA1 = 104, 111, 110, 121
# AVPs of Cx.
PUBLIC_IDENTITY, SERVER_NAME, USER_DATA, NUMBER_OF_AUTH_ITEMS, AUTH_SCHEME = 601, 602, 606, 607, 608
AUTHENTICATE, AUTHORIZATION, AUTH_DATA_ITEM, ITEM_NUMBER = 609, 610, 612, 613
CONFIDENTIALITY_KEY, INTEGRITY_KEY, DIGEST_AUTHENTICATE = 625, 626, 635

# Test set 2 of TS 35.207: SIPp computes the same from K, OP and AMF. (The K of set 1 holds an octet that SIPp takes for
# the beginning of a keyword.)
RAND = bytes.fromhex("c00d603103dcee52c4478119494202e8")
AUTN = bytes.fromhex("39f96cd9800faf175df5b31807e258b0")
RES = bytes.fromhex("d3a628ed988620f0")
CK = bytes.fromhex("58c433ff7a7082acd424220f2b67c556")
IK = bytes.fromhex("21a8c1f929702adb3e738488b9f5c5da")


def say(event, **fields):
    print(json.dumps({"event": event, **fields}), flush=True)


def avp(code, value, vendor=0):
    """One AVP; a list is a group, a number four octets, a text its UTF-8."""
    if isinstance(value, list):
        value = b"".join(value)
    elif isinstance(value, int):
        value = struct.pack("!I", value)
    elif isinstance(value, str):
        value = value.encode()
    flags = 0x40 | (0x80 if vendor else 0)
    head = struct.pack("!IB", code, flags) + (8 + 4 * bool(vendor) + len(value)).to_bytes(3, "big")
    if vendor:
        head += struct.pack("!I", vendor)
    return head + value + b"\0" * (-len(value) % 4)


def cx(code, value):
    return avp(code, value, VENDOR_3GPP)


def avps(octets):
    """The AVPs of a message or of a group, by code."""
    found = {}
    while len(octets) >= 8:
        code, flags, length = struct.unpack("!IB", octets[:5]) + (int.from_bytes(octets[5:8], "big"),)
        if length < 8:
            break
        found.setdefault(code, octets[12 if flags & 0x80 else 8 : length])
        octets = octets[(length + 3) & ~3 :]
    return found


class Hss:
    def __init__(self, options):
        self.options = options

    def own(self):
        return [avp(ORIGIN_HOST, self.options.host), avp(ORIGIN_REALM, self.options.domain)]

    def application(self):
        group = [avp(VENDOR, VENDOR_3GPP), avp(AUTH_APPLICATION, CX)]
        return avp(VENDOR_SPECIFIC_APPLICATION, group)

    def answer(self, command, request):
        """The AVPs of an answer, and what is told of it."""
        if command == CAPABILITIES:
            address = b"\0\1" + socket.inet_aton("127.0.0.1")
            about = [avp(HOST_IP_ADDRESS, address), avp(VENDOR, VENDOR_3GPP), avp(PRODUCT, "hss")]
            return [avp(RESULT, SUCCESS), *self.own(), *about, self.application()], {"command": command}
        if command in (WATCHDOG, DISCONNECT):
            return [avp(RESULT, SUCCESS), *self.own()], None
        session = [avp(SESSION, request.get(SESSION, b"")), self.application(), avp(AUTH_SESSION_STATE, 1)]
        session += self.own()
        public = request.get(PUBLIC_IDENTITY, b"").decode()
        private = request.get(USER_NAME, b"").decode() or public.removeprefix("sip:")
        user = public.removeprefix("sip:").partition("@")[0]
        if user not in self.options.users:
            experimental = [avp(VENDOR, VENDOR_3GPP), avp(EXPERIMENTAL_RESULT_CODE, USER_UNKNOWN)]
            return [*session, avp(EXPERIMENTAL_RESULT, experimental)], {"command": command, "user": user, "known": False}
        who = [avp(RESULT, SUCCESS), avp(USER_NAME, private)]
        told = {"command": command, "user": user, "known": True}
        if command == MULTIMEDIA_AUTH:
            scheme = avps(request.get(AUTH_DATA_ITEM, b"")).get(AUTH_SCHEME, b"").decode()
            vector, given = self.vector(user, scheme)
            who += [cx(PUBLIC_IDENTITY, public), cx(NUMBER_OF_AUTH_ITEMS, 1), cx(AUTH_DATA_ITEM, vector)]
            return [*session, *who], {**told, "asked": scheme, "given": given}
        if command == SERVER_ASSIGNMENT:
            return [*session, *who, cx(USER_DATA, self.profile(private, user))], told
        return [*session, *who, cx(SERVER_NAME, self.options.scscf)], told

    def vector(self, user, scheme):
        """For SIP digest, phones without a USIM name only their user part."""
        if "AKA" in scheme:
            keys = [cx(CONFIDENTIALITY_KEY, CK), cx(INTEGRITY_KEY, IK)]
            challenge = [cx(AUTHENTICATE, RAND + AUTN), cx(AUTHORIZATION, RES)]
            return [cx(ITEM_NUMBER, 1), cx(AUTH_SCHEME, "Digest-AKAv1-MD5"), *challenge, *keys], "AKAv1-MD5"
        secret = f"{user}:{self.options.domain}:{self.options.password}"
        ha1 = hashlib.md5(secret.encode()).hexdigest()
        about = [avp(DIGEST_REALM, self.options.domain), avp(DIGEST_ALGORITHM, "MD5"), avp(DIGEST_QOP, "auth")]
        digest = cx(DIGEST_AUTHENTICATE, [*about, avp(DIGEST_HA1, ha1)])
        return [cx(ITEM_NUMBER, 1), cx(AUTH_SCHEME, "SIP Digest"), digest], "SIP Digest"

    def profile(self, private, user):
        """Initial filter criteria (TS 29.228 annex B): registrations of all kinds, then MESSAGE and INVITE."""

        def criterion(priority, points, extension=""):
            return (
                f"<InitialFilterCriteria><Priority>{priority}</Priority>"
                f"<TriggerPoint><ConditionTypeCNF>1</ConditionTypeCNF>{points}</TriggerPoint>"
                f"<ApplicationServer><ServerName>{self.options.application_server}</ServerName>"
                f"<DefaultHandling>0</DefaultHandling>{extension}</ApplicationServer></InitialFilterCriteria>"
            )

        def point(group, what):
            negated = "<ConditionNegated>0</ConditionNegated>"
            return f"<SPT>{negated}<Group>{group}</Group>{what}</SPT>"

        register = criterion(
            0,
            point(0, "<Method>REGISTER</Method>"),
            "<ServiceInfo>gateway</ServiceInfo>" if self.options.service_info else
            "<Extension><IncludeRegisterRequest/></Extension>",
        )
        requests = criterion(1, point(0, "<Method>MESSAGE</Method>") + point(0, "<Method>INVITE</Method>"))
        identities = "".join(
            f"<PublicIdentity><BarringIndication>0</BarringIndication><Identity>{identity}</Identity></PublicIdentity>"
            for identity in [f"sip:{user}@{self.options.domain}", f"tel:{user}"]
            if not identity.startswith("tel:") or user.startswith("+")
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f"<IMSSubscription><PrivateID>{private}</PrivateID><ServiceProfile>"
            f"{identities}{register}{requests}</ServiceProfile></IMSSubscription>"
        )

    def serve(self, connection):
        stream = connection.makefile("rb")
        while len(head := stream.read(20)) == 20:
            length = int.from_bytes(head[1:4], "big")
            flags, command = head[4], int.from_bytes(head[5:8], "big")
            body = stream.read(length - 20)
            if not flags & 0x80:
                continue
            answered, told = self.answer(command, avps(body))
            body = b"".join(answered)
            # The same ids, without the request and error bits.
            out = b"\1" + (20 + len(body)).to_bytes(3, "big") + bytes([flags & 0x40]) + head[5:] + body
            connection.sendall(out)
            if told:
                say("answered", **told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--domain", default="ims.example")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--scscf", default="sip:scscf.ims.example")
    parser.add_argument("--application-server", required=True, help="its SIP URI")
    parser.add_argument("--service-info", action="store_true", help="tells the server that instead of the REGISTER")
    parser.add_argument("users", nargs="+")
    options = parser.parse_args()
    hss = Hss(options)
    listener = socket.create_server(("127.0.0.1", 0))
    say("ready", port=listener.getsockname()[1])

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=hss.serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    # The end of its input ends it.
    sys.stdin.read()


if __name__ == "__main__":
    main()
