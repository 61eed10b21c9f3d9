//! Checks that never fail prove nothing: each way to break the world is noticed, and by the right check.

use sim::{Invariant, Sabotage, Scenario, World};

const SEEDS: u64 = 3_000;

fn first_violation(sabotage: Sabotage) -> Option<Invariant> {
    (0..SEEDS).find_map(|seed| {
        World::new(seed, Scenario::of(seed)).sabotaged(sabotage).run().err().map(|broken| broken.invariant)
    })
}

#[test]
fn every_sabotage_is_noticed() {
    for sabotage in Sabotage::ALL {
        let expected: &[Invariant] = match sabotage {
            Sabotage::AnswerBeforeCommit => &[Invariant::AnswerAfterCommit],
            Sabotage::UsageForgotten => &[Invariant::UsageOnce],
            Sabotage::FactsForgotten => &[Invariant::AnswerAfterCommit, Invariant::Answers],
            Sabotage::JournalTorn => {
                &[Invariant::Forward, Invariant::OneEnd, Invariant::UsageOnce, Invariant::HandOver]
            }
            Sabotage::LossHidden => &[Invariant::LostIsVisible, Invariant::CertainFallback],
            Sabotage::OutcomeSwallowed => &[Invariant::OneEnd, Invariant::NothingLeft, Invariant::HandOver],
            Sabotage::OrderReversed => &[Invariant::Order],
            Sabotage::ReceiptInvented => &[Invariant::Truth],
            Sabotage::RevocationFeigned => &[Invariant::CertainFallback],
            Sabotage::PresenceUnheard => &[Invariant::HandOver],
            _ => &[],
        };
        let found = first_violation(sabotage);
        assert!(
            found.is_some_and(|found| expected.contains(&found)),
            "{sabotage:?} gave {found:?}, expected one of {expected:?}"
        );
    }
}
