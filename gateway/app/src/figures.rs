//! What the RCS half counts for itself, as metrics: looked at once a second, never on the path of a message.

use std::{sync::Arc, time::Duration};

use monitoring::{
    ConnectionEvent, Direction, KeepAlive, ParseError, Protocol, RcsMessage, RcsOddity, RcsProof, RcsSession,
    Registry, SipRefusal, SipSending, SipTransport, Standing, Total, Wire,
};
use rcs::{Rcs, core::Counts};
use sip_net::{Counters, Endpoint, msrp};
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where the figures are.
pub(crate) struct Sources {
    pub(crate) channel: Arc<Rcs>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) media: Option<msrp::Connections>,
}

/// A counter, and where its number is.
type Row<T> = (Total, fn(&T) -> u64);

const CHANNEL: &[Row<Counts>] = &[
    (Total::RcsMessages(RcsMessage::Submitted), |counts| counts.submissions),
    (Total::RcsMessages(RcsMessage::Refused), |counts| counts.refused),
    (Total::RcsMessages(RcsMessage::Repeated), |counts| counts.repeated),
    (Total::RcsMessages(RcsMessage::Looped), |counts| counts.loops),
    (Total::RcsMessages(RcsMessage::Late), |counts| counts.late),
    (Total::RcsMessages(RcsMessage::SessionIn), |counts| counts.said),
    (Total::RcsMessages(RcsMessage::SessionOut), |counts| counts.spoken),
    (Total::RcsMessages(RcsMessage::SentAsPlain), |counts| counts.sent_as_plain),
    (Total::RcsSessions(RcsSession::Invited), |counts| counts.invited),
    (Total::RcsSessions(RcsSession::Established), |counts| counts.sessions),
    (Total::RcsSessions(RcsSession::Refused), |counts| counts.sessions_refused),
    (Total::RcsRegistrations, |counts| counts.registrations),
    (Total::RcsProofs(RcsProof::Challenged), |counts| counts.challenges),
    (Total::RcsProofs(RcsProof::Wrong), |counts| counts.wrong),
    (Total::RcsProofs(RcsProof::AssertionDropped), |counts| counts.asserted_dropped),
    (Total::RcsOddities(RcsOddity::Objection), |counts| counts.objections),
    (Total::RcsOddities(RcsOddity::Orphan), |counts| counts.orphans),
    (Total::RcsOddities(RcsOddity::Uneventful), |counts| counts.uneventful),
    (Total::RcsOddities(RcsOddity::PlainLearnt), |counts| counts.plain_learnt),
];

const SIP: &[Row<Counters>] = &[
    (Total::SipMessages(SipTransport::Datagram, Direction::In), |sip| sip.datagrams_in.get()),
    (Total::SipMessages(SipTransport::Datagram, Direction::Out), |sip| sip.datagrams_out.get()),
    (Total::SipMessages(SipTransport::Stream, Direction::In), |sip| sip.stream_messages_in.get()),
    (Total::SipMessages(SipTransport::Stream, Direction::Out), |sip| sip.stream_messages_out.get()),
    (Total::Malformed(Protocol::Sip, ParseError::Framing), |sip| sip.unreadable.get()),
    (Total::Malformed(Protocol::Sip, ParseError::Value), |sip| sip.refused.get()),
    (Total::SipRefused(SipRefusal::Overloaded), |sip| sip.overloaded.get()),
    (Total::SipRefused(SipRefusal::Throttled), |sip| sip.throttled.get()),
    (Total::SipRefused(SipRefusal::ThrottledDropped), |sip| sip.throttled_dropped.get()),
    (Total::SipRefused(SipRefusal::Dropped), |sip| sip.dropped.get()),
    (Total::SipSending(SipSending::Waited), |sip| sip.send_waited.get()),
    (Total::SipSending(SipSending::Dropped), |sip| sip.send_dropped.get()),
    (Total::SipSending(SipSending::Failed), |sip| sip.send_failed.get()),
    (Total::SipSending(SipSending::Lost), |sip| sip.send_lost.get()),
    (Total::SipKeepAlives(KeepAlive::Ping), |sip| sip.pings.get()),
    (Total::SipKeepAlives(KeepAlive::Noise), |sip| sip.noise.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::Accepted), |sip| sip.accepted.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::TurnedAway), |sip| sip.turned_away.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::Dialled), |sip| sip.dialled.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::DialFailed), |sip| sip.dial_failed.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::HandshakeFailed), |sip| sip.handshake_failed.get()),
    (Total::Connections(Wire::Sip, ConnectionEvent::Offended), |sip| sip.offended.get()),
];

const MSRP: &[Row<msrp::Numbers>] = &[
    (Total::Malformed(Protocol::Msrp, ParseError::Framing), |msrp| msrp.broken.get()),
    (Total::MsrpFrames, |msrp| msrp.frames_in.get()),
    (Total::MsrpOctets(Direction::In), |msrp| msrp.octets_in.get()),
    (Total::MsrpOctets(Direction::Out), |msrp| msrp.octets_out.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::Accepted), |msrp| msrp.accepted.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::TurnedAway), |msrp| msrp.turned_away.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::Dialled), |msrp| msrp.dialled.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::DialFailed), |msrp| msrp.dial_failed.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::HandshakeFailed), |msrp| msrp.handshake_failed.get()),
    (Total::Connections(Wire::Msrp, ConnectionEvent::Offended), |msrp| msrp.broken.get() + msrp.slow.get()),
];

/// Until told to stop, or the channel has ended.
pub(crate) async fn run(sources: Sources, registry: Arc<Registry>, stop: CancellationToken) {
    loop {
        tokio::select! {
            figures = sources.channel.figures() => match figures {
                Some((counts, standing)) => tell(&registry, &sources, &counts, standing),
                None => return,
            },
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn tell(registry: &Registry, sources: &Sources, counts: &Counts, standing: rcs::core::Standing) {
    for (total, of) in CHANNEL {
        registry.total(*total, of(counts));
    }
    for (what, now) in [
        (Standing::RcsUsers, standing.users),
        (Standing::RcsDevices, standing.devices),
        (Standing::RcsSessions, standing.sessions),
    ] {
        registry.standing(what, u64::try_from(now).unwrap_or(u64::MAX));
    }
    let sip = sources.endpoint.counters();
    for (total, of) in SIP {
        registry.total(*total, of(sip));
    }
    registry.standing(Standing::Connections(Wire::Sip), sip.connections.get());
    if let Some(media) = &sources.media {
        let numbers = media.numbers();
        for (total, of) in MSRP {
            registry.total(*total, of(numbers));
        }
        registry.standing(Standing::Connections(Wire::Msrp), numbers.standing.get());
    }
}
