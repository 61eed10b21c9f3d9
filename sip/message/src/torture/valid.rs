//! RFC 4475 §3.1.1: odd, and right.

use super::{Accept, Answer, Case, OFFER, case};

pub(super) fn cases() -> Vec<Case> {
    vec![
        wsinv(),
        intmeth(),
        esc01(),
        escnull(),
        esc02(),
        lwsdisp(),
        longreq(),
        dblreq(),
        semiuri(),
        transports(),
    ]
    .into_iter()
    .chain([mpart01(), unreason(), noreason()])
    .collect()
}

/// White space and folds wherever the grammar lets them be, compact names in odd cases, numbers with leading zeros.
fn wsinv() -> Case {
    case(
        "wsinv",
        "3.1.1.1",
        &[Accept],
        &[
            b"INVITE sip:+821011110002@ims.example;strange SIP/2.0",
            b"TO :",
            b" sip:+821011110002@ims.example ;   tag    = 77aa77n",
            b"from   : \"M Kim \\\\\\\"\"       <sip:mina@bots.example>",
            b"  ;",
            b"  tag = 31fold",
            b"mAx-FoRwArDs: 0070",
            b"Call-ID: wsinv.kd83jq@198.51.100.7",
            format!("Content-Length   : {}", OFFER.len()).as_bytes(),
            b"cseq: 0012",
            b"  INVITE",
            b"Via  : SIP  /   2.0",
            b" /UDP",
            b"    (sent-by);branch=59wide-branch",
            b"s :",
            b"Newfangled-Thing:   a new value",
            b" and its second line",
            b"Unknown-With-Separators: ;;,,;;,;",
            b"Content-Type: application/sdp",
            b"Route:",
            b" <sip:gw.ims.example;lr;odd=value;odd-without>",
            b"v:  SIP  / 2.0  / TCP     spool.ims.example   ;",
            b"  branch  =   z9hG4bK3wide  ,",
            b" SIP  /    2.0   / UDP  203.0.113.111   ; branch=",
            b" z9hG4bK77003",
            b"m:\"Quoted \\\"\\\"\" <sip:mina@bots.example> ; fresh =",
            b"      value ;",
            b"  second ; q = 0.33",
        ],
        OFFER,
    )
}

/// A method, tags and a Call-ID of every octet that a token or word may hold; escaped control octets in a quoted string.
fn intmeth() -> Case {
    case(
        "intmeth",
        "3.1.1.2",
        &[Answer(501), Answer(405)],
        &[
            b"!odd-Method9876543210_*+`.%yes'~ \
sip:2_odd.USER~(it-is!so)&wasn't+it$/wild?,/;;*:&this+is=2,odd!*pass$wo~rd_too.(isn't-it)@ims.example SIP/2.0",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK-.!%66*_+`'~",
            b"To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:2_odd.USER~(it-is!so)&wasn't+it$/wild?,/;;*@ims.example>",
            "From: word1~` word2'+_ word3*%!.- <sip:plain@bots.example>;odd''~+*_!.-%=\"민아\";tag=_word~1'+`*%!-.".as_bytes(),
            b"Max-Forwards: 255",
            b"Call-ID: intmeth.word%ZQ-!.*_+'@other`~)(><:\\/\"][?}{",
            b"CSeq: 139122000 !odd-Method9876543210_*+`.%yes'~",
            "header-of-odd-letters-!.%*+_`'~: \u{feff}문자".as_bytes(),
            b"Content-Length: 0",
        ],
        b"",
    )
}

/// Escapes in user parts and parameters, an escaped `@` among them.
fn esc01() -> Case {
    case(
        "esc01",
        "3.1.1.3",
        &[Accept],
        &[
            b"INVITE sip:sips%3Amina%40bots.example@ims.example SIP/2.0",
            b"To: sip:%6Di%6Ea@bots.example",
            b"From: <sip:three%20words%20here@ims.example>;tag=411",
            b"Max-Forwards: 87",
            b"i: esc01.51i2@198.51.100.7",
            b"CSeq: 234 INVITE",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK5esc",
            b"C: application/sdp",
            b"Contact:",
            b"  <sip:m%69na@client.bots.example;%6C%72;n%61me=v%61lue%25%34%31>",
            format!("L: {}", OFFER.len()).as_bytes(),
        ],
        OFFER,
    )
}

/// Escaped NUL octets: the contacts differ, and no text ends there.
fn escnull() -> Case {
    case(
        "escnull",
        "3.1.1.4",
        &[Accept],
        &[
            b"REGISTER sip:ims.example SIP/2.0",
            b"To: sip:nul-%00-nul@ims.example",
            b"From: sip:nul-%00-nul@ims.example;tag=83992",
            b"Max-Forwards: 70",
            b"Call-ID: escnull.39Fq@198.51.100.7",
            b"CSeq: 14398 REGISTER",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKnul4",
            b"Contact: <sip:%00@client.ims.example>",
            b"Contact: <sip:%00%00@client.ims.example>",
            b"L:0",
        ],
        b"",
    )
}

/// A percent sign in a method is no escape: this is not REGISTER.
fn esc02() -> Case {
    case(
        "esc02",
        "3.1.1.5",
        &[Answer(501), Answer(405)],
        &[
            b"RE%47I%53TER sip:ims.example SIP/2.0",
            b"To: \"%Y%46\" <sip:thing@ims.example>",
            b"From: \"%Y%46\" <sip:thing@ims.example>;tag=f55",
            b"Call-ID: esc02.a1s1k@198.51.100.7",
            b"CSeq: 29345 RE%47I%53TER",
            b"Max-Forwards: 70",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK0p%Z%c%d",
            b"Contact: <sip:alias1@client.ims.example>",
            b"C%6Fntact: <sip:alias2@client.ims.example>",
            b"Contact: <sip:alias3@client.ims.example>",
            b"l: 0",
        ],
        b"",
    )
}

/// Nothing between a display name and its bracket.
fn lwsdisp() -> Case {
    case(
        "lwsdisp",
        "3.1.1.6",
        &[Accept],
        &[
            b"OPTIONS sip:+821011110001@ims.example SIP/2.0",
            b"To: sip:+821011110001@ims.example",
            b"From: mina<sip:mina@bots.example>;tag=414",
            b"Max-Forwards: 70",
            b"Call-ID: lwsdisp.1234qrs@198.51.100.7",
            b"CSeq: 61 OPTIONS",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKlws1",
            b"l: 0",
        ],
        b"",
    )
}

/// Long values everywhere, and 34 Via.
fn longreq() -> Case {
    let long = |word: &str, times: usize| word.repeat(times);
    let to = format!(
        "To: \"{}\" <sip:+821011110002@ims.example:6000;param1={};{}=short;{}>",
        long("a name that goes on ", 25),
        long("very", 20),
        long("long", 22),
        long("lonely", 20)
    );
    let from = format!(
        "F: sip:{}@bots.example;tag=41{};{}=v",
        long("amazingly", 12),
        long("4", 120),
        long("name", 25)
    );
    let call_id = format!("Call-ID: longreq.one{}@198.51.100.7", long("really", 30));
    let unknown = format!(
        "Unknown-{}Name: unknown-{}-value; unknown-{}=x",
        long("Long", 30),
        long("long", 60),
        long("p", 80)
    );
    let contact = format!("Contact: <sip:{}@client.bots.example>", long("amazingly", 12));
    let mut lines: Vec<Vec<u8>> = vec![
        b"INVITE sip:+821011110002@ims.example SIP/2.0".to_vec(),
        to.into_bytes(),
        from.into_bytes(),
        call_id.into_bytes(),
        b"CSeq: 3882341 INVITE".to_vec(),
        b"Max-Forwards: 70".to_vec(),
        unknown.into_bytes(),
        b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKlong34".to_vec(),
    ];
    for hop in (1..=33).rev() {
        let name = if hop % 2 == 0 { "v" } else { "Via" };
        lines.push(format!("{name}: SIP/2.0/TCP hop{hop}.{}ims.example", long("sub.", hop % 5)).into_bytes());
    }
    lines.push(contact.into_bytes());
    lines.push(b"Content-Type: application/sdp".to_vec());
    lines.push(format!("l: {}", OFFER.len()).into_bytes());
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    case("longreq", "3.1.1.7", &[Accept], &lines, OFFER)
}

/// Another request behind the one that ends: not part of this datagram's message.
fn dblreq() -> Case {
    let second = case(
        "",
        "",
        &[],
        &[
            b"INVITE sip:+821011110002@ims.example SIP/2.0",
            b"To: sip:+821011110002@ims.example",
            b"From: sip:mina@bots.example;tag=142334",
            b"Max-Forwards: 8",
            b"Call-ID: dblreq.0ha0isnda977644900765@198.51.100.7",
            b"CSeq: 8 INVITE",
            b"Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKdbl2",
            b"Content-Type: application/sdp",
            format!("Content-Length: {}", OFFER.len()).as_bytes(),
        ],
        OFFER,
    );
    case(
        "dblreq",
        "3.1.1.8",
        &[Accept],
        &[
            b"REGISTER sip:ims.example SIP/2.0",
            b"To: sip:+821011110001@ims.example",
            b"From: sip:+821011110001@ims.example;tag=4330",
            b"Max-Forwards: 8",
            b"Call-ID: dblreq.a00k11a8@198.51.100.7",
            b"CSeq: 8 REGISTER",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKdbl1",
            b"Contact: sip:+821011110001@client.ims.example",
            b"Content-Length: 0",
        ],
        &second.template,
    )
}

/// A semicolon in the user part, and an escaped `@`.
fn semiuri() -> Case {
    case(
        "semiuri",
        "3.1.1.9",
        &[Accept],
        &[
            b"OPTIONS sip:mina;par=m%40bots.example@ims.example SIP/2.0",
            b"To: sip:mina@ims.example",
            b"From: sip:caller@bots.example;tag=34i",
            b"Max-Forwards: 3",
            b"Call-ID: semiuri.0ha0@198.51.100.7",
            b"CSeq: 8 OPTIONS",
            b"Accept: application/sdp, message/cpim,",
            b"        multipart/mixed, text/plain",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKsemi",
            b"l: 0",
        ],
        b"",
    )
}

/// A Via of every transport, one of them unknown.
fn transports() -> Case {
    case(
        "transports",
        "3.1.1.10",
        &[Accept],
        &[
            b"OPTIONS sip:+821011110001@ims.example SIP/2.0",
            b"To: sip:+821011110001@ims.example",
            b"From: <sip:mina@bots.example>;tag=414",
            b"Max-Forwards: 70",
            b"Call-ID: transports.k1djuw@198.51.100.7",
            b"CSeq: 60 OPTIONS",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bKtra1",
            b"Via: SIP/2.0/SCTP hop2.ims.example;branch=z9hG4bKtra2",
            b"Via: SIP/2.0/TLS hop3.ims.example;branch=z9hG4bKtra3",
            b"Via: SIP/2.0/PIGEON hop4.ims.example;branch=z9hG4bKtra4",
            b"Via: SIP/2.0/TCP hop5.ims.example;branch=z9hG4bKtra5",
            b"l: 0",
        ],
        b"",
    )
}

/// Two parts, one of them binary with NUL, CRLF and something like a boundary in it.
fn mpart01() -> Case {
    let mut body =
        b"--torture-edge\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nhello\r\n\
--torture-edge\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            .to_vec();
    body.extend(0..=255_u8);
    body.extend_from_slice(b"\r\n--torture-edg\r\n\r\n\x00\xff\r\n--torture-edge--\r\n");
    case(
        "mpart01",
        "3.1.1.11",
        &[Accept],
        &[
            b"MESSAGE sip:+821011110002@ims.example SIP/2.0",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport",
            b"Max-Forwards: 70",
            b"Route: <sip:gw.ims.example:5060;lr>",
            b"To: <sip:+821011110002@ims.example>",
            b"From: <sip:+821011110001@ims.example>;tag=2fb0dcc9",
            b"Call-ID: mpart01.3d9485ad0c49859b@Zmx1ZmZ5",
            b"CSeq: 1 MESSAGE",
            b"Content-Transfer-Encoding: binary",
            b"Content-Type: multipart/mixed;boundary=torture-edge",
            format!("Content-Length: {}", body.len()).as_bytes(),
        ],
        &body,
    )
}

/// A phrase of letters, not of ASCII.
fn unreason() -> Case {
    case(
        "unreason",
        "3.1.1.12",
        &[Accept],
        &[
            "SIP/2.0 200 = 2**3 * 5**2 이백은 수이다".as_bytes(),
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK1unreason",
            b"Call-ID: unreason.1234ksdfak3j2erwedfsASdf",
            b"CSeq: 35 INVITE",
            b"From: sip:mina@bots.example;tag=11141343",
            b"To: sip:+821011110002@ims.example;tag=2229",
            b"Contact: <sip:+821011110002@host198.ims.example>",
            b"Content-Length: 0",
        ],
        b"",
    )
}

/// A phrase of nothing.
fn noreason() -> Case {
    case(
        "noreason",
        "3.1.1.13",
        &[Accept],
        &[
            b"SIP/2.0 100 ",
            b"Via: SIP/2.0/UDP (sent-by);branch=z9hG4bK1noreason",
            b"Call-ID: noreason.asndj203insdf99223ndf",
            b"CSeq: 35 INVITE",
            b"From: <sip:mina@bots.example>;tag=39ansfi3",
            b"To: <sip:+821011110002@ims.example>;tag=902jndnke3",
            b"Content-Length: 0",
        ],
        b"",
    )
}
