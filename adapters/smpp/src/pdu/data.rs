//! `data_sm`, whose text is only ever in `message_payload` (SMPP 3.4 §4.7).

use crate::limits::{LONG_ADDRESS, MESSAGE_ID, SERVICE_TYPE};

body! {
    /// `data_sm`, in either direction.
    pub struct DataSm as request DataSm {
        /// Teleservice, usually empty.
        service_type: text("service_type", SERVICE_TYPE, RINVSERTYP),
        /// From; write at most 20 octets, accept 64.
        source: addr("source_addr", LONG_ADDRESS, RINVSRCADR),
        /// To; write at most 20 octets, accept 64.
        destination: addr("destination_addr", LONG_ADDRESS, RINVDSTADR),
        /// Mode, kind and header flag.
        esm_class: esm_class("esm_class"),
        /// Receipts asked for.
        registered_delivery: registered("registered_delivery"),
        /// Alphabet.
        data_coding: octet("data_coding"),
        /// TLVs, `message_payload` among them.
        tlvs: tlvs("tlvs"),
    }
}

body! {
    /// The response to `data_sm`.
    pub struct DataSmResp as response DataSmResp {
        /// `None` when there is no body, or one without a NUL; `Some` may be empty.
        message_id: optional_text("message_id", MESSAGE_ID),
        /// `delivery_failure_reason`, `network_error_code`, `dpf_result`, …
        tlvs: tlvs("tlvs"),
    }
}

impl<'a> DataSmResp<'a> {
    /// The id to match receipts with.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.message_id.filter(|id| !id.is_empty())
    }
}
