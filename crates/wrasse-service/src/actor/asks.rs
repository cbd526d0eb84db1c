//! What is asked of the scheduler: checked against board and store, and decided.

use serde_json::Value;

use super::Actor;
use crate::board::{Event, Ticket};
use crate::clock::now;
use crate::error::Error;
use crate::functions::Running;
use crate::scheduler::Submitted;
use crate::store::Write;
use crate::{Job, JobId, Millis, State, StoreError, Submission, Work};

impl Actor {
    /// Whether a job is on the board.
    ///
    /// # Errors
    ///
    /// If there is no such job at all.
    pub(super) fn on_board(&mut self, id: &JobId) -> Result<bool, Error> {
        if self.board.job(id).is_some() {
            return Ok(true);
        }
        self.settled(id)?;
        match self.read.job(id)? {
            Some(_) => Ok(false),
            None => Err(Error::Unknown(id.clone())),
        }
    }

    /// A job may have come and gone within what is not written yet.
    fn settled(&mut self, id: &JobId) -> Result<(), Error> {
        if self.inserted.contains(id) {
            self.commit()?;
        }
        Ok(())
    }

    pub(super) fn submit(
        &mut self,
        mut submission: Submission,
        once: Option<Running>,
    ) -> Result<Submitted, Error> {
        submission.check().map_err(Error::Refused)?;
        if let Work::Function(function) = &submission.work
            && once.is_none()
            && !self.functions.has(&function.name)
        {
            return Err(Error::Refused(format!(
                "there is no function `{}`",
                function.name
            )));
        }
        if let Some(id) = submission.id.clone() {
            if let Some(old) = self.find(&id)? {
                return match old.submission == submission && once.is_none() {
                    true => Ok(Submitted { id, is_new: false }),
                    false => Err(Error::Conflict(format!("there is another job `{id}`"))),
                };
            }
            if id.as_str().starts_with(JobId::GENERATED) {
                return Err(Error::Refused(format!(
                    "names that begin with `{}` are given, not chosen",
                    JobId::GENERATED
                )));
            }
        }
        let seq = self.last_seq + 1;
        let id = submission
            .id
            .clone()
            .unwrap_or_else(|| JobId::generated(seq));
        submission.id = Some(id.clone());
        let at = now();
        let job = Job {
            id: id.clone(),
            seq,
            submission,
            state: State::Pending,
            partial: false,
            held: false,
            cancelling: false,
            attempts: 0,
            launches: 0,
            not_before: Millis(0),
            created_at: at,
            started_at: None,
            ended_at: None,
            error: None,
            result: Value::Null,
        };
        for other in &job.submission.after {
            match self.find(other)? {
                None => {
                    return Err(Error::Refused(format!(
                        "`after` names `{other}`, which does not exist"
                    )));
                }
                Some(other) if matches!(other.state, State::Failed | State::Cancelled) => {
                    return Err(Error::Conflict(format!(
                        "`after` names `{}`, which is {}",
                        other.id,
                        other.state.name()
                    )));
                }
                Some(_) => {}
            }
        }
        let ticket = self.ticket(&job)?;
        self.last_seq = seq;
        self.writes.push(Write::Insert(Box::new(job.clone())));
        self.inserted.insert(id.clone());
        self.shared.count(None, Some(State::Pending));
        self.jobs.insert(id.clone(), job);
        if let Some(once) = once {
            self.once.insert(id.clone(), once);
        }
        self.step(Event::Came(ticket), None);
        Ok(Submitted { id, is_new: true })
    }

    /// A job as it stands after all that was decided.
    fn find(&mut self, id: &JobId) -> Result<Option<Job>, Error> {
        if let (Some(job), Some(_)) = (self.jobs.get(id), self.board.job(id)) {
            return Ok(Some(job.clone()));
        }
        // If it ended just now, the store does not know yet.
        if self.jobs.contains_key(id) || self.inserted.contains(id) {
            self.commit()?;
        }
        Ok(self.read.job(id)?)
    }

    pub(super) fn ticket(&mut self, job: &Job) -> Result<Ticket, StoreError> {
        Ok(Ticket {
            id: job.id.clone(),
            seq: job.seq,
            priority: job.submission.priority,
            retry: job.submission.retry,
            is_resumable: job.submission.work.is_resumable(),
            after: job.submission.after.iter().cloned().collect(),
            state: job.state,
            attempts: job.attempts,
            launches: job.launches,
            not_before: job.not_before,
            held: job.held,
            cancelling: job.cancelling,
        })
    }

    pub(super) fn again(&mut self, id: JobId) -> Result<(), Error> {
        let Some(mut job) = self.find(&id)? else {
            return Err(Error::Unknown(id));
        };
        if !job.state.is_final() {
            return Err(Error::Conflict(format!("`{id}` is {}", job.state.name())));
        }
        for other in &job.submission.after.clone() {
            let state = self.find(other)?.map(|other| other.state);
            if matches!(state, Some(State::Failed | State::Cancelled)) {
                return Err(Error::Conflict(format!(
                    "`{other}`, which it needs, is not completed"
                )));
            }
        }
        self.shared.count(Some(job.state), Some(State::Pending));
        job.state = State::Pending;
        job.attempts = 0;
        job.not_before = Millis(0);
        job.held = false;
        let ticket = self.ticket(&job)?;
        self.writes.push(Write::Again(id.clone(), now()));
        self.jobs.insert(id, job);
        self.step(Event::Came(ticket), None);
        Ok(())
    }

    /// Has a run go on with other resources: one that runs, from now on.
    pub(super) fn resources(
        &mut self,
        id: &JobId,
        threads: Option<u32>,
        memory: Option<String>,
    ) -> Result<(), Error> {
        if !self.on_board(id)? {
            return Err(Error::Conflict(format!("`{id}` has come to its end")));
        }
        self.settled(id)?;
        let Some(job) = self.jobs.get_mut(id) else {
            return Err(Error::Unknown(id.clone()));
        };
        let mut submission = job.submission.clone();
        let Work::Run(run) = &mut submission.work else {
            return Err(Error::Conflict(format!("`{id}` is no run")));
        };
        run.threads = threads.or(run.threads);
        run.memory = memory.or(run.memory.take());
        submission.check().map_err(Error::Refused)?;
        if submission == job.submission {
            return Ok(());
        }
        let is_running = self
            .board
            .job(id)
            .is_some_and(|ticket| ticket.state == State::Running);
        job.submission = submission.clone();
        self.writes
            .push(Write::Revise(id.clone(), Box::new(submission)));
        if is_running {
            self.revised.insert(id.clone());
        }
        Ok(())
    }

    pub(super) fn rest(&mut self, id: JobId, held: bool) -> Result<(), Error> {
        if !self.on_board(&id)? {
            return Err(Error::Conflict(format!("`{id}` has come to its end")));
        }
        let runs = |ticket: &Ticket| ticket.state == State::Running;
        if held
            && self.board.job(&id).is_some_and(runs)
            && let Some(job) = self.jobs.get(&id)
            && !job.submission.work.can_rest()
        {
            let kind = job.submission.work.kind();
            return Err(Error::Conflict(format!(
                "`{id}` runs, and a {kind} cannot rest then"
            )));
        }
        self.step(Event::HoldAsked(id, held), None);
        Ok(())
    }

    pub(super) fn delete(&mut self, id: &JobId) -> Result<(), Error> {
        let Some(job) = self.find(id)? else {
            return Err(Error::Unknown(id.clone()));
        };
        if !job.state.is_final() {
            return Err(Error::Conflict(format!("`{id}` is {}", job.state.name())));
        }
        self.shared.count(Some(job.state), None);
        self.writes.push(Write::Delete(id.clone()));
        self.commit()?;
        let folder = self.shared.settings.jobs().join(id.as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io(&folder, error))
            }
            _ => Ok(()),
        }
    }
}
