//! [`Client`]: the other end, for the command line. It speaks plain HTTP: to
//! other machines there should be a tunnel.

use std::io;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Uri, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// Longer than the longest wait that the service offers.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longer than the longest piece of a log.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Talks to a service.
pub struct Client {
    wire: Wire,
    runtime: Runtime,
}

/// The way to it, a connection for each question.
pub(crate) struct Wire {
    host: String,
    token: Option<String>,
}

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The body, if it is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What is wrong, if the answer is an error.
    pub fn problem(&self) -> Option<String> {
        if self.status < 400 {
            return None;
        }
        let json = self.json();
        let detail = json["detail"].as_str().or(json["message"].as_str());
        Some(match detail {
            Some(detail) => detail.to_owned(),
            None => format!("the service answered {}", self.status),
        })
    }
}

impl Client {
    /// For the service at `url`, such as `http://127.0.0.1:7070`.
    ///
    /// # Errors
    ///
    /// If that is no such address.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, String> {
        let wire = Wire::new(url, token)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { wire, runtime })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// If the service cannot be reached, or does not answer.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, String> {
        self.runtime
            .block_on(self.wire.ask(method, path, body, PATIENCE))
            .map_err(|error| format!("the service at {error}"))
    }
}

impl Wire {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self, String> {
        let wrong = || format!("`{url}` is not like http://127.0.0.1:7070");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        if uri.scheme_str() != Some("http") || uri.path().len() > 1 {
            return Err(wrong());
        }
        let host = uri.authority().ok_or_else(wrong)?.to_string();
        Ok(Self { host, token })
    }

    /// Asks, and waits for the answer; an error begins with the host.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> Result<Reply, String> {
        match tokio::time::timeout(patience, self.answer(method, path, body)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(format!("{}: {error}", self.host)),
            Err(_) => Err(format!("{} does not answer", self.host)),
        }
    }

    async fn answer(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Reply> {
        let address = match self.host.contains(':') {
            true => self.host.clone(),
            false => format!("{}:80", self.host),
        };
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driven = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).map_err(io::Error::other)?)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONNECTION, "close");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        let request = request.map_err(io::Error::other)?;
        let response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(Body::new(body), ANSWER_BYTES_MAX)
            .await
            .map_err(io::Error::other)?;
        driven.abort();
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes: bytes.into(),
        })
    }
}
