//! The RCS channel: messages, sessions, receipts, capabilities, SMS over IMS.
