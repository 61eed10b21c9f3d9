//! Who may say what when (SMPP 3.4 §2.2, SMPP 5.0 §2.3).

use smpp::pdu::BindKind;
use smpp::session::{
    BindManners, BindRefusal, NackVerdict, Party, State, Verdict, after_answer, after_request, may,
    nack_verdict, verdict,
};
use smpp::{Command, CommandStatus, Header};

/// Each request, and who may send it in which state. E the ESME, M the message centre, * both.
const GRID: &str = "
    request                open outbound tx rx trx unbound closed
    bind_receiver          E    E        .  .  .   .       .
    bind_transmitter       E    .        .  .  .   .       .
    query_sm               .    .        E  .  E   .       .
    submit_sm              .    .        E  .  E   .       .
    deliver_sm             .    .        .  M  M   .       .
    unbind                 .    .        *  *  *   .       .
    replace_sm             .    .        E  .  E   .       .
    cancel_sm              .    .        E  .  E   .       .
    bind_transceiver       E    E        .  .  .   .       .
    outbind                M    .        .  .  .   .       .
    enquire_link           *    *        *  *  *   *       .
    submit_multi           .    .        E  .  E   .       .
    alert_notification     .    .        .  M  M   .       .
    data_sm                .    .        E  M  *   .       .
    broadcast_sm           .    .        E  .  E   .       .
    query_broadcast_sm     .    .        E  .  E   .       .
    cancel_broadcast_sm    .    .        E  .  E   .       .
";

fn header(command: Command) -> Header {
    Header { command, status: CommandStatus::ROK, sequence: 7 }
}

#[test]
fn every_state_and_command_is_as_the_grid_says() {
    let mut lines = GRID.lines().map(str::split_whitespace).filter(|line| line.clone().next().is_some());
    assert_eq!(lines.next().expect("a heading").count(), 1 + State::ALL.len());
    let mut walked = 0;
    for mut line in lines {
        let name = line.next().expect("a name");
        let command = *Command::ALL.iter().find(|command| command.name() == name).expect("known");
        let cells: Vec<_> = line.collect();
        assert_eq!(cells.len(), State::ALL.len());
        for (state, cell) in State::ALL.into_iter().zip(cells) {
            assert_eq!(may(Party::Esme, command, state), "E*".contains(cell), "{name} by ESME in {state:?}");
            assert_eq!(may(Party::MessageCentre, command, state), "M*".contains(cell), "{name} in {state:?}");
        }
        walked += 1;
    }
    let requests = Command::ALL.iter().filter(|command| !command.is_response()).count();
    assert_eq!(walked, requests, "every request of the standard has its line");
}

#[test]
fn a_verdict_agrees_with_the_grid_for_every_pair() {
    for state in State::ALL {
        for &command in Command::ALL {
            for by in [Party::Esme, Party::MessageCentre] {
                let verdict = verdict(&header(command), by, state);
                let said = format!("{} by {by:?} in {state:?}", command.name());
                if state == State::Closed {
                    assert_eq!(verdict, Verdict::Ignore { strike: false }, "{said}");
                } else if command.is_response() {
                    assert_eq!(verdict, Verdict::Match, "{said}");
                } else if may(by, command, state) {
                    assert_eq!(verdict, Verdict::Handle, "{said}");
                } else if command.response().is_none() {
                    assert_eq!(verdict, Verdict::Ignore { strike: true }, "{said}");
                } else {
                    assert!(matches!(verdict, Verdict::Refuse { .. }), "{said}");
                }
            }
        }
    }
}

#[test]
fn binds_move_the_session_only_when_they_succeed() {
    for kind in [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver] {
        let bound = after_answer(kind.command(), CommandStatus::ROK, State::Open);
        assert!(bound.is_bound());
        assert_eq!(may(Party::Esme, Command::SubmitSm, bound), kind.transmits());
        assert_eq!(may(Party::MessageCentre, Command::DeliverSm, bound), kind.receives());
        assert_eq!(after_answer(kind.command(), CommandStatus::RBINDFAIL, State::Open), State::Open);
        assert_eq!(after_request(kind.command(), State::Open), State::Open);
    }
}

#[test]
fn outbind_turns_the_roles_and_unbind_ends_them() {
    let outbound = after_request(Command::Outbind, State::Open);
    assert_eq!(outbound, State::Outbound);
    assert_eq!(after_answer(Command::BindReceiver, CommandStatus::ROK, outbound), State::BoundRx);
    assert_eq!(after_answer(Command::Unbind, CommandStatus::RSYSERR, State::BoundTx), State::Unbound);
    assert_eq!(after_answer(Command::SubmitSm, CommandStatus::ROK, State::BoundTx), State::BoundTx);
}

#[test]
fn row_08_09_10_refused_binds() {
    let open = BindManners { hide_which: false, over_limit: CommandStatus::RALYBND };
    let hidden = BindManners::default();
    for (why, shown, told) in [
        (BindRefusal::OverLimit, CommandStatus::RALYBND, CommandStatus::RBINDFAIL),
        (BindRefusal::WrongSystemId, CommandStatus::RINVSYSID, CommandStatus::RBINDFAIL),
        (BindRefusal::WrongPassword, CommandStatus::RINVPASWD, CommandStatus::RBINDFAIL),
        (BindRefusal::SystemType, CommandStatus::RINVSYSTYP, CommandStatus::RINVSYSTYP),
    ] {
        assert_eq!((why.status(&open), why.status(&hidden)), (shown, told));
    }
    assert!(BindRefusal::WrongPassword.is_delayed() && !BindRefusal::OverLimit.is_delayed());
}

#[test]
fn row_29_a_nack_about_lengths_closes() {
    assert_eq!(nack_verdict(CommandStatus::RINVCMDLEN), NackVerdict::Close);
    assert_eq!(nack_verdict(CommandStatus::RINVCMDID), NackVerdict::Keep);
    assert_eq!(nack_verdict(CommandStatus(0x400)), NackVerdict::Keep);
}
