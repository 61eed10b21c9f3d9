//! Many messages, and an SMSC that does everything it may: each message has one outcome, and none is lost.

use model::Outcome;
use smpp::{Command, CommandStatus, client::ClientSettings, pdu};

use crate::{
    desk::{Desk, message, settings},
    smsc::{Peer, Smsc, taken},
};

const MESSAGES: u32 = 4_000;
const WINDOW: usize = 50;

/// Answers until the client closes, or `cut_after` submissions were read.
async fn serve(mut peer: Peer, cut_after: Option<u32>) {
    let mut seen = 0;
    while let Some(frame) = peer.read().await {
        let sequence = frame.header.sequence;
        match frame.header.command {
            Command::SubmitSm => {
                seen += 1;
                if cut_after == Some(seen) {
                    return;
                }
                let mut octets = Vec::new();
                match seen % 97 {
                    13 => pdu::answer(Command::SubmitSm, CommandStatus::RTHROTTLED, sequence, &mut octets),
                    29 => pdu::answer(Command::SubmitSm, CommandStatus::RSYSERR, sequence, &mut octets),
                    _ => octets = taken(sequence, &format!("{sequence}")),
                }
                peer.write(&octets).await;
            }
            Command::Unbind => peer.empty(Command::UnbindResp, CommandStatus::ROK, sequence).await,
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_message_has_one_outcome() {
    let (smsc, address) = Smsc::start().await;
    // Fast enough that being slowed down is not felt.
    let mut desk =
        Desk::start(ClientSettings { binds: 2, window: WINDOW, rate: 1_000_000, ..settings(address) });
    let (one, two) = (smsc.bound().await, smsc.bound().await);
    desk.room_is(100).await;
    tokio::spawn(serve(one, Some(700)));
    tokio::spawn(serve(two, None));
    tokio::spawn(async move {
        loop {
            tokio::spawn(serve(smsc.bound().await, None));
        }
    });

    let long = "0123456789".repeat(20);
    let (mut next, mut under_way) = (0_u32, 0_usize);
    let mut ends = vec![0_u8; MESSAGES as usize];
    let (mut sent, mut refused, mut unknown) = (0, 0, 0);
    while sent + refused + unknown < MESSAGES {
        let mut batch = Vec::new();
        while next < MESSAGES && under_way < WINDOW {
            let text = if next.is_multiple_of(10) { &long } else { "short" };
            batch.push(message(next, next % 31, text));
            next += 1;
            under_way += 1;
        }
        desk.send(batch);
        let (slot, outcome) = desk.outcome().await;
        under_way -= 1;
        ends[slot as usize] += 1;
        match outcome {
            Outcome::Sent(ids) => {
                assert_eq!(ids.len(), if slot.is_multiple_of(10) { 2 } else { 1 });
                sent += 1;
            }
            Outcome::Refused(_) => refused += 1,
            Outcome::Unknown => unknown += 1,
        }
    }
    desk.stop.cancel();
    desk.running.await.expect("no panic");
    assert!(ends.iter().all(|&count| count == 1), "one outcome each");
    assert!(
        unknown > 0 && refused > 0 && sent > MESSAGES * 9 / 10,
        "{sent} sent, {refused} refused, {unknown} unknown"
    );
}
