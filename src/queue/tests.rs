use std::collections::HashSet;

use serde::Deserialize;

use super::*;
use crate::db::fresh;
use tempfile::TempDir;

#[derive(Debug, Serialize, Deserialize)]
struct Letter(u32);

impl Job for Letter {
    const KIND: &'static str = "letter";
}

struct Ground {
    queue: Queue,
    db: Db,
    clock: Clock,
    _dir: TempDir,
}

impl Ground {
    async fn new() -> Ground {
        let (db, clock, _dir) = fresh().await;
        let settings = Settings { lease_seconds: 60, max_attempts: 3, backoff_seconds: 5, office_step_seconds: 10 };
        Ground { queue: Queue::new(db.clone(), clock.clone(), settings), db, clock, _dir }
    }

    async fn enqueue(&self, number: u32, office: Option<OfficeId>) -> JobId {
        let mut tx = self.db.write().await.unwrap();
        let id = self.queue.enqueue(&mut tx, &Letter(number), office).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn claim(&self) -> Claimed {
        self.queue.claim(NOBODY).await.unwrap().expect("a job")
    }

    async fn finish(&self, job: &Claimed) -> bool {
        let mut tx = self.db.write().await.unwrap();
        let was_ours = self.queue.finish(&mut tx, job).await.unwrap();
        tx.commit().await.unwrap();
        was_ours
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The numbers of all letters in the order in which they are claimed.
    async fn order(&self) -> Vec<u32> {
        let mut order = Vec::new();
        while let Some(job) = self.queue.claim(NOBODY).await.unwrap() {
            order.push(job.payload::<Letter>().unwrap().0);
        }
        order
    }
}

#[tokio::test]
async fn a_job_exists_exactly_if_the_transaction_that_caused_it_does() {
    let ground = Ground::new().await;
    let mut tx = ground.db.write().await.unwrap();
    ground.queue.enqueue(&mut tx, &Letter(1), None).await.unwrap();
    drop(tx);
    assert!(!ground.queue.has_work(NOBODY).await.unwrap());
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
    assert_eq!(ground.queue.depth().await.unwrap(), (0, 0));
    let office = OfficeId::fresh(&ground.clock);
    let id = ground.enqueue(2, Some(office)).await;
    assert!(ground.queue.has_work(NOBODY).await.unwrap());
    let job = ground.claim().await;
    assert_eq!((job.id, job.office, job.attempts), (id, Some(office), 1));
    assert_eq!((job.kind.as_str(), job.payload::<Letter>().unwrap().0), ("letter", 2));
    assert!(ground.finish(&job).await);
    assert_eq!(ground.queue.depth().await.unwrap(), (0, 0));
}

#[tokio::test]
async fn the_end_of_a_job_is_undone_with_the_transaction_of_its_effect() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    let job = ground.claim().await;
    let mut tx = ground.db.write().await.unwrap();
    assert!(ground.queue.finish(&mut tx, &job).await.unwrap());
    drop(tx);
    assert!(ground.finish(&job).await, "it was still there");
    assert!(!ground.finish(&job).await, "and is gone now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_claimers_get_each_job_once() {
    let ground = Ground::new().await;
    let mut tx = ground.db.write().await.unwrap();
    for number in 0..100 {
        ground.queue.enqueue(&mut tx, &Letter(number), None).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let queue = ground.queue.clone();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(job) = queue.claim(NOBODY).await.unwrap() {
                mine.push(job.payload::<Letter>().unwrap().0);
            }
            mine
        });
    }
    let claimed: Vec<u32> = claimers.join_all().await.concat();
    assert_eq!(claimed.len(), 100);
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>().len(), 100);
}

#[tokio::test]
async fn a_lease_that_ends_hands_the_job_over_and_the_former_holder_is_refused() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    let first = ground.claim().await;
    ground.pass(59);
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none(), "it is leased");
    assert!(ground.queue.renew(&first).await.unwrap());
    ground.pass(59);
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none(), "the lease was renewed");
    ground.pass(2);
    let second = ground.claim().await;
    assert_eq!((second.id, second.attempts), (first.id, 2));
    assert!(!ground.queue.renew(&first).await.unwrap());
    assert!(!ground.finish(&first).await);
    ground.queue.hand_back(&first).await.unwrap();
    ground.queue.fail(&first, "late").await.unwrap();
    assert!(ground.queue.renew(&second).await.unwrap(), "the former holder took nothing from the new one");
    assert!(ground.finish(&second).await);
}

#[tokio::test]
async fn waits_between_attempts_grow_until_the_job_is_given_up() {
    let ground = Ground::new().await;
    let id = ground.enqueue(1, None).await;
    for wait in [5, 10] {
        let job = ground.claim().await;
        let before = ground.clock.now();
        let Failed::RetryAt(at) = ground.queue.fail(&job, "torn paper").await.unwrap() else { panic!("given up") };
        assert!((wait..=wait + 1).contains(&at.since(before).as_secs()), "{:?}", at.since(before));
        ground.pass(wait - 1);
        assert!(!ground.queue.has_work(NOBODY).await.unwrap(), "not before {wait} seconds");
        ground.pass(2);
    }
    let job = ground.claim().await;
    assert_eq!(job.attempts, 3);
    assert_eq!(ground.queue.fail(&job, "torn paper").await.unwrap(), Failed::Dead);
    ground.pass(100_000);
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
    assert_eq!(ground.queue.depth().await.unwrap(), (0, 1));
    let seen = ground.queue.list(true, None, 10).await.unwrap();
    assert_eq!((seen[0].id, seen[0].kind.as_str(), seen[0].attempts), (id.0, "letter", 3));
    assert_eq!((seen[0].state.as_str(), seen[0].last_error.as_deref()), ("dead", Some("torn paper")));
}

#[tokio::test]
async fn no_wait_is_longer_than_an_hour() {
    let ground = Ground::new().await;
    assert_eq!(ground.queue.backoff(1), Duration::from_secs(5));
    assert_eq!(ground.queue.backoff(4), Duration::from_secs(40));
    assert_eq!(ground.queue.backoff(u32::MAX), Duration::from_secs(3600));
}

#[tokio::test]
async fn what_waits_for_something_that_is_away_is_never_given_up() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    for _ in 0..10 {
        let job = ground.claim().await;
        assert_eq!(job.attempts, 1, "an attempt that could not be made does not count");
        let before = ground.clock.now();
        let at = ground.queue.postpone(&job, "the store is away").await.unwrap();
        assert!(at > before);
        assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
        ground.clock.advance(at.since(before));
    }
    let seen = ground.queue.list(false, None, 1).await.unwrap();
    assert_eq!((seen[0].state.as_str(), seen[0].last_error.as_deref()), ("waiting", Some("the store is away")));
    let lost = ground.claim().await;
    ground.pass(61);
    let holder = ground.claim().await;
    ground.queue.postpone(&lost, "late").await.unwrap();
    assert!(ground.finish(&holder).await, "a lost lease postpones nothing");
}

#[tokio::test]
async fn a_dead_letter_runs_again_from_the_start_when_an_operator_asks() {
    let ground = Ground::new().await;
    let id = ground.enqueue(1, None).await;
    let retry = async || {
        let mut tx = ground.db.write().await.unwrap();
        let revived = ground.queue.retry(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        revived
    };
    assert!(!retry().await, "it waits, it is not dead");
    for _ in 0..3 {
        let job = ground.claim().await;
        ground.queue.fail(&job, "x").await.unwrap();
        ground.pass(3600);
    }
    assert!(retry().await);
    assert!(!retry().await, "once");
    let job = ground.claim().await;
    assert_eq!((job.id, job.attempts), (id, 1));
    assert!(matches!(ground.queue.fail(&job, "x").await.unwrap(), Failed::RetryAt(_)));
}

#[tokio::test]
async fn a_job_that_is_handed_back_runs_at_once_and_the_attempt_does_not_count() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    for _ in 0..5 {
        let job = ground.claim().await;
        assert_eq!(job.attempts, 1);
        ground.queue.hand_back(&job).await.unwrap();
        assert!(!ground.finish(&job).await, "it is no longer ours");
    }
}

#[tokio::test]
async fn what_a_former_life_held_is_taken_back_at_once() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    let held = ground.claim().await;
    ground.queue.free_all().await.unwrap();
    assert!(!ground.queue.renew(&held).await.unwrap());
    assert_eq!(ground.claim().await.id, held.id);
}

#[tokio::test]
async fn a_job_for_later_waits_for_its_moment() {
    let ground = Ground::new().await;
    let mut tx = ground.db.write().await.unwrap();
    let later = ground.clock.now().plus(Duration::from_secs(600));
    ground.queue.enqueue_at(&mut tx, &Letter(1), None, later).await.unwrap();
    tx.commit().await.unwrap();
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
    ground.pass(601);
    ground.claim().await;
}

#[tokio::test]
async fn the_list_shows_the_newest_first_in_pages() {
    let ground = Ground::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(ground.enqueue(number, None).await.0);
        ground.clock.advance(Duration::from_millis(2));
    }
    ids.reverse();
    let first = ground.queue.list(false, None, 2).await.unwrap();
    let rest = ground.queue.list(false, Some(JobId(first[1].id)), 10).await.unwrap();
    assert_eq!(first.iter().chain(&rest).map(|seen| seen.id).collect::<Vec<_>>(), ids);
    assert!(ground.queue.list(true, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_office_with_five_thousand_letters_does_not_hold_up_the_single_letter_of_another() {
    let ground = Ground::new().await;
    let (bulk, other) = (OfficeId::fresh(&ground.clock), OfficeId::fresh(&ground.clock));
    let mut tx = ground.db.write().await.unwrap();
    for number in 0..5000 {
        ground.queue.enqueue(&mut tx, &Letter(number), Some(bulk)).await.unwrap();
    }
    tx.commit().await.unwrap();
    // Some of them are under way already when the other office's letter comes.
    for _ in 0..3 {
        let job = ground.claim().await;
        assert!(ground.finish(&job).await);
    }
    ground.enqueue(9999, Some(other)).await;
    let mut before = 0;
    while ground.claim().await.payload::<Letter>().unwrap().0 != 9999 {
        before += 1;
    }
    assert!(before <= 3, "{before} letters of the busy office came first");
}

#[tokio::test]
async fn offices_take_turns() {
    let ground = Ground::new().await;
    let offices = [OfficeId::fresh(&ground.clock), OfficeId::fresh(&ground.clock)];
    for (place, office) in offices.into_iter().enumerate() {
        for number in 0..3 {
            ground.enqueue(10 * (place as u32 + 1) + number, Some(office)).await;
        }
        ground.clock.advance(Duration::from_millis(5));
    }
    assert_eq!(ground.order().await, [10, 20, 11, 21, 12, 22]);
}

#[tokio::test]
async fn what_a_clock_that_ran_ahead_has_put_off_comes_back_and_what_was_meant_to_wait_does_not() {
    let ground = Ground::new().await;
    let year = Duration::from_secs(366 * 86_400);
    let mut tx = ground.db.write().await.unwrap();
    let meant = ground.queue.enqueue_at(&mut tx, &Letter(9), None, ground.clock.now().plus(year)).await.unwrap();
    tx.commit().await.unwrap();
    ground.enqueue(1, None).await;
    ground.clock.advance(year / 2);
    let failed = ground.claim().await;
    ground.queue.fail(&failed, "a fault").await.unwrap();
    ground.enqueue(2, None).await;
    let _held_by_the_dead = ground.claim().await;
    ground.enqueue(3, None).await;
    ground.clock.turn_back(year / 2);
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
    ground.queue.call_back().await.unwrap();
    let mut order = ground.order().await;
    order.sort_unstable();
    assert_eq!(order, [1, 2, 3]);
    assert!(ground.queue.list(false, None, 10).await.unwrap().iter().any(|job| job.id == meant.0 && job.run_at > 0));
}

#[tokio::test]
async fn leases_and_waits_that_are_as_long_as_they_should_be_are_left_alone() {
    let ground = Ground::new().await;
    ground.enqueue(1, None).await;
    let held = ground.claim().await;
    ground.enqueue(2, None).await;
    let failed = ground.claim().await;
    ground.queue.fail(&failed, "a fault").await.unwrap();
    ground.queue.call_back().await.unwrap();
    assert!(ground.queue.claim(NOBODY).await.unwrap().is_none());
    assert!(ground.queue.renew(&held).await.unwrap());
}
