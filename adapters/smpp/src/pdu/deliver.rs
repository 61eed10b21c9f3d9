//! `deliver_sm` (SMPP 3.4 §4.6).

use crate::limits::{ADDRESS, MESSAGE_ID, SERVICE_TYPE, TIME};

body! {
    /// `deliver_sm`: a message centre hands over a message or a receipt.
    pub struct DeliverSm as request DeliverSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// From.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// To.
        destination: addr("destination_addr", ADDRESS, RINVDSTADR),
        /// Kind and header flag.
        esm_class: esm_class("esm_class"),
        /// TP-PID.
        protocol_id: octet("protocol_id"),
        /// 0–3.
        priority_flag: octet("priority_flag"),
        /// Unused: empty.
        schedule_delivery_time: text("schedule_delivery_time", TIME, RINVSCHED),
        /// Unused: empty.
        validity_period: text("validity_period", TIME, RINVEXPIRY),
        /// Acknowledgements asked for.
        registered_delivery: registered("registered_delivery"),
        /// Unused: 0.
        replace_if_present_flag: octet("replace_if_present_flag"),
        /// Alphabet.
        data_coding: octet("data_coding"),
        /// Unused: 0.
        sm_default_msg_id: octet("sm_default_msg_id"),
        /// The user data, unless it is in `message_payload`.
        short_message: message("short_message"),
        /// TLVs.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// The response to `deliver_sm`.
    pub struct DeliverSmResp as response DeliverSmResp {
        /// Unused: one NUL, so `Some(b"")` when we write it.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// 5.0: `delivery_failure_reason`, `network_error_code`, `additional_status_info_text`.
        tlvs: tlvs("tlvs"),
    }
}
