//! RFC 4475 §3.1.2: wrong by the grammar.

use super::{Accept, Answer, Case, Discard, OFFER, Verdict, case};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = bodies_and_numbers();
    cases.extend(request_lines());
    cases.extend(values());
    cases.extend(contradictions());
    cases
}

/// The lines that INVITE and OPTIONS share; those that a case changes are its own.
fn request(
    name: &'static str,
    section: &'static str,
    verdicts: &'static [Verdict],
    start: &[u8],
    own: &[&[u8]],
    body: &[u8],
) -> Case {
    const SHARED: [&[u8]; 6] = [
        b"To: sip:+821011110002@ims.example",
        b"From: sip:mina@bots.example;tag=242etr",
        b"Max-Forwards: 70",
        b"CSeq: 8 INVITE",
        b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKkdjuw",
        b"Content-Type: application/sdp",
    ];
    let header = |line: &[u8]| line.split(|&b| b == b':').next().unwrap_or_default().to_ascii_lowercase();
    let call_id = format!("Call-ID: {name}.0ha0isndaksdj@198.51.100.7");
    let length = format!("Content-Length: {}", body.len());
    let mut lines = vec![start];
    let cseq = if start.starts_with(b"OPTIONS") { &b"CSeq: 8 OPTIONS"[..] } else { SHARED[3] };
    for line in SHARED {
        let line = if line.starts_with(b"CSeq") { cseq } else { line };
        let own_body = !body.is_empty() || !line.starts_with(b"Content-Type");
        if own_body && !own.iter().any(|own| header(own) == header(line)) {
            lines.push(line);
        }
    }
    lines.push(call_id.as_bytes());
    lines.extend_from_slice(own);
    if !own.iter().any(|own| header(own) == b"content-length") {
        lines.push(length.as_bytes());
    }
    case(name, section, verdicts, &lines, body)
}

const INVITE: &[u8] = b"INVITE sip:+821011110002@ims.example SIP/2.0";
const OPTIONS: &[u8] = b"OPTIONS sip:+821011110002@ims.example SIP/2.0";
const REGISTER: &[u8] = b"REGISTER sip:ims.example SIP/2.0";

fn bodies_and_numbers() -> Vec<Case> {
    let separators: [&[u8]; 2] =
        [b"Via: SIP/2.0/UDP (sent-by);;,;,,", b"Contact: \"Mina\" <sip:mina@bots.example>;;;;"];
    vec![
        // Separators where nothing stands between.
        request("badinv01", "3.1.2.1", &[Answer(400)], INVITE, &separators, OFFER),
        // More promised than sent: on a stream the rest is waited for, so nothing is answered there.
        request("clerr", "3.1.2.2", &[Answer(400)], INVITE, &[b"Content-Length: 9999"], OFFER),
        request("ncl", "3.1.2.3", &[Answer(400)], INVITE, &[b"Content-Length: -999"], OFFER).closing(),
        request(
            "scalar02",
            "3.1.2.4",
            &[Answer(400)],
            REGISTER,
            &[
                b"CSeq: 36893488147419103232 REGISTER",
                b"Max-Forwards: 300",
                b"Expires: 10000000000000000",
                b"Contact: <sip:mina@client.bots.example>;expires=280297596632815",
            ],
            b"",
        ),
        case(
            "scalarlg",
            "3.1.2.5",
            &[Discard],
            &[
                b"SIP/2.0 503 Service Unavailable",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKzzxdiwo34sw;received=198.51.100.7",
                b"To: <sip:+821011110002@ims.example>",
                b"From: <sip:other@bots.example>;tag=2easdjfejw",
                b"CSeq: 9292394834772304023312 OPTIONS",
                b"Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r",
                b"Retry-After: 949302838503028349304023988",
                b"Warning: 1812 overture \"In Progress\"",
                b"Content-Length: 0",
            ],
            b"",
        ),
        request(
            "quotbal",
            "3.1.2.6",
            &[Answer(400)],
            INVITE,
            &[b"To: \"M. Kim <sip:mina@ims.example>"],
            OFFER,
        ),
    ]
}

fn request_lines() -> Vec<Case> {
    let headers = b"INVITE sip:mina@ims.example?Route=%3Csip:evil.example%3E SIP/2.0";
    vec![
        request("ltgtruri", "3.1.2.7", &[Answer(400)], b"INVITE <sip:mina@ims.example> SIP/2.0", &[], OFFER),
        request("lwsruri", "3.1.2.8", &[Answer(400)], b"INVITE sip:mina@ims.example; lr SIP/2.0", &[], OFFER),
        request("lwsstart", "3.1.2.9", &[Answer(400)], b"INVITE  sip:mina@ims.example  SIP/2.0", &[], OFFER),
        request(
            "trws",
            "3.1.2.10",
            &[Answer(400), Accept],
            b"OPTIONS sip:mina@ims.example SIP/2.0  ",
            &[],
            b"",
        ),
        request("escruri", "3.1.2.11", &[Answer(400)], headers, &[], OFFER),
    ]
}

fn values() -> Vec<Case> {
    let contact: &[u8] = b"Contact: sip:mina@bots.example?Route=%3Csip:evil.example%3E";
    let zone: &[u8] = b"Date: Fri, 01 Jan 2027 16:00:00 EST";
    vec![
        // The date is ignored.
        request("baddate", "3.1.2.12", &[Answer(400), Accept], INVITE, &[zone], OFFER),
        request("regbadct", "3.1.2.13", &[Answer(400)], REGISTER, &[b"CSeq: 8 REGISTER", contact], b""),
        request(
            "badaspec",
            "3.1.2.14",
            &[Answer(400)],
            OPTIONS,
            &[b"To: \"Kim, Mina\" < sip:mina@ims.example >"],
            b"",
        ),
        request(
            "baddn",
            "3.1.2.15",
            &[Answer(400), Accept],
            OPTIONS,
            &[b"From: Kim, Mina <sip:mina@bots.example>;tag=43"],
            b"",
        ),
    ]
}

fn contradictions() -> Vec<Case> {
    vec![
        request(
            "badvers",
            "3.1.2.16",
            &[Answer(505)],
            b"OPTIONS sip:mina@ims.example SIP/7.0",
            &[b"Via: SIP/7.0/UDP (sent-by);branch=z9hG4bKkdjuw"],
            b"",
        ),
        request("mismatch01", "3.1.2.17", &[Answer(400)], OPTIONS, &[b"CSeq: 8 INVITE"], b""),
        request(
            "mismatch02",
            "3.1.2.18",
            &[Answer(400), Answer(501)],
            b"NEWMETHOD sip:mina@ims.example SIP/2.0",
            &[b"CSeq: 8 INVITE"],
            b"",
        ),
        case(
            "bigcode",
            "3.1.2.19",
            &[Discard],
            &[
                b"SIP/2.0 4294967301 must not wrap around",
                b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKbig",
                b"Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i",
                b"CSeq: 353494 INVITE",
                b"From: <sip:mina@bots.example>;tag=39ansfi3",
                b"To: <sip:+821011110002@ims.example>;tag=902jndnke3",
                b"Content-Length: 0",
            ],
            b"",
        ),
    ]
}
