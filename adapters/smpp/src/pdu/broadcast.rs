//! Cell broadcast (SMPP 5.0 §4.4). Only peers that said 5.0 are sent these.

use crate::limits::{ADDRESS, MESSAGE_ID, SERVICE_TYPE, TIME};
use crate::pdu::DecodeError;
use crate::tlv::Tag;

body! {
    /// `broadcast_sm`; its text is in `message_payload`.
    pub struct BroadcastSm as request BroadcastSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// From.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// Set only to replace an earlier broadcast.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// 0–3.
        priority_flag: octet("priority_flag"),
        /// When to start; empty is now.
        schedule_delivery_time: text("schedule_delivery_time", TIME, RINVSCHED),
        /// Until when; empty is the default of the message centre.
        validity_period: text("validity_period", TIME, RINVEXPIRY),
        /// 1 replaces a pending broadcast.
        replace_if_present_flag: octet("replace_if_present_flag"),
        /// Alphabet.
        data_coding: octet("data_coding"),
        /// Predefined message.
        sm_default_msg_id: octet("sm_default_msg_id"),
        /// Areas, content type, repetitions and interval among them.
        tlvs: tlvs("tlvs"),
    }
}

impl BroadcastSm<'_> {
    /// Are the four mandatory TLVs there?
    pub fn check_mandatory(&self) -> Result<(), DecodeError> {
        self.tlvs.require(Tag::BROADCAST_AREA_IDENTIFIER)?;
        self.tlvs.require(Tag::BROADCAST_CONTENT_TYPE)?;
        self.tlvs.fixed::<3>(Tag::BROADCAST_CONTENT_TYPE)?;
        self.tlvs.require(Tag::BROADCAST_REP_NUM)?;
        self.tlvs.word(Tag::BROADCAST_REP_NUM)?;
        self.tlvs.require(Tag::BROADCAST_FREQUENCY_INTERVAL)?;
        self.tlvs.fixed::<3>(Tag::BROADCAST_FREQUENCY_INTERVAL)?;
        Ok(())
    }
}

body! {
    /// The response to `broadcast_sm`.
    pub struct BroadcastSmResp as response BroadcastSmResp {
        /// `None` when there is no body, or one without a NUL; `Some` may be empty.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// `broadcast_error_status`, and the areas that failed.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// `query_broadcast_sm`.
    pub struct QueryBroadcastSm as request QueryBroadcastSm {
        /// Which broadcast.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// Its sender; must match.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// `user_message_reference`.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// The response to `query_broadcast_sm`.
    pub struct QueryBroadcastSmResp as response QueryBroadcastSmResp {
        /// `None` when there is no body, or one without a NUL; `Some` may be empty.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// `message_state`, and areas paired with their success.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// `cancel_broadcast_sm`.
    pub struct CancelBroadcastSm as request CancelBroadcastSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// Which broadcast; empty is all that match.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// Its sender; must match.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// `broadcast_content_type`, `user_message_reference`.
        tlvs: tlvs("tlvs"),
    }
}
