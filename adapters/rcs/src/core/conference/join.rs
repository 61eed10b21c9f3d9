//! INVITE to the conference factory or to a group (rcs sheet §10.1, §10.3).

use bytes::Bytes;
use sip_message::{Name, Request, StatusCode, Uri};
use sip_rcs::{Private, lists};
use smol_str::SmolStr;

use super::{
    super::{
        Core,
        group::{Creation, Leg, Person, Refused},
        slots::Slot,
    },
    Room,
};
use crate::translate::{Id, Line, number_of};

/// Octets of a display name that is kept.
const DISPLAY_OCTETS_MAX: usize = 128;

impl Core {
    /// Somebody creates a group or comes back to one; the session is there and not answered yet.
    pub(in super::super) fn join(
        &mut self,
        now_us: i64,
        slot: Slot,
        room: &Room,
        request: &Request,
        list: Option<&Bytes>,
    ) {
        let settings = self.settings.clone();
        let Some(line) = self.user_of(slot) else { return };
        let display = request.from().and_then(|from| from.display().map(|name| display(&name)));
        let person = Person { line, display: display.filter(|name| !name.is_empty()).map(Private) };
        let leg = Leg(slot.token());
        let entered = match room {
            Room::Group(id) => self.focus.rejoin(now_us, &settings, id, &person, leg),
            Room::Factory => self.create(now_us, person, leg, request, list),
        };
        match entered {
            Ok(()) => self.accept(now_us, slot),
            Err(refused) => {
                if let Some(key) = self.withdraw(now_us, slot) {
                    self.refuse_for_group(now_us, key, refused);
                }
            }
        }
    }

    fn create(
        &mut self,
        now_us: i64,
        creator: Person,
        leg: Leg,
        request: &Request,
        list: Option<&Bytes>,
    ) -> Result<(), Refused> {
        let settings = self.settings.clone();
        let entries = match list {
            Some(list) => {
                lists::read(list).map_err(|_unreadable| Refused::plainly(StatusCode::BAD_REQUEST))?
            }
            None => Vec::new(),
        };
        let members = entries.iter().filter_map(|entry| {
            let name = entry.display.as_ref().map(|name| display(name));
            self.person(&entry.target().0, name)
        });
        let members = members.collect();
        // A client that names neither gets names of ours: its group cannot be created again when it is lost.
        let own = self.draw.next();
        let named = |name| request.headers.text(name).map(str::to_owned);
        let contribution = named(Name::ContributionId).unwrap_or_else(|| Id::Uuid(own).to_string());
        let conversation = named(Name::ConversationId).unwrap_or_else(|| Id::Uuid(own).to_string());
        let creation = Creation {
            creator,
            leg,
            contribution: &contribution,
            conversation: &conversation,
            subject: request.headers.text(Name::Subject),
            members,
        };
        self.focus.create(now_us, &settings, creation).map(|_id| ())
    }

    /// Somebody on a list or in a Refer-To; `None` for whoever has no number.
    pub(super) fn person(&self, uri: &str, name: Option<SmolStr>) -> Option<Person> {
        let number = number_of(&Uri::new(uri).ok()?)?;
        let line = Line::of(&number, &self.settings.numbering);
        Some(Person { line, display: name.filter(|name| !name.is_empty()).map(Private) })
    }
}

/// Of one line, and not longer than a name is.
fn display(name: &str) -> SmolStr {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).collect();
    let end = name.floor_char_boundary(DISPLAY_OCTETS_MAX.min(name.len()));
    name.get(..end).unwrap_or_default().into()
}
