//! `submit_sm` (SMPP 3.4 §4.4).

use crate::limits::{ADDRESS, MESSAGE_ID, SERVICE_TYPE, TIME};

body! {
    /// `submit_sm`: an ESME hands over a message.
    pub struct SubmitSm as request SubmitSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// From.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// To.
        destination: addr("destination_addr", ADDRESS, RINVDSTADR),
        /// Mode, kind and header flag.
        esm_class: esm_class("esm_class"),
        /// TP-PID.
        protocol_id: octet("protocol_id"),
        /// 0–3.
        priority_flag: octet("priority_flag"),
        /// When to deliver; empty is now.
        schedule_delivery_time: text("schedule_delivery_time", TIME, RINVSCHED),
        /// Until when; empty is the default of the message centre.
        validity_period: text("validity_period", TIME, RINVEXPIRY),
        /// Receipts asked for.
        registered_delivery: registered("registered_delivery"),
        /// 1 replaces a pending message.
        replace_if_present_flag: octet("replace_if_present_flag"),
        /// Alphabet.
        data_coding: octet("data_coding"),
        /// Predefined message.
        sm_default_msg_id: octet("sm_default_msg_id"),
        /// The user data, unless it is in `message_payload`.
        short_message: message("short_message"),
        /// TLVs.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// The response to `submit_sm`.
    pub struct SubmitSmResp as response SubmitSmResp {
        /// `None` when there is no body, or one without a NUL; `Some` may be empty.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// `congestion_state`, and more in 5.0.
        tlvs: tlvs("tlvs"),
    }
}

impl<'a> SubmitSmResp<'a> {
    /// The id to match receipts with; `None` means accepted, but no receipt can be matched.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.message_id.filter(|id| !id.is_empty())
    }
}
