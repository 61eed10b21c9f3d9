//! Subscriptions (RFC 6665 §4).

use sip_message::{Headers, Name, StatusCode};
use sip_transaction::Timers;
use sip_transaction::subscription::{
    Again, Event, NOTIFIER, Notifier, NotifierDo, NotifierState, NotifierTrigger, Reason, SUBSCRIBER,
    Settings, Subscriber, SubscriberDo, SubscriberState, SubscriberTrigger, SubscriptionState, Substate,
    TooBrief,
};

const NOW_US: i64 = 1_800_000_000_000_000;
const SECOND_US: i64 = 1_000_000;

/// Every pair of state and trigger has exactly one row.
#[test]
fn the_tables_are_complete() {
    use NotifierTrigger as N;
    let triggers = [
        N::Refreshed,
        N::Unsubscribed,
        N::Approved,
        N::Rejected,
        N::Changed,
        N::Gone,
        N::Expired,
        N::NotifyFailed,
    ];
    for state in [NotifierState::Pending, NotifierState::Active] {
        for trigger in triggers {
            assert_eq!(NOTIFIER.iter().filter(|row| row.0 == state && row.1 == trigger).count(), 1);
        }
    }
    assert_eq!(NOTIFIER.len(), 2 * triggers.len());
    use SubscriberTrigger as S;
    let triggers = [
        S::Notified(Substate::Pending),
        S::Notified(Substate::Active),
        S::Notified(Substate::Terminated),
        S::Granted,
        S::Refused,
        S::TimerN,
        S::RefreshDue,
        S::Expired,
    ];
    for state in [SubscriberState::Waiting, SubscriberState::Pending, SubscriberState::Active] {
        for trigger in triggers {
            assert_eq!(SUBSCRIBER.iter().filter(|row| row.0 == state && row.1 == trigger).count(), 1);
        }
    }
    assert_eq!(SUBSCRIBER.len(), 3 * triggers.len());
    // Whatever ends one says so: the last NOTIFY, or the end, but for a notifier nobody listens to any more.
    assert!(NOTIFIER.iter().all(|(_, on, to, act)| {
        *on == N::NotifyFailed
            || (*to == NotifierState::Terminated) == matches!(act, Some(NotifierDo::NotifyLast(_)))
    }));
    assert!(
        SUBSCRIBER
            .iter()
            .all(|(_, _, to, act)| (*to == SubscriberState::Terminated) == (*act == Some(SubscriberDo::End)))
    );
}

fn state_of(value: &str) -> Option<SubscriptionState> {
    let mut headers = Headers::new();
    headers.push(Name::SubscriptionState, value);
    SubscriptionState::of(&headers)
}

#[test]
fn headers_are_read_and_written() {
    for text in [
        "active;expires=3599",
        "pending",
        "terminated;reason=noresource",
        "terminated;reason=giveup;retry-after=5",
    ] {
        assert_eq!(state_of(text).map(|state| state.to_string()), Some(text.to_owned()));
    }
    let odd = state_of("Terminated ; Reason=Probation;retry-after=120;x").expect("readable");
    assert_eq!(
        (odd.substate, odd.reason, odd.retry_after_s),
        (Substate::Terminated, Some(Reason::Probation), Some(120))
    );
    assert_eq!(state_of("terminated;reason=new").and_then(|state| state.reason), None);
    assert_eq!(state_of("waiting").map(|state| state.substate), Some(Substate::Active));
    assert_eq!(state_of(""), None);
    let mut headers = Headers::new();
    assert_eq!(Event::of(&headers), None);
    headers.push(Name::Event, "conference ;id=\"7\"");
    let event = Event::of(&headers).expect("readable");
    assert_eq!(
        (event.package, event.id.as_deref(), event.to_string().as_str()),
        ("conference", Some("7"), "conference;id=7")
    );
}

/// RFC 6665 §4.2.1.
#[test]
fn a_notifier_grants_refreshes_and_ends() {
    let settings = Settings::default();
    assert_eq!(Notifier::of_subscribe(NOW_US, Some(59), true, &settings), Err(TooBrief { min_s: 60 }));
    let mut notifier = Notifier::of_subscribe(NOW_US, None, true, &settings).expect("long enough");
    assert_eq!(notifier.subscription_state(NOW_US + 1).to_string(), "active;expires=3600");
    assert_eq!(notifier.step(NotifierTrigger::Changed), Some(NotifierDo::Notify));
    let later_us = NOW_US + 1000 * SECOND_US;
    assert_eq!(notifier.refresh(later_us, Some(1_000_000), &settings), Ok(Some(NotifierDo::Notify)));
    assert_eq!(notifier.left_s(later_us), 86_400, "cut");
    assert_eq!(notifier.refresh(later_us, Some(1), &settings), Err(TooBrief { min_s: 60 }));
    let end_us = notifier.next_us().expect("it ends");
    assert_eq!(end_us, later_us + 86_400 * SECOND_US);
    assert_eq!(notifier.due(end_us - 1), None);
    assert_eq!(notifier.due(end_us), Some(NotifierDo::NotifyLast(Reason::Timeout)));
    assert_eq!(notifier.subscription_state(end_us).to_string(), "terminated;reason=timeout");
    assert_eq!((notifier.due(end_us), notifier.next_us()), (None, None));
    assert_eq!(notifier.refresh(end_us, Some(600), &settings), Ok(None));
    assert_eq!(notifier.left_s(end_us), 0);
}

/// RFC 6665 §4.4.3: a SUBSCRIBE for no time is a question, answered by one NOTIFY.
#[test]
fn a_fetch_is_over_at_once() {
    let fetch =
        Notifier::of_subscribe(NOW_US, Some(0), true, &Settings::default()).expect("zero is never too brief");
    assert_eq!(fetch.state(), NotifierState::Terminated);
    assert_eq!(fetch.subscription_state(NOW_US).to_string(), "terminated;reason=timeout");
    let mut left = Notifier::of_subscribe(NOW_US, None, true, &Settings::default()).expect("fine");
    let last = Ok(Some(NotifierDo::NotifyLast(Reason::Timeout)));
    assert_eq!(left.refresh(NOW_US, Some(0), &Settings::default()), last);
}

#[test]
fn a_pending_one_hears_nothing_until_it_is_decided() {
    let pending = Notifier::of_subscribe(NOW_US, None, false, &Settings::default()).expect("fine");
    let mut approved = pending;
    assert_eq!(approved.step(NotifierTrigger::Changed), None);
    assert_eq!(approved.step(NotifierTrigger::Approved), Some(NotifierDo::Notify));
    assert_eq!(approved.step(NotifierTrigger::Approved), None);
    let mut rejected = pending;
    assert_eq!(rejected.step(NotifierTrigger::Rejected), Some(NotifierDo::NotifyLast(Reason::Rejected)));
    assert_eq!(rejected.step(NotifierTrigger::Changed), None);
}

/// RFC 6665 §4.2.2.
#[test]
fn a_notify_that_fails_ends_it() {
    let fresh = Notifier::of_subscribe(NOW_US, None, true, &Settings::default()).expect("fine");
    for (status, retry_after, ends) in [
        (Some(200), false, false),
        (Some(202), false, false),
        (Some(401), false, false),
        (Some(503), true, false),
        (Some(503), false, true),
        (Some(481), true, true),
        (Some(404), false, true),
        (None, false, true),
    ] {
        let mut notifier = fresh;
        notifier.notified(status.map(|code| StatusCode::new(code).expect("a status")), retry_after);
        assert_eq!(notifier.state() == NotifierState::Terminated, ends, "{status:?}");
    }
}

fn says(text: &str) -> SubscriptionState {
    state_of(text).expect("readable")
}

/// RFC 6665 §4.1.2: NOTIFY and 2xx in either order; Timer N when no NOTIFY comes.
#[test]
fn a_subscriber_waits_for_its_first_notify() {
    let fresh = Subscriber::subscribe(NOW_US, 3600, Timers::CORE);
    let mut silent = fresh;
    assert_eq!(silent.granted(NOW_US, 3600), None);
    assert_eq!(silent.next_us(), Some(NOW_US + 32 * SECOND_US));
    assert_eq!(silent.due(NOW_US + 32 * SECOND_US), Some(SubscriberDo::End));
    assert_eq!((silent.again(), silent.next_us()), (Again::After { seconds: 60 }, None));
    for notify_first in [true, false] {
        let mut subscriber = fresh;
        if !notify_first {
            subscriber.granted(NOW_US, 3600);
        }
        assert_eq!(subscriber.notified(NOW_US, says("active;expires=3600")), None);
        if notify_first {
            subscriber.granted(NOW_US, 3600);
        }
        assert_eq!(subscriber.state(), SubscriberState::Active);
        assert_eq!(subscriber.due(NOW_US + 33 * SECOND_US), None);
    }
}

#[test]
fn a_subscriber_refreshes_in_time() {
    let mut subscriber = Subscriber::subscribe(NOW_US, 3600, Timers::CORE);
    subscriber.granted(NOW_US, 3600);
    subscriber.notified(NOW_US, says("active"));
    let at_us = NOW_US + 3000 * SECOND_US;
    assert_eq!((subscriber.next_us(), subscriber.due(at_us - 1)), (Some(at_us), None));
    assert_eq!(subscriber.due(at_us), Some(SubscriberDo::Refresh));
    assert_eq!(subscriber.due(at_us), None, "said once");
    // Refused for now: again when half of the rest is over.
    assert_eq!(subscriber.refused(at_us, Some(StatusCode::SERVICE_UNAVAILABLE)), None);
    assert_eq!(subscriber.next_us(), Some(at_us + 300 * SECOND_US));
    assert_eq!(subscriber.due(at_us + 300 * SECOND_US), Some(SubscriberDo::Refresh));
    subscriber.granted(at_us, 100);
    assert_eq!(subscriber.next_us(), Some(at_us + 50 * SECOND_US));
    // The notifier shortens it.
    subscriber.notified(at_us, says("active;expires=20"));
    assert_eq!(subscriber.next_us(), Some(at_us + 10 * SECOND_US));
    assert_eq!(subscriber.due(at_us + 20 * SECOND_US), Some(SubscriberDo::End));
    assert_eq!(subscriber.again(), Again::Now);
}

/// RFC 6665 §4.1.3.
#[test]
fn the_reason_says_whether_to_come_again() {
    for (text, again) in [
        ("terminated;reason=deactivated", Again::Now),
        ("terminated;reason=timeout", Again::Now),
        ("terminated;reason=probation;retry-after=7", Again::After { seconds: 7 }),
        ("terminated;reason=giveup", Again::After { seconds: 60 }),
        ("terminated;retry-after=9", Again::After { seconds: 9 }),
        ("terminated;reason=rejected;retry-after=9", Again::Never),
        ("terminated;reason=noresource", Again::Never),
        ("terminated;reason=invariant", Again::Never),
    ] {
        let mut subscriber = Subscriber::subscribe(NOW_US, 3600, Timers::CORE);
        assert_eq!(subscriber.notified(NOW_US, says(text)), Some(SubscriberDo::End), "{text}");
        assert_eq!(subscriber.again(), again, "{text}");
        assert_eq!(subscriber.notified(NOW_US, says("active")), None, "over is over");
    }
}

#[test]
fn a_refusal_ends_the_first_and_some_refreshes() {
    for (status, waiting_again, active_ends) in [
        (481, Again::Now, true),
        (489, Again::Never, true),
        (404, Again::Never, true),
        (403, Again::Never, false),
        (500, Again::After { seconds: 60 }, false),
    ] {
        let status = StatusCode::new(status);
        let mut subscriber = Subscriber::subscribe(NOW_US, 3600, Timers::CORE);
        let mut active = subscriber;
        assert_eq!(subscriber.refused(NOW_US, status), Some(SubscriberDo::End));
        assert_eq!(subscriber.again(), waiting_again, "{status:?}");
        active.notified(NOW_US, says("active;expires=3600"));
        assert_eq!(active.refused(NOW_US, status).is_some(), active_ends, "{status:?}");
    }
}
