//! SIP transactions, dialogs, registrations and subscriptions as tables.
