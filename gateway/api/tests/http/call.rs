//! Calling the API, and reading what it answers.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One HTTP call on a connection of its own.
pub(crate) struct Call(http::request::Builder, Bytes);

impl Call {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let method: Method = method.parse().unwrap();
        Self(Request::builder().method(method).uri(path).header("host", "gw.test"), Bytes::new())
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value), self.1)
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        Self(self.0, body.into())
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.header("content-type", "application/json").body(body.to_owned())
    }

    pub(crate) fn ndjson(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/x-ndjson").body(body)
    }

    pub(crate) async fn send(self, to: SocketAddr) -> Reply {
        let stream = TcpStream::connect(to).await.unwrap();
        self.send_over(stream).await
    }

    pub(crate) async fn send_over(
        self,
        stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    ) -> Reply {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driven = tokio::spawn(connection);
        let response = sender.send_request(self.0.body(Full::new(self.1)).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(sender);
        driven.abort();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem of this kind, well formed, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> serde_json::Value {
        assert_eq!(self.status, status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["type"], format!("urn:gateway:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string());
        problem
    }
}
