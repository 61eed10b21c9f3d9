//! The operator's decisions in this world: its channels, routes and rules.

use engine::{ChannelPolicy, Korea, Limits, Policy, RetrySchedule, Route, Routes, Senders};
use model::{ChannelId, ChannelKind, Duration, Msisdn, Number, NumberingPlan};
use smallvec::SmallVec;

use crate::scenario::Scenario;

/// A business that binds to us.
pub(crate) const SHOP: ChannelId = ChannelId(0);
pub(crate) const TICTOC: ChannelId = ChannelId(1);
pub(crate) const KAKAO: ChannelId = ChannelId(2);
/// The operator's own commands.
pub(crate) const CONSOLE: ChannelId = ChannelId(3);
/// Phones over RCS.
pub(crate) const RCS: ChannelId = ChannelId(4);
const FIRST_SMSC: u16 = 5;

/// How long receipts, and reports to those who are away, are waited for.
pub(crate) const WINDOW: Duration = Duration::from_secs(3_600);
pub(crate) const VALIDITY: Duration = Duration::from_secs(1_800);
pub(crate) const OPT_OUT_NUMBER: &str = "0801234567";
pub(crate) const SHOP_NUMBERS: [&str; 2] = ["15881234", "15881235"];
/// Of the pool of the first messenger; the second has the next ones.
const POOL: u64 = 827_000_000_001;

pub(crate) const fn smsc(index: u8) -> ChannelId {
    ChannelId(FIRST_SMSC + index as u16)
}

pub(crate) const fn is_smsc(channel: ChannelId) -> bool {
    channel.0 >= FIRST_SMSC
}

pub(crate) const fn is_messenger(channel: ChannelId) -> bool {
    channel.0 == TICTOC.0 || channel.0 == KAKAO.0
}

pub(crate) fn name(channel: ChannelId) -> &'static str {
    match channel.0 {
        0 => "shop",
        1 => "tictoc",
        2 => "kakao",
        3 => "console",
        4 => "rcs",
        5 => "smsc-1",
        6 => "smsc-2",
        _ => "smsc-3",
    }
}

pub(crate) fn policy(scenario: &Scenario) -> Policy {
    let smscs = (0..scenario.smscs).map(smsc);
    let mut channels = vec![
        ChannelPolicy {
            senders: Senders::Registered(SHOP_NUMBERS.map(Into::into).to_vec()),
            charge_at: scenario.charge_at[0],
            ..channel(SHOP, ChannelKind::Esme)
        },
        ChannelPolicy {
            pool: [POOL, POOL + 1].map(Msisdn::from_u64).to_vec(),
            charge_at: scenario.charge_at[1],
            leg_wait: scenario.messenger_wait,
            ..channel(TICTOC, ChannelKind::Messenger)
        },
        ChannelPolicy {
            pool: [POOL + 2, POOL + 3].map(Msisdn::from_u64).to_vec(),
            ..channel(KAKAO, ChannelKind::Messenger)
        },
        channel(CONSOLE, ChannelKind::Http),
        ChannelPolicy {
            leg_wait: scenario.rcs_wait,
            revokes: scenario.rcs_revokes,
            answer_lost: scenario.rcs_lost,
            ..channel(RCS, ChannelKind::Rcs)
        },
    ];
    channels.extend(
        smscs
            .clone()
            .zip(scenario.answer_lost)
            .map(|(id, answer_lost)| ChannelPolicy { answer_lost, ..channel(id, ChannelKind::Smsc) }),
    );
    let everywhere = Route {
        prefix: String::new(),
        origin: None,
        class: None,
        channels: smscs.collect(),
        balance: scenario.balance,
    };
    let business = Route {
        prefix: "1588".into(),
        channels: SmallVec::from_slice(&[SHOP]),
        balance: false,
        ..everywhere
    };
    Policy {
        channels,
        routes: Routes::new([everywhere, business]),
        numbering: NumberingPlan::korea(),
        validity_default: VALIDITY,
        validity_max: Duration::from_secs(14 * 3_600),
        idempotency_window: Duration::from_secs(86_400),
        korea: Some(Korea {
            advertising_label: true,
            quiet_hours: Some((21, 8)),
            utc_offset_secs: 9 * 3_600,
            opt_out_numbers: vec![OPT_OUT_NUMBER.into()],
        }),
        code_sender: Number::written("15889999"),
        code_text: "{code}".into(),
        code_key: [7; 32],
        limits: Limits {
            hot_max: scenario.hot_max,
            open_max: scenario.open_max,
            unread_max: scenario.unread_max,
            lost_answers_max: scenario.lost_max,
            display_window: WINDOW,
            parked_receipt: crate::exchange::ANSWER_TIMEOUT + Duration::from_secs(2),
            ..Limits::default()
        },
    }
}

fn channel(id: ChannelId, kind: ChannelKind) -> ChannelPolicy {
    let retry = RetrySchedule {
        unreachable: [20, 60, 300, 3_000].map(Duration::from_secs).to_vec(),
        failure: [1, 5, 30].map(Duration::from_secs).to_vec(),
        attempts_max: 8,
    };
    ChannelPolicy {
        receipt_window: WINDOW,
        report_window: WINDOW,
        retry,
        ..ChannelPolicy::new(id, name(id), kind)
    }
}
