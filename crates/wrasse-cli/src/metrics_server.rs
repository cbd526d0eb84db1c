//! [`MetricsServer`]: `GET /metrics` for Prometheus, and nothing else.
//!
//! One thread, one connection at a time, each with a deadline: metrics are
//! asked for every few seconds by one who is near. The text is made when it is
//! asked for, from the last snapshot, so that a run that nobody looks at pays
//! for a copy of the snapshot only.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use wrasse_run::RunSnapshot;

/// A request that is longer is none of ours.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// Longer than any request takes.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Shared {
    last: Mutex<Option<RunSnapshot>>,
    is_over: AtomicBool,
}

/// Answers until it is dropped.
pub(crate) struct MetricsServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl MetricsServer {
    /// Listens at `address`; with port 0, at one that is free.
    pub(crate) fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("wrasse-metrics".into())
            .spawn(move || serve(&listener, &served))?;
        Ok(Self {
            shared,
            address,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on, this is what is told.
    pub(crate) fn show(&self, snapshot: &RunSnapshot) {
        let mut last = self
            .shared
            .last
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = Some(snapshot.clone());
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes it, if it waits for a connection. One that listens everywhere
        // is reached at this machine's own address.
        let mut address = self.address;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let is_awake = TcpStream::connect_timeout(&address, PATIENCE).is_ok();
        if let Some(thread) = self.thread.take()
            && is_awake
        {
            // Nothing in it panics, and if it did, the run is done anyway.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    for connection in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        if let Ok(stream) = connection {
            // Whoever went away will ask again.
            let _ = answer(stream, shared);
        }
    }
}

fn answer(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read_request(&mut stream)?;
    let (status, kind, body) = match response(&request) {
        Ok(()) => {
            let last = shared.last.lock().unwrap_or_else(PoisonError::into_inner);
            let snapshot = last.clone();
            drop(last);
            let text = snapshot.map_or_else(String::new, |last| last.prometheus());
            ("200 OK", "text/plain; version=0.0.4; charset=utf-8", text)
        }
        Err(status) => (status, "text/plain; charset=utf-8", format!("{status}\n")),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()
}

/// Reads up to the end of the head; bodies are not for us.
#[expect(
    clippy::disallowed_methods,
    reason = "a slow client must not keep others waiting"
)]
fn read_request(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            n => request.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(request)
}

/// Whether a request is for metrics; otherwise, what it is told.
fn response(request: &[u8]) -> Result<(), &'static str> {
    const BAD: &str = "400 Bad Request";
    let end = request.windows(2).position(|pair| pair == b"\r\n");
    let line = &request[..end.ok_or(BAD)?];
    let line = std::str::from_utf8(line).map_err(|_| BAD)?;
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BAD);
    };
    if !version.starts_with("HTTP/1.") {
        return Err(BAD);
    }
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    match (method, path) {
        ("GET", "/metrics") => Ok(()),
        (_, "/metrics") => Err("405 Method Not Allowed"),
        _ => Err("404 Not Found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_get_metrics_is_answered() {
        assert_eq!(
            response(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
            Ok(())
        );
        assert_eq!(response(b"GET /metrics?x=1 HTTP/1.0\r\n\r\n"), Ok(()));
        let no = |request: &[u8]| response(request).unwrap_err();
        assert_eq!(
            no(b"POST /metrics HTTP/1.1\r\n\r\n"),
            "405 Method Not Allowed"
        );
        assert_eq!(no(b"GET / HTTP/1.1\r\n\r\n"), "404 Not Found");
        assert_eq!(no(b"GET /metrics\r\n\r\n"), "400 Bad Request");
        assert_eq!(no(b"GET /metrics SPDY/3\r\n\r\n"), "400 Bad Request");
        assert_eq!(no(b"\xff\xfe\r\n\r\n"), "400 Bad Request");
        assert_eq!(no(b"GET /metrics HTTP/1.1"), "400 Bad Request");
        assert_eq!(no(b""), "400 Bad Request");
    }

    #[test]
    fn it_ends_when_it_is_dropped() {
        let server = MetricsServer::start(([127, 0, 0, 1], 0).into()).unwrap();
        let address = server.address();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
