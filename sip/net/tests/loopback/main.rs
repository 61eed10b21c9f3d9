//! Real sockets on this machine: datagrams of both families, connections, TLS, bounds and overload.

#[cfg(test)]
mod datagrams;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod names;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod world;
