//! Where calls wait for the commit.
//!
//! One session for the whole server, opened once: a call takes a place in a table, its tickets name that
//! place, and the engine's answers find it under one lock for each batch of answers. Nothing is registered
//! and no task is started per message.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kit::{Intake, Session};
use model::{Answer, ChannelId, Command, Duration, Inbound, Receipt, SessionId, Submission, Ticket};
use smallvec::SmallVec;
use tokio::sync::oneshot;

/// One thing a call wants an answer to.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Submit(Arc<Submission>),
    Receipt(ChannelId, Receipt),
    Command(Command),
}

/// One for each item asked; `None` where no answer came.
type Each = SmallVec<[Option<Answer>; 1]>;

/// The answers to one call, in the order asked.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) each: Each,
    /// Why some are missing.
    pub(crate) missing: Missing,
}

/// Why an answer did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The gateway shuts down; it was not taken.
    Closed,
    /// Not in time; it may have been taken.
    Late,
    /// More calls wait than there are places.
    Crowded,
}

/// Opens with the server and closes with it.
pub(crate) struct Desk {
    intake: Arc<dyn Intake>,
    session: SessionId,
    table: Arc<Table>,
}

/// Items handed in at once, so that one large batch does not hold up everybody else's.
const TAKE_ITEMS_MAX: usize = 1_024;

impl Desk {
    pub(crate) fn open(intake: Arc<dyn Intake>) -> Self {
        let table = Arc::new(Table::default());
        let session = intake.open(table.clone());
        Self { intake, session, table }
    }

    /// Whether submissions are refused right now, and why.
    pub(crate) fn closed(&self) -> Option<model::Cause> {
        self.intake.closed_for_submissions()
    }

    /// Hands the items in and waits for their answers. A caller that goes away gives its place back; late
    /// answers then find nobody and are dropped.
    pub(crate) async fn ask(&self, items: impl ExactSizeIterator<Item = Ask>, timeout: Duration) -> Answers {
        debug_assert!(items.len() <= 1 << INDEX_BITS, "the index of an answer fits its token");
        let asked = items.len();
        if asked == 0 {
            return Answers { each: SmallVec::new(), missing: Missing::Closed };
        }
        let Some((place, done)) = self.table.take_place(asked) else {
            return Answers { each: (0..asked).map(|_| None).collect(), missing: Missing::Crowded };
        };
        let mut batch = Vec::with_capacity(asked.min(TAKE_ITEMS_MAX));
        let work = async {
            let mut items = (0_u64..).zip(items).peekable();
            while let Some((index, ask)) = items.next() {
                batch.push(ask.inbound(Ticket { session: self.session, token: place.token | index }));
                if batch.len() == TAKE_ITEMS_MAX || items.peek().is_none() {
                    self.intake
                        .take(std::mem::take(&mut batch))
                        .await
                        .map_err(|kit::Closed| Missing::Closed)?;
                }
            }
            done.await.map_err(|_| Missing::Late)
        };
        let missing = match tokio::time::timeout(timeout, work).await {
            Ok(Ok(each)) => return Answers { each, missing: Missing::Late },
            Ok(Err(missing)) => missing,
            Err(_elapsed) => Missing::Late,
        };
        // Answers that came before it broke off are answers all the same.
        let mut each = place.leave();
        each.resize_with(asked, || None);
        Answers { each, missing }
    }

    /// [`Self::ask`] for one item.
    pub(crate) async fn ask_one(&self, item: Ask, timeout: Duration) -> Result<Answer, Missing> {
        let mut answers = self.ask(std::iter::once(item), timeout).await;
        answers.each.pop().flatten().ok_or(answers.missing)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.intake.close(self.session);
    }
}

impl Ask {
    fn inbound(self, ticket: Ticket) -> Inbound {
        match self {
            Self::Submit(submission) => Inbound::Submit { submission, ticket },
            Self::Receipt(channel, receipt) => Inbound::Receipt { channel, receipt, ticket: Some(ticket) },
            Self::Command(command) => Inbound::Command { command, ticket },
        }
    }
}

/// A token is generation, place and index: an answer to a call that left cannot reach the next one there.
const INDEX_BITS: u32 = 16;
const PLACE_BITS: u32 = 20;
const GENERATION_BITS: u32 = 64 - INDEX_BITS - PLACE_BITS;
const PLACES_MAX: usize = 1 << PLACE_BITS;

#[derive(Default)]
struct Table(Mutex<Places>);

#[derive(Default)]
struct Places {
    all: Vec<Waiting>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Waiting {
    generation: u32,
    answers: Each,
    missing: usize,
    done: Option<oneshot::Sender<Each>>,
}

/// A place at the desk, given back when dropped.
struct Place<'a> {
    table: &'a Table,
    number: u32,
    token: u64,
}

impl Table {
    /// A panic elsewhere leaves the places whole: every change under the lock is complete in itself.
    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(&self, answers: usize) -> Option<(Place<'_>, oneshot::Receiver<Each>)> {
        let (done, receiver) = oneshot::channel();
        let each = (0..answers).map(|_| None).collect();
        let mut places = self.lock();
        let number = match places.free.pop() {
            Some(number) => number,
            None if places.all.len() < PLACES_MAX => {
                places.all.push(Waiting::default());
                u32::try_from(places.all.len() - 1).ok()?
            }
            None => return None,
        };
        let waiting = places.all.get_mut(number as usize)?;
        waiting.answers = each;
        waiting.missing = answers;
        waiting.done = Some(done);
        let token = (u64::from(waiting.generation) << PLACE_BITS | u64::from(number)) << INDEX_BITS;
        Some((Place { table: self, number, token }, receiver))
    }
}

impl Place<'_> {
    /// Gives the place back and takes along what had arrived.
    fn leave(self) -> Each {
        let mut places = self.table.lock();
        places
            .all
            .get_mut(self.number as usize)
            .map(|waiting| std::mem::take(&mut waiting.answers))
            .unwrap_or_default()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.table.lock();
        if let Some(waiting) = places.all.get_mut(self.number as usize) {
            waiting.generation = (waiting.generation + 1) & ((1 << GENERATION_BITS) - 1);
            waiting.answers = SmallVec::new();
            waiting.done = None;
            places.free.push(self.number);
        }
    }
}

impl Session for Table {
    fn answer(&self, answers: &mut Vec<(u64, Answer)>) {
        let mut complete = SmallVec::<[_; 16]>::new();
        {
            let mut places = self.lock();
            for (token, answer) in answers.drain(..) {
                let number = token >> INDEX_BITS & ((1 << PLACE_BITS) - 1);
                let index = token & ((1 << INDEX_BITS) - 1);
                let Some(waiting) =
                    usize::try_from(number).ok().and_then(|number| places.all.get_mut(number))
                else {
                    continue;
                };
                if u64::from(waiting.generation) != token >> (INDEX_BITS + PLACE_BITS) {
                    continue;
                }
                let Some(slot) = usize::try_from(index).ok().and_then(|index| waiting.answers.get_mut(index))
                else {
                    continue;
                };
                if slot.replace(answer).is_some() {
                    continue;
                }
                waiting.missing -= 1;
                if waiting.missing == 0
                    && let Some(done) = waiting.done.take()
                {
                    complete.push((done, std::mem::take(&mut waiting.answers)));
                }
            }
        }
        for (done, answers) in complete {
            // A caller that has gone away does not want them.
            drop(done.send(answers));
        }
    }
}

#[cfg(test)]
mod tests {
    use model::MessageId;

    use super::*;

    fn accepted(id: u64) -> Answer {
        MessageId::from_u64(id).map_or(Answer::Taken, Answer::Accepted)
    }

    #[test]
    fn answers_find_their_index_in_any_order() {
        let table = Table::default();
        let (place, mut done) = table.take_place(3).unwrap();
        table.answer(&mut vec![(place.token | 2, accepted(3)), (place.token, accepted(1))]);
        assert!(done.try_recv().is_err(), "one is missing");
        table.answer(&mut vec![(place.token | 1, accepted(2))]);
        let each: Vec<_> = done.try_recv().unwrap().into_iter().flatten().collect();
        assert_eq!(each, [accepted(1), accepted(2), accepted(3)]);
    }

    #[test]
    fn an_answer_given_twice_counts_once() {
        let table = Table::default();
        let (place, mut done) = table.take_place(2).unwrap();
        table.answer(&mut vec![(place.token, accepted(1)), (place.token, accepted(1))]);
        assert!(done.try_recv().is_err());
        assert_eq!(place.leave().into_iter().flatten().count(), 1);
    }

    #[test]
    fn answers_to_nobody_reach_nobody() {
        let table = Table::default();
        let (left, _) = table.take_place(1).unwrap();
        let old = left.token;
        drop(left);
        let (place, mut done) = table.take_place(1).unwrap();
        assert_eq!(place.number, 0, "the place is used again");
        let strays = [old, place.token | 1, place.token | 1 << INDEX_BITS, u64::MAX, 0x1234];
        table.answer(&mut strays.map(|token| (token, accepted(1))).to_vec());
        assert!(done.try_recv().is_err());
        table.answer(&mut vec![(place.token, accepted(2))]);
        assert_eq!(done.try_recv().unwrap().pop().flatten(), Some(accepted(2)));
    }

    #[test]
    fn generations_wrap_without_touching_their_neighbours() {
        let table = Table::default();
        drop(table.take_place(1).unwrap());
        table.lock().all[0].generation = (1 << GENERATION_BITS) - 1;
        let (last, _) = table.take_place(1).unwrap();
        assert_eq!(last.token >> (INDEX_BITS + PLACE_BITS), (1 << GENERATION_BITS) - 1);
        drop(last);
        assert_eq!(table.take_place(1).unwrap().0.token, 0);
    }
}
