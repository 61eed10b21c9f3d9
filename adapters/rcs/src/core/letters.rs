//! Requests of ours that carry something to people (rcs sheet §2, §5).

use bytes::{BufMut, BytesMut};
use model::Address;
use sip_message::{HeaderValue, Method, Name, Request, Scheme, Uri, UriRef};
use sip_net::resolve::{Destination, Host};
use sip_rcs::Capabilities;
use sip_transaction::{Flow, Transport, location::Binding};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::{Core, sends::Toward, short::form_for};
use crate::translate::{Form, Letter, Line, Spelling, write_uri};

/// One device or network element that a message is aimed at.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) toward: Toward,
    /// The request line; `None` for the recipient's own URI.
    pub(super) uri: Option<Uri>,
    /// Route, ready to be written; empty without.
    pub(super) route: SmolStr,
    pub(super) spelling: Spelling,
    /// The device, when it is registered here.
    pub(super) device: Option<u64>,
    pub(super) capabilities: Capabilities,
    pub(super) form: Form,
    /// By MESSAGE, although there is a session: it did not come through that.
    pub(super) paged: bool,
}

impl Aim {
    /// Whether a network takes it, and not a device: headers may be said that stay within networks.
    pub(super) const fn is_network(&self) -> bool {
        self.device.is_none()
    }
}

/// Room for the values of one request that differ from request to request.
const VALUES_OCTETS: usize = 256;
/// What a MESSAGE is for: the service of CPM (rcs sheet §1.2).
const SERVICE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
const ACCEPT_CONTACT: &str = "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";

impl Core {
    /// The devices of somebody that are registered here, best first.
    pub(super) fn devices_of(&self, now_us: i64, line: &Line) -> SmallVec<[Aim; 1]> {
        let bindings = self.location.lookup(now_us, line.as_str());
        bindings.filter_map(|binding| self.aim_at(binding)).collect()
    }

    /// Whoever a message to somebody is aimed at while he is reached here: his devices, or the core that serves him.
    pub(super) fn aims(&self, now_us: i64, line: &Line) -> SmallVec<[Aim; 1]> {
        let mut aims = self.devices_of(now_us, line);
        if aims.is_empty() {
            aims.extend(self.served_aim(line));
        }
        aims
    }

    /// Onward through the core that called us.
    pub(super) fn onward(&self, route: &str, capabilities: Capabilities, form: Form) -> Option<Aim> {
        let first = first_route(route)?;
        Some(Aim {
            toward: Toward::Destination(destination(&Uri::new(&first).ok()?)?),
            uri: None,
            route: route.into(),
            spelling: Spelling::Tel,
            device: None,
            capabilities,
            form,
            paged: false,
        })
    }

    fn aim_at(&self, binding: &Binding) -> Option<Aim> {
        let uri = Uri::new(binding.uri()).ok()?;
        let toward = match first_route(binding.path()) {
            Some(route) => Toward::Destination(destination(&Uri::new(&route).ok()?)?),
            None => self.toward_device(binding, &uri)?,
        };
        let device = self.devices.get(&binding.number);
        Some(Aim {
            toward,
            uri: Some(uri),
            route: binding.path().into(),
            spelling: Spelling::Sip,
            device: Some(binding.number),
            capabilities: device.map_or(Capabilities::NONE, |device| device.capabilities),
            form: device.map_or(Form::Cpim, |device| form_for(device.form, device.capabilities)),
            paged: false,
        })
    }

    /// Over the connection that the device opened, while it stands (RFC 5626 §5.3). A datagram goes to where the
    /// registration came from, for a device behind a NAT does not know its own address; but a device that names
    /// the address it came from listens at the port it names.
    fn toward_device(&self, binding: &Binding, uri: &Uri) -> Option<Toward> {
        let named = || destination(uri).map(Toward::Destination);
        let Some(flow) = binding.flow else { return named() };
        match flow.transport {
            Transport::Tcp | Transport::Tls if self.ways.is_open(flow) => Some(Toward::Flow(flow)),
            Transport::Tcp | Transport::Tls => named(),
            Transport::Udp if is_at(uri, flow) => named(),
            Transport::Udp => Some(Toward::Flow(flow)),
        }
    }

    /// The network beyond us.
    pub(super) fn next_hop(&self) -> Option<Aim> {
        let hop = self.settings.next_hop.as_ref()?;
        let route =
            if hop.params().has("lr") { smol_str::format_smolstr!("<{hop}>") } else { SmolStr::default() };
        Some(Aim {
            toward: Toward::Destination(destination(hop)?),
            uri: None,
            route,
            spelling: Spelling::Tel,
            device: None,
            capabilities: Capabilities::NONE,
            form: Form::Cpim,
            paged: false,
        })
    }

    /// A MESSAGE with that body. `more` are headers of the occasion.
    pub(super) fn compose(
        &mut self,
        aim: &Aim,
        from: &Address,
        to: &Address,
        letter: &Letter,
        more: &[(Name, HeaderValue)],
    ) -> Request {
        let domain = self.settings.domain.clone();
        let tag = self.draw.text();
        // One piece of memory for all values: From with its tag, whose beginning is what we assert, then To.
        let mut text = BytesMut::with_capacity(VALUES_OCTETS);
        let enclosed = |text: &mut BytesMut, address: &Address| {
            text.put_u8(b'<');
            // Writing into memory does not fail.
            let _written = write_uri(text, address, &domain, aim.spelling);
            text.put_u8(b'>');
            text.len()
        };
        let asserted = enclosed(&mut text, from);
        text.put_slice(b";tag=");
        text.put_slice(tag.as_bytes());
        let from = text.split().freeze();
        let asserted = from.slice(..asserted);
        enclosed(&mut text, to);
        let to = text.split().freeze();
        let uri = aim.uri.clone().or_else(|| {
            let uri = to.get(1..to.len().saturating_sub(1))?;
            UriRef::parse(uri).ok().map(UriRef::to_uri)
        });
        // What we write ourselves is a URI.
        let uri = uri.unwrap_or_else(|| ours(&domain));
        let mut request = Request::builder(Method::MESSAGE, uri)
            .header(Name::From, from)
            .header(Name::To, to)
            .header(Name::PAssertedIdentity, asserted)
            .header(Name::AcceptContact, HeaderValue::from_static(ACCEPT_CONTACT));
        if aim.is_network() {
            // Stays within the network (RFC 6050 §4.1).
            request = request.header(Name::PAssertedService, HeaderValue::from_static(SERVICE));
        }
        if let Some(application) = letter.application {
            request = request.header(
                Name::AcceptContact,
                format_args!(
                    "*;+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.{application}\";require;explicit"
                ),
            );
        }
        if !aim.route.is_empty() {
            request = request.header(Name::Route, aim.route.as_str());
        }
        for (name, value) in more {
            request = request.header(name.clone(), value.clone());
        }
        request.body(letter.content_type, letter.body.clone()).build()
    }
}

/// The URI of ourselves, for what has none.
pub(super) fn ours(domain: &str) -> Uri {
    let uri = Uri::new(&format!("sip:{domain}")).or_else(|_| Uri::new("sip:invalid.invalid"));
    match uri {
        Ok(uri) => uri,
        Err(_) => unreachable!("a constant that is a URI"),
    }
}

/// Whether the URI names the address that the flow leads to.
pub(super) fn is_at(uri: &Uri, flow: Flow) -> bool {
    let transport_fits = uri.params().get("transport").is_none_or(|text| text.eq_ignore_ascii_case("udp"));
    transport_fits
        && uri.scheme() == Scheme::Sip
        && uri.host().and_then(|host| host.ip()) == Some(flow.remote.ip().to_canonical())
}

/// The URI of the topmost entry of a Path.
fn first_route(path: &str) -> Option<String> {
    let first = sip_message::List::new(path.as_bytes()).next()?;
    let address = sip_message::NameAddr::parse(first).ok()?;
    Some(address.uri.as_str().to_owned())
}

/// Where requests to a URI go (RFC 3263 §4); `None` for URIs that lead nowhere.
pub(super) fn destination(uri: &Uri) -> Option<Destination> {
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return None;
    }
    let params = uri.params();
    let host = params.get("maddr").unwrap_or_else(|| uri.host_text());
    let transport = match params.get("transport") {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("udp") => Some(Transport::Udp),
        Some(text) if text.eq_ignore_ascii_case("tcp") => Some(Transport::Tcp),
        Some(text) if text.eq_ignore_ascii_case("tls") => Some(Transport::Tls),
        Some(_) => return None,
    };
    Some(Destination {
        host: Host::parse(host)?,
        port: uri.port(),
        transport,
        secure: uri.scheme() == Scheme::Sips || transport == Some(Transport::Tls),
    })
}
