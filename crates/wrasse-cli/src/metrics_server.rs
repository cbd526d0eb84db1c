//! `--metrics-addr`: the run's metrics for Prometheus, over HTTP.
//!
//! A thread that answers `GET /metrics` with the last snapshot, one request at
//! a time, and nothing else: no library is needed for one page of text. It
//! ends with the process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use wrasse_run::{RunSnapshot, prometheus};

/// The last snapshot, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last(Arc<Mutex<Option<RunSnapshot>>>);

impl Last {
    pub(crate) fn set(&self, snapshot: &RunSnapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
    }

    pub(crate) fn text(&self) -> String {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(prometheus).unwrap_or_default()
    }
}

/// The longest request that is read, in bytes.
const REQUEST_MAX: u64 = 8 << 10;

/// Who is slower than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves `last` at `addr`; returns the address, with the port that was chosen
/// if it was 0.
pub(crate) fn serve(addr: SocketAddr, last: Last) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(addr)?;
    let addr = listener.local_addr()?;
    std::thread::Builder::new()
        .name("wrasse-metrics".into())
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is no failure of the run.
                let _ = answer(&stream, &last);
            }
        })?;
    Ok(addr)
}

fn answer(mut stream: &TcpStream, last: &Last) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(stream.take(REQUEST_MAX));
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut header = String::new();
    while request.read_line(&mut header)? > 2 {
        header.clear();
    }
    let mut words = first.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => ("200 OK", last.text()),
        (Some("GET"), _) => ("404 Not Found", "see /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "GET /metrics\n".to_owned()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}
