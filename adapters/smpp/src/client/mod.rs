//! We bind to SMSCs.
