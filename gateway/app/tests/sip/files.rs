//! Files: liblinphone leaves one at the gateway's content server and sends the link.

use std::fs;

use crate::{
    account::{Account, Transport, uri},
    linphone::{Linphone, Wrapping},
    served::{JUN, MINA, PHONE, Served},
    support::until,
};

impl Served {
    /// What lies behind the link in a text.
    #[track_caller]
    fn follow(&self, text: &str) -> Vec<u8> {
        let link = text.strip_prefix("photo.txt (196 KB) ").unwrap_or_else(|| panic!("{text}"));
        let path =
            link.strip_prefix(&format!("http://{}", self.gateway.http)).expect("a link to the gateway");
        assert!(path.starts_with("/f/") && path.len() < 24, "a short one: {path}");
        self.gateway.caller("").get(path).is(200).body.into_bytes()
    }
}

#[test]
fn a_file_reaches_another_phone_and_an_sms_phone_gets_its_link() {
    let served = Served::standalone();
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let sent = folder.path().join("photo.txt");
    let octets: Vec<u8> = (0..200_000_u32).map(|n| b'a' + (n * 7 % 26) as u8).collect();
    fs::write(&sent, &octets).expect("the folder takes a file");
    let upload = format!("http://{}/files", served.gateway.http);
    let mina = Account::new(MINA, served.sip, Transport::Tcp);
    let mut mina = Linphone::register_with_files(&mina, &upload);
    let mut jun = Linphone::register(&Account::new(JUN, served.sip, Transport::Tcp), Wrapping::Cpim);

    mina.send_file(&uri(JUN), &sent, ("text", "plain"));
    // It did not say that it takes files when it registered.
    let message = jun.wait_for_message();
    let text = message["text"].as_str().expect("a text");
    assert_eq!(served.follow(text), octets, "octet for octet");

    mina.send_file(&uri(PHONE), &sent, ("text", "plain"));
    let text = until("the SMS phone gets a text", || served.smsc.texts().first().cloned());
    let text = String::from_utf8(text).expect("plain letters");
    assert_eq!(served.follow(&text), octets);
}
