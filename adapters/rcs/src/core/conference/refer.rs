//! REFER: members add others, and the chairman removes them (rcs sheet §10.3, RFC 3515, RFC 4488, RFC 5368).

use sip_message::{HeaderValue, Name, Request, StatusCode};
use sip_rcs::{lists, mime::Kind, multipart};
use sip_transaction::{Flow, ServerKey};
use smol_str::SmolStr;

use super::{
    super::{
        Core,
        group::{Leg, Person, Wish},
    },
    Room,
};
use crate::translate::Line;

impl Core {
    pub(in super::super) fn refer(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        let Some((group, by)) = self.asking(now_us, key, flow, request) else { return };
        let wishes = match self.wishes(request) {
            Ok(wishes) => wishes,
            Err(status) => return self.answer(now_us, key, status),
        };
        let settings = self.settings.clone();
        match self.focus.refer(now_us, &settings, &group, &by, &wishes) {
            Ok(()) => self.respond(now_us, key, StatusCode::ACCEPTED, |response| {
                // What comes of it is in the state of the conference, for everybody.
                response.headers.push(Name::ReferSub, HeaderValue::from_static("false"));
            }),
            Err(refused) => self.refuse_for_group(now_us, key, refused),
        }
    }

    /// Whose request it is, and about which group: within a member's session, or outside of any. `None`: answered.
    pub(super) fn asking(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
    ) -> Option<(SmolStr, Line)> {
        if request.to_tag().is_none() {
            let room = Room::of(&request.uri, &self.settings.groups);
            let sender = self.recognise(now_us, key, flow, request).ok()?;
            return match room {
                Some(Room::Group(id)) => Some((id, sender.line)),
                _ => {
                    self.answer(now_us, key, StatusCode::NOT_FOUND);
                    None
                }
            };
        }
        let slot = self.session_named(now_us, key, request)?;
        let at = self.focus.at(Leg(slot.token())).map(|(group, line)| (group.into(), line.clone()));
        if at.is_none() {
            // A session of two.
            self.answer(now_us, key, StatusCode::METHOD_NOT_ALLOWED);
        }
        at
    }

    /// Whom it is about, and what is to become of them.
    fn wishes(&self, request: &Request) -> Result<Vec<(Person, Wish)>, StatusCode> {
        let mut all = request.headers.addresses(Name::ReferTo);
        let (Some(Ok(refer_to)), None) = (all.next(), all.next()) else {
            return Err(StatusCode::BAD_REQUEST);
        };
        let text = refer_to.uri.as_str();
        if !text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid:")) {
            let (uri, method) = lists::target(text);
            let method = method.or_else(|| refer_to.params.get("method"));
            let wish = Wish::of(method).ok_or(StatusCode::BAD_REQUEST)?;
            let name = refer_to.display().map(|name| name.as_ref().into());
            let person = self.person(&uri, name).ok_or(StatusCode::NOT_FOUND)?;
            return Ok(vec![(person, wish)]);
        }
        let content_type = request.headers.text(Name::ContentType).unwrap_or_default();
        let document = match Kind::of(content_type) {
            Kind::ResourceLists => request.body.clone(),
            _ => {
                let parts =
                    multipart::read(content_type, &request.body).map_err(|_| StatusCode::BAD_REQUEST)?;
                let list = parts.iter().find(|part| part.kind() == Kind::ResourceLists);
                list.and_then(multipart::Part::decoded).ok_or(StatusCode::BAD_REQUEST)?
            }
        };
        let entries = lists::read(&document).map_err(|_| StatusCode::BAD_REQUEST)?;
        entries
            .iter()
            .map(|entry| {
                let (uri, method) = entry.target();
                let wish = Wish::of(method).ok_or(StatusCode::BAD_REQUEST)?;
                let name = entry.display.as_ref().map(|name| name.as_str().into());
                let person = self.person(&uri, name).ok_or(StatusCode::NOT_FOUND)?;
                Ok((person, wish))
            })
            .collect()
    }
}
