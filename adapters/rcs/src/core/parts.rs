//! A MESSAGE of several parts (RFC 5621 §4): the one that we read stands for the message.

use sip_message::{Method, Name, Request};
use sip_rcs::{mime::Kind, multipart};

use super::classify::is_message;

/// The request with the first part that we read as its body; the others come along with it and say nothing to us. Where
/// there is none, or no part at all, the request stays as it is and is judged by its type.
pub(super) fn readable(mut request: Request) -> Request {
    if request.method != Method::MESSAGE {
        return request;
    }
    let Some(content_type) = request.headers.text(Name::ContentType) else { return request };
    if Kind::of(content_type) != Kind::Multipart {
        return request;
    }
    let Ok(parts) = multipart::read(content_type, &request.body) else { return request };
    let part = parts.iter().find_map(|part| {
        let content_type = part.content_type().unwrap_or("text/plain");
        is_message(content_type).then(|| Some((content_type.to_owned(), part.decoded()?)))?
    });
    if let Some((content_type, body)) = part {
        request.headers.set(Name::ContentType, content_type);
        request.body = body;
    }
    request
}
