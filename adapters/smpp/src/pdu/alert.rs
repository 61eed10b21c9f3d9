//! `alert_notification`: a handset can be reached again (SMPP 3.4 §4.12).

use crate::limits::LONG_ADDRESS;

body! {
    /// `alert_notification`. Never answered.
    pub struct AlertNotification as request AlertNotification {
        /// The handset.
        source: addr("source_addr", LONG_ADDRESS, RINVSRCADR),
        /// Whoever asked for the alert.
        esme: addr("esme_addr", LONG_ADDRESS, RINVDSTADR),
        /// `ms_availability_status`.
        tlvs: tlvs("tlvs"),
    }
}
