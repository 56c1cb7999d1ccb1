//! An exported audit: bytes, and lines of JSON.
//!
//! ```text
//!   header   PLGAUDIT · version u32 · zero u32 · store u64
//!   batch    BATCH    · seal (168) · its records (64 each)                            any number of them
//!   end      END      · first u64 · dropped u64 · open u32 · key u32 · head (32) ·
//!                       root (32) · authenticator (32) · digest (32) · open records   once
//! ```
//!
//! Little endian; tags are eight bytes, filled with zeros. `first` is the number of the first batch of this log, `head`
//! the chain value of the last, `root` the BLAKE3 of the open records. The digest is over the store and all of the end
//! but itself, the authenticator over the store and what is before it: so with the secret it is known that nobody cut
//! the log at a seal. What can be told from all this is in [`verify`](super::verify()).
//!
//! As lines: `{"audit":{"version":1,"store":…}}`; `{"record":{…}}` for each record and `{"seal":{…}}` after the last one
//! of its batch; then the open records and `{"end":{…}}`. Both forms say the same, and are made from each other.

use std::{error, fmt};

use serde::{Deserialize, Serialize};

use super::{
    digest::{Contexts, Digest, KeyId, Secrets},
    read::Reader,
    record::{Bytes, Record, SIZE},
    seal::{BATCH, SEAL_SIZE, Seal},
    tree,
    verify::{Fault, Problem},
};

const MAGIC: &[u8; 8] = b"PLGAUDIT";
const VERSION: u32 = 1;
const HEADER_SIZE: usize = 24;
const TAG_BATCH: &[u8; 8] = b"BATCH\0\0\0";
const TAG_END: &[u8; 8] = b"END\0\0\0\0\0";
const END_SIZE: usize = 152;

/// How a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    #[serde(skip)]
    pub(super) store: u64,
    /// The number of the first batch of the log.
    pub(super) first: u64,
    /// Records dropped since the store began.
    pub(super) dropped: u64,
    /// The number of open records.
    pub(super) open: u32,
    pub(super) key: KeyId,
    /// The chain value of the last batch.
    pub(super) head: Digest,
    /// A hash of the open records.
    pub(super) root: Digest,
    pub(super) authenticator: Digest,
    pub(super) digest: Digest,
}

impl End {
    pub(super) fn new(store: u64, first: u64, head: Digest, dropped: u64, open: &[Bytes]) -> Self {
        Self {
            store,
            first,
            dropped,
            open: u32::try_from(open.len()).expect("a batch has at most 1,024 records"),
            key: 0,
            head,
            root: tree::root(open),
            authenticator: Digest::ZERO,
            digest: Digest::ZERO,
        }
    }

    /// What is hashed: the store, and all but the digest.
    fn body(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        bytes[0..8].copy_from_slice(&self.store.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.dropped.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.open.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.key.to_le_bytes());
        bytes[32..64].copy_from_slice(self.head.as_bytes());
        bytes[64..96].copy_from_slice(self.root.as_bytes());
        bytes[96..128].copy_from_slice(self.authenticator.as_bytes());
        bytes
    }

    fn read(store: u64, bytes: &[u8; END_SIZE]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let end = Self {
            store,
            first: reader.u64()?,
            dropped: reader.u64()?,
            open: reader.u32()?,
            key: reader.u32()?,
            head: reader.digest()?,
            root: reader.digest()?,
            authenticator: reader.digest()?,
            digest: reader.digest()?,
        };
        end.well_formed().then_some(end)
    }

    fn well_formed(&self) -> bool {
        self.open as usize <= BATCH && (self.key != 0 || self.authenticator == Digest::ZERO)
    }

    pub(super) fn digest_value(&self, contexts: &Contexts) -> Digest {
        contexts.end(&self.body())
    }

    pub(super) fn authenticator_value(&self, secrets: &Secrets) -> Option<Digest> {
        secrets.end(self.key, &self.body()[..96])
    }

    /// Fills in the authenticator and the digest, and appends it with its records.
    pub(super) fn write(mut self, log: &mut Vec<u8>, open: &[Bytes], contexts: &Contexts, secrets: Option<&Secrets>) {
        self.key = secrets.map_or(0, |secrets| secrets.current().get());
        self.authenticator = secrets.and_then(|secrets| self.authenticator_value(secrets)).unwrap_or(Digest::ZERO);
        self.digest = self.digest_value(contexts);
        self.append(log, open);
    }

    fn append(&self, log: &mut Vec<u8>, open: &[Bytes]) {
        log.extend_from_slice(TAG_END);
        log.extend_from_slice(&self.body()[8..]);
        log.extend_from_slice(self.digest.as_bytes());
        log.extend_from_slice(open.as_flattened());
    }
}

pub(super) fn write_batch(log: &mut Vec<u8>, seal: &Seal, records: &[Bytes]) {
    log.extend_from_slice(TAG_BATCH);
    log.extend_from_slice(&seal.to_bytes());
    log.extend_from_slice(records.as_flattened());
}

/// A part of a log.
pub(super) enum Block<'a> {
    Batch(Seal, &'a [Bytes]),
    End(End, &'a [Bytes]),
}

/// The parts of a log, in order, borrowed from its bytes.
pub(super) struct Blocks<'a> {
    reader: Reader<'a>,
    total: usize,
    pub(super) store: u64,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(bytes);
        let header = |problem| Fault::new(0, problem);
        if reader.array::<8>().ok_or(header(Problem::Cut))? != MAGIC {
            return Err(header(Problem::Header));
        }
        match (reader.u32(), reader.u32(), reader.u64()) {
            (Some(VERSION), Some(0), Some(store)) => Ok(Self { reader, total: bytes.len(), store }),
            (Some(VERSION), Some(0) | None, None) | (None, ..) => Err(header(Problem::Cut)),
            (Some(VERSION), ..) => Err(header(Problem::Header)),
            (Some(version), ..) => Err(header(Problem::Version(version))),
        }
    }

    /// Where the next part begins.
    pub(super) fn at(&self) -> usize {
        self.total.saturating_sub(self.reader.left())
    }

    /// The next part; `None` when there are no more bytes.
    pub(super) fn next(&mut self) -> Result<Option<Block<'a>>, Fault> {
        if self.reader.left() == 0 {
            return Ok(None);
        }
        let at = self.at();
        self.block().map(Some).map_err(|problem| Fault::new(at, problem))
    }

    fn block(&mut self) -> Result<Block<'a>, Problem> {
        let tag = self.reader.array::<8>().ok_or(Problem::Cut)?;
        if tag == TAG_BATCH {
            let seal = self.reader.array::<SEAL_SIZE>().ok_or(Problem::Cut)?;
            let seal = Seal::from_bytes(seal).ok_or(Problem::Seal)?;
            let records = self.reader.arrays::<SIZE>(seal.count as usize).ok_or(Problem::Cut)?;
            Ok(Block::Batch(seal, records))
        } else if tag == TAG_END {
            let end = self.reader.array::<END_SIZE>().ok_or(Problem::Cut)?;
            let end = End::read(self.store, end).ok_or(Problem::End)?;
            let records = self.reader.arrays::<SIZE>(end.open as usize).ok_or(Problem::Cut)?;
            Ok(Block::End(end, records))
        } else {
            Err(Problem::Tag)
        }
    }
}

/// The log of an audit, as bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Log(Vec<u8>);

impl Log {
    /// The first bytes of every log of this store: what a sink writes before the first batch.
    #[must_use]
    pub fn header(store: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&0u32.to_le_bytes());
        bytes.extend_from_slice(&store.to_le_bytes());
        bytes
    }

    /// A header, with room for what comes.
    pub(super) fn begin(store: u64, records: usize, seals: usize) -> Vec<u8> {
        let mut bytes = Self::header(store);
        let seals = seals.saturating_add(1).saturating_mul(SEAL_SIZE.saturating_add(TAG_BATCH.len()));
        bytes.reserve(records.saturating_mul(SIZE).saturating_add(seals).saturating_add(HEADER_SIZE));
        bytes
    }

    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The lines of JSON that say the same.
    #[must_use]
    pub fn to_lines(&self) -> String {
        to_lines(&self.0).expect("what made this log writes nothing that cannot be read")
    }

    /// Reads lines of JSON. That they can be read does not mean that they are right: [`verify`](super::verify()) the log.
    ///
    /// # Errors
    ///
    /// When a line is not what belongs there, with its number.
    pub fn from_lines(text: &str) -> Result<Self, LineError> {
        from_lines(text).map(Self)
    }
}

impl AsRef<[u8]> for Log {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Log({} bytes)", self.0.len())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Audit(Header),
    Record(Record),
    Seal(Seal),
    End(End),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    store: u64,
}

/// The lines of a log whose bytes come from elsewhere.
///
/// # Errors
///
/// When the bytes are no log, with the place.
pub fn to_lines(bytes: &[u8]) -> Result<String, Fault> {
    let mut text = String::new();
    let mut line = |line: &Line| {
        text.push_str(&serde_json::to_string(line).expect("a line has nothing but numbers, words and digests"));
        text.push('\n');
    };
    let mut blocks = Blocks::new(bytes)?;
    line(&Line::Audit(Header { version: VERSION, store: blocks.store }));
    let mut at = blocks.at();
    while let Some(block) = blocks.next()? {
        let (Block::Batch(_, records) | Block::End(_, records)) = &block;
        for record in *records {
            let record = Record::from_bytes(record).map_err(|why| Fault::new(at, Problem::Record(why)))?;
            line(&Line::Record(record));
        }
        match block {
            Block::Batch(seal, _) => line(&Line::Seal(seal)),
            Block::End(end, _) => line(&Line::End(end)),
        }
        at = blocks.at();
    }
    Ok(text)
}

fn from_lines(text: &str) -> Result<Vec<u8>, LineError> {
    let mut log: Option<(Vec<u8>, u64)> = None;
    let mut records: Vec<Bytes> = Vec::new();
    let mut last = 0;
    for (line, number) in text.lines().zip(1..) {
        last = number;
        let wrong = |what: &str| LineError { line: number, what: what.to_owned() };
        let line = serde_json::from_str(line).map_err(|why| wrong(&why.to_string()))?;
        match (line, &mut log) {
            (Line::Audit(Header { version: VERSION, store }), None) => log = Some((Log::header(store), store)),
            (Line::Audit(_), None) => return Err(wrong("there is no such version")),
            (Line::Audit(_), Some(_)) => return Err(wrong("the log has begun before")),
            (_, None) => return Err(wrong("a log begins with `audit`")),
            (Line::Record(record), Some(_)) => {
                if records.len() >= BATCH {
                    return Err(wrong("more records than a batch has"));
                }
                records.push(record.to_bytes());
            }
            (Line::Seal(seal), Some((bytes, _))) => {
                if !seal.well_formed() || seal.count as usize != records.len() {
                    return Err(wrong("the seal is of another number of records"));
                }
                write_batch(bytes, &seal, &records);
                records.clear();
            }
            (Line::End(end), Some((bytes, store))) => {
                let end = End { store: *store, ..end };
                if !end.well_formed() || end.open as usize != records.len() {
                    return Err(wrong("the end is of another number of records"));
                }
                end.append(bytes, &records);
                records.clear();
            }
        }
    }
    let wrong = |what: &str| LineError { line: last, what: what.to_owned() };
    if !records.is_empty() {
        return Err(wrong("records after the last seal or end"));
    }
    log.map(|(bytes, _)| bytes).ok_or_else(|| wrong("a log begins with `audit`"))
}

/// A line that does not belong into a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl error::Error for LineError {}
