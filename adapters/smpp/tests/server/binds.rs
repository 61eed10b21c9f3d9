//! Who may bind, and as what.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use smpp::{
    Command, CommandStatus, Tag, Version,
    pdu::{Bind, BindKind, BindResp},
    server::{AccountSettings, ServerSettings},
    session::{BindManners, TimerOptions},
    tlv::Leniency,
};
use tokio::time::Instant;

use crate::{
    desk::{Desk, accepted, account, messages, settings},
    esme::{Esme, bind, submit},
};

#[tokio::test]
async fn each_kind_binds_and_may_do_its_part() {
    let mut desk = Desk::start().await;
    for kind in [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver] {
        let mut esme = Esme::bound_as(&desk, kind, Version::V34).await;
        if kind.receives() {
            assert_eq!(desk.room().await, 500);
        }
        assert_eq!(desk.account.binds(), 1);
        esme.write(&submit(7, "hello")).await;
        if kind.transmits() {
            let (_, ticket) = desk.text().await;
            desk.answer(ticket, accepted(12));
            esme.accepted(7, "12").await;
        } else {
            esme.answered(Command::SubmitSmResp, CommandStatus::RINVBNDSTS, 7).await;
        }
        esme.empty(Command::Unbind, CommandStatus::ROK, 8).await;
        esme.answered(Command::UnbindResp, CommandStatus::ROK, 8).await;
        esme.closed().await;
        if kind.receives() {
            assert_eq!(desk.room().await, 0);
        }
        while desk.account.binds() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn row_09_a_stranger_learns_late_and_not_what_was_wrong() {
    let delay = Duration::from_millis(100);
    let desk = Desk::with(ServerSettings { refusal_delay: delay, ..settings() }, account()).await;
    for (system_id, password) in [("esme", "wrong"), ("nobody", "secret"), ("esme", "")] {
        let mut esme = Esme::connect(desk.address).await;
        let began = Instant::now();
        esme.write(&bind(BindKind::Transceiver, Version::V34, system_id, password)).await;
        esme.answered(Command::BindTransceiverResp, CommandStatus::RBINDFAIL, 1).await;
        assert!(began.elapsed() >= delay);
        esme.closed().await;
    }
    assert_eq!(desk.told.auth_failed.load(Ordering::Relaxed), 3);
    assert_eq!(desk.account.binds(), 0);
}

#[tokio::test]
async fn row_09_an_address_that_keeps_guessing_is_closed_unanswered() {
    let desk = Desk::start().await;
    // A minute may begin in between, and the count with it.
    for guess in 0..25 {
        let mut esme = Esme::connect(desk.address).await;
        esme.write(&bind(BindKind::Transceiver, Version::V34, "esme", "wrong")).await;
        if esme.read().await.is_none() {
            assert!(guess >= 10);
            return;
        }
    }
    panic!("it may guess as long as it likes");
}

#[tokio::test]
async fn only_addresses_of_the_account_may_bind() {
    let desk =
        Desk::with(settings(), AccountSettings { allowed: Arc::new(|ip| !ip.is_loopback()), ..account() });
    let mut esme = Esme::connect(desk.await.address).await;
    esme.write(&bind(BindKind::Transceiver, Version::V34, "esme", "secret")).await;
    esme.answered(Command::BindTransceiverResp, CommandStatus::RBINDFAIL, 1).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_08_one_bind_more_than_agreed_is_refused_until_another_goes() {
    let mut desk = Desk::with(settings(), AccountSettings { binds_max: 1, ..account() }).await;
    let mut first = Esme::bound(&desk).await;
    assert_eq!(desk.room().await, 500);
    let mut second = Esme::connect(desk.address).await;
    second.write(&bind(BindKind::Transceiver, Version::V34, "esme", "secret")).await;
    second.answered(Command::BindTransceiverResp, CommandStatus::RBINDFAIL, 1).await;
    second.closed().await;
    first.is_up().await;
    drop(first);
    assert_eq!(desk.room().await, 0);
    while desk.account.binds() > 0 {
        tokio::task::yield_now().await;
    }
    Esme::bound(&desk).await.is_up().await;
}

#[tokio::test]
async fn rows_08_and_09_are_answered_as_partners_expect_it() {
    let manners = BindManners { over_limit: CommandStatus::RALYBND, hide_which: false };
    let settings = ServerSettings { manners, ..settings() };
    let desk = Desk::with(settings, AccountSettings { binds_max: 0, ..account() }).await;
    for (system_id, password, status) in [
        ("nobody", "secret", CommandStatus::RINVSYSID),
        ("esme", "wrong", CommandStatus::RINVPASWD),
        ("esme", "secret", CommandStatus::RALYBND),
    ] {
        let mut esme = Esme::connect(desk.address).await;
        esme.write(&bind(BindKind::Transceiver, Version::V34, system_id, password)).await;
        esme.answered(Command::BindTransceiverResp, status, 1).await;
        esme.closed().await;
    }
}

#[tokio::test]
async fn row_10_only_the_system_types_of_the_account_may_bind() {
    let desk = Desk::with(
        settings(),
        AccountSettings { system_types: vec!["VMS".into(), "OTA".into()], ..account() },
    )
    .await;
    for (system_type, status) in
        [("OTA", CommandStatus::ROK), ("", CommandStatus::RINVSYSTYP), ("CMT", CommandStatus::RINVSYSTYP)]
    {
        let mut octets = Vec::new();
        let bind = Bind {
            system_id: b"esme",
            password: b"secret",
            system_type: system_type.as_bytes(),
            ..Bind::default()
        };
        bind.encode(BindKind::Transceiver, 1, &mut octets).expect("short");
        let mut esme = Esme::connect(desk.address).await;
        esme.write(&octets).await;
        esme.expect(Command::BindTransceiverResp, status).await;
    }
}

#[tokio::test]
async fn the_lower_version_is_spoken() {
    for (ours, theirs, spoken) in [
        (Version::V50, 0x50, Some(0x50)),
        (Version::V50, 0x34, Some(0x34)),
        (Version::V34, 0x50, Some(0x34)),
        (Version::V50, 0x33, None),
        (Version::V50, 0x00, None),
        (Version::V50, 0x51, Some(0x50)),
    ] {
        let desk = Desk::with(settings(), AccountSettings { version_max: ours, ..account() }).await;
        let mut esme = Esme::connect(desk.address).await;
        let mut octets = bind(BindKind::Receiver, Version::V50, "esme", "secret");
        let at = octets.iter().rposition(|octet| *octet == 0x50).expect("the version");
        octets[at] = theirs;
        esme.write(&octets).await;
        let frame = esme.expect(Command::BindReceiverResp, CommandStatus::ROK).await;
        let response = BindResp::decode(&frame.body, Leniency::Strict).expect("well-formed");
        let said =
            response.tlvs.iter().find(|tlv| tlv.tag == Tag::SC_INTERFACE_VERSION).map(|tlv| tlv.value[0]);
        assert_eq!(said, spoken, "{ours:?} with {theirs:#x}");
    }
}

#[tokio::test]
async fn a_submission_in_the_segment_of_the_bind_is_taken() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::connect(desk.address).await;
    let both = [bind(BindKind::Transceiver, Version::V34, "esme", "secret"), submit(2, "glued")].concat();
    esme.write(&both).await;
    esme.answered(Command::BindTransceiverResp, CommandStatus::ROK, 1).await;
    let (text, ticket) = desk.text().await;
    assert_eq!(text, "glued");
    desk.answer(ticket, accepted(5));
    esme.accepted(2, "5").await;
}

#[tokio::test]
async fn pdus_may_come_octet_by_octet_and_be_cut_anywhere() {
    let mut desk = Desk::start().await;
    let octets = [bind(BindKind::Transceiver, Version::V34, "esme", "secret"), submit(2, "cut")].concat();
    // Each place to cut on one connection of its own, so that the halves arrive apart.
    for cut in 1..octets.len() {
        let mut esme = Esme::connect(desk.address).await;
        let (head, tail) = octets.split_at(cut);
        esme.write(head).await;
        tokio::task::yield_now().await;
        esme.write(tail).await;
        esme.answered(Command::BindTransceiverResp, CommandStatus::ROK, 1).await;
        assert_eq!(desk.text().await.0, "cut");
        assert_eq!(desk.room().await, 500);
        drop(esme);
        assert_eq!(desk.room().await, 0);
    }
    let mut esme = Esme::connect(desk.address).await;
    for octet in &octets {
        esme.write(&[*octet]).await;
        tokio::task::yield_now().await;
    }
    esme.answered(Command::BindTransceiverResp, CommandStatus::ROK, 1).await;
    assert_eq!(desk.text().await.0, "cut");
}

#[tokio::test]
async fn nothing_is_delivered_before_the_bind_is_answered() {
    let mut desk = Desk::start().await;
    for round in 0..20 {
        let mut esme = Esme::connect(desk.address).await;
        esme.write(&bind(BindKind::Receiver, Version::V34, "esme", "secret")).await;
        assert_eq!(desk.room().await, 500, "round {round}");
        desk.send(messages(1));
        esme.answered(Command::BindReceiverResp, CommandStatus::ROK, 1).await;
        esme.delivery().await;
        drop(esme);
        assert_eq!(desk.room().await, 0);
        desk.outcome().await;
    }
}

#[tokio::test]
async fn an_account_that_is_taken_away_unbinds_its_sessions() {
    let desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.server.set_accounts([desk.account.clone()]);
    esme.is_up().await;
    desk.server.set_accounts([]);
    let unbind = esme.expect(Command::Unbind, CommandStatus::ROK).await;
    esme.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_37_who_never_binds_is_left() {
    let timers = TimerOptions { session_init_us: 50_000, ..TimerOptions::default() };
    let desk = Desk::with(ServerSettings { timers, ..settings() }, account()).await;
    let mut esme = Esme::connect(desk.address).await;
    esme.is_up().await;
    esme.closed().await;
}

#[tokio::test]
async fn more_connections_than_there_may_be_are_closed() {
    let desk = Desk::with(ServerSettings { connections_max: 1, ..settings() }, account()).await;
    let mut first = Esme::bound(&desk).await;
    Esme::connect(desk.address).await.closed().await;
    first.is_up().await;
}
