//! A store on a database: what rows mean.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use engine::journal::{Batch, Chapter, Entry, Event};
use model::{ChannelId, ChannelKind, Content, Duration, MessageId, Timestamp};

use crate::{
    Bounds, Channel, Purged, Recovery, Search, Store, StoreError, StoreSize, UsageRow, Written,
    columns::signed,
    database::{Database, Page, Row},
    frame, party,
    prepared::Prepared,
};

/// Batches read at a time in a search: most hold no match, so not many.
const SEARCH_PAGE: u32 = 16;

#[async_trait]
impl<D: Database> Store for D {
    async fn commit(&self, batch: Arc<Batch>) -> Result<(), StoreError> {
        self.write(Prepared::new(batch)?).await
    }

    async fn recover(&self) -> Result<Recovery, StoreError> {
        let last_seq = Database::bounds(self).await?.last_seq;
        let last_message = match self.last_accepting().await? {
            Some(row) => accepted(&entries(&row)?).map(|(message, _)| message).max(),
            None => None,
        };
        let facts = self.facts().await?;
        Ok(Recovery { last_seq, last_message, facts, channels: Database::channels(self).await? })
    }

    async fn open_births(&self) -> Result<Vec<u64>, StoreError> {
        Database::open_births(self).await
    }

    async fn chapters(&self, births: &[u64]) -> Result<Vec<Chapter>, StoreError> {
        let mut wanted = self.touches(births).await?;
        wanted.extend_from_slice(births);
        wanted.sort_unstable();
        wanted.dedup();
        let rows = self.rows(&wanted).await?;
        let asked: HashSet<u64> = births.iter().copied().collect();
        let mut chapters: HashMap<u64, Chapter> = HashMap::with_capacity(births.len());
        let mut born: HashMap<MessageId, u64> = HashMap::new();
        for row in &rows {
            let own = asked.contains(&row.seq);
            if own {
                let birth = row.seq;
                chapters.insert(birth, Chapter { birth, entries: Vec::new(), contents: Vec::new() });
            }
            for entry in entries(row)? {
                if own && matches!(entry.event, Event::Accepted(_)) {
                    born.insert(entry.message, row.seq);
                }
                // Anything else was born outside this page.
                if let Some(chapter) = born.get(&entry.message).and_then(|birth| chapters.get_mut(birth)) {
                    chapter.entries.push(entry);
                }
            }
        }
        for held in Database::contents(self, births).await? {
            let Some(chapter) = chapters.get_mut(&held.birth) else { continue };
            for (message, content) in frame::read_contents(held.birth, &held.octets)? {
                chapter.contents.push((message, content));
            }
        }
        for chapter in chapters.values_mut() {
            newest_only(&mut chapter.contents);
        }
        Ok(births.iter().filter_map(|birth| chapters.remove(birth)).collect())
    }

    async fn history(&self, message: MessageId) -> Result<Option<Vec<Entry>>, StoreError> {
        let Some(birth) = self.birth(message).await? else { return Ok(None) };
        let mut wanted = vec![birth];
        wanted.extend(self.touches(&[birth]).await?);
        let mut life = Vec::new();
        for row in self.rows(&wanted).await? {
            life.extend(entries(&row)?.into_iter().filter(|entry| entry.message == message));
        }
        Ok((!life.is_empty()).then_some(life))
    }

    async fn content(&self, message: MessageId) -> Result<Option<Content>, StoreError> {
        let Some(birth) = self.birth(message).await? else { return Ok(None) };
        let mut found = None;
        for held in Database::contents(self, &[birth]).await? {
            for (one, content) in frame::read_contents(birth, &held.octets)? {
                if one == message {
                    found = Some(content);
                }
            }
        }
        Ok(found)
    }

    async fn search(&self, query: &Search) -> Result<Vec<MessageId>, StoreError> {
        let limit = usize::try_from(query.limit.min(Search::LIMIT_MAX)).unwrap_or(0);
        let from = MessageId::first_at(query.from.unwrap_or(Timestamp::ZERO));
        let until = query.until.map(MessageId::first_at);
        let below = [until, query.before].into_iter().flatten().min();
        let mut page = Page {
            from,
            below: below.map_or(i64::MAX, |id| signed(id.as_u64())),
            party: query.party.as_deref().map(party::hash),
            limit: SEARCH_PAGE,
        };
        let mut found = Vec::new();
        while found.len() < limit {
            let rows = self.accepting(&page).await?;
            let Some(oldest) = rows.last().and_then(|row| row.first_accepted) else { break };
            page.below = signed(oldest.as_u64());
            for row in rows {
                let entries = entries(&row)?;
                let mut matching: Vec<MessageId> = accepted(&entries)
                    .filter(|(message, _)| *message >= from && below.is_none_or(|below| *message < below))
                    .filter(|(_, accepted)| {
                        query.origin.is_none_or(|origin| accepted.submission.origin == origin)
                            && query.party.as_deref().is_none_or(|one| party::takes_part(accepted, one))
                    })
                    .map(|(message, _)| message)
                    .collect();
                matching.sort_unstable_by(|a, b| b.cmp(a));
                found.extend(matching);
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn usage(
        &self,
        after: u64,
        limit: u32,
        origin: Option<ChannelId>,
    ) -> Result<Vec<UsageRow>, StoreError> {
        Database::usage(self, after, limit, origin).await
    }

    async fn channel_id(&self, name: &str, kind: ChannelKind) -> Result<ChannelId, StoreError> {
        let channel = Database::channel_id(self, name, kind).await?;
        if channel.kind == kind { Ok(channel.id) } else { Err(StoreError::OtherKind(name.into())) }
    }

    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        Database::secret(self, name, fresh).await
    }

    async fn channels(&self) -> Result<Vec<Channel>, StoreError> {
        Database::channels(self).await
    }

    async fn size(&self) -> Result<StoreSize, StoreError> {
        Database::size(self).await
    }

    async fn bounds(&self) -> Result<Bounds, StoreError> {
        Database::bounds(self).await
    }

    async fn journal(&self, after: u64, limit: u32) -> Result<Vec<Written>, StoreError> {
        let rows = self.rows_after(after, limit.max(1)).await?;
        rows.iter()
            .map(|row| Ok(Written { seq: row.seq, at: row.at, epoch: row.epoch, entries: entries(row)? }))
            .collect()
    }

    async fn purge(&self, now: Timestamp, keep: Duration) -> Result<Purged, StoreError> {
        Database::purge(self, now, now - keep).await
    }

    async fn close(&self) {
        Database::close(self).await;
    }
}

fn entries(row: &Row) -> Result<Vec<Entry>, StoreError> {
    frame::read_journal(row.seq, row.at, &row.digest, &row.payload)
}

fn accepted(entries: &[Entry]) -> impl Iterator<Item = (MessageId, &engine::journal::Accepted)> {
    entries.iter().filter_map(|entry| match &entry.event {
        Event::Accepted(accepted) => Some((entry.message, &**accepted)),
        _ => None,
    })
}

/// Later contents of a message stand after earlier ones.
fn newest_only(contents: &mut Vec<(MessageId, Content)>) {
    if !contents.is_sorted_by(|a, b| a.0 < b.0) {
        contents.sort_by_key(|(message, _)| *message);
        contents.reverse();
        contents.dedup_by_key(|(message, _)| *message);
        contents.reverse();
    }
}
