//! A simulated messenger: its server posts what its users write and fetches what comes back.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use miette::IntoDiagnostic;
use serde_json::{Value, json};
use tokio::{net::TcpStream, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::command::demo::Seen;

/// Events in one post.
const BATCH: u64 = 50;

pub(crate) struct Messenger {
    tasks: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Messenger {
    /// Writes `messages` messages as fast as they are taken, or endlessly at `rate`, and reads what comes back.
    pub(crate) fn start(gateway: SocketAddr, seen: Arc<Seen>, messages: Option<u64>, rate: u64) -> Self {
        let stop = CancellationToken::new();
        let writing = tokio::spawn(until(stop.clone(), write(gateway, seen.clone(), messages, rate)));
        let reading = tokio::spawn(until(stop.clone(), read(gateway, seen)));
        Self { tasks: vec![writing, reading], stop }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            let _ended = task.await;
        }
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = miette::Result<()>>) {
    tokio::select! {
        result = work => {
            if let Err(error) = result {
                tracing::error!(%error, "the simulated messenger stopped");
            }
        }
        () = stop.cancelled() => {}
    }
}

async fn write(gateway: SocketAddr, seen: Arc<Seen>, messages: Option<u64>, rate: u64) -> miette::Result<()> {
    let mut connection = connect(gateway).await?;
    let pause = Duration::from_secs_f64(BATCH as f64 / rate.max(1) as f64);
    let mut ticks = tokio::time::interval(pause);
    let mut written = 0;
    while messages.is_none_or(|messages| written < messages) {
        if messages.is_none() {
            ticks.tick().await;
        }
        let count = messages.map_or(BATCH, |messages| (messages - written).min(BATCH));
        let events: Vec<Value> = (written..written + count).map(event).collect();
        let (status, body) =
            call(&mut connection, Method::POST, "/omf/v1/events", Some(json!({ "events": events }))).await?;
        if status != 200 {
            // The gateway is busy: the same events again, a moment later; their ids keep them single.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        let taken = |state: &str| {
            body["results"].as_array().into_iter().flatten().filter(|result| result["st"] == state).count()
                as u64
        };
        seen.accepted.fetch_add(taken("accepted"), Ordering::Relaxed);
        seen.refused.fetch_add(taken("rejected"), Ordering::Relaxed);
        written += count;
    }
    Ok(())
}

fn event(number: u64) -> Value {
    json!({
        "id": format!("demo-{number}"),
        "kind": "text",
        "from": { "usr": format!("u{}", number % 50) },
        "to": [{ "tel": format!("+8210{:08}", 11_110_000 + number % 10_000) }],
        "body": { "text": format!("안녕하세요 {number}") },
        "want": ["delivered"],
    })
}

async fn read(gateway: SocketAddr, seen: Arc<Seen>) -> miette::Result<()> {
    let mut connection = connect(gateway).await?;
    let mut cursor = String::new();
    loop {
        let path = format!(
            "/omf/v1/events?limit=100&wait_s=1{}",
            if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") }
        );
        let (status, page) = call(&mut connection, Method::GET, &path, None).await?;
        if status != 200 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        }
        let events = page["events"].as_array().cloned().unwrap_or_default();
        if let Some(next) = page["next"].as_str() {
            next.clone_into(&mut cursor);
        }
        if events.is_empty() {
            continue;
        }
        let of = |kind: &str| events.iter().filter(|event| event["kind"] == kind).count() as u64;
        call(&mut connection, Method::POST, "/omf/v1/acks", Some(json!({ "cursor": cursor }))).await?;
        seen.replies.fetch_add(of("text"), Ordering::Relaxed);
        seen.receipts.fetch_add(events.len() as u64 - of("text"), Ordering::Relaxed);
    }
}

async fn connect(gateway: SocketAddr) -> miette::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(gateway).await.into_diagnostic()?;
    stream.set_nodelay(true).into_diagnostic()?;
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.into_diagnostic()?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn call(
    connection: &mut SendRequest<Full<Bytes>>,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> miette::Result<(u16, Value)> {
    connection.ready().await.into_diagnostic()?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "gateway")
        .header("authorization", "Bearer demo")
        .header("content-type", "application/json")
        .body(Full::new(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default()))
        .into_diagnostic()?;
    let response = connection.send_request(request).await.into_diagnostic()?;
    let status = response.status().as_u16();
    let octets = response.into_body().collect().await.into_diagnostic()?.to_bytes();
    Ok((status, serde_json::from_slice(&octets).unwrap_or(Value::Null)))
}
