//! The `smpp34` crate as SMSC or as ESME. Speaks with the test like the other peers: JSON lines, see `peer.py`.
//!
//! ```text
//! smpp34-peer smsc [port]                                   a TRX SMSC that receipts every message at once
//! smpp34-peer esme port to text [system_id] [password]      submits, waits for the final receipt
//! ```

mod esme;
mod smsc;

use std::process::exit;

use serde_json::{Value, json};

/// UCS-2, SMPP 3.4 §5.2.19.
const UCS2: u8 = 8;
/// esm_class of a receipt, SMPP 3.4 §5.2.12.
const RECEIPT: u8 = 0x04;

fn say(event: &str, mut fields: Value) {
    fields["event"] = json!(event);
    println!("{fields}");
}

fn fail(sentence: &str) -> ! {
    eprintln!("smpp34-peer: {sentence}");
    exit(1);
}

fn text_of(data_coding: u8, octets: &[u8]) -> String {
    if data_coding != UCS2 {
        return String::from_utf8_lossy(octets).into_owned();
    }
    let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

fn ucs2(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let port = |word: &str| word.parse().unwrap_or_else(|_| fail(&format!("{word} is no port")));
    match words[..] {
        ["smsc"] => smsc::run(0).await,
        ["smsc", at] => smsc::run(port(at)).await,
        ["esme", at, to, text] => esme::run(port(at), to, text, "esme", "secret").await,
        ["esme", at, to, text, system_id, password] => esme::run(port(at), to, text, system_id, password).await,
        _ => fail("smsc [port] | esme port to text [system_id password]"),
    }
}
