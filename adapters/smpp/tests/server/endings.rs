//! How sessions end, and what is still owed then.

use model::Outcome;
use smpp::{Command, CommandStatus, server::ServerSettings, session::TimerOptions};

use crate::{
    desk::{Desk, accepted, account, link_down, messages, settings, within},
    esme::{Esme, submit},
};

async fn timed(timers: TimerOptions) -> Desk {
    Desk::with(ServerSettings { timers, ..settings() }, account()).await
}

#[tokio::test]
async fn a_silent_esme_is_asked_and_then_left() {
    let timers = TimerOptions { enquire_link_us: 50_000, response_us: 100_000, ..TimerOptions::default() };
    let desk = timed(timers).await;
    let mut esme = Esme::bound(&desk).await;
    for _ in 0..3 {
        let enquiry = esme.expect(Command::EnquireLink, CommandStatus::ROK).await;
        esme.empty(Command::EnquireLinkResp, CommandStatus::ROK, enquiry.header.sequence).await;
    }
    esme.expect(Command::EnquireLink, CommandStatus::ROK).await;
    esme.closed().await;
}

#[tokio::test]
async fn an_idle_session_is_unbound() {
    let desk = timed(TimerOptions { inactivity_us: 50_000, ..TimerOptions::default() }).await;
    let mut esme = Esme::bound(&desk).await;
    let unbind = esme.expect(Command::Unbind, CommandStatus::ROK).await;
    esme.is_up().await;
    esme.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    esme.closed().await;
}

#[tokio::test]
async fn an_unbind_that_is_never_answered_ends_all_the_same() {
    let timers = TimerOptions { inactivity_us: 50_000, response_us: 100_000, ..TimerOptions::default() };
    let desk = timed(timers).await;
    let mut esme = Esme::bound(&desk).await;
    esme.expect(Command::Unbind, CommandStatus::ROK).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_37_half_a_pdu_is_not_waited_for_even_octet_by_octet() {
    let desk = timed(TimerOptions { pdu_read_us: 100_000, ..TimerOptions::default() }).await;
    let mut esme = Esme::bound(&desk).await;
    let octets = submit(2, "slow");
    let (head, tail) = octets.split_at(20);
    esme.write(head).await;
    // Octets that trickle in earn no more time.
    let mut left = tail.iter();
    loop {
        tokio::select! {
            frame = esme.read() => break assert!(frame.is_none()),
            () = tokio::time::sleep(std::time::Duration::from_millis(25)) => {}
        }
        let octet = left.next().expect("it was closed long before the last octet");
        esme.write(&[*octet]).await;
    }
}

#[tokio::test]
async fn unbind_is_answered_after_what_is_in_hand() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    assert_eq!(desk.room().await, 500);
    let mut octets = [submit(2, "one"), submit(3, "two")].concat();
    smpp::pdu::encode_empty(Command::Unbind, CommandStatus::ROK, 4, &mut octets);
    octets.extend(submit(5, "behind the unbind"));
    esme.write(&octets).await;
    let (one, two) = (desk.text().await.1, desk.text().await.1);
    assert_eq!(desk.room().await, 0, "nothing more is delivered here");
    desk.answer(two, accepted(22));
    esme.accepted(3, "22").await;
    desk.answer(one, accepted(11));
    esme.accepted(2, "11").await;
    esme.answered(Command::UnbindResp, CommandStatus::ROK, 4).await;
    esme.closed().await;
    assert!(desk.nothing());
}

#[tokio::test]
async fn told_to_stop_every_session_is_drained_and_unbound() {
    let mut desk = Desk::start().await;
    let (mut a, mut b) = (Esme::bound(&desk).await, Esme::bound(&desk).await);
    assert_eq!((desk.room().await, desk.room().await), (500, 1_000));
    let mut unbound = Esme::connect(desk.address).await;
    unbound.is_up().await;
    a.write(&submit(2, "in hand")).await;
    let (_, ticket) = desk.text().await;
    desk.stop.cancel();
    unbound.closed().await;
    let unbind = b.expect(Command::Unbind, CommandStatus::ROK).await;
    // Too late for a new one, but it is told.
    b.write(&submit(6, "late")).await;
    b.answered(Command::SubmitSmResp, CommandStatus::RSYSERR, 6).await;
    b.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    b.closed().await;
    desk.answer(ticket, accepted(7));
    a.accepted(2, "7").await;
    let unbind = a.expect(Command::Unbind, CommandStatus::ROK).await;
    a.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    a.closed().await;
    drop((a, b, unbound));
    within("the end", &mut desk.running).await.expect("no panic").expect("no error");
    assert!(desk.nothing());
}

#[tokio::test]
async fn deliveries_of_a_session_that_is_stopped_end_too() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    desk.send(messages(502));
    let mut sequences = Vec::new();
    for _ in 0..500 {
        sequences.push(esme.delivery().await.0);
    }
    desk.stop.cancel();
    let unbind = esme.expect(Command::Unbind, CommandStatus::ROK).await;
    // Answers to what is under way still count; nothing new is begun.
    esme.took(sequences[0], CommandStatus::ROK).await;
    assert!(matches!(desk.outcome().await, (0, Outcome::Sent(_))));
    esme.empty(Command::UnbindResp, CommandStatus::ROK, unbind.header.sequence).await;
    esme.closed().await;
    let mut unsent = Vec::new();
    for _ in 1..502 {
        match desk.outcome().await {
            (slot, outcome) if outcome == link_down() => unsent.push(slot),
            (slot, outcome) => assert_eq!(outcome, Outcome::Unknown, "{slot}"),
        }
    }
    assert_eq!(unsent, [500, 501]);
}

#[tokio::test]
async fn an_answer_after_the_link_is_gone_harms_nobody() {
    let mut desk = Desk::start().await;
    let mut esme = Esme::bound(&desk).await;
    assert_eq!(desk.room().await, 500);
    esme.write(&submit(2, "left behind")).await;
    let (_, ticket) = desk.text().await;
    drop(esme);
    assert_eq!(desk.room().await, 0);
    desk.answer(ticket, accepted(7));
    let mut other = Esme::bound(&desk).await;
    other.is_up().await;
}
