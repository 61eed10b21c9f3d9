//! The writing half of a link: submissions and answers become octets, as many as are there in one write.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use model::{AttemptId, Cause, Outcome, Outgoing, Refusal};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    time::{Instant, Sleep},
};

use super::{
    Client,
    arrival::Token,
    flights::{Answered, Ended, Flight, Flights, Item, Queued},
    link::{Link, Post},
    rate::Rate,
    refused,
};
use crate::{
    Command, CommandStatus, Version, pdu,
    socket::{self, Writer},
    translate::{Concatenation, LinkText, outcome_refusal, submit_parts},
};

/// A bounded write, so that answers do not wait behind a mountain of submissions.
const WRITE_OCTETS: usize = 4 * socket::READ_OCTETS;
/// When there is nothing to wait for.
const LONG: Duration = Duration::from_secs(3_600);

/// Everything a writer needs.
pub(super) struct WriterTask {
    client: Arc<Client>,
    link: Arc<Link>,
    posts: UnboundedReceiver<Post>,
    writer: Writer,
    queue: VecDeque<Queued>,
    /// Given to the next message.
    order: u64,
    /// The SMSC has unbound: nothing more is submitted.
    halted: bool,
    /// The buffer was full before the queue was empty.
    more: bool,
    outcomes: Vec<(AttemptId, Outcome)>,
    /// When the rate lets something through, or an answer is overdue.
    wake_us: Option<i64>,
}

impl WriterTask {
    pub(super) fn new(
        client: Arc<Client>,
        link: Arc<Link>,
        posts: UnboundedReceiver<Post>,
        writer: Writer,
    ) -> Self {
        Self {
            client,
            link,
            posts,
            writer,
            queue: VecDeque::new(),
            order: 0,
            halted: false,
            more: false,
            outcomes: Vec::new(),
            wake_us: None,
        }
    }

    /// Runs until the connection breaks or is to be closed, and hands back what was not written.
    pub(super) async fn run(mut self) -> (Ended, io::Result<()>) {
        let result = self.write_all().await;
        self.link.broken.cancel();
        self.posts.close();
        while let Ok(post) = self.posts.try_recv() {
            match post {
                Post::Submit(items) => self.enqueue(items),
                Post::Again(queued) => self.put_back(queued),
                _ => {}
            }
        }
        let mut ended = Ended { outcomes: std::mem::take(&mut self.outcomes), unsent: Vec::new() };
        // Parts are kept by the flights, which end next.
        ended.unsent.extend(self.unsent());
        self.link.flights().end(&mut ended);
        (ended, result)
    }

    async fn write_all(&mut self) -> io::Result<()> {
        let mut buffer = BytesMut::with_capacity(socket::READ_OCTETS);
        let sleep = tokio::time::sleep(LONG);
        tokio::pin!(sleep);
        loop {
            let mut post = if self.more {
                self.posts.try_recv().ok()
            } else {
                self.arm(sleep.as_mut());
                tokio::select! {
                    biased;
                    post = self.posts.recv() => match post {
                        Some(post) => Some(post),
                        None => return Ok(()),
                    },
                    () = &mut sleep => None,
                }
            };
            let mut close = false;
            while let Some(item) = post {
                close |= self.take(item, &mut buffer);
                post = if close || buffer.len() > WRITE_OCTETS { None } else { self.posts.try_recv().ok() };
            }
            self.submit(&mut buffer);
            self.write(&mut buffer, close).await?;
            self.tell().await;
            if close {
                return Ok(());
            }
        }
    }

    /// Writes the buffer, unless the link is cut: a peer that takes nothing must not hold up the end.
    async fn write(&mut self, buffer: &mut BytesMut, close: bool) -> io::Result<()> {
        let cut = self.link.cut.clone();
        let writer = &mut self.writer;
        let writing = async move {
            socket::write(writer, buffer).await?;
            if close { tokio::io::AsyncWriteExt::shutdown(writer).await } else { Ok(()) }
        };
        tokio::select! {
            biased;
            written = writing => written,
            () = cut.cancelled() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Sets the timer, which is left alone while it only goes off too early.
    fn arm(&self, sleep: std::pin::Pin<&mut Sleep>) {
        let at = match self.wake_us {
            Some(at_us) => Instant::now() + self.client.until(at_us),
            None if sleep.is_elapsed() => Instant::now() + LONG,
            None => return,
        };
        if sleep.is_elapsed() || at < sleep.deadline() {
            sleep.reset(at);
        }
    }

    /// True when the connection is to be closed after writing.
    fn take(&mut self, post: Post, buffer: &mut BytesMut) -> bool {
        match post {
            Post::Submit(items) => self.enqueue(items),
            Post::Again(queued) => self.put_back(queued),
            Post::Go => {}
            Post::Octets(octets) => buffer.extend_from_slice(&octets),
            Post::Answers(answers) => {
                let count = answers.len();
                for (token, answer) in answers {
                    Token::decode(token).answer(&answer, buffer);
                }
                self.link.answered(count);
            }
            Post::Enquire => self.ask(Command::EnquireLink, buffer),
            Post::Unbind => self.ask(Command::Unbind, buffer),
            Post::Halt => {
                self.halted = true;
                self.hand_back();
            }
            Post::Close => return true,
        }
        false
    }

    /// Past the window and the rate.
    fn ask(&self, command: Command, buffer: &mut BytesMut) {
        let sequence = self.link.flights().window.sequence();
        pdu::encode_empty(command, CommandStatus::ROK, sequence, buffer);
    }

    fn enqueue(&mut self, items: Vec<Outgoing>) {
        for item in items {
            match item {
                Outgoing::Message(message) => {
                    self.queue.push_back(Queued::Message(Item {
                        order: self.order,
                        message,
                        throttled_us: None,
                    }));
                    self.order += 1;
                }
                Outgoing::Revoke(message) => {
                    // `cancel_sm` says nothing of a phone that is being reached at this moment.
                    self.outcomes.push((message.attempt, Outcome::Refused(Refusal::ours(Cause::Policy))));
                }
                // An SMSC reports to its own phones; it has no use for our receipts.
                Outgoing::Report(report) => {
                    self.outcomes.push((report.attempt, Outcome::Refused(Refusal::ours(Cause::NoRoute))));
                }
                Outgoing::Signal(_) => {}
            }
        }
        if self.halted {
            self.hand_back();
        }
    }

    /// What is written again keeps its place.
    fn put_back(&mut self, queued: Vec<Queued>) {
        for item in queued {
            let place = self.queue.partition_point(|other| other.order() < item.order());
            self.queue.insert(place, item);
        }
        if self.halted {
            self.hand_back();
        }
    }

    /// Messages of the queue of which nothing was written.
    fn unsent(&mut self) -> Vec<Outgoing> {
        self.queue
            .drain(..)
            .filter_map(|queued| match queued {
                Queued::Message(item) => Some(Outgoing::Message(item.message)),
                Queued::Parts { .. } => None,
            })
            .collect()
    }

    fn hand_back(&mut self) {
        let unsent = self.unsent();
        let count = unsent.len();
        let left = refused(self.client.distribute(unsent));
        self.link.released(count - left.len());
        self.outcomes.extend(left);
    }

    /// Writes as much of the queue as the window and the rate let through.
    fn submit(&mut self, buffer: &mut BytesMut) {
        self.more = false;
        self.wake_us = None;
        let now_us = self.client.now_us();
        let link = self.link.clone();
        let mut flights = link.flights();
        flights.expire(now_us, &mut self.outcomes);
        if !self.queue.is_empty() && !self.halted {
            let client = self.client.clone();
            let mut rate =
                client.limited().then(|| client.rate.lock().unwrap_or_else(PoisonError::into_inner));
            let settings = client.settings();
            let round = Round {
                text: settings.text,
                version: link.version(),
                now_us,
                wall_us: socket::now().micros(),
            };
            self.more = self.write_queue(&round, &mut flights, rate.as_deref_mut(), buffer);
            flights.starved = !self.queue.is_empty() && flights.window.is_full();
        }
        let overdue_us = flights.window.next_deadline_us();
        self.wake_us = self.wake_us.into_iter().chain(overdue_us).min();
    }

    /// True when the buffer was full first.
    fn write_queue(
        &mut self,
        round: &Round,
        flights: &mut Flights,
        mut rate: Option<&mut Rate>,
        buffer: &mut BytesMut,
    ) -> bool {
        while !flights.window.is_full() {
            if buffer.len() > WRITE_OCTETS {
                return true;
            }
            let Some(front) = self.queue.pop_front() else { break };
            let blocked = match front {
                Queued::Message(item) => self.message(item, round, flights, rate.as_deref_mut(), buffer),
                Queued::Parts { order, group } => {
                    self.part(order, group, round, flights, rate.as_deref_mut(), buffer)
                }
            };
            if blocked {
                break;
            }
        }
        false
    }

    /// True when the rate says to wait.
    fn message(
        &mut self,
        item: Item,
        round: &Round,
        flights: &mut Flights,
        rate: Option<&mut Rate>,
        buffer: &mut BytesMut,
    ) -> bool {
        let attempt = item.message.attempt;
        if item.is_stuck(round.now_us) {
            self.outcomes.push((attempt, Outcome::Refused(outcome_refusal(CommandStatus::RTHROTTLED))));
            return false;
        }
        if item.message.submission.expires_at.is_some_and(|at| at.micros() <= round.wall_us) {
            self.refuse(attempt, Cause::Expired);
            return false;
        }
        let parts = match submit_parts(&item.message, &round.text()) {
            Ok(parts) if !parts.is_empty() => parts,
            Ok(_) => return self.refuse(attempt, Cause::Unencodable),
            Err(cause) => return self.refuse(attempt, cause),
        };
        let segments = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        if let Some(Err(wait)) = rate.map(|rate| rate.take(segments, round.now_us)) {
            self.wake_us = Some(round.now_us.saturating_add(wait.us));
            self.queue.push_front(Queued::Message(item));
            return true;
        }
        if parts.len() > 1 {
            let queued = flights.gather(item, parts);
            self.queue.push_front(queued);
            return false;
        }
        let sequence =
            match flights.window.insert(round.now_us, Flight::Whole { item, sent_us: round.now_us }) {
                Ok(sequence) => sequence,
                Err(Flight::Whole { item, .. }) => {
                    self.queue.push_front(Queued::Message(item));
                    return true;
                }
                Err(Flight::Part { .. }) => return true,
            };
        let Some(Flight::Whole { item, .. }) = flights.window.get(sequence) else { return false };
        if parts.encode_submit(0, &item.message, round.version, round.wall_us, sequence, buffer).is_err() {
            flights.window.complete(sequence);
            self.refuse(attempt, Cause::TooLong);
        }
        false
    }

    fn part(
        &mut self,
        order: u64,
        group: u32,
        round: &Round,
        flights: &mut Flights,
        rate: Option<&mut Rate>,
        buffer: &mut BytesMut,
    ) -> bool {
        let Some(paid) = flights.next_is_paid(group) else { return false };
        if let Some(rate) = rate
            && !paid
            && let Err(wait) = rate.take(1, round.now_us)
        {
            self.wake_us = Some(round.now_us.saturating_add(wait.us));
            self.queue.push_front(Queued::Parts { order, group });
            return true;
        }
        let Some((sequence, part, parts, message)) = flights.send_part(group, round.now_us) else {
            return false;
        };
        let written =
            parts.encode_submit(usize::from(part), message, round.version, round.wall_us, sequence, buffer);
        if written.is_err() {
            if let Answered::Outcome(attempt, outcome) =
                flights.part_failed(sequence, Refusal::ours(Cause::TooLong))
            {
                self.outcomes.push((attempt, outcome));
            }
        } else if flights.next_is_paid(group).is_some() {
            self.queue.push_front(Queued::Parts { order, group });
        }
        false
    }

    /// We cannot write it, so it does not block the others.
    fn refuse(&mut self, attempt: AttemptId, cause: Cause) -> bool {
        self.outcomes.push((attempt, Outcome::Refused(Refusal::ours(cause))));
        false
    }

    async fn tell(&mut self) {
        if self.outcomes.is_empty() {
            return;
        }
        let outcomes = std::mem::take(&mut self.outcomes);
        self.link.released(outcomes.len());
        self.client.outcomes(outcomes).await;
    }
}

/// What does not change while one buffer is filled.
struct Round {
    text: LinkText,
    version: Version,
    now_us: i64,
    /// For validity periods, which are about the time on the wall.
    wall_us: i64,
}

impl Round {
    /// A peer that takes no TLVs takes headers.
    fn text(&self) -> LinkText {
        if self.version.allows_tlvs() {
            self.text
        } else {
            LinkText { concatenation: Concatenation::Header, ..self.text }
        }
    }
}
