//! Digest by RFC 7616, RFC 8760, RFC 2069 and RFC 3310, both sides. The expected values were computed apart from this
//! code, with Python's hashlib.

use base64::Engine;
use bytes::Bytes;
use sip_message::digest::{
    Algorithm, Answer, AuthError, Authorization, Card, CardError, Challenge, Credentials, Guard, Judgement,
    NonceKey, Qop, Secret, aka_nonce, aka_vector, auts, sequence_number,
};
use sip_message::{Headers, Method, Name, Request, Uri};

const NOW: i64 = 1_800_000_000_000_000;

fn answered(algorithm: Algorithm, qop: Option<Qop>) -> Credentials {
    let mut challenge = Challenge::new("ims.example", "f00d", algorithm);
    challenge.auth = qop == Some(Qop::Auth);
    challenge.auth_int = qop == Some(Qop::AuthInt);
    challenge.answer(&Answer {
        username: "+821011110001",
        secret: Secret::Password(b"secret"),
        method: "REGISTER",
        uri: "sip:ims.example",
        body: b"\x00body",
        cnonce: "c0ffee",
        count: 10,
    })
}

#[test]
fn responses_are_those_of_the_rfcs() {
    for (algorithm, qop, expected) in EXPECTED {
        let algorithm = Algorithm::parse(algorithm).unwrap();
        let qop = qop.map(|qop| Qop::try_from(qop).unwrap());
        assert_eq!(answered(algorithm, qop).response, *expected, "{algorithm}");
    }
}

#[test]
fn a_kept_half_serves_as_well_as_the_password() {
    for algorithm in [Algorithm::MD5, Algorithm::SHA_256_SESS, Algorithm::SHA_512_256] {
        let credentials = answered(algorithm, Some(Qop::AuthInt));
        let ha1 = algorithm.ha1("+821011110001", "ims.example", b"secret");
        assert!(credentials.verify(Secret::Ha1(&ha1), "REGISTER", b"\x00body"));
        assert!(!credentials.verify(Secret::Ha1(&ha1), "REGISTER", b"\x00bodY"));
        assert!(!credentials.verify(Secret::Password(b"Secret"), "REGISTER", b"\x00body"));
    }
}

#[test]
fn the_tenth_use_of_a_nonce_is_hexadecimal() {
    let credentials = answered(Algorithm::MD5, Some(Qop::Auth));
    assert_eq!(credentials.nc.as_deref(), Some("0000000a"));
    let read = Credentials::parse(credentials.to_string().as_bytes()).unwrap();
    assert_eq!(read, credentials);
    assert_eq!(read.count(), 10);
}

#[test]
fn quotes_are_undone_before_hashing() {
    let value =
        br#"Digest username="a\"b\\", realm="r", nonce="n", uri="sip:x", response="0", algorithm="md5""#;
    assert_eq!(Credentials::parse(value).unwrap().username, "a\"b\\");
}

#[test]
fn the_first_register_of_an_ims_client_is_readable() {
    let value = br#"Digest username="u@ims", realm="ims", nonce="", uri="sip:ims", response="""#;
    let credentials = Credentials::parse(value).unwrap();
    assert_eq!((credentials.nonce.as_str(), credentials.response.as_str()), ("", ""));
}

#[test]
fn what_is_no_credential_says_why() {
    let error = |value: &[u8]| Credentials::parse(value).unwrap_err();
    assert_eq!(error(b"NoOneKnowsThisScheme opaque-data=here"), AuthError::Scheme);
    assert_eq!(error(b"Digest"), AuthError::Malformed);
    assert_eq!(error(b"Digest username=\"a\", username=\"b\""), AuthError::Malformed);
    assert_eq!(error(b"Digest username=\"a"), AuthError::Malformed);
    assert_eq!(error(b"Digest realm=\"a\""), AuthError::Missing("username"));
    let unknown = br#"Digest username="u", realm="r", nonce="n", uri="sip:x", response="0", algorithm=SHA-3"#;
    assert_eq!(error(unknown), AuthError::Algorithm);
    let decimal =
        br#"Digest username="u", realm="r", nonce="n", uri="sip:x", response="0", qop=auth, cnonce=x, nc=1"#;
    assert_eq!(error(decimal), AuthError::Malformed);
    assert_eq!(Authorization::parse(b"Bearer abc.def"), Ok(Authorization::Bearer("abc.def")));
}

#[test]
fn a_client_takes_the_strongest_challenge() {
    let values: [&[u8]; 4] = [
        b"Digest realm=\"r\", nonce=\"1\", algorithm=MD5, qop=\"auth\"",
        b"Digest realm=\"r\", nonce=\"2\", algorithm=SHA-1024, qop=\"auth\"",
        b"Digest realm=\"r\", nonce=\"3\", algorithm=\"SHA-256\", qop=\"auth,auth-int\", stale=TRUE",
        b"Bearer realm=\"r\"",
    ];
    let best = Challenge::strongest(values).unwrap();
    assert_eq!((best.nonce.as_str(), best.algorithm, best.stale), ("3", Algorithm::SHA_256, true));
    assert!(best.auth && best.auth_int);
    assert_eq!(Challenge::parse(best.to_string().as_bytes()), Ok(best));
}

#[test]
fn aka_takes_the_res_of_the_card_as_password() {
    let nonce = aka_nonce(&[7; 16], &[9; 16]);
    assert_eq!(aka_vector(&nonce), Some(([7; 16], [9; 16])));
    let challenge = Challenge::new("ims.example", &nonce, Algorithm::AKAV1_MD5);
    let res = b"\x00\xff\x80res";
    let mut credentials = challenge.answer(&Answer {
        username: "450990000000001@ims.example",
        secret: Secret::Password(res),
        method: "REGISTER",
        uri: "sip:ims.example",
        body: b"",
        cnonce: "1",
        count: 1,
    });
    assert!(credentials.verify(Secret::Password(res), "REGISTER", b""));
    assert!(!credentials.verify(Secret::Password(b"\x00\xff\x80reS"), "REGISTER", b""));
    assert!(credentials.to_string().contains("algorithm=AKAv1-MD5"));
    credentials.auts = Some("AAECAwQFBgcICQoLDA0=".into());
    assert_eq!(auts(&Credentials::parse(credentials.to_string().as_bytes()).unwrap()).unwrap()[13], 13);
}

#[test]
fn rfc3310_a_card_registers_and_is_synchronised() {
    let mut guard = guard();
    let card = Card::with_op(&[7; 16], &[8; 16]);
    let uri = "sip:ims.example";
    let source = b"10.0.0.1";
    let challenge = |guard: &Guard, sqn| {
        let mut headers = Headers::new();
        guard.challenge_aka(NOW, [5; 16], source, &card, sqn, &Name::WwwAuthenticate, &mut headers);
        Challenge::strongest(headers.all(Name::WwwAuthenticate)).expect("a challenge")
    };
    let answer = |challenge: &Challenge, res: &[u8], auts: Option<[u8; 14]>| {
        let secret = if auts.is_some() { b"" } else { res };
        let mut credentials = challenge.answer(&Answer {
            username: "450990000000001@ims.example",
            secret: Secret::Password(secret),
            method: "REGISTER",
            uri,
            body: b"",
            cnonce: "c",
            count: 1,
        });
        credentials.auts = auts.map(|auts| base64::engine::general_purpose::STANDARD.encode(auts).into());
        Request::builder(Method::REGISTER, Uri::new(uri).expect("a URI"))
            .header(Name::Authorization, credentials.to_string())
            .build()
    };
    let judge = |guard: &mut Guard, now, request: &Request, card: &Card| {
        let credentials = guard.credentials(request, Name::Authorization).expect("credentials");
        guard.judge_aka(now, source, request, &credentials, card)
    };
    let first = challenge(&guard, sequence_number(NOW));
    let (rand, autn) = aka_vector(&first.nonce).unwrap();
    let vector = card.answer(&rand, &autn, sequence_number(NOW - 1_000_000)).unwrap();
    let request = answer(&first, &vector.res, None);
    assert_eq!(judge(&mut guard, NOW, &request, &Card::new(&[1; 16], [1; 16])), Judgement::Wrong);
    assert_eq!(judge(&mut guard, NOW, &request, &card), Judgement::Good);
    assert_eq!(judge(&mut guard, NOW, &request, &card), Judgement::Stale, "a replay");
    assert_eq!(judge(&mut guard, NOW + Guard::NONCE_LIFE_US + 1, &request, &card), Judgement::Stale);

    // A card that saw later numbers says so, and is asked again.
    let highest = sequence_number(NOW) + 64;
    let Err(CardError::Synchronise(auts)) = card.answer(&rand, &autn, highest) else { panic!("seen") };
    let request = answer(&first, b"", Some(auts));
    assert_eq!(judge(&mut guard, NOW, &request, &card), Judgement::Unfit);
    let credentials = guard.credentials(&request, Name::Authorization).unwrap();
    let sqn = guard.synchronised(source, &credentials, &card).unwrap();
    assert_eq!(guard.synchronised(b"elsewhere", &credentials, &card), None);
    let (rand, autn) = aka_vector(&challenge(&guard, sqn).nonce).unwrap();
    assert!(card.answer(&rand, &autn, highest).is_ok());
}

struct Client {
    challenge: Challenge,
}

impl Client {
    fn request(&self, count: u32, password: &[u8]) -> Request {
        let uri = "sip:ims.example";
        let credentials = self.challenge.answer(&Answer {
            username: "u",
            secret: Secret::Password(password),
            method: "REGISTER",
            uri,
            body: b"",
            cnonce: "c",
            count,
        });
        Request::builder(Method::REGISTER, Uri::new(uri).expect("a URI"))
            .header(Name::Authorization, credentials.to_string())
            .build()
    }
}

fn guard() -> Guard {
    Guard::new("ims.example", NonceKey::new([1; 32]))
}

fn client(guard: &Guard, now: i64) -> Client {
    let mut headers = Headers::new();
    guard.challenge(now, [2; 16], b"10.0.0.1", false, &Name::WwwAuthenticate, &mut headers);
    assert_eq!(headers.all(Name::WwwAuthenticate).count(), 2);
    Client { challenge: Challenge::strongest(headers.all(Name::WwwAuthenticate)).expect("a challenge") }
}

fn judge(guard: &mut Guard, now: i64, source: &[u8], request: &Request) -> Judgement {
    let credentials = guard.credentials(request, Name::Authorization).expect("credentials");
    guard.judge(now, source, request, &credentials, Secret::Password(b"secret"))
}

#[test]
fn a_guard_tells_right_wrong_and_old_apart() {
    let mut guard = guard();
    let client = client(&guard, NOW);
    let source = b"10.0.0.1";
    assert_eq!(judge(&mut guard, NOW, source, &client.request(1, b"wrong")), Judgement::Wrong);
    assert_eq!(judge(&mut guard, NOW, source, &client.request(1, b"secret")), Judgement::Good);
    assert_eq!(judge(&mut guard, NOW, source, &client.request(1, b"secret")), Judgement::Stale, "a replay");
    assert_eq!(judge(&mut guard, NOW, source, &client.request(3, b"secret")), Judgement::Good);
    assert_eq!(judge(&mut guard, NOW, source, &client.request(2, b"secret")), Judgement::Good, "overtaken");
    assert_eq!(judge(&mut guard, NOW, source, &client.request(200, b"secret")), Judgement::Good);
    assert_eq!(
        judge(&mut guard, NOW, source, &client.request(4, b"secret")),
        Judgement::Stale,
        "out of the window"
    );
    assert_eq!(
        judge(&mut guard, NOW, b"10.0.0.2", &client.request(201, b"secret")),
        Judgement::Stale,
        "elsewhere"
    );
    let later = NOW + Guard::NONCE_LIFE_US + 1;
    assert_eq!(judge(&mut guard, later, source, &client.request(202, b"secret")), Judgement::Stale, "old");
}

#[test]
fn a_nonce_of_somebody_else_is_stale_and_an_answer_to_another_request_unfit() {
    let mut ours = guard();
    let theirs = Guard::new("ims.example", NonceKey::new([9; 32]));
    let foreign = client(&theirs, NOW).request(1, b"secret");
    assert_eq!(judge(&mut ours, NOW, b"10.0.0.1", &foreign), Judgement::Stale);
    let mut moved = client(&ours, NOW).request(1, b"secret");
    moved.uri = Uri::new("sip:elsewhere.example").unwrap();
    assert_eq!(judge(&mut ours, NOW, b"10.0.0.1", &moved), Judgement::Unfit);
    let mut without = client(&ours, NOW);
    without.challenge.auth = false;
    let request = without.request(1, b"secret");
    assert_eq!(judge(&mut ours, NOW, b"10.0.0.1", &request), Judgement::Unfit);
    ours.without_qop = true;
    assert_eq!(judge(&mut ours, NOW, b"10.0.0.1", &request), Judgement::Good);
}

#[test]
fn auth_int_covers_the_body() {
    let mut guard = guard();
    guard.auth_int = true;
    let mut client = client(&guard, NOW);
    client.challenge.auth = false;
    let mut request = client.request(1, b"secret");
    request.body = Bytes::from_static(b"changed");
    assert_eq!(judge(&mut guard, NOW, b"10.0.0.1", &request), Judgement::Wrong);
    request.body = Bytes::new();
    assert_eq!(judge(&mut guard, NOW, b"10.0.0.1", &request), Judgement::Good);
}

#[test]
fn secrets_are_never_shown() {
    let credentials = answered(Algorithm::MD5, Some(Qop::Auth));
    let shown = format!("{credentials:?} {:?} {:?}", Secret::Password(b"secret"), NonceKey::new([1; 32]));
    for word in ["secret", "8210", "ims", &credentials.response] {
        assert!(!shown.contains(word), "{shown}");
    }
}

/// Algorithm, qop, response.
const EXPECTED: &[(&str, Option<&str>, &str)] = &[
    ("MD5", None, "252260c60dcdddeb89ae4f82e8ea0d4a"),
    ("MD5", Some("auth"), "b8a7f9e35344a1b0fe0d123b9a4cfa48"),
    ("MD5", Some("auth-int"), "cb736f9347cbb442da35907f631e75cd"),
    ("MD5-sess", None, "c364e5c7c6ef4f83f04731021a498cd3"),
    ("MD5-sess", Some("auth"), "9737d80eee169e29b6ece18496f0d1fc"),
    ("MD5-sess", Some("auth-int"), "d85f97f3f8ad3b22961ee48d505895f1"),
    ("SHA-256", None, "f4769e18fb8f08d38bd102fe4e99c371bb4e62cd92292dfc38e81295dae81c6f"),
    ("SHA-256", Some("auth"), "77cc64036f541f7c11dea0d442ed5bea421958ff3332847e1aadf0cf16061d4d"),
    ("SHA-256", Some("auth-int"), "e668ab91fa7f61eea2eec4f74630e636ade6b43022b0b609b0f9021a5d35b965"),
    ("SHA-256-sess", None, "8b66a7fbb493571ad7e9ca181fe56e5bc4878462fb3c463344f85687feb06f7c"),
    ("SHA-256-sess", Some("auth"), "da1e98fc02e1e0d96ef1e465d67abad253fa97289a0d4a69ad0eaa6c9e4f39be"),
    ("SHA-256-sess", Some("auth-int"), "4efbacc44e408b0e5fe22ca6fbb166e90c02fc714e99116c4dd88e79779e4165"),
    ("SHA-512-256", None, "ecf4561a9dbda114c410175d345b00bd2db8a0949b83cfa8a22e5422d4e10ed4"),
    ("SHA-512-256", Some("auth"), "efebaa163b1e2369a067f37792e928d8220172a2bc43e3ffdc9a88e3791a14f0"),
    ("SHA-512-256", Some("auth-int"), "514db95051c3dcffea01c08a218a36dfac1291bca0a920264baf1be55d143873"),
    ("SHA-512-256-sess", None, "11b730984306dc0b8786535b40a549f01fcc83e5c5413bf8e27ff9452be406d5"),
    ("SHA-512-256-sess", Some("auth"), "2dbc8ea6d9a97d364f5df67d40a67249a8741de233548de2db0fdba5d6f86d76"),
    (
        "SHA-512-256-sess",
        Some("auth-int"),
        "afee80731e1bcd066fb1be689a65d58daf336242d13384edb046726167d5cc30",
    ),
    ("AKAv1-MD5", None, "252260c60dcdddeb89ae4f82e8ea0d4a"),
    ("AKAv1-MD5", Some("auth"), "b8a7f9e35344a1b0fe0d123b9a4cfa48"),
    ("AKAv1-MD5", Some("auth-int"), "cb736f9347cbb442da35907f631e75cd"),
];
