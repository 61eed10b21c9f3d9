//! Times (SMPP 3.4 §7.1.1; vector S15).

use smpp::CommandStatus;
use smpp::time::{BadTime, DeliveryWindow, absolute, parse, relative};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
/// 2022-05-17 00:00:00 UTC.
const BASE: i64 = 1_652_745_600 * SECOND;
const HALF_PAST: i64 = BASE + 17 * HOUR + 55 * 60 * SECOND + 24 * SECOND;

#[test]
fn s15_absolute_and_relative() {
    for (text, at) in [
        ("220517175524000+", HALF_PAST),
        ("220517175524004+", HALF_PAST - HOUR),
        ("220517175524004-", HALF_PAST + HOUR),
        ("000000010000000R", BASE + HOUR),
        ("000001000000000R", BASE + 24 * HOUR),
    ] {
        assert_eq!(parse(text.as_bytes(), BASE), Ok(Some(at)), "{text}");
    }
    assert_eq!(parse(b"", BASE), Ok(None));
}

#[test]
fn the_calendar_is_kept() {
    let at = |text: &str| parse(text.as_bytes(), 0).expect("legal").expect("given");
    // 29 February exists in 2000 and 2024, and not in 1999, 2023 or (as 00) any other year.
    assert_eq!(at("000229000000000+"), 951_782_400 * SECOND);
    assert_eq!(at("240229000000000+"), 1_709_164_800 * SECOND);
    for bad in ["230229000000000+", "990229000000000+", "220431000000000+", "221301000000000+"] {
        assert_eq!(parse(bad.as_bytes(), 0), Err(BadTime), "{bad}");
    }
    // 00–37 are of this century, 38–99 of the last.
    assert_eq!(at("370101000000000+"), 2_114_380_800 * SECOND);
    assert_eq!(at("380101000000000+"), -1_009_843_200 * SECOND);
    // Tenths count.
    assert_eq!(at("700101000000900+"), 900_000);
}

#[test]
fn relative_months_and_years_are_of_the_calendar() {
    let january_31 = parse(b"230131120000000+", 0).expect("legal").expect("given");
    let later = |text: &[u8]| parse(text, january_31).expect("legal").expect("given");
    assert_eq!(later(b"000100000000000R"), parse(b"230228120000000+", 0).unwrap().unwrap());
    assert_eq!(later(b"010100000000000R"), parse(b"240229120000000+", 0).unwrap().unwrap());
    assert_eq!(later(b"001200000000000R"), parse(b"240131120000000+", 0).unwrap().unwrap());
}

#[test]
fn what_is_no_time_is_refused() {
    for bad in [
        "0",
        "220517175524000",
        "220517175524000Z",
        "220517175524049+",
        "220517245524000+",
        "220517176024000+",
        "22051717552400a+",
        "2205171755240004+",
        "-20517175524000+",
    ] {
        assert_eq!(parse(bad.as_bytes(), BASE), Err(BadTime), "{bad}");
    }
}

#[test]
fn what_is_written_reads_back() {
    for quarters in [-48, -4, 0, 1, 36, 48] {
        let text = absolute(HALF_PAST + 300_000, quarters);
        assert_eq!(parse(&text, 0), Ok(Some(HALF_PAST + 300_000)), "{quarters}");
    }
    assert_eq!(&absolute(HALF_PAST, 36), b"220518025524036+");
    assert_eq!(&relative(HOUR), b"000000010000000R");
    assert_eq!(&relative(25 * HOUR + 1), b"000001010001000R");
    assert_eq!(&relative(i64::MAX), b"000099235959000R");
    assert_eq!(&relative(-1), b"000000000000000R");
}

#[test]
fn the_schedule_lies_before_the_end_and_the_end_ahead() {
    let read = |schedule: &str, validity: &str, ttl| {
        DeliveryWindow::read(schedule.as_bytes(), validity.as_bytes(), ttl, BASE)
    };
    let window = read("000000010000000R", "000000020000000R", None).expect("in order");
    assert_eq!((window.not_before_us, window.expires_us), (Some(BASE + HOUR), Some(BASE + 2 * HOUR)));
    // qos_time_to_live wins over validity_period.
    assert_eq!(read("", "000000020000000R", Some(60)).unwrap().expires_us, Some(BASE + 60 * SECOND));
    assert_eq!(read("000000020000000R", "000000010000000R", None), Err(CommandStatus::RINVSCHED));
    assert_eq!(read("", "220516175524000+", None), Err(CommandStatus::RINVEXPIRY));
    assert_eq!(read("", "", Some(0)), Err(CommandStatus::RINVEXPIRY));
    assert_eq!(read("soon", "", None), Err(CommandStatus::RINVSCHED));
    assert_eq!(read("", "later", None), Err(CommandStatus::RINVEXPIRY));
    let at_once = DeliveryWindow { not_before_us: None, expires_us: None };
    assert_eq!(read("", "", None), Ok(at_once));
}
