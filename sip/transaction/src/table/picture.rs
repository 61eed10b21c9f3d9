//! The machines drawn as text, for the documents.

use super::{Do, Machine, State, Trigger};

/// A machine in a few lines: from every state, on what, to where.
#[must_use]
pub fn picture(machine: &Machine) -> String {
    let mut text = format!("{} ({})\n", machine.name, machine.source);
    let width = machine.states.iter().map(|state| state_name(*state).len()).max().unwrap_or(0);
    for &state in machine.states {
        // One arrow for each target, with everything that leads there.
        let mut arrows: Vec<(State, Vec<String>)> = Vec::new();
        for row in machine.rows.iter().filter(|row| row.state == state && row.to != state) {
            match arrows.iter_mut().find(|(to, _)| *to == row.to) {
                Some((_, on)) => on.push(trigger_name(row.on)),
                None => arrows.push((row.to, vec![trigger_name(row.on)])),
            }
        }
        arrows.sort_by_key(|(to, _)| *to == State::Terminated);
        let arrows: Vec<String> =
            arrows.iter().map(|(to, on)| format!("─{}─▶ {}", on.join(", "), state_name(*to))).collect();
        text += &format!("  {:width$} {}\n", state_name(state), arrows.join("  "));
    }
    text
}

/// A machine as a Markdown table of all its rows and of what it ignores.
#[must_use]
pub fn rows_as_text(machine: &Machine) -> String {
    let mut text = format!(
        "## {}\n\n{}. Starts in {}: {}.\n\n| in | on | to | does |\n| --- | --- | --- | --- |\n",
        machine.name,
        machine.source,
        state_name(machine.first()),
        acts(machine.start)
    );
    for row in machine.rows {
        text += &format!(
            "| {} | {} | {} | {} |\n",
            state_name(row.state),
            trigger_name(row.on),
            if row.to == row.state { "·" } else { state_name(row.to) },
            acts(row.act)
        );
    }
    text.push_str("\nIgnored, because:\n\n| in | on | because |\n| --- | --- | --- |\n");
    for ignored in machine.ignored {
        let states: Vec<&str> = ignored.states.iter().map(|state| state_name(*state)).collect();
        let on: Vec<String> = ignored.on.iter().map(|on| trigger_name(*on)).collect();
        text += &format!("| {} | {} | {} |\n", states.join(", "), on.join(", "), ignored.because);
    }
    text
}

fn acts(acts: &[Do]) -> String {
    if acts.is_empty() {
        return "nothing".to_owned();
    }
    acts.iter().map(|act| act_name(*act)).collect::<Vec<_>>().join("; ")
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Calling => "Calling",
        State::Withdrawn => "Withdrawn",
        State::Trying => "Trying",
        State::Proceeding => "Proceeding",
        State::Cancelling => "Cancelling",
        State::Completed => "Completed",
        State::Confirmed => "Confirmed",
        State::Accepted => "Accepted",
        State::Acknowledged => "Acknowledged",
        State::Terminated => "Terminated",
    }
}

fn trigger_name(on: Trigger) -> String {
    match on {
        Trigger::Copy => "copy".to_owned(),
        Trigger::Ack => "ACK".to_owned(),
        Trigger::Cancel => "CANCEL".to_owned(),
        Trigger::Provisional => "1xx".to_owned(),
        Trigger::Success => "2xx".to_owned(),
        Trigger::Failure => "3xx-6xx".to_owned(),
        Trigger::TransportFailed => "transport".to_owned(),
        Trigger::Fired(timer) => format!("timer {}", timer.name()),
    }
}

fn act_name(act: Do) -> String {
    match act {
        Do::Deliver => "deliver".to_owned(),
        Do::Transmit => "send".to_owned(),
        Do::Again => "send again".to_owned(),
        Do::Hundred => "send 100".to_owned(),
        Do::Acknowledge => "send ACK".to_owned(),
        Do::SendCancel => "send CANCEL".to_owned(),
        Do::DeliverCancel => "deliver CANCEL".to_owned(),
        Do::DeliverAck => "deliver ACK".to_owned(),
        Do::Refuse => "send 408".to_owned(),
        Do::TimedOut => "report: timed out".to_owned(),
        Do::Failed => "report: not carried".to_owned(),
        Do::Unacknowledged => "report: no ACK".to_owned(),
        Do::Arm(timer) => format!("start {}", timer.name()),
        Do::Double(timer) => format!("start {}, doubled", timer.name()),
        Do::Flat(timer) => format!("start {} at T2", timer.name()),
        Do::Quiet => "stop repeating".to_owned(),
    }
}
