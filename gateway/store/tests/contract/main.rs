//! One suite for every store: what a database must do to be one.

#![expect(clippy::unwrap_used, reason = "a test may say no more than that it failed")]

mod cases;
mod place;
mod world;

use place::Place;

/// Every case on a fresh store.
macro_rules! contract {
    ($($case:ident)+) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    super::cases::$case(&super::Place::sqlite()).await;
                }
            )+
        }

        /// One test, because one cluster serves all cases; the case that fails is named before it runs.
        #[tokio::test]
        async fn postgres_keeps_the_contract() {
            let cluster = store::testing::Cluster::start().expect("a PostgreSQL cluster");
            $(
                println!(concat!("case ", stringify!($case)));
                cases::$case(&Place::postgres(&cluster)).await;
            )+
        }
    };
}

/// Nobody else on the machine reads other people's messages.
#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let place = Place::sqlite();
    let store = place.open().await;
    store.commit(world::Story::new().accepts(world::id(0, 1), "1", "2", "text").batch()).await.unwrap();
    let Place::Sqlite(folder) = &place else { return };
    let mut modes = Vec::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        modes.push(file.unwrap().metadata().unwrap().permissions().mode() & 0o777);
    }
    assert_eq!(modes, [0o600; 3], "the database, its log and the log's index");
}

/// The server crashes and comes back; the gateway only repeats what it is told to repeat.
#[tokio::test]
async fn a_crash_of_the_server_loses_nothing() {
    let cluster = store::testing::Cluster::start().expect("a PostgreSQL cluster");
    let place = Place::postgres(&cluster);
    let store = place.open().await;
    let mut story = world::Story::new();
    for round in 0..3 {
        let batch = story.accepts(world::id(round, 1), "821011112222", "114", "text").batch();
        store.commit(batch).await.unwrap();
        cluster.crash().expect("comes back");
        let batch = story.accepts(world::id(round, 2), "821011112222", "114", "text").batch();
        // The first try meets the lost connection, the second a new one.
        let lost = store.commit(batch.clone()).await.unwrap_err();
        assert!(lost.is_transient(), "{lost}");
        store.commit(batch.clone()).await.unwrap();
        store.commit(batch).await.unwrap();
    }
    let journal = store.journal(0, 100).await.unwrap();
    assert_eq!(journal.iter().map(|batch| batch.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.usage(0, 100, None).await.unwrap().len(), 6);
}

contract! {
    what_is_committed_is_recovered
    a_batch_written_twice_is_written_once
    another_batch_with_the_same_number_is_refused
    batches_leave_no_gap
    a_second_charge_for_one_event_is_refused
    a_former_owner_cannot_write
    a_reader_cannot_write_and_disturbs_nobody
    a_restart_goes_on_where_it_stopped
    an_abandoned_commit_is_found_or_made
    erased_content_is_gone
    closed_batches_are_not_recovered
    a_batch_that_ends_where_it_began_leaves_nothing_open
    a_life_is_read_across_batches
    replaced_content_takes_the_place_of_the_first
    chapters_hold_open_messages_whole
    messages_are_found_by_party_and_time
    search_pages_do_not_overlap
    usage_is_read_back_as_it_was
    facts_are_kept_changed_and_forgotten
    channels_keep_their_ids
    a_secret_stays_what_it_was
    damage_is_found_and_named
    rows_that_changed_places_are_found
    purging_keeps_what_is_open
    large_batches_fit
    a_true_store_verifies
    verify_finds_missing_usage
    verify_finds_invented_usage
    verify_finds_changed_usage
    verify_finds_a_lost_message
    verify_finds_a_lost_batch
    verify_works_after_a_purge
}
