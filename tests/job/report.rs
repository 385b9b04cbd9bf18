//! What a worker must not report, and what then happens: a code, and nothing else.

use roomcast_proto::v1::{GetJobRequest, JobState, ProgressUpdate, Report};

use super::{create, get};
use crate::support::log_reader::read_log;
use crate::support::worker::{completed, output, progress, report};
use crate::support::{Caller, Core, Worker, code, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_report_is_refused_by_its_code_and_changes_nothing() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "strict").await;
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("strict").await;
    worker.report(progress(&held, 1, 40.0)).await.unwrap();
    let topic = format!("job:{}", job.job_id);
    let before = read_log(&core.broadcast(), &topic).await;

    let increment = ProgressUpdate { increment: Some(f64::NAN), ..ProgressUpdate::default() };
    let foreign = Report { fence: held.fence + 1, ..progress(&held, 2, 50.0) };
    let unknown = Report { job_id: "no-such-job".to_owned(), ..progress(&held, 2, 50.0) };
    let cases = [
        ("invalid_argument", progress(&held, 2, 150.0)),
        ("invalid_argument", progress(&held, 2, -1.0)),
        ("invalid_argument", progress(&held, 2, f64::NAN)),
        ("invalid_argument", progress(&held, 2, f64::INFINITY)),
        ("invalid_argument", Report { progress: Some(increment), ..report(&held, 2) }),
        ("invalid_argument", report(&held, 0)),
        ("report_out_of_order", progress(&held, 3, 50.0)),
        ("report_out_of_order", output(&held, 2, 7, "does not join on")),
        ("fenced", foreign),
        ("job_not_found", unknown),
    ];
    for (expected, wrong) in cases {
        let refused = worker.report(wrong.clone()).await.unwrap_err();
        assert_eq!(code(&refused), expected, "{wrong:?}");
    }
    assert_eq!(read_log(&core.broadcast(), &topic).await, before);
    let stands = get(&core.jobs(), &job.job_id).await;
    assert_eq!((stands.state(), stands.progress.unwrap().percent), (JobState::Running, 40.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_report_is_acknowledged_again_without_effect() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "repeated").await;
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("repeated").await;
    for _ in 0..3 {
        let answer = worker.report(output(&held, 1, 0, "once\n")).await.unwrap();
        assert_eq!(answer.ack.unwrap().number, 1);
    }
    assert_eq!(get(&core.jobs(), &job.job_id).await.output_bytes["stdout"], 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_after_the_end_is_refused_and_the_end_stays_the_last_event() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "ended").await;
    let worker = Worker::new("w", core.jobs());
    let held = worker.lease("ended").await;
    worker.report(completed(&held, 1)).await.unwrap();
    worker.report(completed(&held, 1)).await.expect("repeating the last report is no new one");
    let refused = worker.report(progress(&held, 2, 50.0)).await.unwrap_err();
    assert!(["job_ended", "fenced"].contains(&code(&refused)), "{refused:?}");
    let log = read_log(&core.broadcast(), &format!("job:{}", job.job_id)).await;
    assert!(log.last().unwrap().is_end);
    assert_eq!(log.iter().filter(|event| event.is_end).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_may_neither_work_nor_see_what_is_not_theirs() {
    let core = Core::start().await;
    let job = create(&core.jobs(), "private").await;
    let eve = Caller::user(&user("eve")).jobs(core.channel());
    let request = GetJobRequest { job_id: job.job_id.clone() };
    let hidden = eve.clone().get_job(request).await.unwrap_err();
    let request = GetJobRequest { job_id: "no-such-job".to_owned() };
    let missing = eve.clone().get_job(request).await.unwrap_err();
    assert_eq!((code(&hidden), code(&missing)), ("job_not_found", "job_not_found"));
    let told = hidden.message().replace(&job.job_id, "no-such-job");
    assert_eq!(told, missing.message(), "nothing tells the two apart");
    let held = Worker::new("w", core.jobs()).lease("private").await;
    let refused = Worker::new("eve", eve).report(progress(&held, 1, 1.0)).await.unwrap_err();
    assert_eq!(code(&refused), "permission_denied");
}
