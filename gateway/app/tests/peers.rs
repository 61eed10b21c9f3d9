//! The gateway binary among foreign software, over real sockets of the loopback.
//!
//! Each peer is a program of its own: a script in `peers/` or a server that such a script starts. `cargo xtask peers`
//! installs what they need. They speak in JSON lines; what they do not say in time is a failure with their last words.

#[path = "peers/foreign.rs"]
mod foreign;
#[path = "../../xtask/src/http.rs"]
mod http;
#[path = "peers/world.rs"]
mod world;

/// Foreign ESMEs submit to our SMPP server.
#[path = "peers/esmes.rs"]
mod esmes;
/// We submit to foreign SMSCs.
#[path = "peers/smscs.rs"]
mod smscs;

/// Three segments of Korean with a character outside the basic plane and one of several code points.
const LONG_KOREAN: &str = "안녕하세요 😀 이것은 아주 긴 한국어 메시지입니다. 여러 조각으로 나뉘어야 하며 가족 이모지 👨‍👩‍👧도 들어 있습니다. \
     각 조각마다 영수증이 하나씩 돌아와야 하고, 글자는 하나도 빠지지 않아야 합니다. 끝까지 잘 도착했는지 확인해 주세요. 감사합니다.";

/// Somebody's phone.
const PHONE: &str = "+821012345678";
