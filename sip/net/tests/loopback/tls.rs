//! TLS in both directions, with throw-away certificates.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sip_net::{Ended, Event, Settings, Target, TlsSettings, Transport::Tls};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::world::{World, listen, request, response, soon};

struct Authority {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn authority(name: &str) -> Authority {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    Authority {
        certificate: made.cert.der().clone(),
        key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap(),
    }
}

impl Authority {
    fn acceptor(&self) -> TlsAcceptor {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    fn settings(&self, asked: &Arc<AtomicUsize>) -> Settings {
        let (acceptor, connector, asked) = (self.acceptor(), self.connector(), asked.clone());
        Settings {
            listen: vec![listen(Tls, "127.0.0.1:0")],
            tls: TlsSettings {
                acceptor: Some(Arc::new(move || {
                    asked.fetch_add(1, Ordering::Relaxed);
                    acceptor.clone()
                })),
                connector: Some(Arc::new(move || connector.clone())),
            },
            ..Settings::default()
        }
    }
}

fn to(world: &World, server_name: &str) -> Target {
    Target { transport: Tls, remote: world.address(), server_name: server_name.into(), class: 0 }
}

#[tokio::test]
async fn two_endpoints_talk_over_tls_and_the_certificate_is_asked_for_at_each_handshake() {
    let (authority, asked) = (authority("sip.example"), Arc::new(AtomicUsize::new(0)));
    let mut server = World::with(authority.settings(&asked));
    for round in 1..=2 {
        let mut client = World::with(authority.settings(&asked));
        let flow = client.endpoint.flow(&to(&server, "sip.example")).unwrap();
        client.endpoint.send(flow, Bytes::from(request(1, "TLS 127.0.0.1")));
        let (theirs, message) = server.message().await;
        assert_eq!((message.body().as_ref(), theirs.transport), (&b"hi"[..], Tls));
        let mut answers = vec![(theirs, response(1)), (theirs, response(2))];
        server.endpoint.send_all(&mut answers);
        let batch = soon(client.inbox.recv()).await.unwrap();
        assert!(matches!(&batch.events[0], Event::Message { flow: way, .. } if *way == flow));
        assert_eq!(asked.load(Ordering::Relaxed), round);
        client.stop.cancel();
        soon(client.endpoint.closed()).await;
        assert!(matches!(server.event().await, Event::Ended { why: Ended::Closed, .. }));
    }
}

#[tokio::test]
async fn rfc5922_7_a_certificate_for_another_name_is_no_certificate() {
    let authority = authority("sip.example");
    let asked = Arc::default();
    let server = World::with(authority.settings(&asked));
    let mut client = World::with(authority.settings(&asked));
    for wrong in ["other.example", "127.0.0.1", "not a name"] {
        let flow = client.endpoint.flow(&to(&server, wrong)).unwrap();
        client.endpoint.send(flow, response(1));
        assert!(
            matches!(client.event().await, Event::Ended { flow: way, why: Ended::Handshake } if way == flow),
            "{wrong}"
        );
    }
    assert_eq!(client.endpoint.counters().handshake_failed.get(), 3);
    assert_eq!(server.endpoint.counters().stream_messages_in.get(), 0, "nothing went over");
}

#[tokio::test]
async fn an_unknown_authority_is_not_trusted() {
    let asked = Arc::default();
    let server = World::with(authority("sip.example").settings(&asked));
    let mut client = World::with(authority("sip.example").settings(&asked));
    client.endpoint.flow(&to(&server, "sip.example")).unwrap();
    assert!(matches!(client.event().await, Event::Ended { why: Ended::Handshake, .. }));
}

#[tokio::test]
async fn a_connection_proved_for_one_name_is_not_used_for_another() {
    let authority = authority("sip.example");
    let asked = Arc::default();
    let server = World::with(authority.settings(&asked));
    let client = World::with(authority.settings(&asked));
    let one = client.endpoint.flow(&to(&server, "sip.example")).unwrap();
    let other = client.endpoint.flow(&to(&server, "other.example")).unwrap();
    assert_ne!(one.id, other.id);
    assert_eq!(client.endpoint.flow(&to(&server, "sip.example")).unwrap().id, one.id);
}

#[tokio::test]
async fn plain_octets_at_a_tls_port_are_turned_away_and_forgotten() {
    let authority = authority("sip.example");
    let mut settings = authority.settings(&Arc::default());
    settings.connections_per_source_max = 1;
    let mut server = World::with(settings);
    for failed in 1..=3 {
        let mut peer = TcpStream::connect(server.address()).await.unwrap();
        peer.write_all(request(1, "TCP 127.0.0.1").as_bytes()).await.unwrap();
        while server.endpoint.counters().handshake_failed.get() < failed {
            tokio::task::yield_now().await;
        }
    }
    let client = World::with(authority.settings(&Arc::default()));
    let flow = client.endpoint.flow(&to(&server, "sip.example")).unwrap();
    client.endpoint.send(flow, Bytes::from(request(1, "TLS 127.0.0.1")));
    server.message().await;
}

#[test]
fn tls_cannot_be_listened_at_without_a_certificate() {
    let settings = Settings { listen: vec![listen(Tls, "127.0.0.1:0")], ..Settings::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let nobody = sip_net::resolve::SystemDns::with_servers(&[]).unwrap();
    assert!(sip_net::Endpoint::bind(settings, Arc::new(nobody), Default::default()).is_err());
}
