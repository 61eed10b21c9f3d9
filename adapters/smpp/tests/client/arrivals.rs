//! What an SMSC delivers: receipts and the messages of phones.

use model::{Answer, Cause, Inbound, MessageId, Receipt, ReceiptState, Refusal, Ticket};
use smpp::{
    Command, CommandStatus,
    client::{ClientSettings, IdSpelling},
    pdu::{self, EsmClass},
    tlv::Tag,
};

use crate::{
    desk::{CHANNEL, Desk, messages, sent, settings},
    smsc::{Peer, Smsc, receipt, reply, taken},
};

async fn start() -> (Smsc, Desk, Peer) {
    start_with(settings(String::new())).await
}

async fn start_with(settings: ClientSettings) -> (Smsc, Desk, Peer) {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(ClientSettings { address, ..settings });
    let peer = smsc.bound().await;
    desk.room_is(100).await;
    (smsc, desk, peer)
}

impl Desk {
    async fn receipt(&mut self) -> (Receipt, Ticket) {
        match self.inbound().await {
            Inbound::Receipt { channel, receipt, ticket } => {
                assert_eq!(channel, CHANNEL);
                (receipt, ticket.expect("the SMSC waits for an answer"))
            }
            other => panic!("no receipt: {other:?}"),
        }
    }

    async fn submission(&mut self) -> (String, Ticket) {
        match self.inbound().await {
            Inbound::Submit { submission, ticket } => {
                assert_eq!(submission.origin, CHANNEL);
                let model::Content::Coded(coded) = &submission.content else { panic!("coded") };
                (String::from_utf8_lossy(&coded.octets).into_owned(), ticket)
            }
            other => panic!("no submission: {other:?}"),
        }
    }
}

#[tokio::test]
async fn receipts_in_every_dialect_name_the_id_of_the_answer() {
    let (_smsc, mut desk, mut peer) = start().await;
    for (answered, text, state) in [
        (
            "7",
            "id:7 sub:001 dlvrd:001 submit date:2401010000 done date:2401010001 stat:DELIVRD err:000 text:hi",
            ReceiptState::Delivered,
        ),
        (
            "38601FA",
            "id:0059113978 sub:001 dlvrd:001 stat:UNDELIV err:21b Text:",
            ReceiptState::Undeliverable,
        ),
        ("59113978", "stat:EXPIRED id:38601fa", ReceiptState::Expired),
        ("000123", "id:123 stat:REJECTD", ReceiptState::Rejected),
        ("ABC", "id:abc stat:DELIVRD", ReceiptState::Delivered),
    ] {
        desk.send(messages(1));
        let (sequence, _) = peer.submission().await;
        peer.ok(sequence, answered).await;
        let (_, model::Outcome::Sent(ids)) = desk.outcome().await else { panic!("sent") };
        peer.write(&receipt(sequence + 1_000, text)).await;
        let (found, ticket) = desk.receipt().await;
        assert_eq!(found.state, state, "{text}");
        assert!(found.upstream.contains(&ids[0]), "{text}: {:?} is not among {:?}", ids[0], found.upstream);
        assert!(found.about.is_some());
        desk.answer(ticket, Answer::Taken);
        let answer = peer.expect(Command::DeliverSmResp).await.header;
        assert_eq!((answer.status, answer.sequence), (CommandStatus::ROK, sequence + 1_000));
    }
}

#[tokio::test]
async fn the_agreed_spelling_is_looked_for_first() {
    let hex = ClientSettings { ids: IdSpelling::HexThenDecimal, ..settings(String::new()) };
    let (_smsc, mut desk, mut peer) = start_with(hex).await;
    peer.write(&receipt(1, "id:255 stat:DELIVRD")).await;
    assert_eq!(desk.receipt().await.0.upstream[0].0, "ff");
}

#[tokio::test]
async fn accepted_ends_a_message_only_where_it_was_agreed() {
    let (_smsc, mut desk, mut peer) = start().await;
    peer.write(&receipt(1, "id:9 stat:ACCEPTD")).await;
    assert_eq!(desk.receipt().await.0.state, ReceiptState::Accepted);
    let later = ClientSettings { accepted_is_final: false, ..(*desk.client.settings()).clone() };
    desk.client.set(later);
    peer.write(&receipt(2, "id:9 stat:ACCEPTD")).await;
    assert_eq!(desk.receipt().await.0.state, ReceiptState::Enroute);
}

#[tokio::test]
async fn a_receipt_in_data_sm_is_one_too() {
    let (_smsc, mut desk, mut peer) = start().await;
    let mut octets = Vec::new();
    let data = pdu::DataSm { esm_class: EsmClass::RECEIPT, ..pdu::DataSm::default() };
    let tlvs = |tlvs: &mut smpp::tlv::TlvWriter<'_, Vec<u8>>| {
        tlvs.text(Tag::RECEIPTED_MESSAGE_ID, b"17")?.octet(Tag::MESSAGE_STATE, 2).map(|_| ())
    };
    data.encode_with(5, &mut octets, tlvs).expect("short");
    peer.write(&octets).await;
    let (found, ticket) = desk.receipt().await;
    assert_eq!((found.state, found.upstream[0].0.as_str()), (ReceiptState::Delivered, "17"));
    desk.answer(ticket, Answer::Taken);
    assert_eq!(peer.expect(Command::DataSmResp).await.header.status, CommandStatus::ROK);
}

#[tokio::test]
async fn what_is_glued_behind_the_bind_response_is_taken() {
    let (smsc, address) = Smsc::start().await;
    let mut desk = Desk::start(settings(address));
    let mut peer = smsc.accept().await;
    let (_, answer) = peer.bind(smpp::Version::V34).await;
    peer.write(&[answer, reply(4, "hello"), receipt(5, "id:1 stat:DELIVRD")].concat()).await;
    let (text, ticket) = desk.submission().await;
    assert_eq!(text, "hello");
    desk.answer(ticket, Answer::Accepted(MessageId::from_u64(1).expect("not zero")));
    let (_, ticket) = desk.receipt().await;
    desk.answer(ticket, Answer::Taken);
    for sequence in [4, 5] {
        let answer = peer.expect(Command::DeliverSmResp).await.header;
        assert_eq!((answer.status, answer.sequence), (CommandStatus::ROK, sequence));
    }
}

#[tokio::test]
async fn outcome_and_receipt_keep_the_order_of_the_wire() {
    let (_smsc, mut desk, mut peer) = start().await;
    desk.send(messages(1));
    let (sequence, _) = peer.submission().await;
    peer.write(&[taken(sequence, "5"), receipt(1, "id:5 stat:DELIVRD")].concat()).await;
    assert_eq!(desk.outcome().await, (0, sent(&["5"])));
    assert_eq!(desk.receipt().await.0.upstream[0].0, "5");
}

#[tokio::test]
async fn refused_replies_are_kept_or_dropped_by_the_smsc_as_the_cause_says() {
    let (_smsc, mut desk, mut peer) = start().await;
    for (cause, status) in [
        (Cause::QueueFull, CommandStatus::RX_T_APPN),
        (Cause::Policy, CommandStatus::RX_R_APPN),
        (Cause::NoRoute, CommandStatus::RX_P_APPN),
    ] {
        peer.write(&reply(8, "hi")).await;
        let (_, ticket) = desk.submission().await;
        desk.answer(ticket, Answer::Refused(Refusal::ours(cause)));
        assert_eq!(peer.expect(Command::DeliverSmResp).await.header.status, status, "{cause:?}");
    }
}

#[tokio::test]
async fn a_closed_gateway_takes_receipts_and_leaves_replies_with_the_smsc() {
    let (_smsc, mut desk, mut peer) = start().await;
    desk.close(Cause::QueueFull);
    peer.write(&[reply(1, "hi"), receipt(2, "id:1 stat:DELIVRD")].concat()).await;
    let answer = peer.expect(Command::DeliverSmResp).await.header;
    assert_eq!((answer.status, answer.sequence), (CommandStatus::RX_T_APPN, 1));
    desk.receipt().await;
    // Where nothing can be committed, receipts wait too.
    desk.close(Cause::StoreUnavailable);
    peer.write(&receipt(3, "id:1 stat:DELIVRD")).await;
    let answer = peer.expect(Command::DeliverSmResp).await.header;
    assert_eq!((answer.status, answer.sequence), (CommandStatus::RX_T_APPN, 3));
    assert!(desk.nothing());
}

#[tokio::test]
async fn nonsense_gets_its_answer_and_the_link_survives() {
    let (_smsc, mut desk, mut peer) = start().await;
    // A deliver_sm whose sm_length runs past it, an unknown request, an unknown response, and a submit_sm.
    let mut overrun = reply(1, "hi");
    let length = overrun.len();
    overrun[length - 3] = 200;
    peer.write(&overrun).await;
    assert_eq!(peer.expect(Command::DeliverSmResp).await.header.status, CommandStatus::RINVMSGLEN);
    peer.empty(Command::Unknown(0x0000_0777), CommandStatus::ROK, 2).await;
    let nack = peer.expect(Command::GenericNack).await.header;
    assert_eq!((nack.status, nack.sequence), (CommandStatus::RINVCMDID, 2));
    peer.empty(Command::Unknown(0x8000_0777), CommandStatus::ROK, 3).await;
    peer.empty(Command::SubmitSm, CommandStatus::ROK, 4).await;
    assert_eq!(peer.expect(Command::SubmitSmResp).await.header.status, CommandStatus::RINVBNDSTS);
    peer.write(&reply(5, "hi")).await;
    desk.submission().await;
}
