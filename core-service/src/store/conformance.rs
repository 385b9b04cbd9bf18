//! What every engine must do, executed. Written once; an engine joins with one line:
//! `conformance!(crate::store::engine::tests::fresh);`, where `fresh` makes an empty [`Engine`].

pub(crate) mod access;
pub(crate) mod agenda;
pub(crate) mod audit;
pub(crate) mod cleaning;
pub(crate) mod cores;
pub(crate) mod edges;
pub(crate) mod graphs;
pub(crate) mod history;
pub(crate) mod idempotency;
pub(crate) mod jobs;
pub(crate) mod limits;
pub(crate) mod lists;
pub(crate) mod output;
pub(crate) mod presence;
pub(crate) mod publish;
pub(crate) mod sessions;
pub(crate) mod usage;
mod world;

use std::sync::Arc;

pub(crate) use world::{World, spec_at};

use crate::domain::job::Limits;
use crate::domain::retention::Retentions;
use crate::domain::time::Time;
use crate::store::{Store, Tap};

/// The limits that every engine is opened with.
pub(crate) fn job_limits() -> Limits {
    let settings = [limits::SETTING.parse().expect("a limit")];
    Limits::new(&settings)
}

/// The retentions that every engine is opened with.
pub(crate) fn retentions() -> Retentions {
    Retentions::new(&[output::SETTING.parse().expect("a retention")])
}

/// Storage that can be opened again and again, and that begins empty.
pub(crate) trait Engine: Send {
    /// Opens what is stored. At most one store is open at a time.
    fn open(&self, clock: Arc<dyn Fn() -> Time + Send + Sync>, tap: Tap) -> Arc<dyn Store>;

    /// Runs a statement in the tables, while no store is open.
    fn alter(&self, statement: &str);

    /// Storage that holds what this one would hold if everything stopped at this moment.
    fn copy(&self) -> Box<dyn Engine>;
}

macro_rules! conformance {
    ($fresh:path) => {
        $crate::store::conformance::conformance! { $fresh;
            publish: [
                one_topic_takes_racing_writers_without_a_gap,
                many_topics_and_writers_keep_each_topics_order,
                acknowledgements_respect_real_time,
                a_batch_is_committed_whole_or_not_at_all,
                exactly_one_of_racing_writers_finds_the_expected_offset,
                bodies_of_every_type_come_back_byte_for_byte,
                last_values_are_the_newest_event_of_each_type,
                pages_join_without_a_hole_whatever_their_size,
                a_topic_nobody_wrote_to_stands_at_the_start,
                a_topic_that_cannot_be_read_takes_nothing_and_holds_up_no_other,
            ]
            audit: [
                an_act_and_its_entry_are_committed_together,
                topics_are_listed_by_kind_and_name,
            ]
            idempotency: [
                racing_publishes_with_one_key_commit_once,
                racing_creates_with_one_key_make_one_job,
                a_key_with_other_content_is_refused,
                a_key_is_known_after_reopening,
                a_key_is_free_again_after_its_time,
                a_refused_command_leaves_its_key_free,
            ]
            jobs: [
                a_job_and_its_events_are_committed_together,
                a_taker_has_a_job_from_its_creation,
                racing_leases_go_to_one_worker,
                a_refused_report_changes_nothing,
                a_report_is_applied_once,
                the_log_folds_into_the_stored_job,
                a_job_reads_the_same_after_reopening,
                an_id_that_is_taken_is_refused,
                a_workers_own_events_reach_its_job_and_its_project,
            ]
            lists: [
                jobs_are_listed_newest_first_in_pages,
                a_page_of_long_records_is_short_and_says_that_others_follow,
                every_filter_holds_alone_and_together,
                a_listed_job_moves_between_states,
                tenants_never_see_each_other,
            ]
            output: [
                any_range_of_output_is_found,
                attempts_and_channels_are_kept_apart,
                long_output_of_several_channels_is_found_anywhere,
                output_begins_where_it_is_retained,
            ]
            agenda: [
                priority_comes_first_and_owners_take_turns,
                a_crowd_of_one_owner_holds_nobody_up,
                turns_go_on_between_readings_of_one_job,
                a_pinned_job_is_seen_by_its_worker_alone,
                a_tenants_worker_sees_its_tenant_alone,
                old_jobs_of_low_priority_do_not_starve,
                deadlines_come_due_in_order,
            ]
            limits: [
                racing_leases_stop_at_the_limit_of_a_kind_and_of_a_key,
                a_job_behind_a_limit_holds_up_no_other,
                every_end_of_an_attempt_makes_room,
                a_limit_holds_after_reopening,
                no_history_of_a_limited_kind_passes_its_limits,
            ]
            cleaning: [
                rooms_lose_what_is_too_old_too_many_or_too_large,
                a_replay_across_a_trim_begins_at_the_floor,
                an_ended_job_goes_whole_after_its_time,
                expired_keys_go,
                a_small_budget_cleans_little_and_the_rest_next_time,
                cleaning_races_with_writers_and_leaves_no_hole,
            ]
            access: [
                an_entry_and_its_change_are_committed_together,
                entries_are_listed_by_tenant_and_name_in_pages,
                one_of_racing_callers_spends_a_ticket,
                entries_past_their_time_go_and_users_stay,
            ]
            presence: [
                presence_is_the_fold_of_the_log_over_edges_and_restarts,
                all_who_came_through_an_edge_are_found_however_many,
                a_sum_of_connections_that_is_full_stays_so,
                a_crowd_is_counted_and_named_again,
                only_an_open_session_of_its_tenant_has_participants,
                the_last_event_of_a_room_tells_who_is_there,
                a_full_room_is_counted_and_listed_as_soon_as_it_is_not,
            ]
            edges: [
                only_the_core_that_an_edge_talks_to_speaks_for_it,
                a_silent_edge_is_taken_over_once_and_forgotten,
                who_is_connected_is_kept_by_edge_and_part,
                whom_an_older_core_tells_of_stays_as_long_as_an_upgrade_may_take,
            ]
            sessions: [
                members_are_kept_and_a_lesser_right_is_told_in_the_same_commit,
                a_project_has_as_many_members_as_its_limit,
                projects_and_sessions_are_listed_newest_first_in_pages,
                racing_creates_of_a_project_with_one_key_make_one,
                a_closed_session_takes_nothing_and_goes_whole_after_its_time,
                an_erased_session_is_not_found_at_once_and_goes_with_the_next_cleaning,
                a_deleted_project_takes_its_members_and_its_log_with_it,
                a_project_stays_when_nobody_can_be_told_that_it_goes,
            ]
            graphs: [
                a_session_is_read_once_and_then_folded,
                a_session_kept_of_a_lost_history_is_read_anew,
                a_command_and_its_events_are_committed_together,
                a_key_gives_the_same_events_again,
                random_commands_match_a_model_over_crashes_and_restarts,
                a_session_holds_as_many_graphs_saves_and_versions_as_its_limits,
                a_copy_that_took_too_long_is_not_named,
                graphs_of_a_session_share_no_node_and_one_limit_of_bytes,
            ]
            cores: [
                heads_tell_of_topics_that_moved_and_of_no_others,
                heads_tell_of_a_history_that_was_rewound,
                one_core_at_a_time_has_the_lead,
                the_lead_is_free_after_its_time_and_once_it_is_given_up,
            ]
            usage: [
                what_jobs_use_is_summed_for_their_session_and_project,
                what_was_used_goes_with_the_session_and_with_the_project,
                what_is_used_has_a_limit_and_a_sum_that_is_full_stays_so,
            ]
            history: [
                whatever_was_acknowledged_is_there_after_a_crash,
                a_restored_copy_is_seen_by_the_stamp,
                a_page_is_judged_as_the_cursor_that_it_was_read_after,
                each_event_names_the_one_before_it,
                every_cursor_is_judged,
            ]
        }
    };
    ($fresh:path; $($module:ident: [$($name:ident),* $(,)?])*) => {
        $(mod $module {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let world = $crate::store::conformance::World::new(Box::new($fresh()));
                    $crate::store::conformance::$module::$name(world).await;
                }
            )*
        })*
    };
}
pub(crate) use conformance;
