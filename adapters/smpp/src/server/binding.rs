//! Binds: who is let in, and what they are told (SMPP 3.4 §4.1).

use std::sync::{Arc, atomic::Ordering};

use model::Timestamp;

use super::{
    Account,
    reader::{Connection, Goes},
};
use crate::{
    Frame, Version,
    pdu::{self, Bind, BindKind, BindResp},
    session::{BindRefusal, State},
    tlv::Leniency,
};

impl Connection<'_> {
    pub(super) async fn bind(&mut self, frame: &Frame<'_>, now: Timestamp) -> Goes {
        let (command, sequence) = (frame.header.command, frame.header.sequence);
        let Some(kind) = BindKind::of(command) else { return Goes::On };
        if self.server.failures.is_barred(self.peer.ip(), now) {
            self.server.watch.auth_failed();
            return Goes::Ends;
        }
        let result = match Bind::decode(frame.body, Leniency::Lenient) {
            Ok(bind) => self.admit(&bind),
            Err(error) => {
                pdu::answer(command, error.status, sequence, &mut self.replies);
                return self.strike(true);
            }
        };
        match result {
            Ok((account, id, version)) => {
                self.version.store(version.octet(), Ordering::Relaxed);
                let _first = self.account.set(account.clone());
                let ours = version.min(self.server.settings.version);
                let system_id = self.server.settings.system_id.as_bytes();
                let _fits =
                    BindResp::encode_accepted(system_id, kind, ours, version, sequence, &mut self.replies);
                // The answer goes out before anything is delivered on the new session.
                let _sent = self.flush().await;
                self.state = bound_as(kind);
                self.timers.bound(now.micros());
                self.bound = Some((account.clone(), id));
                self.follow();
                if kind.receives() {
                    account.receive(id);
                    account.announce().await;
                }
                Goes::On
            }
            Err(refusal) => {
                if refusal.is_delayed() {
                    self.server.failures.count(self.peer.ip(), now);
                    self.server.watch.auth_failed();
                    tokio::time::sleep(self.server.settings.refusal_delay).await;
                }
                let status = refusal.status(&self.server.settings.manners);
                pdu::answer(command, status, sequence, &mut self.replies);
                Goes::Ends
            }
        }
    }

    fn admit(&self, bind: &Bind<'_>) -> Result<(Arc<Account>, u64, Version), BindRefusal> {
        let account = self.server.account(bind.system_id).ok_or(BindRefusal::WrongSystemId)?;
        let settings = account.settings();
        if !(settings.allowed)(self.peer.ip()) {
            return Err(BindRefusal::WrongSystemId);
        }
        if !settings.password.accepts(bind.password) {
            return Err(BindRefusal::WrongPassword);
        }
        let types = &settings.system_types;
        if !types.is_empty() && !types.iter().any(|known| known.as_bytes() == bind.system_type) {
            return Err(BindRefusal::SystemType);
        }
        let version = Version::negotiate(
            settings.version_max.min(self.server.settings.version),
            Some(bind.interface_version),
        );
        let id = account.join(&self.posts, &self.ends).ok_or(BindRefusal::OverLimit)?;
        Ok((account, id, version))
    }
}

const fn bound_as(kind: BindKind) -> State {
    match kind {
        BindKind::Transmitter => State::BoundTx,
        BindKind::Receiver => State::BoundRx,
        BindKind::Transceiver => State::BoundTrx,
    }
}
