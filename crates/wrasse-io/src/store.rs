//! Object stores, seen from plain threads.
//!
//! The one place that knows `object_store` and its runtime. Addresses are
//! `s3://`, `gs://`, `az://` (also `abfs://`), `http://` and `https://`, with
//! credentials and endpoints from the environment variables that the stores'
//! own tools use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, ...); `memory://` is a
//! store within this process, for tests.
//!
//! Every call blocks; requests are retried for at most [`RETRY`]. Requests run
//! on two threads of a private runtime, so that calls are allowed on any
//! thread, also on those of another runtime.

mod reader;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path as LocalPath;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    ClientOptions, ObjectMeta, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutPayload,
    RetryConfig, WriteMultipart,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use url::Url;

use self::reader::Reader;
use crate::Error;

/// How long a request is tried again before it counts as failed.
const RETRY: Duration = Duration::from_secs(60);
/// How long a web server may take for one response: it may be a whole file.
const RESPONSE: Duration = Duration::from_secs(3600);
/// Bytes of one part of an upload; S3 allows 10,000 parts.
const UPLOAD_PART: usize = 16 << 20;
/// Parts in flight during an upload, and requests in flight in [`heads`].
const UPLOADS_MAX: usize = 4;
const HEADS_MAX: usize = 32;

/// Whether `path` is an address rather than a local path.
pub(crate) fn is_address(path: &str) -> bool {
    path.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')
    })
}

/// A store and the address that it was opened by, up to the object's key.
#[derive(Clone, Debug)]
struct Store {
    inner: Arc<dyn ObjectStore>,
    base: String,
}

/// One object, or what would be one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Known", try_from = "Known")]
pub(crate) struct Object {
    store: Store,
    path: Path,
    /// Its size in bytes; 0 until it was listed or looked up.
    size: u64,
    /// Its e-tag, or else the time of its last change.
    version: String,
}

/// What is known of an object: to open it elsewhere, with what the environment
/// says there.
#[derive(Serialize, Deserialize)]
struct Known {
    address: String,
    size: u64,
    version: String,
}

impl From<Object> for Known {
    fn from(object: Object) -> Self {
        Self {
            address: object.address(),
            size: object.size,
            version: object.version,
        }
    }
}

impl TryFrom<Known> for Object {
    type Error = Error;

    fn try_from(known: Known) -> Result<Self, Error> {
        Ok(Self {
            size: known.size,
            version: known.version,
            ..Self::at(&known.address)?
        })
    }
}

impl Object {
    /// The object of an address. Nothing is sent yet.
    pub(crate) fn at(address: &str) -> Result<Self, Error> {
        let (store, path) = open(address)?;
        Ok(Self {
            store,
            path,
            size: 0,
            version: String::new(),
        })
    }

    fn listed(store: &Store, meta: ObjectMeta) -> Self {
        Self {
            store: store.clone(),
            path: meta.location,
            size: meta.size,
            version: match meta.e_tag {
                Some(e_tag) => format!("e-tag {e_tag}"),
                None => format!("changed {}", meta.last_modified.timestamp()),
            },
        }
    }

    /// Its address.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.store.base, self.path)
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Changes whenever the object does, as far as the store tells.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{} bytes, {}", self.size, self.version)
    }

    /// Looks up size and e-tag.
    pub(crate) fn look_up(&self) -> Result<Self, Error> {
        let (store, path) = (Arc::clone(&self.store.inner), self.path.clone());
        let meta = wait(async move { store.head(&path).await })
            .map_err(|cause| self.error("cannot be found", cause))?;
        Ok(Self::listed(&self.store, meta))
    }

    /// The objects below this address, in the order of their keys.
    pub(crate) fn list(&self) -> Result<Vec<Self>, Error> {
        let (store, path) = (Arc::clone(&self.store.inner), self.path.clone());
        let mut metas: Vec<ObjectMeta> =
            wait(async move { store.list(Some(&path)).try_collect().await })
                .map_err(|cause| self.error("cannot be listed", cause))?;
        metas.sort_by(|a, b| a.location.as_ref().cmp(b.location.as_ref()));
        Ok(metas
            .into_iter()
            .map(|meta| Self::listed(&self.store, meta))
            .collect())
    }

    /// Removes the object, if it is there.
    pub(crate) fn delete(&self) -> Result<(), Error> {
        let (store, path) = (Arc::clone(&self.store.inner), self.path.clone());
        match wait(async move { store.delete(&path).await }) {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            done => done.map_err(|cause| self.error("cannot be removed", cause)),
        }
    }

    /// Has the store copy the object to another of its keys.
    pub(crate) fn copy_to(&self, to: &Self) -> Result<(), Error> {
        let store = Arc::clone(&self.store.inner);
        let (from, to) = (self.path.clone(), to.path.clone());
        wait(async move { store.copy(&from, &to).await })
            .map_err(|cause| self.error("cannot be copied", cause))
    }

    /// The bytes of `range`, cut at the end of the object.
    pub(crate) fn bytes(&self, range: std::ops::Range<u64>) -> Result<Bytes, Error> {
        let range = range.start..range.end.min(self.size);
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let (store, path) = (Arc::clone(&self.store.inner), self.path.clone());
        let what = format!("bytes {}..{} cannot be read", range.start, range.end);
        wait(async move { store.get_range(&path, range).await })
            .map_err(|cause| self.error(&what, cause))
    }

    /// Reads from `start` to the end of the object; most likely up to `until`.
    ///
    /// Asks for one range after the other, one ahead of the reader, so that a
    /// slow reader does not keep a response open. A web server that serves no
    /// ranges is read as one response, from its start.
    pub(crate) fn reader(&self, start: u64, until: u64) -> impl Read + Send + use<> {
        Reader::new(self.clone(), start, until)
    }

    fn error(&self, what: &str, cause: object_store::Error) -> Error {
        let is_missing = matches!(cause, object_store::Error::NotFound { .. });
        let error = Error::io(self.address(), what, flat(cause));
        if is_missing {
            return error;
        }
        error.with_hint("check the address, and endpoint and credentials in the environment")
    }
}

/// The first `n` bytes of every object, in order.
pub(crate) fn heads(objects: &[Object], n: u64) -> Vec<Result<Bytes, Error>> {
    let requests: Vec<_> = objects
        .iter()
        .map(|object| {
            let (store, path) = (Arc::clone(&object.store.inner), object.path.clone());
            let end = object.size.min(n);
            async move {
                if end == 0 {
                    return Ok(Bytes::new());
                }
                match store.get_range(&path, 0..end).await {
                    Err(object_store::Error::NotSupported { .. }) => {
                        head_of_all(store, &path, end).await
                    }
                    answer => answer,
                }
            }
        })
        .collect();
    let answers = wait(async move {
        let answers = futures_util::stream::iter(requests).buffered(HEADS_MAX);
        Ok(answers.collect::<Vec<_>>().await)
    });
    match answers {
        Ok(answers) => answers
            .into_iter()
            .zip(objects)
            .map(|(answer, object)| answer.map_err(|cause| object.error("cannot be read", cause)))
            .collect(),
        Err(cause) => objects
            .iter()
            .map(|object| Err(Error::new(object.address(), cause.to_string())))
            .collect(),
    }
}

/// The first bytes of an object in a store that does not serve ranges.
async fn head_of_all(
    store: Arc<dyn ObjectStore>,
    path: &Path,
    n: u64,
) -> object_store::Result<Bytes> {
    let n = usize::try_from(n).unwrap_or(usize::MAX);
    let mut stream = store.get(path).await?.into_stream();
    let mut head = BytesMut::new();
    while head.len() < n
        && let Some(chunk) = stream.try_next().await?
    {
        head.extend_from_slice(&chunk);
    }
    head.truncate(n);
    Ok(head.freeze())
}

/// Uploads a local file as the object at `address`, in parts if it is large.
/// The object appears when the upload is complete, not before.
///
/// # Errors
///
/// If the file cannot be read, or the store refuses.
pub(crate) fn upload(file: &LocalPath, address: &str) -> Result<(), Error> {
    let object = Object::at(address)?;
    let unreadable = |cause| Error::io(file.display().to_string(), "cannot be read", cause);
    let mut opened = File::open(file).map_err(unreadable)?;
    let size = opened.metadata().map_err(unreadable)?.len();
    let (store, path) = (Arc::clone(&object.store.inner), object.path.clone());
    let what = "the upload failed";
    if size <= UPLOAD_PART as u64 {
        let mut bytes = Vec::new();
        opened.read_to_end(&mut bytes).map_err(unreadable)?;
        return wait(async move { store.put(&path, PutPayload::from(bytes)).await })
            .map(drop)
            .map_err(|cause| object.error(what, cause));
    }
    wait(async move {
        let upload = store.put_multipart(&path).await?;
        let mut parts = WriteMultipart::new_with_chunk_size(upload, part_bytes(size));
        let mut buffer = vec![0; 1 << 20];
        loop {
            match opened.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    parts.wait_for_capacity(UPLOADS_MAX).await?;
                    parts.write(&buffer[..n]);
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    parts.abort().await?;
                    return Err(object_store::Error::Generic {
                        store: "local file",
                        source: Box::new(cause),
                    });
                }
            }
        }
        parts.finish().await
    })
    .map(drop)
    .map_err(|cause| object.error(what, cause))
}

/// The size of an upload's parts: larger for files above 160 GB, which would
/// need more parts than S3 allows.
fn part_bytes(size: u64) -> usize {
    UPLOAD_PART.max(usize::try_from(size.div_ceil(9_000)).unwrap_or(usize::MAX))
}

/// Opens the store of an address. Stores are kept, so that connections are.
fn open(address: &str) -> Result<(Store, Path), Error> {
    static STORES: LazyLock<Mutex<HashMap<String, Store>>> = LazyLock::new(Mutex::default);
    let (scheme, base, path) = parse(address)?;
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(&base) {
        return Ok((store.clone(), path));
    }
    let inner = build(&scheme, &base).map_err(|cause| {
        Error::io(address, "the store cannot be used", flat(cause))
            .with_hint("check the store's environment variables")
    })?;
    let store = Store {
        inner,
        base: base.clone(),
    };
    stores.insert(base, store.clone());
    Ok((store, path))
}

/// Takes an address apart: the kind of store, the address of the store, and the
/// path within it. Keys in `s3://` and the like are taken literally, as the
/// stores' own tools do; those in `https://` are percent-encoded.
fn parse(address: &str) -> Result<(ObjectStoreScheme, String, Path), Error> {
    let fail = |message: String| Error::new(address, message);
    let invalid = |cause: &dyn std::fmt::Display| fail(format!("no valid address: {cause}"));
    let url = Url::parse(address).map_err(|error| invalid(&error))?;
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = match url.scheme() {
            "memory" => Some(ObjectStoreScheme::Memory),
            _ => ObjectStoreScheme::parse(&url)
                .ok()
                .map(|(scheme, _)| scheme),
        };
        let Some(scheme) = scheme else {
            let error = fail(format!("`{}://` is no store that is known", url.scheme()));
            return Err(error.with_hint("known are s3://, gs://, az://, http:// and https://"));
        };
        let after_scheme = url.scheme().len() + 3;
        let bucket = address[after_scheme..].find('/');
        let end = bucket.map_or(address.len(), |at| after_scheme + at);
        let path = Path::parse(&address[end..]).map_err(|error| invalid(&error))?;
        return Ok((scheme, address[..end].to_owned(), path));
    }
    if url.query().is_some() {
        let error = fail("addresses with a query (`?...`) cannot be read".to_owned());
        return Err(error.with_hint("download the file and name the local copy"));
    }
    let (scheme, path) = ObjectStoreScheme::parse(&url).map_err(|error| invalid(&error))?;
    // The bucket of an https address of a cloud store is part of its path.
    let base = match address.trim_end_matches('/').strip_suffix(path.as_ref()) {
        Some(front) if !path.as_ref().is_empty() => front.trim_end_matches('/').to_owned(),
        _ => url[..url::Position::BeforePath].to_owned(),
    };
    Ok((scheme, base, path))
}

fn build(scheme: &ObjectStoreScheme, base: &str) -> object_store::Result<Arc<dyn ObjectStore>> {
    // Without a default, the TLS library does not know which cryptography to
    // use; that another part of the program set one already is no failure.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let retry = RetryConfig {
        max_retries: 6,
        retry_timeout: RETRY,
        ..RetryConfig::default()
    };
    Ok(match scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = AmazonS3Builder::from_env();
            // Who names an endpoint `http://...` wants no TLS (a server of
            // one's own), as with the other tools that read this variable.
            let is_plain = builder
                .get_config_value(&AmazonS3ConfigKey::Endpoint)
                .is_some_and(|endpoint| endpoint.starts_with("http://"));
            let builder = if is_plain {
                builder.with_allow_http(true)
            } else {
                builder
            };
            Arc::new(builder.with_url(base).with_retry(retry).build()?)
        }
        ObjectStoreScheme::GoogleCloudStorage => Arc::new(
            GoogleCloudStorageBuilder::from_env()
                .with_url(base)
                .with_retry(retry)
                .build()?,
        ),
        ObjectStoreScheme::MicrosoftAzure => Arc::new(
            MicrosoftAzureBuilder::from_env()
                .with_url(base)
                .with_retry(retry)
                .build()?,
        ),
        ObjectStoreScheme::Memory => Arc::new(InMemory::new()),
        _ => Arc::new(
            HttpBuilder::new()
                .with_url(base)
                .with_client_options(
                    ClientOptions::new()
                        .with_allow_http(true)
                        .with_timeout(RESPONSE),
                )
                .with_retry(retry)
                .build()?,
        ),
    })
}

/// A request under way.
struct Pending<T>(mpsc::Receiver<object_store::Result<T>>);

impl<T> Pending<T> {
    fn wait(self) -> object_store::Result<T> {
        self.0
            .recv()
            .unwrap_or_else(|_| Err(generic("the request was given up".into())))
    }
}

fn start<T: Send + 'static>(
    future: impl Future<Output = object_store::Result<T>> + Send + 'static,
) -> io::Result<Pending<T>> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("wrasse-store")
            .enable_all()
            .build()
    });
    let runtime = RUNTIME
        .as_ref()
        .map_err(|cause| io::Error::new(cause.kind(), cause.to_string()))?;
    // One answer is sent, and the receiver may be gone.
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        let _ = sender.send(future.await);
    });
    Ok(Pending(receiver))
}

fn wait<T: Send + 'static>(
    future: impl Future<Output = object_store::Result<T>> + Send + 'static,
) -> object_store::Result<T> {
    start(future)
        .map_err(|cause| generic(Box::new(cause)))?
        .wait()
}

/// A store's error as one without causes: its texts tell their causes already,
/// most of them, and told link by link they say the same four times.
fn flat(cause: object_store::Error) -> io::Error {
    let mut text = cause.to_string();
    let mut link = std::error::Error::source(&cause);
    while let Some(inner) = link {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        link = inner.source();
    }
    io::Error::new(io::Error::from(cause).kind(), text)
}

fn generic(source: Box<dyn std::error::Error + Send + Sync>) -> object_store::Error {
    object_store::Error::Generic {
        store: "store",
        source,
    }
}

#[cfg(test)]
mod tests;
