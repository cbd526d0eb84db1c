//! What any store must do.

use super::*;

fn job(seq: u64) -> Job {
    let mut submission = Submission::command(["true", "wahr", "真"]);
    submission.retry.attempts = 3;
    Job {
        id: JobId::generated(seq),
        seq,
        submission,
        state: State::Pending,
        partial: false,
        held: false,
        cancelling: false,
        attempts: 0,
        launches: 0,
        not_before: Millis(7),
        created_at: Millis(1_000 + seq),
        started_at: None,
        ended_at: None,
        error: None,
        result: Value::Null,
    }
}

fn change(job: &Job, state: State, at: u64, error: Option<&str>) -> Change {
    Change {
        id: job.id.clone(),
        state,
        is_transition: true,
        at: Millis(at),
        attempts: 1,
        launches: 2,
        not_before: Millis(0),
        held: false,
        cancelling: false,
        partial: false,
        error: error.map(str::to_owned),
    }
}

/// What any store must do.
fn keeps_what_it_is_told(store: &mut dyn Store) {
    let mut read = store.reader().unwrap();
    assert_eq!(store.last_seq().unwrap(), 0);
    let jobs: Vec<_> = (1..=5).map(job).collect();
    let inserts: Vec<_> = jobs
        .iter()
        .map(|job| Write::Insert(Box::new(job.clone())))
        .collect();
    store.write(&inserts).unwrap();
    assert_eq!(store.last_seq().unwrap(), 5);
    assert_eq!(read.job(&jobs[2].id).unwrap().as_ref(), Some(&jobs[2]));
    assert_eq!(read.job(&JobId::generated(9)).unwrap(), None);

    let running = change(&jobs[0], State::Running, 2_000, None);
    let ended = change(&jobs[0], State::Failed, 3_000, Some("it broke"));
    let result = serde_json::json!({"code": 7});
    store
        .write(&[
            Write::Change(running, None),
            Write::Change(ended, Some(result.clone())),
        ])
        .unwrap();
    let first = read.job(&jobs[0].id).unwrap().unwrap();
    assert_eq!(first.state, State::Failed);
    assert_eq!(
        (first.started_at, first.ended_at),
        (Some(Millis(2_000)), Some(Millis(3_000)))
    );
    assert_eq!(first.error.as_deref(), Some("it broke"));
    assert_eq!(
        (&first.result, first.attempts, first.launches),
        (&result, 1, 2)
    );
    let way: Vec<_> = read
        .history(&jobs[0].id)
        .unwrap()
        .iter()
        .map(|step| step.state)
        .collect();
    assert_eq!(way, [State::Pending, State::Running, State::Failed]);
    assert_eq!(store.counts().unwrap(), [4, 0, 0, 1, 0]);
    assert_eq!(store.unfinished().unwrap(), jobs[1..]);

    let mut filter = Filter {
        limit: 2,
        ..Filter::default()
    };
    let seqs = |jobs: Vec<Job>| jobs.iter().map(|job| job.seq).collect::<Vec<_>>();
    assert_eq!(seqs(read.jobs(&filter).unwrap()), [5, 4]);
    filter.before = Some(4);
    assert_eq!(seqs(read.jobs(&filter).unwrap()), [3, 2]);
    filter.state = Some(State::Failed);
    assert_eq!(seqs(read.jobs(&filter).unwrap()), [1]);
    filter.kind = Some("run".to_owned());
    assert_eq!(seqs(read.jobs(&filter).unwrap()), [0; 0]);

    // All or nothing: the second of these cannot be.
    let mut other = job(6);
    let twice = job(5);
    let both = [
        Write::Insert(Box::new(other.clone())),
        Write::Insert(Box::new(twice)),
    ];
    assert!(store.write(&both).is_err());
    assert_eq!(read.job(&other.id).unwrap(), None);

    store
        .write(&[Write::Again(jobs[0].id.clone(), Millis(4_000))])
        .unwrap();
    let again = read.job(&jobs[0].id).unwrap().unwrap();
    assert_eq!(
        (again.state, again.attempts, again.launches),
        (State::Pending, 0, 2)
    );
    assert_eq!(again.ended_at, None);
    store.write(&[Write::Delete(jobs[0].id.clone())]).unwrap();
    assert_eq!(read.job(&jobs[0].id).unwrap(), None);
    assert_eq!(read.history(&jobs[0].id).unwrap(), []);
    other.seq = 7;
}

#[test]
fn sqlite_keeps_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    keeps_what_it_is_told(&mut Sqlite::open(&path).unwrap());
    // It is there after it was closed, too.
    let mut store = Sqlite::open(&path).unwrap();
    assert_eq!(store.unfinished().unwrap().len(), 4);
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jobs.sqlite");
    drop(Sqlite::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Sqlite::open(&path).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
}
