//! Calling the messenger's server.

use std::{io::ErrorKind, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::Response;
use kit::Channel;
use model::{
    Address, Cause, Coded, Content, Duration, Outcome, Outgoing, Pii, Retry, Signal, SignalKind, Timestamp,
};
use sha2::Sha256;
use tokio::net::TcpListener;

use super::{Bench, SECRET, START_S, alone, refused, sent, server::Server, text};
use crate::push::{ClientSettings, Push, PushError, PushSettings, Trust};

#[tokio::test]
async fn a_push_is_signed_so_that_anybody_with_the_secret_can_tell() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    bench.send([alone(1)]);
    let call = server.call().await;
    let header = |name: &str| call.headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    assert_eq!(timestamp, START_S.to_string());
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&call.body);
    assert_eq!(header("webhook-signature"), format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    assert_eq!(call.events()[0]["body"]["text"], "안녕");
    call.accept();
    assert_eq!(bench.outcome().await, sent(1));
    assert!(bench.end().await.is_empty());
}

#[tokio::test]
async fn room_is_announced_at_the_start() {
    let server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.room = 12);
    assert_eq!(bench.room().await, 12);
}

#[tokio::test]
async fn a_failure_is_told_and_the_next_attempt_may_succeed() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    bench.send([alone(1)]);
    server.call().await.status(500);
    assert_eq!(refused(bench.outcome().await), (1, Cause::NetworkFailure, Retry::Scheduled));
    bench.send([alone(1)]);
    server.accept().await;
    assert_eq!(bench.outcome().await, sent(1));
}

#[tokio::test]
async fn silence_after_the_call_is_unknown() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| {
        let client = settings.push.as_mut().unwrap();
        client.connect_timeout = Duration::from_millis(100);
        client.call_timeout = Duration::from_millis(100);
    });
    bench.send([alone(1), alone(2)]);
    drop(server.call().await);
    assert_eq!(bench.outcomes(2).await, [(1, Outcome::Unknown), (2, Outcome::Unknown)]);
}

#[tokio::test]
async fn a_connection_that_breaks_under_a_call_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let mut bench = Bench::start(Some(&url), false, |_| {});
    bench.send([alone(1)]);
    let (stream, _) = listener.accept().await.unwrap();
    stream.readable().await.unwrap();
    drop(stream);
    assert_eq!(bench.outcome().await, (1, Outcome::Unknown));
}

#[tokio::test]
async fn nobody_there_is_certainly_not_sent() {
    let url = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let mut bench = Bench::start(Some(&url), false, |_| {});
    bench.send([alone(1)]);
    assert_eq!(refused(bench.outcome().await), (1, Cause::LinkDown, Retry::Scheduled));
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let mut elsewhere = Server::start().await;
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    for status in [301, 302, 307, 308] {
        bench.send([alone(status)]);
        let answer =
            Response::builder().status(u16::try_from(status).unwrap()).header("location", &elsewhere.url);
        server.call().await.answer(answer, "");
        assert_eq!(refused(bench.outcome().await), (status, Cause::LinkDown, Retry::Scheduled));
        if status == 302 {
            // Between failures, so that the peer is not left alone.
            bench.send([alone(9)]);
            server.accept().await;
            assert_eq!(bench.outcome().await, sent(9));
        }
    }
    assert_eq!((elsewhere.waiting(), elsewhere.connections()), (0, 0));
}

#[tokio::test]
async fn a_name_that_resolves_to_a_neighbour_is_not_called() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let mut bench = Bench::start(Some(&url), false, |settings| {
        settings.push = Some(ClientSettings::default());
    });
    bench.send([alone(1)]);
    assert_eq!(refused(bench.outcome().await), (1, Cause::LinkDown, Retry::Scheduled));
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "somebody connected");
}

#[tokio::test]
async fn each_event_of_a_batch_has_its_own_outcome() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    bench.send([alone(1), alone(2), alone(3), alone(4)]);
    let call = server.call().await;
    assert_eq!(call.ids(), ["1", "2", "3", "4"]);
    call.answer(
        Response::builder(),
        r#"{"results":[{"id":"4","st":"duplicate"},{"id":"2","st":"rejected","err":{"class":"not_registered"}},
            {"id":"1","st":"accepted"}]}"#,
    );
    let outcomes = bench.outcomes(4).await;
    assert_eq!(outcomes[0], sent(1));
    assert_eq!(refused(outcomes[1].clone()), (2, Cause::UnknownSubscriber, Retry::OtherRoute));
    assert_eq!(outcomes[2], (3, Outcome::Unknown));
    assert_eq!(outcomes[3], sent(4));
    assert!(bench.end().await.is_empty(), "exactly one outcome each");
}

#[tokio::test]
async fn one_poisonous_event_does_not_spoil_its_batch() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.calls_max = 1);
    bench.send([alone(1), text(2, "114", "u_1", "poison"), alone(3)]);
    let call = server.call().await;
    assert_eq!(call.ids().len(), 3);
    call.status(400);
    for _ in 0..3 {
        let call = server.call().await;
        assert_eq!(call.events().len(), 1);
        if call.events()[0]["body"]["text"] == "poison" { call.status(400) } else { call.accept() }
    }
    let outcomes = bench.outcomes(3).await;
    assert_eq!((&outcomes[0], &outcomes[2]), (&sent(1), &sent(3)));
    assert_eq!(refused(outcomes[1].clone()), (2, Cause::NetworkRefused, Retry::Never));
}

#[tokio::test]
async fn what_has_no_spelling_is_refused_by_itself() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    let Outgoing::Message(mut message) = alone(2) else { panic!() };
    let coded = Coded { data_coding: 0, udhi: false, octets: bytes::Bytes::from_static(b"x") };
    Arc::make_mut(&mut message.submission).content = Content::Coded(coded);
    bench.send([alone(1), Outgoing::Message(message), alone(3)]);
    for _ in 0..2 {
        assert_eq!(server.accept().await.len(), 1);
    }
    let outcomes = bench.outcomes(3).await;
    assert_eq!((&outcomes[0], &outcomes[2]), (&sent(1), &sent(3)));
    assert_eq!(refused(outcomes[1].clone()), (2, Cause::Unencodable, Retry::Never));
}

#[tokio::test]
async fn two_people_are_served_in_order_and_others_pass_them() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |_| {});
    bench.send([text(1, "+821011111111", "u_1", "first")]);
    let first = server.call().await;
    assert_eq!(first.ids(), ["1"]);
    bench.send([
        text(2, "+821011111111", "u_1", "second"),
        text(3, "+821022222222", "u_2", "others"),
        text(4, "+821011111111", "u_1", "third"),
    ]);
    assert_eq!(server.accept().await, ["3"]);
    assert_eq!(bench.outcome().await, sent(3));
    assert_eq!(server.waiting(), 0);
    first.accept();
    assert_eq!(server.accept().await, ["2", "4"]);
    assert_eq!(bench.outcomes(3).await, [sent(1), sent(2), sent(4)]);
}

#[tokio::test]
async fn batches_are_bounded_by_count_and_by_octets() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| {
        settings.calls_max = 1;
        settings.batch_events_max = 3;
        settings.batch_octets_max = 100_000;
    });
    bench.send((1..=7).map(alone));
    for size in [3, 3, 1] {
        assert_eq!(server.accept().await.len(), size);
    }
    bench.outcomes(7).await;
    let long = "x".repeat(16_384);
    bench.send((8..=11).map(|id| text(id, &format!("+8210{id:08}"), "u", &long)));
    assert_eq!(server.accept().await.len(), 2);
    assert_eq!(server.accept().await.len(), 2);
}

#[tokio::test]
async fn connections_are_used_again() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.calls_max = 1);
    for id in 1..=10 {
        bench.send([alone(id)]);
        server.accept().await;
        assert_eq!(bench.outcome().await, sent(id));
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_no_answer() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| {
        settings.push.as_mut().unwrap().answer_octets_max = 1_000;
    });
    bench.send([alone(1)]);
    server.call().await.answer(Response::builder(), " ".repeat(1_001));
    assert_eq!(bench.outcome().await, (1, Outcome::Unknown));
    bench.send([alone(2)]);
    server.call().await.answer(Response::builder().status(422), "x".repeat(1_001));
    assert_eq!(refused(bench.outcome().await), (2, Cause::NetworkRefused, Retry::Never));
}

#[tokio::test]
async fn over_the_room_is_refused_at_once() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.room = 2);
    bench.send([alone(1), alone(2), alone(3)]);
    assert_eq!(refused(bench.outcome().await), (3, Cause::QueueFull, Retry::Scheduled));
    server.accept().await;
    assert_eq!(bench.outcomes(2).await, [sent(1), sent(2)]);
}

#[tokio::test]
async fn an_unhealthy_peer_is_left_alone_then_probed() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.room = 50);
    assert_eq!(bench.room().await, 50);
    bench.send([alone(1)]);
    server.call().await.answer(Response::builder().status(503).header("retry-after", "1"), "");
    assert_eq!(bench.room().await, 0);
    assert!(!bench.push.is_up());
    assert_eq!(
        refused(bench.outcome().await),
        (1, Cause::NetworkFailure, Retry::After(Duration::from_secs(1)))
    );
    // Handed over before the news of no room arrived: certainly not sent.
    bench.send([alone(2), typing()]);
    assert_eq!(refused(bench.outcome().await), (2, Cause::LinkDown, Retry::Scheduled));
    assert_eq!(bench.room().await, 1);
    bench.send([alone(3), alone(4)]);
    let probe = server.call().await;
    assert_eq!(probe.ids(), ["3"]);
    assert_eq!(server.waiting(), 0);
    probe.accept();
    assert_eq!(bench.room().await, 50);
    assert!(bench.push.is_up());
    assert_eq!(server.accept().await, ["4"]);
    assert_eq!(bench.outcomes(2).await, [sent(3), sent(4)]);
}

#[tokio::test]
async fn three_failures_in_a_row_are_enough() {
    let mut server = Server::start().await;
    let mut bench = Bench::start(Some(&server.url), false, |settings| settings.room = 50);
    assert_eq!(bench.room().await, 50);
    for id in 1..=3 {
        bench.send([alone(id)]);
        server.call().await.status(502);
        if id < 3 {
            bench.outcome().await;
        }
    }
    assert_eq!(bench.room().await, 0);
}

fn typing() -> Outgoing {
    let user = |id: &str| Pii::new(Address::User(model::User { messenger: "tictoc".into(), id: id.into() }));
    Outgoing::Signal(Signal { from: user("a"), to: user("b"), kind: SignalKind::Typing { on: true } })
}

#[tokio::test]
async fn typing_goes_out_and_nobody_waits_for_it() {
    let mut server = Server::start().await;
    let bench = Bench::start(Some(&server.url), false, |_| {});
    bench.send([typing()]);
    let call = server.call().await;
    assert_eq!(call.events()[0]["kind"], "typing");
    call.accept();
    assert!(bench.end().await.is_empty());
}

#[tokio::test]
async fn at_the_end_calls_finish_and_the_rest_is_given_back() {
    let mut server = Server::start().await;
    let bench = Bench::start(Some(&server.url), false, |settings| {
        settings.calls_max = 1;
        settings.batch_events_max = 1;
    });
    bench.send([alone(1), alone(2)]);
    let call = server.call().await;
    bench.stop.cancel();
    call.accept();
    let outcomes = bench.end().await;
    assert_eq!(outcomes[0], sent(1));
    assert_eq!(refused(outcomes[1].clone()), (2, Cause::LinkDown, Retry::Scheduled));
}

#[tokio::test]
async fn only_trusted_certificates_are_believed() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = hyper::service::service_fn(async |_| {
                Ok::<_, std::convert::Infallible>(Response::new(http_body_util::Empty::<bytes::Bytes>::new()))
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    for (authority, believed) in [(&certified, true), (&stranger, false)] {
        let mut bench = Bench::start(Some(&url), false, |settings| {
            let authorities = Arc::from(vec![authority.cert.der().clone()]);
            settings.push.as_mut().unwrap().trust = Trust::Only(authorities);
        });
        bench.send([alone(1)]);
        let outcome = bench.outcome().await;
        if believed {
            assert_eq!(outcome, sent(1));
        } else {
            assert_eq!(refused(outcome), (1, Cause::LinkDown, Retry::Scheduled));
        }
    }
}

#[tokio::test]
async fn a_messenger_needs_a_way_out() {
    let bench = Bench::start(None, true, |_| {});
    let settings = PushSettings { pull: None, ..bench.push.settings.clone() };
    assert!(matches!(Push::new(settings, bench.push.intake.clone()), Err(PushError::NoWayOut)));
    bench.push.send(Vec::new());
    assert_eq!((bench.push.settings.now)(), Timestamp::from_secs(START_S));
}
