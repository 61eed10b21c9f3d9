//! RFC 4475 §3.2 to §3.4: right by the grammar, wrong or strange by what it says.

use super::{Accept, Answer, Case, Discard, OFFER, Verdict, case};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![badbranch()];
    cases.extend(requests());
    cases.extend(repeated());
    cases.extend(contacts());
    cases.extend([sdp01(), inv2543()]);
    cases
}

const TO: &[u8] = b"To: sip:+821011110002@ims.example";
const FROM: &[u8] = b"From: sip:mina@bots.example;tag=3q4242q";
const HOPS: &[u8] = b"Max-Forwards: 70";
const NO_BODY: &[u8] = b"Content-Length: 0";
const UNKNOWN_BODY: &[u8] = b"<chat>\r\n <with kind=\"nobody\"/>\r\n</chat>\r\n";

/// OPTIONS or REGISTER without a body.
fn plain(
    name: &'static str,
    section: &'static str,
    verdicts: &'static [Verdict],
    start: &[u8],
    own: &[&[u8]],
) -> Case {
    let method = start.split(|&b| b == b' ').next().unwrap_or_default();
    let via = format!("Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK-{name}");
    let call_id = format!("Call-ID: {name}.asd8f@198.51.100.7");
    let cseq = [b"CSeq: 8 ", method].concat();
    let header = |line: &[u8]| line.split(|&b| b == b':').next().unwrap_or_default().to_vec();
    let mut lines: Vec<&[u8]> = vec![start];
    for line in [via.as_bytes(), TO, FROM, HOPS, call_id.as_bytes(), &cseq] {
        if !own.iter().any(|own| header(own) == header(line)) {
            lines.push(line);
        }
    }
    lines.extend_from_slice(own);
    lines.push(NO_BODY);
    case(name, section, verdicts, &lines, b"")
}

/// A branch that is the cookie and nothing else: no key.
fn badbranch() -> Case {
    let via: &[u8] = b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK";
    let start = b"OPTIONS sip:+821011110002@ims.example SIP/2.0";
    plain("badbranch", "3.2.1", &[Answer(400), Accept], start, &[via])
}

fn requests() -> Vec<Case> {
    let register = b"REGISTER sip:ims.example SIP/2.0";
    vec![
        case(
            "insuf",
            "3.3.1",
            &[Answer(400)],
            &[
                b"INVITE sip:+821011110002@ims.example SIP/2.0",
                b"CSeq: 193942 INVITE",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKkdj.insuf",
                b"Content-Type: application/sdp",
                format!("l: {}", OFFER.len()).as_bytes(),
            ],
            OFFER,
        ),
        plain("unkscm", "3.3.2", &[Answer(416)], b"OPTIONS schemeThatNobodyKnows:opaque SIP/2.0", &[]),
        plain("novelsc", "3.3.3", &[Answer(416)], b"OPTIONS soap.beep://198.51.100.103:3002 SIP/2.0", &[]),
        plain(
            "unksm2",
            "3.3.4",
            &[Answer(400), Answer(416)],
            register,
            &[
                b"To: isbn:9788932917245",
                b"From: <http://www.bots.example>;tag=3234233",
                b"Contact: <name:Mina_Kim>",
            ],
        ),
        plain(
            "bext01",
            "3.3.5",
            &[Answer(420)],
            b"OPTIONS sip:+821011110002@ims.example SIP/2.0",
            &[b"Require: not-even-thought-of, neither-this", b"Proxy-Require: no-proxy-does, nor-this-one"],
        ),
        case(
            "invut",
            "3.3.6",
            &[Answer(415)],
            &[
                b"INVITE sip:+821011110002@ims.example SIP/2.0",
                b"Contact: <sip:mina@client.bots.example>",
                TO,
                FROM,
                b"Max-Forwards: 5",
                b"Call-ID: invut.0ha0isndaksdjadsfij34n23d@198.51.100.7",
                b"CSeq: 235448 INVITE",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKkdjuw.invut",
                b"Content-Type: application/not-yet-invented",
                format!("Content-Length: {}", UNKNOWN_BODY.len()).as_bytes(),
            ],
            UNKNOWN_BODY,
        ),
        plain(
            "regaut01",
            "3.3.7",
            &[Answer(401)],
            register,
            &[
                b"To: sip:+821011110001@ims.example",
                b"From: sip:+821011110001@ims.example;tag=87321hj23128",
                b"Authorization: SchemeThatNobodyKnows opaque-data=here",
            ],
        ),
    ]
}

fn repeated() -> Vec<Case> {
    let spare = b"some octets, and nobody can say how many of them belong to it";
    vec![
        case(
            "multi01",
            "3.3.8",
            &[Answer(400)],
            &[
                b"INVITE sip:+821011110002@ims.example SIP/2.0",
                b"CSeq: 5 INVITE",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKkdjuw.multi",
                b"Max-Forwards: 70",
                b"CSeq: 59 INVITE",
                b"Call-ID: multi01.98asdh@198.51.100.7",
                b"Call-ID: multi01.98asdh@198.51.100.8",
                FROM,
                b"From: sip:other@bots.example;tag=93992",
                TO,
                b"To: sip:+821011110003@ims.example",
                b"Contact: <sip:mina@client.bots.example>",
                b"Max-Forwards: 5",
                b"Content-Type: application/sdp",
                format!("l: {}", OFFER.len()).as_bytes(),
            ],
            OFFER,
        ),
        case(
            "mcl01",
            "3.3.9",
            &[Answer(400)],
            &[
                b"OPTIONS sip:+821011110002@ims.example SIP/2.0",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK293423",
                TO,
                FROM,
                b"Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf",
                b"CSeq: 15932 OPTIONS",
                b"Content-Length: 13",
                b"Max-Forwards: 60",
                b"Content-Length: 5",
                b"Content-Type: text/plain",
            ],
            spare,
        )
        .closing(),
        // Nobody here asked for it, and the next hop would be everybody.
        case(
            "bcast",
            "3.3.10",
            &[Discard],
            &[
                b"SIP/2.0 200 OK",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK1324923",
                b"Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1wide23",
                b"Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf",
                b"CSeq: 35 INVITE",
                b"From: sip:mina@bots.example;tag=11141343",
                b"To: sip:+821011110002@ims.example;tag=2229",
                NO_BODY,
                b"Contact: <sip:+821011110002@host28.ims.example>",
            ],
            b"",
        ),
        plain(
            "zeromf",
            "3.3.11",
            &[Answer(200), Answer(483)],
            b"OPTIONS sip:+821011110002@ims.example SIP/2.0",
            &[b"Max-Forwards: 0"],
        ),
    ]
}

fn contacts() -> Vec<Case> {
    let register = b"REGISTER sip:ims.example SIP/2.0";
    let to: &[u8] = b"To: sip:+821011110001@ims.example";
    let from: &[u8] = b"From: sip:+821011110001@ims.example;tag=8985";
    let inside: &[u8] = b"Contact: <sip:+821011110001@client.ims.example;strange>";
    let route: &[u8] = b"Contact: <sip:+821011110001@client.ims.example?Route=%3Csip:hop.ims.example%3E>";
    vec![
        // A parameter of the header, and not of the URI.
        plain(
            "cparam01",
            "3.3.12",
            &[Accept],
            register,
            &[to, from, b"Contact: sip:+821011110001@client.ims.example;strange"],
        ),
        // The other way round.
        plain("cparam02", "3.3.13", &[Accept], register, &[to, from, inside]),
        // A header that calls to the contact shall have: kept, and not followed blindly.
        plain("regescrt", "3.3.14", &[Accept], register, &[to, from, route]),
    ]
}

/// The answer could only be SDP, which is not accepted.
fn sdp01() -> Case {
    case(
        "sdp01",
        "3.3.15",
        &[Answer(406)],
        &[
            b"INVITE sip:+821011110002@ims.example SIP/2.0",
            TO,
            b"Contact: <sip:mina@client.bots.example>",
            FROM,
            b"Max-Forwards: 5",
            b"Call-ID: sdp01.ndaksdj9342dasdd",
            b"Accept: text/of-a-kind-nobody-knows",
            b"CSeq: 8 INVITE",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKkdjuw.sdp",
            format!("Content-Length: {}", OFFER.len()).as_bytes(),
            b"Content-Type: application/sdp",
        ],
        OFFER,
    )
}

/// From before RFC 3261: no branch, no tag, no Max-Forwards.
fn inv2543() -> Case {
    case(
        "inv2543",
        "3.4.1",
        &[Accept],
        &[
            b"INVITE sip:mina@ims.example SIP/2.0",
            b"Via: SIP/2.0/UDP (sent-by)",
            b"From: <sip:+821055551111@client.bots.example;user=phone>",
            b"Record-Route: <sip:mina@ims.example;maddr=hop1.ims.example>",
            b"To: sip:+821055552222@hop1.ims.example;user=phone",
            b"Call-ID: inv2543.1717@client.bots.example",
            b"CSeq: 56 INVITE",
            b"Content-Type: application/sdp",
            b"Content-Length: 0",
        ],
        b"",
    )
}
