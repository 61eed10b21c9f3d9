//! Asking about, cancelling and replacing a submitted message (SMPP 3.4 §4.8–4.10).

use crate::limits::{ADDRESS, MESSAGE_ID, SERVICE_TYPE, TIME};

body! {
    /// `query_sm`.
    pub struct QuerySm as request QuerySm {
        /// Which message.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// Its sender; must match.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// TLVs, of which the standard lists none.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// The response to `query_sm`. On an error write [`answer`](crate::pdu::answer) instead.
    pub struct QuerySmResp as response QuerySmResp {
        /// Which message.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// When it became final; empty while it is not.
        final_date: text("final_date", TIME, RINVEXPIRY),
        /// A message state.
        message_state: octet("message_state"),
        /// The network's cause, 0 when there is none.
        error_code: octet("error_code"),
        /// `congestion_state` in 5.0.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// `cancel_sm`: one message by id, or with an empty id all that match the addresses.
    pub struct CancelSm as request CancelSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// Which message.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// From.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// To.
        destination: addr("destination_addr", ADDRESS, RINVDSTADR),
        /// TLVs, of which the standard lists none.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// `replace_sm`: new text and times for a pending message.
    pub struct ReplaceSm as request ReplaceSm {
        /// Which message.
        message_id: text("message_id", MESSAGE_ID, RINVMSGID),
        /// Its sender; must match.
        source: addr("source_addr", ADDRESS, RINVSRCADR),
        /// Empty keeps the stored time.
        schedule_delivery_time: text("schedule_delivery_time", TIME, RINVSCHED),
        /// Empty keeps the stored time.
        validity_period: text("validity_period", TIME, RINVEXPIRY),
        /// Receipts asked for.
        registered_delivery: registered("registered_delivery"),
        /// Predefined message.
        sm_default_msg_id: octet("sm_default_msg_id"),
        /// The new user data.
        short_message: message("short_message"),
        /// 5.0: `message_payload`.
        tlvs: tlvs("tlvs"),
    }
}
