//! A messenger's server: hands each call to the test and answers what the test says.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

/// One call, waiting for its answer.
pub(super) struct Call {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    answer: oneshot::Sender<Response>,
}

pub(super) struct Server {
    pub(super) url: String,
    calls: mpsc::UnboundedReceiver<Call>,
    peers: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

#[derive(Clone)]
struct Desk {
    calls: mpsc::UnboundedSender<Call>,
    peers: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener)
    }

    pub(super) fn on(listener: TcpListener) -> Self {
        let url = format!("http://{}/omf/v1/events", listener.local_addr().unwrap());
        let (sender, calls) = mpsc::unbounded_channel();
        let peers = Arc::<Mutex<BTreeSet<SocketAddr>>>::default();
        let desk = Desk { calls: sender, peers: peers.clone() };
        let router = Router::new().fallback(receive).with_state(desk);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, calls, peers }
    }

    pub(super) async fn call(&mut self) -> Call {
        self.calls.recv().await.unwrap()
    }

    /// Takes everything in the next call.
    pub(super) async fn accept(&mut self) -> Vec<String> {
        let call = self.call().await;
        let ids = call.ids();
        call.accept();
        ids
    }

    /// Calls that were made and not looked at.
    pub(super) fn waiting(&mut self) -> usize {
        self.calls.len()
    }

    pub(super) fn connections(&self) -> usize {
        self.peers.lock().unwrap().len()
    }
}

async fn receive(
    State(desk): State<Desk>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    desk.peers.lock().unwrap().insert(peer);
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (answer, answered) = oneshot::channel();
    desk.calls.send(Call { headers: head.headers, body, answer }).ok();
    match answered.await {
        Ok(response) => response,
        // The test forgot the call on purpose: no answer ever comes.
        Err(_) => std::future::pending().await,
    }
}

impl Call {
    pub(super) fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        body["events"].as_array().unwrap().clone()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.events().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(super) fn answer(self, response: http::response::Builder, body: impl Into<Body>) {
        self.answer.send(response.body(body.into()).unwrap()).ok();
    }

    pub(super) fn status(self, status: u16) {
        self.answer(Response::builder().status(status), "{}");
    }

    pub(super) fn accept(self) {
        let results: Vec<_> =
            self.ids().into_iter().map(|id| serde_json::json!({"id": id, "st": "accepted"})).collect();
        self.answer(Response::builder(), serde_json::json!({"results": results}).to_string());
    }
}
