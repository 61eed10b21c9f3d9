//! RFC 5118 §4: IPv6 in SIP.

use super::{Accept, Answer, Case, Verdict, case};

/// A request to `target`, with lines of its own and a body.
fn request(
    name: &'static str,
    section: &'static str,
    verdicts: &'static [Verdict],
    start: &str,
    own: &[&str],
    body: &str,
) -> Case {
    let method = start.split(' ').next().unwrap_or_default();
    let mut lines = vec![
        start.to_owned(),
        "To: <sip:+821011110001@ims.example>".to_owned(),
        "From: <sip:+821011110001@ims.example>;tag=81x2".to_owned(),
        format!("Call-ID: {name}@198.51.100.7"),
        format!("CSeq: 98176 {method}"),
        "Max-Forwards: 70".to_owned(),
    ];
    if !own.iter().any(|line| line.starts_with("Via")) {
        lines.push("Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKas3-111".to_owned());
    }
    lines.extend(own.iter().map(|line| (*line).to_owned()));
    if !body.is_empty() {
        lines.push("Content-Type: application/sdp".to_owned());
    }
    lines.push(format!("Content-Length: {}", body.len()));
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    case(name, section, verdicts, &lines, body.as_bytes())
}

pub(super) fn cases() -> Vec<Case> {
    let contact = "Contact: <sip:+821011110001@[2001:db8::1]>";
    let register = "REGISTER sip:[2001:db8::10] SIP/2.0";
    let sdp = "v=0\r\no=t 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n\
m=message 2855 TCP/MSRP *\r\na=accept-types:message/cpim\r\na=path:msrp://[2001:db8::20]:2855/six;tcp\r\n";
    let two = "v=0\r\no=t 1 1 IN IP6 2001:db8::20\r\ns=-\r\nt=0 0\r\n\
m=audio 22334 RTP/AVP 0\r\nc=IN IP4 198.51.100.7\r\n\
m=message 2855 TCP/MSRP *\r\nc=IN IP6 2001:db8::20\r\na=accept-types:message/cpim\r\n\
a=path:msrp://[2001:db8::20]:2855/two;tcp\r\n";
    let invite = "INVITE sip:+821011110002@[2001:db8::10] SIP/2.0";
    let options = "OPTIONS sip:+821011110002@[2001:db8::10] SIP/2.0";
    vec![
        request("ipv6-good", "4.1", &[Accept], register, &[contact], ""),
        request("ipv6-bad", "4.2", &[Answer(400)], "REGISTER sip:2001:db8::10 SIP/2.0", &[contact], ""),
        request(
            "port-ambiguous",
            "4.3",
            &[Accept],
            "REGISTER sip:[2001:db8::10:5070] SIP/2.0",
            &[contact],
            "",
        ),
        request(
            "port-unambiguous",
            "4.4",
            &[Accept],
            "REGISTER sip:[2001:db8::10]:5070 SIP/2.0",
            &[contact],
            "",
        ),
        request(
            "via-received-param-with-delim",
            "4.5",
            &[Accept],
            options,
            &["Via: SIP/2.0/UDP (sent-by);received=[2001:db8::9:255];branch=z9hG4bKas3"],
            "",
        ),
        request(
            "via-received-param-no-delim",
            "4.5",
            &[Accept],
            options,
            &["Via: SIP/2.0/UDP (sent-by);received=2001:db8::9:255;branch=z9hG4bKas3"],
            "",
        ),
        request("ipv6-in-sdp", "4.6", &[Accept], invite, &[contact], sdp),
        request(
            "mult-ip-in-header",
            "4.7",
            &[Accept],
            options,
            &[
                "Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKmult1",
                "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKmult2;received=2001:db8::9:255",
                "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKmult3",
                "Contact: <sip:mina@[2001:db8::9:1]>, <sip:mina@198.51.100.1>",
            ],
            "",
        ),
        request("mult-ip-in-sdp", "4.8", &[Accept], invite, &[contact], two),
        request(
            "ipv4-mapped-ipv6",
            "4.9",
            &[Accept],
            invite,
            &["Contact: <sip:mina@[::ffff:198.51.100.10]:5060>"],
            sdp,
        ),
        request(
            "ipv6-correct-abnf-2-colons",
            "4.10",
            &[Accept],
            "OPTIONS sip:mina@[2001:db8::198.51.100.1] SIP/2.0",
            &[],
            "",
        ),
        // The old grammar had it so; nobody can say what address it is.
        request(
            "ipv6-bug-abnf-3-colons",
            "4.10",
            &[Answer(400), Accept],
            "OPTIONS sip:mina@[2001:db8:::198.51.100.1] SIP/2.0",
            &[],
            "",
        ),
    ]
}
