//! The rules of every store, whatever it keeps its state in. `contract!` makes a test of each of them for
//! an implementation; [`super::local`] is one.

mod accounts;
mod epochs;
pub(crate) mod fixtures;
mod identity;
mod leases;
mod quota;
mod slots;
mod steps;

use std::sync::Arc;
use std::task::{Context, Waker};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::local::LocalStore;
use super::*;
use crate::clock::Clock;
use crate::model::*;
use crate::problem::{Coded as _, ErrorCode, ErrorKind};
use fixtures::*;

/// What keeps the state of a store: a directory, or a database on a server. It is empty at first and gone
/// with the value.
trait World: Send + Sync {
    /// A store there, as another process would open it, in a time of its own.
    fn open(&self, clock: Clock) -> Arc<dyn Store>;
}

/// Makes a new world.
type New<'a> = &'a (dyn Fn() -> Box<dyn World> + Sync);

/// A world, as the rules speak of it.
struct Home(Box<dyn World>);

impl Home {
    fn new(new: New<'_>) -> Self {
        Self(new())
    }

    fn store(&self) -> Arc<dyn Store> {
        self.0.open(Clock::default())
    }

    fn accounts(&self) -> Arc<dyn AccountStore> {
        self.store().accounts()
    }

    /// The journal, as another process would open it.
    async fn open(&self) -> Arc<dyn Journal> {
        self.open_ahead(SignedDuration::ZERO).await
    }

    /// The journal in another time.
    async fn open_ahead(&self, by: SignedDuration) -> Arc<dyn Journal> {
        let store = self.0.open(Clock::shifted(by));
        store.open_journal(Accept::Never).await.unwrap().journal
    }
}

/// The writes, each by somebody who takes the account over for it.
impl dyn Journal {
    /// [`Journal::post_for`].
    async fn recorded(&self, new: &PostRequest) -> Result<RecordedPost, StoreError> {
        let mine = self.take_over(&new.account).await?;
        self.post_for(new, mine).await
    }

    /// [`Journal::begin_attempt`].
    async fn begun(&self, post: PostNumber) -> Result<Attempt, StoreError> {
        let mine = self.claimed(post).await?;
        self.begin_attempt(post, mine).await
    }

    /// [`Journal::advance`], which takes the new state into the attempt.
    async fn step(
        &self,
        attempt: &mut Attempt,
        to: Phase,
        update: &AttemptUpdate,
    ) -> Result<(), StoreError> {
        let mine = self.claimed(attempt.post).await?;
        *attempt = self.advance(attempt, to, update, mine).await?;
        Ok(())
    }

    /// [`Journal::same_as`].
    async fn joined(&self, post: PostNumber, other: PostNumber) -> Result<(), StoreError> {
        let mine = self.claimed(post).await?;
        self.same_as(post, other, mine).await
    }

    /// Takes the account of a post over.
    async fn claimed(&self, post: PostNumber) -> Result<Epoch, StoreError> {
        self.take_over(&self.post(post).await?.account).await
    }

    /// Walks a new attempt through phases.
    async fn walk(&self, post: &RecordedPost, phases: &[(Phase, AttemptUpdate)]) -> Attempt {
        let mut attempt = self.begun(post.number).await.unwrap();
        for (phase, update) in phases {
            self.step(&mut attempt, *phase, update).await.unwrap();
        }
        attempt
    }

    /// Posts an entry, of a file with that content.
    async fn publish(&self, new: &PostRequest, content: &str) -> RecordedPost {
        let post = self.recorded(new).await.unwrap();
        let mut phases = vec![(OPEN, accepted()), (Phase::Published, NO_FACTS)];
        if post.file.is_some() {
            phases.insert(1, (INTENT, read_as(content)));
        }
        self.walk(&post, &phases).await;
        self.post(post.number).await.unwrap()
    }
}

/// The error of the journal that was hoped for, and that it is this kind of trouble.
fn refused<T: fmt::Debug>(outcome: Result<T, StoreError>, kind: ErrorKind) -> JournalError {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let StoreError::Journal(error) = error else { panic!("{error}") };
    error
}

/// Begins something, and does not wait for it.
fn begin<T>(mut future: StoreFuture<'_, T>) {
    // It may be done already.
    _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

/// Does things at once, and gives what came of them in their order.
async fn at_once<F>(futures: Vec<F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: Vec<_> = futures.into_iter().map(tokio::spawn).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// A test of each rule, for the implementation whose worlds `$new` makes.
macro_rules! contract {
    ($new:expr) => {
        contract! { $new, true }
    };
    // Where the condition does not hold, there is nothing to test with.
    ($new:expr, $there:expr) => {
        contract! { @rules $new, $there;
            steps {
                an_attempt_comes_back_as_it_was_recorded,
                of_two_that_record_a_step_from_the_same_phase_one_wins,
                an_attempt_that_moved_on_is_not_changed_by_one_who_does_not_know,
                i1_no_attempt_begins_while_an_earlier_one_may_become_a_post,
                eight_that_begin_at_once_make_one_attempt,
                what_is_over_stays_over,
                a_draft_in_the_inbox_may_be_finished_later,
                ids_that_become_public_later_are_added_to_a_published_post,
                the_url_is_kept_only_while_chunks_may_follow,
                a_human_settles_what_is_unresolved_and_what_failed_for_good,
                what_a_human_calls_posted_is_never_begun_again,
                what_tiktok_works_on_is_not_called_not_posted,
                unfinished_posts_are_those_under_way_and_those_for_a_human,
                unpublished_posts_are_all_but_those_that_are_done_and_those_that_are_others,
                posts_are_found_by_what_they_are_called,
                whether_a_post_was_repeated_is_known,
                a_step_that_was_begun_is_recorded_though_nobody_waits_for_it,
            }
            epochs {
                each_take_over_begins_an_epoch_like_no_other,
                who_was_taken_over_records_nothing,
                of_eight_that_take_over_at_once_the_last_one_records,
                a_person_who_settles_a_post_takes_its_account_over,
                accounts_do_not_take_over_each_other,
                who_looks_on_records_until_somebody_takes_over,
                calls_and_quotas_are_noted_by_whoever_made_them,
            }
            identity {
                a_post_comes_back_as_it_was_recorded,
                a_path_that_is_not_text_comes_back_whole,
                eight_that_ask_for_the_same_make_one_post,
                eight_copies_that_turn_out_to_be_the_same_reach_their_final_chunk_once,
                accounts_modes_and_contents_are_told_apart,
                a_file_that_did_not_change_is_known_without_reading_it,
                what_was_made_of_many_entries_is_told_at_once_where_nothing_is_to_be_learned,
                a_file_that_is_gone_is_known_by_where_it_lay,
                a_file_that_came_to_lie_elsewhere_is_known_by_that_when_it_is_gone,
                of_copies_that_were_each_posted_the_one_at_the_path_is_meant,
                a_renamed_or_copied_file_is_recognised_by_its_content_and_then_by_sight,
                other_settings_do_not_make_another_post,
                until_something_was_sent_a_post_follows_its_entry,
                a_source_and_a_mode_may_change_until_something_was_sent,
                while_something_may_be_posted_a_post_keeps_its_file_and_plan,
                what_was_read_of_an_unchanged_file_stays_known,
                an_id_added_later_does_not_make_another_post,
                an_id_removed_later_does_not_make_another_post,
                two_ids_are_two_posts_of_the_same_content,
                an_id_belongs_to_its_account_and_to_any_mode,
                content_that_was_posted_meanwhile_stops_a_post_before_its_final_chunk,
                a_duplicate_of_which_nothing_was_posted_gives_way,
                a_repost_is_a_post_of_its_own_and_asked_for_once,
                of_several_reposts_the_latest_is_named,
                a_repost_of_an_id_keeps_the_id,
                a_repost_starts_over_what_was_refused_for_good,
                a_repost_touches_nothing_that_is_under_way_unresolved_or_simply_not_done,
                a_number_is_asked_for_as_text,
            }
            quota {
                a_seventh_init_waits_until_the_first_is_a_minute_old,
                with_more_calls_than_allowed_the_wait_is_for_enough_of_them,
                eight_that_take_slots_at_once_take_no_more_than_there_are,
                a_full_quota_is_remembered_until_its_time,
                the_sixth_draft_in_24_hours_waits_for_the_first,
                drafts_that_were_finished_or_came_to_nothing_are_not_pending,
            }
            leases {
                a_lease_excludes_others_and_tells_who_has_it,
                leases_of_other_accounts_and_kinds_are_others,
                who_waits_gets_the_lease_when_it_is_given_back,
                waiting_for_a_lease_ends,
                a_lease_that_nobody_waits_for_any_more_is_not_kept,
            }
            slots {
                a_post_keeps_the_time_that_it_was_given,
                eight_manifests_that_ask_at_once_are_given_eight_times,
                looking_at_times_keeps_none,
                what_is_made_before_its_time_gives_it_back,
                a_booking_that_was_begun_is_kept_though_nobody_waits_for_it,
            }
            accounts {
                whether_anything_was_ever_kept_is_known,
                an_account_comes_back_as_it_was_stored,
                nobody_and_an_unknown_name_are_told_apart,
                a_change_decides_on_what_is_stored_then,
                accounts_that_change_at_once_do_not_lose_each_other,
                what_is_kept_or_removed_is,
                tokens_replace_those_that_were_spent_and_no_others,
                of_eight_that_rotate_the_same_token_one_does,
                tokens_that_nobody_waits_for_any_more_are_stored,
                an_alias_names_one_account,
                a_pause_keeps_the_time_of_the_first,
                a_probe_changes_nothing_and_leaves_nothing,
            }
        }
    };
    (@rules $new:expr, $there:expr; $($module:ident { $($rule:ident,)* })*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $rule() {
                if $there {
                    crate::store::contract::$module::$rule(&$new).await;
                }
            })*
        })*
    };
}

/// Files in a directory.
struct Directory(TempDir);

impl Directory {
    fn make() -> Box<dyn World> {
        Box::new(Self(tempfile::tempdir().unwrap()))
    }
}

impl World for Directory {
    fn open(&self, clock: Clock) -> Arc<dyn Store> {
        Arc::new(LocalStore::open(self.0.path(), clock).unwrap())
    }
}

mod local {
    contract!(super::super::Directory::make);
}

#[cfg(feature = "postgres")]
mod postgres {
    use crate::store::postgres::testing::{Database, is_pooled, is_there};

    impl super::World for Database {
        fn open(&self, clock: crate::clock::Clock) -> std::sync::Arc<dyn crate::store::Store> {
            Self::open(self, clock)
        }
    }

    fn make() -> Box<dyn super::World> {
        Box::new(Database::make())
    }

    fn make_pooled() -> Box<dyn super::World> {
        Box::new(Database::pooled())
    }

    contract!(super::make, super::is_there());

    mod pooled {
        use super::{is_pooled, make_pooled as make};

        contract!(super::make, super::is_pooled());
    }
}
