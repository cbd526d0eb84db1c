//! Comes to a cluster, or does not.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use wrasse_io::Inputs;
use wrasse_job::{Cancel, Job};
use wrasse_run::Error;

use super::{Options, now};
use crate::link::Link;
use crate::note::Note;
use crate::protocol::{Cluster, Hear, Hello, Say, VERSION};

/// How long a cluster may take to start or to be joined.
const STARTS_WITHIN: Duration = Duration::from_secs(180);

/// Greets the gateway, and waits for the cluster.
pub(super) fn join(
    link: &Link,
    job: &Job,
    (options, scratch): (&Options, &str),
    heard: &Receiver<Note>,
    cancel: &Cancel,
) -> Result<Cluster, Error> {
    let hello = Say::Hello {
        version: VERSION,
        wrasse: env!("CARGO_PKG_VERSION"),
        options: Hello {
            address: options.address.as_deref(),
            cpus: job.threads,
            scratch,
            object_store: options.object_store,
            ship: options.ship,
            polls: options.polls,
        },
    };
    link.say(&[hello], &[])?;
    let deadline = now() + STARTS_WITHIN;
    while now() < deadline {
        if cancel.is_cancelled() {
            return Err(Error::failed("interrupted before the cluster was there"));
        }
        match heard.recv_timeout(Duration::from_millis(100)) {
            Ok(Note::Heard(Some((Hear::Ready { cluster, probe }, _)))) => {
                link.look_into(probe.as_ref());
                return Ok(cluster);
            }
            Ok(Note::Heard(Some((Hear::Fatal { message, hint }, _)))) => {
                let error = Error::usage(message);
                return Err(match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
            Ok(Note::Heard(None)) | Err(RecvTimeoutError::Disconnected) => return Err(link.gone()),
            _ => {}
        }
    }
    let s = STARTS_WITHIN.as_secs();
    Err(Error::failed(format!("Ray was not there after {s} s")))
}

/// Files on a disk of this machine cannot be read on another one.
pub(super) fn refuse_local(
    inputs: &Inputs,
    cluster: &Cluster,
    options: &Options,
) -> Result<(), Error> {
    match inputs.first_local() {
        Some(path) if cluster.machines > 1 && !options.shared_paths => Err(Error::usage(format!(
            "{path} lies on a disk of this machine, and the cluster has {} machines",
            cluster.machines
        ))
        .with_hint(
            "name an object store, or pass --ray-shared-paths if the path leads to the same file \
             on each of them",
        )),
        _ => Ok(()),
    }
}
