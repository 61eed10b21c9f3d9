//! A content server that holds one file (RCC.07 §3.2.5.3): an empty POST, a POST with the file, a GET. It proves the
//! phones; the gateway has a real one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

pub(crate) struct ContentServer {
    address: SocketAddr,
}

impl ContentServer {
    /// Listens until the test ends.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
        let address = listener.local_addr().expect("it listens");
        let file = Arc::new(Mutex::new(Vec::new()));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let file = file.clone();
                thread::spawn(move || while answer(&stream, address, &file).is_some() {});
            }
        });
        Self { address }
    }

    pub(crate) fn upload_url(&self) -> String {
        format!("http://{}/upload", self.address)
    }
}

/// Answers one request; nothing when there is none.
fn answer(stream: &TcpStream, address: SocketAddr, file: &Mutex<Vec<u8>>) -> Option<()> {
    let mut input = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if input.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    // liblinphone's first POST has neither a body nor a length.
    let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
    input.read_exact(&mut body).ok()?;
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, content) = if head.starts_with("GET ") {
        ("200 OK", file.clone())
    } else if body.is_empty() {
        ("204 No Content", Vec::new())
    } else {
        *file = part(&body)?;
        let told = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\">\
             <file-info type=\"file\"><file-size>{}</file-size><file-name>photo.txt</file-name>\
             <content-type>text/plain</content-type><data url=\"http://{address}/file\" \
             until=\"2036-01-01T00:00:00Z\"/></file-info></file>",
            file.len()
        );
        ("200 OK", told.into_bytes())
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", content.len());
    let mut output = stream;
    output.write_all(&[head.as_bytes(), &content].concat()).ok()
}

/// What the one part of a `multipart/form-data` holds.
fn part(body: &[u8]) -> Option<Vec<u8>> {
    let find = |needle: &[u8]| body.windows(needle.len()).position(|window| window == needle);
    let begin = find(b"\r\n\r\n")? + 4;
    let end = body.windows(4).rposition(|window| window == b"\r\n--")?;
    body.get(begin..end).map(<[u8]>::to_vec)
}
