//! The contract, once with a bearer token and once with signatures.

use bytes::Bytes;
use http::{HeaderName, Request, header};
use kit::HttpAdapter;
use model::{Outgoing, Timestamp};

use super::{TOKEN, account, call, message, now, secret, submission, webhook};
use crate::{Credential, contract, contract::Subject, signature, webhook::Webhook};

fn good(id: &str) -> Vec<u8> {
    format!(
        r#"{{"events":[{{"id":"{id}","kind":"text","from":{{"usr":"u_77"}},"to":[{{"tel":"+821087654321"}}],"body":{{"text":"안녕"}}}}]}}"#
    )
    .into_bytes()
}

macro_rules! bodies {
    () => {
        fn now() -> Timestamp {
            now()
        }
        fn good() -> Vec<u8> {
            good("018e1c2a")
        }
        fn good_with_id(id: &str) -> Vec<u8> {
            good(id)
        }
        fn with_unknown_fields() -> Vec<u8> {
            String::from_utf8(good("018e1c2a"))
                .unwrap()
                .replace('{', r#"{"later":{"x":[null,1e9]},"#)
                .into_bytes()
        }
        fn unknown_kind() -> Vec<u8> {
            br#"{"events":[{"id":"018e1c2b","kind":"hologram","body":{"depth":3}}]}"#.to_vec()
        }
        fn outgoing() -> Vec<Outgoing> {
            vec![message(1, submission("하나")), message(2, submission("둘"))]
        }
    };
}

struct Bearer;

impl Subject for Bearer {
    bodies!();
    const TIMED: bool = false;

    fn adapter() -> Box<dyn HttpAdapter> {
        Box::new(webhook())
    }

    fn call(_at: Timestamp, body: Vec<u8>) -> Request<Bytes> {
        call(body)
    }

    fn credentials() -> Vec<HeaderName> {
        vec![header::AUTHORIZATION]
    }
}

struct Signed;

impl Subject for Signed {
    bodies!();
    const TIMED: bool = true;

    fn adapter() -> Box<dyn HttpAdapter> {
        Box::new(Webhook::new(account(vec![Credential::Signature(secret())])))
    }

    fn call(at: Timestamp, body: Vec<u8>) -> Request<Bytes> {
        let mut call = Request::new(Bytes::from(body));
        let mut headers = http::HeaderMap::new();
        secret().sign(at, "msg_1", call.body(), &mut headers);
        *call.headers_mut() = headers;
        call
    }

    fn credentials() -> Vec<HeaderName> {
        vec![signature::ID, signature::TIMESTAMP, signature::SIGNATURE]
    }
}

mod bearer {
    use super::*;
    contract::contract_tests!(Bearer);
}

mod signed {
    use super::*;
    contract::contract_tests!(Signed);
}

#[test]
fn without_credentials_nobody_comes_in() {
    let closed = Webhook::new(account(Vec::new()));
    assert_eq!(closed.decode(now(), &call(good("1"))).unwrap_err().status, 401);
}

#[test]
fn either_credential_opens_while_they_are_exchanged() {
    let both = Webhook::new(account(vec![
        Credential::Signature(secret()),
        Credential::Bearer(crate::TokenDigest::of("the old token")),
        Credential::Bearer(crate::TokenDigest::of(TOKEN)),
    ]));
    assert!(both.decode(now(), &call(good("1"))).is_ok());
    assert!(both.decode(now(), &Signed::call(now(), good("1"))).is_ok());
}
