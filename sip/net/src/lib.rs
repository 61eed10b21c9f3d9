//! SIP and MSRP on sockets: UDP, TCP, TLS and DNS.
