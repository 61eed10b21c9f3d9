//! What is wrong with the configuration as a whole is told at the value, too.

use crate::common::{SOUND, refused, tells};

#[test]
fn references() {
    let route = |keys: &str| format!("{SOUND}[[route]]\nto = '82'\n{keys}");
    tells(
        &route("channels = ['skt', 'sktt']"),
        &[r#"gateway.toml:16:20: there is no channel called "sktt" (did you mean "skt"?)"#],
    );
    tells(
        &route("channels = 'nowhere'"),
        &[r#"gateway.toml:16:12: there is no channel called "nowhere" (there are skt)"#],
    );
    tells(
        &route("channels = 'skt'\naccount = 'emse'"),
        &[r#"gateway.toml:17:11: there is no account called "emse" (did you mean "esme"?)"#],
    );
    tells(
        &format!("{SOUND}[[messenger]]\nname = 'm'\ntoken = 'plain:x'\npool = 'p'"),
        &[r#"gateway.toml:17:8: there is no pool called "p" (there is no pool at all: write a [[pool]])"#],
    );
    tells(
        &route("channels = []"),
        &["gateway.toml:16:12: this route leads nowhere (name at least one channel)"],
    );
    tells(
        &route("channels = ['skt', 'skt']"),
        &[r#"gateway.toml:16:20: "skt" is in this list already (name each channel once)"#],
    );
}

/// A reference to an element with another mistake in it is no mistake of its own.
#[test]
fn one_mistake_is_told_once() {
    tells(
        &SOUND.replace("plain:secret", "secret"),
        &[
            r#"gateway.toml:5:12: `password`: a secret is written as a reference, not as it is (write "env:NAME", "file:/path" or "sha256:" and its hash; for a first try, "plain:" and the secret itself)"#,
            r#"gateway.toml:11:12: `password`: a secret is written as a reference, not as it is (write "env:NAME" or "file:/path"; for a first try, "plain:" and the secret itself)"#,
        ],
    );
    tells(
        &SOUND.replace("name = \"skt\"", "nmae = \"skt\""),
        &["gateway.toml:8:1: there is no key `nmae` in `channel` (did you mean `name`?)"],
    );
}

/// What comes after an element that had to be left out keeps its place.
#[test]
fn places_survive_what_was_left_out() {
    tells(
        &format!(
            "[[channel]]\nname = '!'\nkind = 'loopback'\n{SOUND}[[channel]]\nname = 'skt'\nkind = 'loopback'"
        ),
        &[
            "gateway.toml:2:8: `name`: this cannot be a name (use lower-case letters, digits, '-' and '_', at most 32, starting with a letter or a digit)",
            r#"gateway.toml:18:8: there is another channel called "skt" (accounts, channels and messengers share their names: choose another one)"#,
        ],
    );
}

#[test]
fn duplicates() {
    tells(
        &format!("{SOUND}[[channel]]\nname = 'esme'\nkind = 'loopback'"),
        &[
            r#"gateway.toml:15:8: there is an account called "esme" too (accounts, channels and messengers share their names: choose another one)"#,
        ],
    );
    tells(
        &format!("{SOUND}[[account]]\nname = 'b'\nsmpp = {{ system_id = 'esme', password = 'plain:b' }}"),
        &[
            r#"gateway.toml:16:22: the account "esme" has the same system_id (a bind is told from another by its system_id alone: choose another one)"#,
        ],
    );
    tells(
        &format!("{SOUND}[[account]]\nname = 'b'\napi = {{ keys = ['plain:k', 'plain:k'] }}"),
        &["gateway.toml:16:28: this key is in use already (a key says who calls: give each account its own)"],
    );
    tells(
        &format!("{SOUND}[[route]]\nto = '*'\nclass = 'otp'\nchannels = 'skt'"),
        &[
            r#"gateway.toml:15:6: an earlier route for "*" takes everything that this one is for (put the closer route first, or name all channels in one)"#,
        ],
    );
    tells(
        &format!(
            "{SOUND}[[pool]]\nname = 'p'\nnumbers = ['15881234']\n[[pool]]\nname = 'q'\nnumbers = ['15881230..15881239']"
        ),
        &[
            r#"gateway.toml:19:12: a message to this number would go to the pool "p" too (give each number to one account, pool or list only)"#,
        ],
    );
}

#[test]
fn numbers_are_given_once() {
    let pool = |numbers: &str| format!("[[pool]]\nname = 'p'\nnumbers = [{numbers}]");
    for (numbers, column) in [
        ("'1000..1999', '1500..2500'", 26),
        ("'1000..1999', '999', '2000', '1999'", 41),
        ("'1500', '1000..1999'", 20),
        ("'1500', '1400', '1450..1600'", 28),
    ] {
        let told = refused(&pool(numbers)).lines();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with(&format!("gateway.toml:3:{column}: a message to this number")),
            "{told:?}"
        );
    }
    assert!(crate::common::read(&pool("'1000..1999', '2000', '999', '+999', '+1000', '10000'")).is_ok());
}

#[test]
fn a_longer_prefix_may_lie_in_a_shorter_one() {
    let text = format!(
        "{}[[account]]\nname = 'b'\nnumbers = ['1588*']\napi = {{ keys = ['plain:k'] }}",
        SOUND.replace("name = \"esme\"", "name = \"esme\"\nnumbers = ['15881234']"),
    );
    assert!(crate::common::read(&text).is_ok());
}

#[test]
fn accounts() {
    tells(
        &format!("{SOUND}[[account]]\nname = 'b'"),
        &[
            r#"gateway.toml:14:1: the account "b" can neither bind nor call (add a table [account.smpp] or [account.api])"#,
        ],
    );
    tells(
        &format!("{SOUND}[[account]]\nname = 'b'\napi = {{ keys = [] }}"),
        &[
            "gateway.toml:16:16: without a key, the account cannot call the API (add a key, for example the sha256: of a random text)",
        ],
    );
    tells(
        &format!("{SOUND}[policy]\nregistered_senders = true"),
        &[
            "gateway.toml:1:1: `policy.registered_senders` is on, and this account may use any sender (list the senders registered for the account)",
        ],
    );
    tells(
        &format!(
            "{SOUND}[[account]]\nname = 'b'\nsenders = ['TICTOC', '1588*']\napi = {{ keys = ['plain:k'] }}"
        ),
        &[
            r#"gateway.toml:16:22: each number in this list must be known, and a prefix leaves them open (write single numbers or a range, for example "+827040000000..+827040000099")"#,
        ],
    );
    tells(
        "[[pool]]\nname = 'p'\nnumbers = ['+827000000000..+827099999999']",
        &["gateway.toml:3:12: this list names more than 100000 numbers (is the range too wide?)"],
    );
}

#[test]
fn listeners() {
    tells(
        "[http]\nlisten = '0.0.0.0:2775'",
        &[
            "gateway.toml:2:10: `smpp` and `http` listen on the same address, 127.0.0.1:2775 (give one of them another port)",
        ],
    );
    tells(
        "[management]\nlisten = '0.0.0.0:9464'",
        &[
            "gateway.toml:2:10: the management listener can be reached from other machines (listen on 127.0.0.1, or set allow_public = true and keys)",
        ],
    );
    tells(
        "[http]\ntls = { cert = '/nowhere/cert.pem', key = '/etc/gateway/cert.pem' }",
        &[
            "gateway.toml:2:16: /nowhere/cert.pem cannot be read: no such file (name a file in PEM with a certificate that the gateway may read)",
            "gateway.toml:2:43: /etc/gateway/cert.pem has no private key in it (the file must be in PEM; openssl converts from other forms)",
        ],
    );
}

#[test]
fn channels() {
    tells(
        &SOUND.replace("127.0.0.1:2776", "localhost:2775"),
        &[
            "gateway.toml:9:11: this channel would bind to this gateway itself (name the SMSC, or let `smpp.listen` be another port)",
        ],
    );
    tells(
        &format!("{SOUND}[[channel]]\nname = 'x'\nkind = 'loopback'\naddress = 'smsc:2775'"),
        &[
            r#"gateway.toml:17:11: `address` means nothing to the simulated carrier (remove it, or set kind = "smpp" for a real SMSC)"#,
        ],
    );
    tells(
        &SOUND.replace("name = \"skt\"", "name = \"skt\"\ntls_name = 'x'\nloopback = {}\nsystem_type = '한'"),
        &[
            "gateway.toml:9:12: `tls_name` without `tls` does nothing (add tls = true)",
            r#"gateway.toml:10:12: this table is for the simulated carrier, and this channel is of kind "smpp" (remove it, or set kind = "loopback")"#,
            "gateway.toml:11:15: `system_type` has characters that SMPP cannot carry (use ASCII letters, digits and signs)",
        ],
    );
}

#[test]
fn messengers() {
    let messenger = |keys: &str| format!("{SOUND}[[messenger]]\nname = 'm'\ntoken = 'plain:x'\n{keys}");
    let secret = "secret = 'plain:a secret of more than 24 letters'";
    tells(
        &messenger(&format!("push = 'http://10.0.0.1/x'\n{secret}")),
        &[
            "gateway.toml:17:8: this address is inside a private network (name a public address, or set allow_private_addresses = true if the messenger is in your own network)",
        ],
    );
    tells(
        &messenger(&format!("push = 'http://m.example.kr/x'\n{secret}")),
        &[
            "gateway.toml:17:8: texts and numbers would cross the public network unencrypted (use https://, or set allow_private_addresses = true if the messenger is in your own network)",
        ],
    );
    tells(
        &messenger("push = 'https://m.example.kr/x'"),
        &[
            r#"gateway.toml:14:1: the messenger "m" needs the key `secret` (pushes are signed: add secret = "env:NAME")"#,
        ],
    );
    tells(
        &messenger(secret),
        &[
            r#"gateway.toml:17:10: `secret` signs pushes, and nothing is pushed (add push = "https://…", or remove the secret)"#,
        ],
    );
    for (secret, wrong) in [
        ("whsec_!", "what follows whsec_ is not Base64"),
        ("whsec_c2hvcnQ=", "a whsec_ secret has 24 to 64 octets, and this one has not"),
        ("short", "a secret that signs has at least 24 characters, and this one is shorter"),
    ] {
        tells(
            &messenger(&format!("push = 'https://m.example.kr/x'\nsecret = 'plain:{secret}'")),
            &[&format!("gateway.toml:18:10: {wrong} (make one with: echo whsec_$(openssl rand -base64 32))")],
        );
    }
}

#[test]
fn secrets() {
    let password = |reference: &str| SOUND.replacen("plain:secret", reference, 1);
    tells(
        &password("env:UNSET"),
        &[
            "gateway.toml:5:12: the environment variable UNSET is not set (set UNSET for the process, or name a file: file:/path)",
        ],
    );
    tells(
        &password("env:EMPTY"),
        &[
            "gateway.toml:5:12: the environment variable EMPTY is empty (set EMPTY for the process, or name a file: file:/path)",
        ],
    );
    tells(
        &password("file:/nowhere"),
        &[
            "gateway.toml:5:12: the file /nowhere cannot be read: no such file (name a file that the gateway may read and that holds nothing but the secret)",
        ],
    );
    tells(
        &password("env:LONG"),
        &[
            "gateway.toml:5:12: SMPP carries passwords of up to 8 ASCII characters, and this one is none (agree on a shorter one; TLS and the list of addresses protect it)",
        ],
    );
    tells(
        "[store]\nurl = 'env:SET'",
        &[
            r#"gateway.toml:2:7: where `url` leads to: this is not the address of a store (write "sqlite:./data/gateway.db", "postgres://user:password@host/database", "env:NAME" or "file:/path")"#,
        ],
    );
    assert!(crate::common::read("[store]\nurl = 'env:STORE'").is_ok());
    let hash = format!("sha256:{}", "0".repeat(64));
    assert!(crate::common::read(&password(&hash)).is_ok());
    assert_eq!(
        refused(&SOUND.replace("plain:secret", &hash)).problems.len(),
        1,
        "a channel's password is sent"
    );
}

#[test]
fn policy() {
    tells(
        "[policy]\ncountry = '+82'",
        &[
            r#"gateway.toml:2:11: this is not a country calling code (write one to three digits without + and zeros before them, for example "82")"#,
        ],
    );
    tells(
        "[policy]\nvalidity_default = '8d'",
        &[
            "gateway.toml:2:20: `validity_default` is longer than `validity_max`, 7d (raise the one or lower the other)",
        ],
    );
    let quiet = |keys: &str| format!("[policy.advertising.quiet_hours]\n{keys}");
    tells(
        &quiet("from = '21:30'"),
        &[r#"gateway.toml:2:8: the night begins and ends with a full hour (for example "21:00")"#],
    );
    tells(
        &quiet("zone = 'Asia/Soul'"),
        &[r#"gateway.toml:2:8: there is no such time zone (write an IANA name, for example "Asia/Seoul")"#],
    );
    tells(
        &quiet("zone = 'Europe/Berlin'"),
        &[
            r#"gateway.toml:2:8: this time zone has summer time, and the night is kept by a fixed offset (use a zone without it, for example "Asia/Seoul")"#,
        ],
    );
    tells(
        "[policy.codes]\ntext = 'no code'",
        &["gateway.toml:2:8: this text has no place for the code (write {code} where the code stands)"],
    );
}

/// The night is kept by the clock of its own zone.
#[test]
fn zones() {
    let offset =
        |zone: &str| config::QuietHours { zone: zone.into(), ..Default::default() }.utc_offset_secs();
    assert_eq!(offset("Asia/Seoul"), Ok(32_400));
    assert_eq!(offset("Asia/Kolkata"), Ok(19_800));
    assert_eq!(offset("America/Phoenix"), Ok(-25_200));
    assert_eq!(offset("Europe/Berlin"), Err(config::BadZone::SummerTime));
    assert_eq!(offset("Nowhere"), Err(config::BadZone::Unknown));
}

#[test]
fn warnings() {
    let warned = |text: &str| {
        crate::common::read(text).unwrap().warnings.iter().map(config::Problem::line).collect::<Vec<_>>()
    };
    assert_eq!(
        warned(&format!("{SOUND}[smpp]\nlisten = '0.0.0.0:2775'")),
        [
            "gateway.toml:5:12: this secret is written out, and others can reach `smpp.listen` (move it to env:NAME or file:/path, or write its sha256: where it is only compared)",
            "gateway.toml:11:12: this secret is written out, and others can reach `smpp.listen` (move it to env:NAME or file:/path, or write its sha256: where it is only compared)",
        ]
    );
    assert_eq!(
        warned("[management]\nlisten = '10.0.0.1:9464'\nallow_public = true"),
        [
            "gateway.toml:3:16: whoever reaches the management listener may administrate the gateway (set keys, or let only your monitoring reach this address)",
        ]
    );
    assert_eq!(
        warned("[store]\nurl = 'postgres://gw:hunter2@db/gw'"),
        [
            "gateway.toml:2:7: the password of the store is written out in the file (put the address into env:NAME or file:/path)",
        ]
    );
    assert_eq!(
        warned(&SOUND.replace("127.0.0.1:2776", "8.8.8.8:2775")),
        [
            "gateway.toml:9:11: password and texts go to 8.8.8.8:2775 unencrypted (set tls = true, unless a tunnel protects the way)",
        ]
    );
    let without_route = SOUND.split("[[route]]").next().unwrap();
    assert_eq!(
        warned(without_route),
        ["there is no route, so no message leaves (add a [[route]] with the channels to use)"]
    );
}

#[test]
fn rcs() {
    let rcs = |keys: &str| format!("{SOUND}[rcs]\n{keys}");
    tells(
        &rcs("mode = 'application-server'\n"),
        &[
            r#"gateway.toml:14:1: an application server must know its S-CSCF (add next_hop = "scscf.ims.example:6060")"#,
            "gateway.toml:14:1: an application server believes its S-CSCF, and none is named (add a [[rcs.peer]] with the addresses of the S-CSCF)",
        ],
    );
    let user = "[[rcs.user]]\nnumber = '+821011110001'\npassword = 'plain:x'\n";
    tells(
        &rcs(&format!("msrp_listen = 'off'\nmsrp_tls_listen = '127.0.0.1:2856'\n{user}")),
        &[
            r#"gateway.toml:16:19: sessions over TLS are held beside those without (give msrp_listen an address, or set msrp_tls_listen = "off")"#,
        ],
    );
    tells(
        &rcs(&format!(
            "msrp_listen = 'off'\nmsrp_relay = {{ uri = 'msrp://192.0.2.7:2855;tcp', user = 'gw' }}\n{user}"
        )),
        &[
            "gateway.toml:16:14: there are no sessions that could go through a relay (give msrp_listen an address: it names this end behind the relay, and nobody connects to it)",
            "gateway.toml:16:58: a relay that asks who this is wants a password too (add password, or leave both out for a relay that does not ask)",
        ],
    );
    tells(
        &rcs(&format!(
            "msrp_relay = {{ uri = 'msrp://192.0.2.7:2855;tcp', password = 'env:NOWHERE' }}\n{user}"
        )),
        &[
            "gateway.toml:15:62: a relay that asks who this is wants a user too (add user, or leave both out for a relay that does not ask)",
            "gateway.toml:15:62: the environment variable NOWHERE is not set (set NOWHERE for the process, or name a file: file:/path)",
        ],
    );
    tells(
        &rcs(&format!("{user}{user}")),
        &[
            "gateway.toml:19:10: this number is listed already (a number has one password, however many devices)",
        ],
    );
    tells(
        &rcs("[[rcs.user]]\nnumber = '01011110001'\npassword = 'env:NOWHERE'\n"),
        &[
            r#"gateway.toml:16:10: a user has one number in international form (write it with its country code: "+821012345678")"#,
            "gateway.toml:17:12: the environment variable NOWHERE is not set (set NOWHERE for the process, or name a file: file:/path)",
        ],
    );
    tells(
        &rcs(&format!("name = 'skt'\nlisten = '127.0.0.1:2775'\nt1 = '1ms'\n{user}")),
        &[
            r#"gateway.toml:15:8: there is a peer called "skt" already: a channel (choose another name)"#,
            "gateway.toml:16:10: `rcs` and `smpp` listen on the same address, 127.0.0.1:2775 (give one of them another port)",
            "gateway.toml:17:6: `t1` is 1ms, allowed are 10ms to 1m (choose a duration within these bounds)",
        ],
    );
}

#[test]
fn files() {
    tells(
        &format!("{SOUND}[files]\ntypes = ['image/*', 'pictures']\n"),
        &[r#"gateway.toml:15:21: this is no media type (write "image/jpeg", "image/*", or "*/*")"#],
    );
    let off = crate::common::read(&format!("{SOUND}[files]\n[http]\nlisten = 'off'\n")).unwrap();
    assert_eq!(off.warnings.len(), 1, "a content server that nobody reaches: {:?}", off.warnings);
}
