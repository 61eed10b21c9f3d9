//! The JSON profile, both directions, and the contract of every messenger.

mod contract;
mod inbound;
mod outbound;

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use kit::HttpInbound;
use model::{
    Address, AttemptId, ChannelId, Class, Content, MessageId, Number, Outgoing, OutgoingMessage, Pii,
    ReceiptsWanted, Submission, Timestamp, User,
};

use super::Webhook;
use crate::{Account, Credential, Secret, TokenDigest};

const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";
const TOKEN: &str = "a-long-random-token";

fn now() -> Timestamp {
    Timestamp::from_secs(1_772_410_353)
}

fn account(credentials: Vec<Credential>) -> Account {
    Account {
        channel: ChannelId(7),
        name: "tictoc".into(),
        credentials,
        push_url: Some("https://mc.example.kr/omf/v1/events".parse().unwrap()),
        push_secret: Some(secret()),
    }
}

fn secret() -> Secret {
    Secret::parse(SECRET).unwrap()
}

fn webhook() -> Webhook {
    Webhook::new(account(vec![Credential::Bearer(TokenDigest::of(TOKEN))]))
}

fn call(body: impl Into<Bytes>) -> Request<Bytes> {
    let mut call = Request::new(body.into());
    call.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    call
}

/// Reads one event, given as the JSON inside the list.
fn read(event: &str) -> Vec<HttpInbound> {
    let items = webhook().read(now(), &call(format!(r#"{{"events":[{event}]}}"#))).unwrap();
    items.into_iter().map(|item| item.inbound).collect()
}

fn user(id: &str) -> Address {
    Address::User(User { messenger: "tictoc".into(), id: id.into() })
}

fn number(written: &str) -> Address {
    Address::Number(Number::written(written))
}

fn submission(text: &str) -> Submission {
    Submission {
        id: None,
        origin: ChannelId(7),
        from: Pii::new(number("+821012345678")),
        to: Pii::new(user("u_77")),
        class: Class::Person,
        receipts: ReceiptsWanted::FINAL,
        received_at: now(),
        scheduled_at: None,
        expires_at: None,
        reference: Some("018e1c2a".into()),
        idempotency_key: None,
        carried: Bytes::new(),
        part: None,
        charging_id: None,
        elsewhere: None,
        content: Content::Text(text.into()),
    }
}

fn message(id: u64, submission: Submission) -> Outgoing {
    Outgoing::Message(OutgoingMessage {
        attempt: AttemptId { slot: 1, generation: 1 },
        message: MessageId::from_u64(id).unwrap(),
        submission: Arc::new(submission),
        from: None,
        to: None,
        concat_ref: 1,
        want_receipt: true,
        possible_duplicate: false,
    })
}
