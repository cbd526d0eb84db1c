//! [`serve`]: connections.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::app::{App, router};

/// A client that takes longer to say what it wants does not want it.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// A listener that fails (no more files) is asked again after a moment.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Whoever streams events is cut off when the service ends.
const END_WITHIN: Duration = Duration::from_secs(3);

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Answers until `end` comes.
///
/// # Errors
///
/// If the address is not an address of ours.
pub(crate) async fn serve(
    listener: TcpListener,
    app: App,
    end: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(app.limits.connections));
    let service = TowerToHyperService::new(router(app));
    let graceful = GracefulShutdown::new();
    tokio::pin!(end);
    loop {
        // Those above the limit wait in the listener's queue.
        let Ok(room) = Arc::clone(&connections).acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut end => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let with_peer = WithPeer {
            service: service.clone(),
            peer: Peer(address.ip()),
        };
        let connection = connection(stream, with_peer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // Whoever hung up knows.
            let _ = connection.await;
            drop(room);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(END_WITHIN, graceful.shutdown()).await;
    Ok(())
}

fn connection(
    stream: TcpStream,
    service: WithPeer,
) -> http1::Connection<TokioIo<TcpStream>, WithPeer> {
    let _ = stream.set_nodelay(true);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
}

/// Tells every request who sent it.
struct WithPeer {
    service: TowerToHyperService<Router>,
    peer: Peer,
}

impl Service<hyper::Request<Incoming>> for WithPeer {
    type Response = Response;
    type Error = Infallible;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: hyper::Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}
