//! Subscriptions to the state of a group: SUBSCRIBE and NOTIFY (RFC 4575, RFC 6665, rcs sheet §10.2).

use bytes::Bytes;
use sip_message::{HeaderValue, Method, Name, Request, StatusCode};
use sip_rcs::mime;
use sip_transaction::{
    Flow, ServerKey,
    dialog::{Dialog, State as DialogState},
    subscription::{self, Event, Notifier, NotifierDo, NotifierState, NotifierTrigger, TooBrief},
};
use smol_str::SmolStr;

use super::super::{
    Core,
    alarms::Alarm,
    group::Leg,
    sends::{Heard, Owner},
    session::Way,
    slots::Slot,
};
use crate::translate::Line;

/// The only package there is here.
const PACKAGE: &str = "conference";

/// One subscription.
#[derive(Debug)]
pub(super) struct Watch {
    notifier: Notifier,
    group: SmolStr,
    /// Event as the subscriber wrote it: NOTIFY repeats it with its id.
    event: SmolStr,
    place: Place,
}

/// Whose dialog it is in.
#[derive(Debug)]
enum Place {
    Own {
        dialog: Box<Dialog>,
        way: Way,
    },
    /// That of the member's session.
    Session(Slot),
}

impl Core {
    pub(in super::super) fn subscribe(&mut self, now_us: i64, key: ServerKey, flow: Flow, request: &Request) {
        let Some(event) = Event::of(&request.headers).filter(|event| event.package == PACKAGE) else {
            return self.respond(now_us, key, StatusCode::BAD_EVENT, |response| {
                response.headers.push(Name::AllowEvents, HeaderValue::from_static(PACKAGE));
            });
        };
        let event = smol_str::format_smolstr!("{event}");
        if !takes_state(request) {
            return self.answer(now_us, key, StatusCode::NOT_ACCEPTABLE);
        }
        if request.to_tag().is_some()
            && let Some(watch) = self.conference.dialogs.of_request(request).copied()
        {
            return self.refresh_watch(now_us, key, watch, request, true);
        }
        let Some((group, line)) = self.asking(now_us, key, flow, request) else { return };
        let session = request.to_tag().and_then(|_| self.session_of(request));
        match session.and_then(|session| self.conference.within.get(&session).copied()) {
            Some(watch) => self.refresh_watch(now_us, key, watch, request, false),
            None => self.begin_watch(now_us, key, flow, request, (group, line), event, session),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a request, whose it is, and where it came")]
    fn begin_watch(
        &mut self,
        now_us: i64,
        key: ServerKey,
        flow: Flow,
        request: &Request,
        (group, line): (SmolStr, Line),
        event: SmolStr,
        session: Option<Slot>,
    ) {
        let rules = subscription::Settings::default();
        let notifier = match Notifier::of_subscribe(now_us, request.headers.expires(), true, &rules) {
            Ok(notifier) => notifier,
            Err(brief) => return self.too_brief(now_us, key, brief),
        };
        let place = match session {
            Some(session) => Place::Session(session),
            None => {
                let Some(tag) = self.layer.to_tag(key) else { return };
                let Ok(dialog) = Dialog::of_request(request, tag.as_str(), DialogState::Confirmed) else {
                    return self.answer(now_us, key, StatusCode::BAD_REQUEST);
                };
                let direct = request.headers.list(Name::Via).count() == 1;
                Place::Own { dialog: Box::new(dialog), way: Way { flow, direct } }
            }
        };
        let id = match &place {
            Place::Own { dialog, .. } => Some(dialog.id().clone()),
            Place::Session(_) => None,
        };
        let slot = self.conference.watches.insert(Watch { notifier, group: group.clone(), event, place });
        let settings = self.settings.clone();
        if let Err(refused) = self.focus.watch(&settings, &group, &line, slot.token()) {
            self.conference.watches.remove(slot);
            return self.refuse_for_group(now_us, key, refused);
        }
        match (id, session) {
            (Some(id), _) => {
                if self.conference.dialogs.insert(id, slot).is_err() {
                    self.conference.watches.remove(slot);
                    self.focus.unwatched(slot.token());
                    return self.refuse_request(now_us, key, model::Cause::QueueFull);
                }
            }
            (None, Some(session)) => {
                self.conference.within.insert(session, slot);
            }
            (None, None) => {}
        }
        self.confirm_watch(now_us, key, slot, request);
    }

    fn refresh_watch(&mut self, now_us: i64, key: ServerKey, slot: Slot, request: &Request, own: bool) {
        let rules = subscription::Settings::default();
        let Some(watch) = self.conference.watches.get_mut(slot) else { return };
        if own
            && let Place::Own { dialog, .. } = &mut watch.place
            && let Err(refusal) = dialog.received(request)
        {
            return self.answer(now_us, key, refusal.status());
        }
        if let Err(brief) = watch.notifier.refresh(now_us, request.headers.expires(), &rules) {
            return self.too_brief(now_us, key, brief);
        }
        let group = watch.group.clone();
        let settings = self.settings.clone();
        self.confirm_watch(now_us, key, slot, request);
        // Everything, once more: also the last time.
        self.focus.watch_again(&settings, &group, slot.token());
    }

    fn too_brief(&mut self, now_us: i64, key: ServerKey, brief: TooBrief) {
        self.respond(now_us, key, StatusCode::INTERVAL_TOO_BRIEF, |response| {
            response.headers.push(Name::MinExpires, HeaderValue::from(brief.min_s));
        });
    }

    /// 200; the NOTIFY follows by what the focus wants done.
    fn confirm_watch(&mut self, now_us: i64, key: ServerKey, slot: Slot, request: &Request) {
        let Some(watch) = self.conference.watches.get(slot) else { return };
        let (left_s, due_us) = (watch.notifier.left_s(now_us), watch.notifier.next_us());
        let transport =
            self.way_of(&watch.place).map_or(sip_transaction::Transport::Udp, |way| way.flow.transport);
        let contact = self.contact_of_group(&watch.group, transport);
        if let Some(at_us) = due_us {
            self.alarms.set(at_us, Alarm::Watch(slot));
        }
        self.respond(now_us, key, StatusCode::OK, |response| {
            Dialog::copy_routes(request, response);
            response.headers.push(Name::Expires, HeaderValue::from(left_s));
            response.headers.push(Name::Contact, contact);
        });
    }

    fn way_of(&self, place: &Place) -> Option<Way> {
        match place {
            Place::Own { way, .. } => Some(*way),
            Place::Session(slot) => self.way_in(*slot),
        }
    }

    /// NOTIFY with the state.
    pub(super) fn tell_watcher(&mut self, now_us: i64, slot: Slot, document: Bytes) {
        if !self.notify_watcher(now_us, slot, Some(document)) {
            self.forget_watch(slot);
        }
    }

    /// There is nothing to hear any more.
    pub(super) fn watcher_done(&mut self, now_us: i64, slot: Slot) {
        let Some(watch) = self.conference.watches.get_mut(slot) else { return };
        if watch.notifier.step(NotifierTrigger::Gone).is_some() {
            self.notify_watcher(now_us, slot, None);
        }
        self.forget_watch(slot);
    }

    /// Whether it is over by itself.
    pub(in super::super) fn watch_due(&mut self, now_us: i64, slot: Slot) {
        let Some(watch) = self.conference.watches.get_mut(slot) else { return };
        match watch.notifier.due(now_us) {
            Some(NotifierDo::NotifyLast(_)) => {
                self.notify_watcher(now_us, slot, None);
                self.forget_watch(slot);
            }
            Some(NotifierDo::Notify) => {}
            None => {
                if let Some(at_us) = watch.notifier.next_us() {
                    self.alarms.set(at_us, Alarm::Watch(slot));
                }
            }
        }
    }

    /// Sends a NOTIFY; `false` when that was the last.
    fn notify_watcher(&mut self, now_us: i64, slot: Slot, document: Option<Bytes>) -> bool {
        let Some(watch) = self.conference.watches.get_mut(slot) else { return false };
        let stands = watch.notifier.state() != NotifierState::Terminated;
        let (state, event) = (watch.notifier.subscription_state(now_us), watch.event.clone());
        let group = watch.group.clone();
        let sent = match &mut watch.place {
            Place::Own { dialog, way } => {
                let way = *way;
                let request = dialog.request(Method::NOTIFY);
                let dialog = dialog.clone();
                request.map(|request| (self.toward(&way, &dialog, &request), request, way))
            }
            Place::Session(session) => {
                let session = *session;
                self.request_in(session, Method::NOTIFY)
            }
        };
        let Some((toward, mut request, way)) = sent else { return false };
        let headers = &mut request.headers;
        headers.push(Name::Event, event.as_str());
        headers.push(Name::SubscriptionState, state.to_string());
        headers.push(Name::Contact, self.contact_of_group(&group, way.flow.transport));
        if let Some(document) = document {
            headers.push(Name::ContentType, HeaderValue::from_static(mime::CONFERENCE_INFO));
            request.body = document;
        }
        let owner = if stands { Owner::Watcher(slot) } else { Owner::Nobody };
        self.send(now_us, toward, request, owner).is_ok() && stands
    }

    /// What came of a NOTIFY.
    pub(in super::super) fn watcher_heard(&mut self, slot: Slot, heard: &Heard) {
        let Some(watch) = self.conference.watches.get_mut(slot) else { return };
        let (status, again) = match heard {
            Heard::Answer(response) => (Some(response.status), response.headers.contains(Name::RetryAfter)),
            Heard::Silence | Heard::NotSent => (None, false),
        };
        watch.notifier.notified(status, again);
        if watch.notifier.state() == NotifierState::Terminated {
            self.forget_watch(slot);
        } else {
            let settings = self.settings.clone();
            self.focus.notified(&settings, slot.token());
        }
    }

    fn forget_watch(&mut self, slot: Slot) {
        let Some(watch) = self.conference.watches.remove(slot) else { return };
        match &watch.place {
            Place::Own { dialog, .. } => {
                self.conference.dialogs.remove(dialog.id());
            }
            Place::Session(session) => {
                self.conference.within.remove(session);
            }
        }
        self.focus.unwatched(slot.token());
    }

    /// The session of a member that a request names.
    fn session_of(&mut self, request: &Request) -> Option<Slot> {
        let slot = self.sessions.named(request)?;
        self.focus.at(Leg(slot.token())).map(|_| slot)
    }
}

/// Whether the subscriber takes the state as it is written.
fn takes_state(request: &Request) -> bool {
    let accept = request.headers.text(Name::Accept);
    accept.is_none_or(|accept| {
        accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim()).any(|range| {
            range.eq_ignore_ascii_case(mime::CONFERENCE_INFO)
                || range.eq_ignore_ascii_case("application/*")
                || range == "*/*"
        })
    })
}
