//! TLS by fingerprint and by name, with throw-away certificates.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sip_msrp::{Action, Ending, Fingerprint, Message, Path, Session, SessionKey};
use tokio_rustls::TlsConnector;

use super::{Peer, SOON, Settings, Target, is_bound};
use crate::msrp::{Connector, Proof, tls};

struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Self {
            certificate: made.cert.der().clone(),
            key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap(),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        tls::fingerprint(&self.certificate)
    }

    fn peer(&self, by_name: Option<Connector>) -> Peer {
        let parts = || (vec![self.certificate.clone()], self.key.clone_key());
        let (chain, key) = parts();
        let by_fingerprint = Some(tls::connector(chain, key).unwrap());
        let (chain, key) = parts();
        let acceptor = tls::acceptor(chain, key).unwrap();
        Peer::new(Settings { by_fingerprint, by_name, ..Settings::default() }, Some(acceptor)).unwrap()
    }

    /// Trusts who proves this name with this certificate, and shows none of its own.
    fn by_name(&self) -> Connector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        Arc::new(move || connector.clone())
    }
}

/// A session, with the fingerprints that the ends have told each other.
fn agree(active: &mut Peer, passive: &mut Peer, told: [Option<Fingerprint>; 2]) -> [SessionKey; 2] {
    let (ours, theirs) = (active.uri(), passive.uri());
    let mut one = Session::new(ours.clone(), Path::from(theirs.clone()));
    one.fingerprint = told[1];
    let mut other = Session::new(theirs, Path::from(ours));
    other.fingerprint = told[0];
    [active.open(one).unwrap(), passive.open(other).unwrap()]
}

#[tokio::test]
async fn both_ends_show_what_they_announced() {
    let (caller, called) = (Identity::new("a"), Identity::new("b"));
    let (mut active, mut passive) = (caller.peer(None), called.peer(None));
    let told = [Some(caller.fingerprint()), Some(called.fingerprint())];
    let [here, there] = agree(&mut active, &mut passive, told);
    assert!(active.look(|node| node.endpoint().session(here).unwrap().local.is_secure()));
    active.send(here, Message::new("m001", "text/plain", vec![b'x'; 300_000])).unwrap();
    let tls = Some(Proof::Fingerprint(called.fingerprint()));
    active.reach(here, Target { remote: passive.address(), tls });
    assert!(is_bound(&passive.next(SOON).await.unwrap(), there));
    let heard = passive.next(SOON).await.unwrap();
    assert!(matches!(heard, Action::Deliver { body, .. } if body.len() == 300_000));
    let sent = active.wait(SOON, |heard| matches!(heard, Action::Sent { .. }).then_some(())).await;
    assert!(sent.is_some());
}

#[tokio::test]
async fn another_certificate_than_announced_is_not_spoken_to() {
    let (caller, called) = (Identity::new("a"), Identity::new("b"));
    let (mut active, mut passive) = (caller.peer(None), called.peer(None));
    let wrong = Identity::new("b").fingerprint();
    let [here, _] = agree(&mut active, &mut passive, [None, Some(wrong)]);
    active.reach(here, Target { remote: passive.address(), tls: Some(Proof::Fingerprint(wrong)) });
    let ended = Action::Ended { session: here, ending: Ending::NeverConnected };
    assert_eq!(active.next(SOON).await, Some(ended));
    assert_eq!(active.look(|node| node.connections().numbers().handshake_failed.get()), 1);
}

#[tokio::test]
async fn rcs_9_2_a_caller_with_another_certificate_is_closed_and_its_session_ended() {
    let (caller, called) = (Identity::new("a"), Identity::new("b"));
    let (mut active, mut passive) = (caller.peer(None), called.peer(None));
    let wrong = Identity::new("a").fingerprint();
    let [here, there] = agree(&mut active, &mut passive, [Some(wrong), Some(called.fingerprint())]);
    let tls = Some(Proof::Fingerprint(called.fingerprint()));
    active.reach(here, Target { remote: passive.address(), tls });
    assert!(is_bound(&active.next(SOON).await.unwrap(), here));
    assert_eq!(passive.next(SOON).await, Some(Action::Ended { session: there, ending: Ending::Fingerprint }));
    assert_eq!(active.next(SOON).await, Some(Action::Parted { session: here }));
}

#[tokio::test]
async fn a_name_is_proved_by_somebody_trusted() {
    let called = Identity::new("msrp.example");
    for (name, trusted, good) in [
        ("msrp.example", called.by_name(), true),
        ("other.example", called.by_name(), false),
        ("msrp.example", Identity::new("msrp.example").by_name(), false),
    ] {
        let (mut active, mut passive) = (Identity::new("a").peer(Some(trusted)), called.peer(None));
        let [here, there] = agree(&mut active, &mut passive, [None, None]);
        active.reach(here, Target { remote: passive.address(), tls: Some(Proof::Name(name.into())) });
        let heard = active.next(SOON).await.unwrap();
        if good {
            assert!(is_bound(&heard, here));
            assert!(is_bound(&passive.next(SOON).await.unwrap(), there));
        } else {
            assert_eq!(heard, Action::Ended { session: here, ending: Ending::NeverConnected });
        }
    }
}

#[tokio::test]
async fn who_shows_no_certificate_has_no_session_with_a_fingerprint() {
    let called = Identity::new("msrp.example");
    let mut active = Identity::new("a").peer(Some(called.by_name()));
    let mut passive = called.peer(None);
    let announced = Identity::new("a").fingerprint();
    let [here, there] = agree(&mut active, &mut passive, [Some(announced), None]);
    let tls = Some(Proof::Name("msrp.example".into()));
    active.reach(here, Target { remote: passive.address(), tls });
    assert_eq!(passive.next(SOON).await, Some(Action::Ended { session: there, ending: Ending::Fingerprint }));
}

#[tokio::test]
async fn tls_is_not_reached_in_the_clear() {
    let called = Identity::new("b");
    let (mut active, mut passive) = (super::peer(), called.peer(None));
    let (ours, theirs) = (active.uri(), passive.uri());
    let here = active.session(ours, Path::from(theirs)).unwrap();
    active.reach(here, super::plain(passive.address()));
    let parted = active.wait(SOON, |heard| matches!(heard, Action::Parted { .. }).then_some(())).await;
    assert!(parted.is_some());
    assert_eq!(passive.look(|node| node.connections().numbers().handshake_failed.get()), 1);
}
