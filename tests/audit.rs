//! The audit of a store: whatever is done to a sealed log is found, as far as it can be; the ring is bounded and loses
//! nothing without saying so.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use polylogue::session::audit::{
    Anchor, Audit, AuditFull, BATCH, Batch, FIRST, Kind, Later, Log, Noted, Options, Problem, Proof, ProofError,
    Record, SEAL_SIZE, SIZE, Seal, Secrets, SessionRef, Sink, Unchecked, Verdict, to_lines, verify,
};

/// A small generator of numbers: same seed, same test.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 11).unwrap() % end
    }
}

fn id(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn secrets() -> Secrets {
    Secrets::new(id(3), &[7; 32])
}

/// A record whose fields are all different.
fn record(n: u32) -> Record {
    let kind = Kind::ALL[n as usize % Kind::ALL.len()];
    let verdict = Verdict::ALL[n as usize % Verdict::ALL.len()];
    Record {
        time: 1_000 + i64::from(n),
        witness: u64::from(n) << 33 | 5,
        role: n + 1,
        peer: n + 2,
        message: n + 3,
        generation: n + 4,
        detail: n + 5,
        plan: n + 6,
        code: u16::try_from(n % 60_000).unwrap() + 7,
        ..Record::new(SessionRef { slot: n + 8, generation: n + 9 }, kind, verdict)
    }
}

/// Batches of these sizes, and so many open records.
fn filled(options: Options, batches: &[u32], open: u32) -> Audit {
    let mut audit = Audit::new(options);
    let mut n = 0;
    for count in batches {
        for _ in 0..*count {
            audit.push(record(n)).unwrap();
            n += 1;
        }
        audit.seal();
    }
    for _ in 0..open {
        audit.push(record(n)).unwrap();
        n += 1;
    }
    audit
}

fn options(secrets: Option<Secrets>) -> Options {
    Options { store: 11, segments: 4, lossy: false, secrets }
}

/// The log that the changes are made to: 64 KiB of records in four batches, the last one open to nothing.
const SIZES: [u32; 4] = [100, 300, 17, 607];

struct Sealed {
    bytes: Vec<u8>,
    anchor: Anchor,
    secrets: Secrets,
}

fn sealed() -> Sealed {
    let mut audit = filled(options(Some(secrets())), &SIZES, 0);
    let anchor = audit.anchor().unwrap();
    assert_eq!((anchor.from, anchor.seal.end()), (0, 1024));
    Sealed { bytes: audit.log().into_bytes(), anchor, secrets: secrets() }
}

impl Sealed {
    /// Where the records of the batches are.
    fn batches(&self) -> Vec<std::ops::Range<usize>> {
        let mut at = 24;
        SIZES
            .iter()
            .map(|count| {
                let start = at + 8 + SEAL_SIZE;
                at = start + *count as usize * SIZE;
                start..at
            })
            .collect()
    }

    /// Where each record is.
    fn records(&self) -> Vec<usize> {
        self.batches().into_iter().flat_map(|range| range.step_by(SIZE)).collect()
    }

    fn decoded(&self) -> Vec<Record> {
        self.records()
            .iter()
            .map(|at| Record::from_bytes(self.bytes[*at..][..SIZE].try_into().unwrap()).unwrap())
            .collect()
    }

    fn found_by_anchor(&self, bytes: &[u8]) -> bool {
        !verify(bytes, Some(&self.anchor), None).holds()
    }

    fn found_by_secret(&self, bytes: &[u8]) -> bool {
        !verify(bytes, None, Some(&self.secrets)).holds()
    }

    /// A change whose author recomputed nothing: found by all.
    fn must_find(&self, bytes: &[u8], what: &str) {
        assert!(self.found_by_anchor(bytes), "{what}: against the anchor");
        assert!(self.found_by_secret(bytes), "{what}: with the secret");
        assert!(!verify(bytes, None, None).holds(), "{what}: with neither");
    }

    /// A change whose author recomputed everything: found by those who know something, and the other says what it
    /// cannot know.
    fn must_find_recomputed(&self, bytes: &[u8], what: &str) {
        assert!(self.found_by_anchor(bytes), "{what}: against the anchor");
        assert!(self.found_by_secret(bytes), "{what}: with the secret");
        let alone = verify(bytes, None, None);
        assert_eq!(alone.fault, None, "{what}: it is a log like any other");
        assert!(alone.unchecked().contains(&Unchecked::Recomputed(0)), "{what}");
        assert!(alone.unchecked().contains(&Unchecked::CutAtSeal), "{what}");
        assert_eq!((alone.anchor_to, alone.authentic_to), (None, None), "{what}");
    }
}

/// The log that one without the secret makes of these records.
fn forged(records: &[Record], seals_after: &[usize], secrets: Option<Secrets>) -> Vec<u8> {
    let mut audit = Audit::new(options(secrets));
    for (i, record) in records.iter().enumerate() {
        audit.push(*record).unwrap();
        if seals_after.contains(&(i + 1)) {
            audit.seal();
        }
    }
    audit.seal();
    audit.log().into_bytes()
}

fn seals_after() -> Vec<usize> {
    let mut sum = 0;
    SIZES
        .iter()
        .map(|count| {
            sum += *count as usize;
            sum
        })
        .collect()
}

#[test]
fn an_untouched_log_holds() {
    let log = sealed();
    assert_eq!(log.bytes.len(), 24 + 4 * (8 + SEAL_SIZE) + 1024 * SIZE + 160);

    let by_anchor = verify(&log.bytes, Some(&log.anchor), None);
    assert_eq!(by_anchor.fault, None);
    assert_eq!((by_anchor.chain_to, by_anchor.anchor_to, by_anchor.authentic_to), (Some(1024), Some(1024), None));
    assert_eq!(by_anchor.unchecked(), [Unchecked::CutAtSeal]);

    let by_secret = verify(&log.bytes, None, Some(&log.secrets));
    assert_eq!(by_secret.fault, None);
    assert_eq!((by_secret.chain_to, by_secret.anchor_to, by_secret.authentic_to), (Some(1024), None, Some(1024)));
    assert_eq!(by_secret.unchecked(), [Unchecked::Earlier]);

    let alone = verify(&log.bytes, None, None);
    assert_eq!(alone.fault, None);
    assert_eq!((alone.store, alone.first, alone.batches, alone.unsealed, alone.ended), (11, 0, 4, 0, true));
    assert_eq!(alone.unchecked(), [Unchecked::Recomputed(0), Unchecked::CutAtSeal]);

    // An anchor in the middle: what is after it is known by the chain alone.
    let middle = *filled(options(Some(secrets())), &SIZES[..2], 0).last_seal().unwrap();
    let until = verify(&log.bytes, Some(&Anchor::new(middle)), None);
    assert_eq!((until.fault, until.anchor_to, until.chain_to), (None, Some(400), Some(1024)));
    assert_eq!(until.unchecked(), [Unchecked::Recomputed(400), Unchecked::CutAtSeal]);
}

#[test]
fn every_flipped_byte_is_found() {
    let log = sealed();
    let mut bytes = log.bytes.clone();
    let mut numbers = Numbers(1);
    for at in 0..bytes.len() {
        let mask = 1 << numbers.below(8);
        bytes[at] ^= mask;
        log.must_find(&bytes, &format!("byte {at} flipped by {mask:#x}"));
        bytes[at] ^= mask;
    }
    assert_eq!(bytes, log.bytes);
}

#[test]
fn every_bit_that_is_no_record_is_found_when_flipped() {
    let log = sealed();
    let records = log.batches();
    let mut bytes = log.bytes.clone();
    for at in (0..bytes.len()).filter(|at| records.iter().all(|range| !range.contains(at))) {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            log.must_find(&bytes, &format!("byte {at}, bit {bit}"));
            bytes[at] ^= 1 << bit;
        }
    }
}

#[test]
fn removed_inserted_and_exchanged_records_are_found() {
    let log = sealed();
    let places = log.records();
    let mut numbers = Numbers(2);
    for (i, at) in places.iter().enumerate() {
        let mut removed = log.bytes.clone();
        removed.drain(*at..at + SIZE);
        log.must_find(&removed, &format!("record {i} removed"));

        let mut inserted = log.bytes.clone();
        let copy = inserted[*at..at + SIZE].to_vec();
        inserted.splice(*at..*at, copy);
        log.must_find(&inserted, &format!("record {i} twice"));

        for other in [(i + 1) % places.len(), numbers.below(places.len())].into_iter().filter(|other| *other != i) {
            let mut exchanged = log.bytes.clone();
            for byte in 0..SIZE {
                exchanged.swap(at + byte, places[other] + byte);
            }
            log.must_find(&exchanged, &format!("records {i} and {other} exchanged"));
        }
    }
}

#[test]
fn removed_and_exchanged_batches_are_found() {
    let log = sealed();
    let ranges: Vec<_> = log.batches().into_iter().map(|range| range.start - 8 - SEAL_SIZE..range.end).collect();
    for (i, range) in ranges.iter().enumerate() {
        let mut removed = log.bytes.clone();
        removed.drain(range.clone());
        log.must_find(&removed, &format!("batch {i} removed"));
        let mut twice = log.bytes.clone();
        let copy = twice[range.clone()].to_vec();
        twice.splice(range.end..range.end, copy);
        log.must_find(&twice, &format!("batch {i} twice"));
        for other in ranges.iter().filter(|other| other.start > range.start) {
            let mut bytes = log.bytes[..range.start].to_vec();
            bytes.extend_from_slice(&log.bytes[other.clone()]);
            bytes.extend_from_slice(&log.bytes[range.end..other.start]);
            bytes.extend_from_slice(&log.bytes[range.clone()]);
            bytes.extend_from_slice(&log.bytes[other.end..]);
            log.must_find(&bytes, &format!("batch {i} exchanged"));
        }
    }
}

#[test]
fn every_cut_is_found() {
    let log = sealed();
    let seals: Vec<usize> = log.batches().iter().map(|range| range.end).collect();
    for end in
        log.records().into_iter().chain(seals.clone()).chain(log.bytes.len() - 170..log.bytes.len()).chain(0..400)
    {
        log.must_find(&log.bytes[..end], &format!("cut at byte {end}"));
    }
    // Cut at a seal and nothing put in its place: all that is sealed holds, and the missing end is what is wrong.
    for (i, end) in seals.iter().enumerate() {
        let found = verify(&log.bytes[..*end], None, Some(&log.secrets));
        assert_eq!(found.fault.unwrap().problem, Problem::NoEnd);
        assert_eq!(found.authentic_to, Some(u64::try_from(seals_after()[i]).unwrap()));
    }
}

/// Cut at a seal, and an end made for it by one without the secret.
#[test]
fn a_cut_at_a_seal_with_a_new_end_is_found() {
    let log = sealed();
    for (i, range) in log.batches().into_iter().enumerate() {
        let shorter = filled(options(Some(secrets())), &SIZES[..=i], 0);
        let last = shorter.last_seal().unwrap();
        let mut thief = Audit::new(options(None)).resume(last).unwrap();
        let mut bytes = log.bytes[..range.end].to_vec();
        bytes.extend(thief.end(0));
        if i + 1 < SIZES.len() {
            log.must_find_recomputed(&bytes, &format!("cut after batch {i}"));
            let found = verify(&bytes, Some(&log.anchor), None).fault.unwrap();
            assert_eq!((found.problem, found.at), (Problem::BeforeAnchor, range.end));
        } else {
            assert!(!log.found_by_anchor(&bytes), "nothing is missing");
        }
        let found = verify(&bytes, None, Some(&log.secrets)).fault.unwrap();
        assert_eq!((found.problem, found.at), (Problem::UnknownSecret(0), range.end));

        // The end that the store itself made then, on the other hand, is right: this is an earlier log.
        let mut shorter = shorter;
        let mut bytes = log.bytes[..range.end].to_vec();
        bytes.extend(shorter.end(0));
        let earlier = verify(&bytes, None, Some(&log.secrets));
        assert_eq!((earlier.fault, earlier.unchecked()), (None, vec![Unchecked::Earlier]));
        assert_eq!(log.found_by_anchor(&bytes), i + 1 < SIZES.len());
    }
}

#[test]
fn every_change_with_the_chain_recomputed_is_found() {
    let log = sealed();
    let records = log.decoded();
    let seals = seals_after();
    assert_eq!(forged(&records, &seals, Some(secrets())), log.bytes, "recomputing is done as the store does it");
    let mut numbers = Numbers(3);
    let thief = Secrets::new(id(3), &[8; 32]);
    for i in 0..records.len() {
        let mut changed = records.clone();
        changed[i].time += 1;
        let mut removed = records.clone();
        removed.remove(i);
        let mut inserted = records.clone();
        inserted.insert(i, records[numbers.below(records.len())]);
        let mut exchanged = records.clone();
        exchanged.swap(i, (i + 1) % records.len());
        let mut cut = records.clone();
        cut.truncate(i);
        for (what, records) in
            [("changed", changed), ("removed", removed), ("inserted", inserted), ("exchanged", exchanged), ("cut", cut)]
        {
            let what = format!("record {i} {what}");
            if records.is_empty() {
                continue;
            }
            log.must_find_recomputed(&forged(&records, &seals, None), &what);
            if i % 16 == 0 {
                log.must_find_recomputed(&forged(&records, &seals, Some(thief.clone())), &what);
            }
        }
    }
    // The same records without authenticators, and with those of another secret under the same name.
    let bare = forged(&records, &seals, None);
    assert_eq!(verify(&bare, None, Some(&log.secrets)).fault.unwrap().problem, Problem::UnknownSecret(0));
    let other = forged(&records, &seals, Some(thief));
    assert_eq!(verify(&other, None, Some(&log.secrets)).fault.unwrap().problem, Problem::Authenticator);
}

/// Fills in roots, chain values and digests from the layout and BLAKE3 alone, as one without the secret could.
fn rechain(bytes: &mut [u8]) {
    let mut at = 24;
    let mut head: Option<[u8; 32]> = None;
    while bytes[at..].starts_with(b"BATCH") {
        let seal = at + 8;
        let records = seal + SEAL_SIZE;
        let count = u32::from_le_bytes(bytes[seal + 32..seal + 36].try_into().unwrap()) as usize;
        let root = blake3::hash(&bytes[records..records + count * SIZE]);
        bytes[seal + 40..seal + 72].copy_from_slice(root.as_bytes());
        if let Some(head) = head {
            bytes[seal + 72..seal + 104].copy_from_slice(&head);
        }
        let chain = blake3::derive_key("polylogue session audit v1: chain", &bytes[seal..seal + 136]);
        bytes[seal + 136..seal + 168].copy_from_slice(&chain);
        head = Some(chain);
        at = records + count * SIZE;
    }
    let end = at + 8;
    let root = blake3::hash(&bytes[end + 152..]);
    bytes[end + 24..end + 56].copy_from_slice(head.unwrap().as_slice());
    bytes[end + 56..end + 88].copy_from_slice(root.as_bytes());
    let body = [&bytes[16..24], &bytes[end..end + 120]].concat();
    let digest = blake3::derive_key("polylogue session audit v1: end of a log", &body);
    bytes[end + 120..end + 152].copy_from_slice(&digest);
}

/// Numbers that do not fit are found even when all hashes are made to fit.
#[test]
fn numbers_must_fit_though_the_hashes_do() {
    let mut audit = filled(options(None), &SIZES, 3);
    let log = audit.log().into_bytes();
    let mut same = log.clone();
    rechain(&mut same);
    assert_eq!(same, log, "the layout is as documented");
    let batches = sealed().batches();
    let problem = |change: &dyn Fn(&mut [u8])| {
        let mut bytes = log.clone();
        change(&mut bytes);
        rechain(&mut bytes);
        verify(&bytes, None, None).fault.map(|fault| fault.problem)
    };
    let seal = |batch: usize| batches[batch].start - SEAL_SIZE;
    let end = batches[3].end + 8;
    assert_eq!(problem(&|bytes| bytes[batches[1].start + 16] ^= 1), None, "a time may be any");
    assert_eq!(problem(&|bytes| bytes[16] ^= 1), Some(Problem::Link), "another store in the header");
    assert_eq!(problem(&|bytes| bytes[seal(2)] ^= 1), Some(Problem::Link), "another store in a seal");
    assert_eq!(problem(&|bytes| bytes[seal(2) + 8] += 1), Some(Problem::Link), "a batch number left out");
    assert_eq!(problem(&|bytes| bytes[seal(2) + 16] += 1), Some(Problem::Link), "a sequence left out");
    assert_eq!(problem(&|bytes| bytes[seal(2) + 24] += 1), Some(Problem::Link), "a drop that was none");
    assert_eq!(problem(&|bytes| bytes[seal(0) + 24] += 1), Some(Problem::Link), "a drop before the first");
    assert_eq!(problem(&|bytes| bytes[seal(0) + 72] ^= 1), Some(Problem::Link), "another start of the chain");
    assert_eq!(problem(&|bytes| bytes[batches[1].start + 8] += 1), Some(Problem::Sequence), "in a batch");
    assert_eq!(problem(&|bytes| bytes[end] += 1), Some(Problem::Link), "another first batch in the end");
    assert_eq!(problem(&|bytes| bytes[end + 8] += 1), Some(Problem::Sequence), "a drop that was none in the end");
    assert_eq!(problem(&|bytes| bytes[end + 152 + 8] += 1), Some(Problem::Sequence), "in an open record");
    // A batch has 1 to 1,024 records, and an end no more open ones.
    let sized = |at: usize, count: u32| {
        let mut bytes = log.clone();
        bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
        bytes.resize(bytes.len() + 2 * BATCH * SIZE, 0);
        verify(&bytes, None, None).fault.unwrap().problem
    };
    for count in [0, 1025, u32::MAX] {
        assert_eq!(sized(seal(0) + 32, count), Problem::Seal);
    }
    assert_eq!((sized(end + 16, 1025), sized(end + 16, u32::MAX)), (Problem::End, Problem::End));
    for after in [&[0u8][..], &log[batches[3].end..], &log[24..]] {
        let bytes = [&log, after].concat();
        assert_eq!(verify(&bytes, None, None).fault.unwrap().problem, Problem::AfterEnd);
    }
}

#[test]
fn faults_have_a_place() {
    let log = sealed();
    let batches = log.batches();
    let at = |batch: usize| batches[batch].start - 8 - SEAL_SIZE;
    let fault = |byte: usize| {
        let mut bytes = log.bytes.clone();
        bytes[byte] ^= 1;
        let found = verify(&bytes, None, None);
        (found.chain_to, found.fault.unwrap())
    };
    let (chain_to, found) = fault(batches[1].start + 5 * SIZE + 16);
    assert_eq!((chain_to, found.at, found.batch, found.problem), (Some(100), at(1), Some(1), Problem::Root));
    assert_eq!(found.to_string(), format!("byte {}, batch 1: the records are not those that were sealed", at(1)));
    let (_, found) = fault(batches[1].start + 5 * SIZE + 8);
    assert_eq!((found.sequence, found.problem), (Some(105), Problem::Sequence));
    let (chain_to, found) = fault(at(2) + 8 + 72);
    assert_eq!((chain_to, found.batch, found.problem), (Some(400), Some(2), Problem::Link));
    let (_, found) = fault(at(2) + 8 + 104);
    assert_eq!((found.batch, found.problem), (Some(2), Problem::Chain), "the authenticator is in the chain");
    let (_, found) = fault(at(3));
    assert_eq!((found.at, found.problem), (at(3), Problem::Tag));
    let (chain_to, found) = fault(log.bytes.len() - 1);
    assert_eq!((chain_to, found.problem), (Some(1024), Problem::End));
}

#[test]
fn open_records_are_said_to_be_open() {
    let mut audit = filled(options(Some(secrets())), &SIZES, 5);
    let anchor = Anchor::new(*audit.last_seal().unwrap());
    let log = audit.log();
    let found = verify(log.as_bytes(), Some(&anchor), None);
    assert_eq!((found.fault, found.chain_to, found.unsealed), (None, Some(1024), 5));
    assert_eq!(found.unchecked(), [Unchecked::CutAtSeal, Unchecked::Open(5)]);
    // The end is authentic, so the open records are as they were exported.
    let found = verify(log.as_bytes(), None, Some(&secrets()));
    assert_eq!((found.fault, found.unchecked()), (None, vec![Unchecked::Earlier]));
    let mut bytes = log.into_bytes();
    let last = bytes.len() - SIZE + 16;
    bytes[last] ^= 1;
    assert_eq!(verify(&bytes, None, None).fault.unwrap().problem, Problem::End);
    // Nothing sealed at all.
    let mut audit = filled(options(None), &[], 3);
    let found = verify(audit.log().as_bytes(), None, None);
    assert_eq!((found.fault, found.batches, found.chain_to, found.unsealed), (None, 0, None, 3));
    assert_eq!(found.unchecked(), [Unchecked::CutAtSeal, Unchecked::Open(3)]);
}

#[test]
fn secrets_are_rotated() {
    let mut audit = filled(options(Some(secrets())), &[10], 10);
    audit.rotate(id(4), &[9; 32]);
    audit.seal();
    let keys: Vec<u32> = audit.seals().map(|seal| seal.key).collect();
    assert_eq!(keys, [3, 4]);
    let log = audit.log();
    let mut both = secrets();
    both.rotate(id(4), &[9; 32]);
    assert!(verify(log.as_bytes(), None, Some(&both)).holds());
    let only_old = verify(log.as_bytes(), None, Some(&secrets()));
    assert_eq!(only_old.fault.unwrap().problem, Problem::UnknownSecret(4));
    assert_eq!(only_old.authentic_to, Some(10));
    both.forget(id(3));
    assert_eq!(verify(log.as_bytes(), None, Some(&both)).fault.unwrap().problem, Problem::UnknownSecret(3));
    assert_eq!(format!("{both:?}"), "Secrets { current: 4, old: [], .. }");
    both.rotate(id(5), &[1; 32]);
    both.rotate(id(4), &[2; 32]);
    assert_eq!(format!("{both:?}"), "Secrets { current: 4, old: [5], .. }", "a secret of the same id replaces");
}

#[test]
fn all_proofs_verify_and_no_altered_one_does() {
    let mut bits = 0usize;
    for count in [1u32, 2, 15, 16, 17, 32, 33, 48, 100, 1000, 1024] {
        let mut audit = filled(options(Some(secrets())), &[count], 1);
        let anchor = audit.anchor().unwrap();
        let wrong = Anchor::new(*filled(options(Some(secrets())), &[count, 1], 0).last_seal().unwrap());
        for n in 0..count {
            let proof = audit.prove(u64::from(n)).unwrap();
            let expected = Record { sequence: u64::from(n), ..record(n) };
            assert_eq!(proof.verify(&anchor), Ok(&expected), "record {n} of {count}");
            assert_eq!(proof.verify_secret(&secrets()), Ok(&expected));
            assert_eq!(proof.verify(&wrong), Err(ProofError::Anchor));
            assert_eq!(proof.verify_secret(&Secrets::new(id(3), &[1; 32])), Err(ProofError::Authenticator));
            let mut bytes = proof.to_bytes();
            assert!(bytes.len() <= 8 + SEAL_SIZE + 16 * SIZE + 6 * 32, "{} bytes are not short", bytes.len());
            assert_eq!(Proof::from_bytes(&bytes), Ok(proof));
            // All bits of some, one bit of every byte of a few more.
            let all = n == 0 || n + 1 == count || n % 197 == 13;
            if all || n % 17 == 3 {
                for at in 0..bytes.len() {
                    for bit in if all { 0..8 } else { at % 8..at % 8 + 1 } {
                        bytes[at] ^= 1 << bit;
                        let proven = Proof::from_bytes(&bytes).is_ok_and(|proof| proof.verify(&anchor).is_ok());
                        assert!(!proven, "record {n} of {count}, byte {at}, bit {bit}");
                        bytes[at] ^= 1 << bit;
                        bits += 1;
                    }
                }
                for end in [0, 7, 100, bytes.len() - 1] {
                    assert_eq!(Proof::from_bytes(&bytes[..end]), Err(ProofError::Malformed));
                }
                bytes.push(0);
                assert_eq!(Proof::from_bytes(&bytes), Err(ProofError::Malformed));
            }
        }
        assert_eq!(audit.prove(u64::from(count)), None, "not sealed yet");
        audit.seal();
        assert!(audit.prove(u64::from(count)).is_some());
    }
    assert!(bits > 400_000, "{bits} alterations are too few");
}

#[test]
fn a_proof_leads_to_a_later_anchor() {
    let audit = filled(options(None), &SIZES, 0);
    let anchor = audit.anchor().unwrap();
    let proof = audit.prove_until(150, 3).unwrap();
    assert_eq!(proof.verify(&anchor).unwrap().sequence, 150);
    assert_eq!(audit.prove(150).unwrap().verify(&anchor), Err(ProofError::Anchor));
    assert_eq!(audit.prove_until(150, 4), None);
    let mut bytes = proof.to_bytes();
    for at in 0..bytes.len() {
        bytes[at] ^= 16;
        let proven = Proof::from_bytes(&bytes).is_ok_and(|proof| proof.verify(&anchor).is_ok());
        assert!(!proven, "byte {at}");
        bytes[at] ^= 16;
    }
    // A seal left out in between, and one of another log with the same numbers.
    let gap = bytes.len() - 2 * SEAL_SIZE;
    let mut short = bytes.clone();
    short.drain(gap..gap + SEAL_SIZE);
    assert_eq!(Proof::from_bytes(&short).unwrap().verify(&anchor), Err(ProofError::Chain));
    let mut other = Audit::new(options(None));
    (1..=1024).for_each(|n| other.push(record(n)).unwrap());
    let other = other.anchor().unwrap();
    let same_numbers = Seal { root: other.seal.root, chain: other.seal.chain, ..anchor.seal };
    assert_eq!(proof.verify(&Anchor::new(same_numbers)), Err(ProofError::Anchor));
    let json = serde_json::to_string(&proof).unwrap();
    assert_eq!(serde_json::from_str::<Proof>(&json).unwrap(), proof);
}

/// A record's bytes and words, which do not change.
#[test]
fn records_have_a_stable_form() {
    assert_eq!(size_of::<Record>(), SIZE);
    let record = Record {
        sequence: 0x0102_0304_0506_0708,
        time: -2,
        witness: 9,
        role: 1,
        peer: 2,
        message: 3,
        generation: 4,
        detail: 5,
        plan: 6,
        code: 0x0a0b,
        ..Record::new(SessionRef { slot: 7, generation: 8 }, Kind::TimeoutWitness, Verdict::RolledBack)
    };
    let bytes = [
        7, 0, 0, 0, 8, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 254, 255, 255, 255, 255, 255, 255, 255, 9, 0, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0x0b, 0x0a, 36, 6,
    ];
    assert_eq!(record.to_bytes(), bytes);
    assert_eq!(Record::from_bytes(&bytes), Ok(record));
    let json = r#"{"session":{"slot":7,"generation":8},"sequence":72623859790382856,"time":-2,"witness":9,"role":1,"peer":2,"message":3,"generation":4,"detail":5,"count":1,"plan":6,"code":2571,"kind":"timeout_witness","verdict":"rolled_back"}"#;
    assert_eq!(serde_json::to_string(&record).unwrap(), json);
    assert_eq!(serde_json::from_str::<Record>(json).unwrap(), record);
    assert!(serde_json::from_str::<Record>(&json.replace("rolled_back", "rolled")).is_err());

    let mut numbers = Numbers(4);
    for number in 0..=255 {
        let mut bytes = bytes;
        bytes[62] = number;
        match Kind::of(number) {
            Some(kind) => assert_eq!((kind.number(), Record::from_bytes(&bytes).unwrap().kind), (number, kind)),
            None => assert_eq!(
                Record::from_bytes(&bytes).unwrap_err().to_string(),
                format!("no `kind` has the number {number}")
            ),
        }
        bytes[62] = 1;
        bytes[63] = number;
        assert_eq!(Record::from_bytes(&bytes).is_ok(), Verdict::of(number).is_some());
        bytes[63] = 1;
        for byte in &mut bytes[..62] {
            *byte = numbers.next().to_le_bytes()[0];
        }
        assert_eq!(Record::from_bytes(&bytes).unwrap().to_bytes(), bytes, "every other byte is a value");
    }
}

#[test]
fn lines_say_what_bytes_say() {
    let mut audit = filled(options(Some(secrets())), &[3, 20], 2);
    let log = audit.log();
    let lines = log.to_lines();
    assert_eq!(lines.lines().count(), 1 + 25 + 2 + 1);
    assert_eq!(lines.lines().next().unwrap(), r#"{"audit":{"version":1,"store":11}}"#);
    assert_eq!(
        lines.lines().nth(1).unwrap(),
        r#"{"record":{"session":{"slot":8,"generation":9},"sequence":0,"time":1000,"witness":5,"role":1,"peer":2,"message":3,"generation":4,"detail":5,"count":1,"plan":6,"code":7,"kind":"open","verdict":"accepted"}}"#
    );
    assert!(
        lines
            .lines()
            .nth(4)
            .unwrap()
            .starts_with(r#"{"seal":{"store":11,"batch":0,"first":0,"dropped":0,"count":3,"key":3,"root":""#)
    );
    assert_eq!(Log::from_lines(&lines).unwrap(), log);
    assert_eq!(to_lines(log.as_bytes()).unwrap(), lines);

    // Whatever is changed in a line cannot be read, or is found.
    let mut numbers = Numbers(5);
    let mut read = 0;
    for _ in 0..3000 {
        let mut bytes = lines.clone().into_bytes();
        let at = numbers.below(bytes.len());
        bytes[at] = b"0123456789abcdef\"{}:,\nx"[numbers.below(23)];
        let Ok(text) = String::from_utf8(bytes) else { continue };
        if text == lines {
            continue;
        }
        if let Ok(changed) = Log::from_lines(&text) {
            read += 1;
            assert_ne!(changed, log, "byte {at}");
            assert!(!verify(changed.as_bytes(), None, None).holds(), "byte {at}");
        }
    }
    assert!(read > 300, "{read} changes were read");

    let wrong = |text: &str| Log::from_lines(text).unwrap_err().to_string();
    assert_eq!(wrong(""), "line 0: a log begins with `audit`");
    assert_eq!(wrong(r#"{"audit":{"version":2,"store":1}}"#), "line 1: there is no such version");
    let first: Vec<&str> = lines.lines().take(3).collect();
    assert_eq!(wrong(&first.join("\n")), "line 3: records after the last seal or end");
    let line = |n: usize| lines.lines().nth(n).unwrap();
    let few = [line(0), line(1), line(4)].join("\n");
    assert_eq!(wrong(&few), "line 3: the seal is of another number of records");
    let few = [line(0), line(1), line(28)].join("\n");
    assert_eq!(wrong(&few), "line 3: the end is of another number of records");
    let many = format!("{}\n{}", first[0], format!("{}\n", first[1]).repeat(BATCH + 1));
    assert_eq!(wrong(&many), format!("line {}: more records than a batch has", BATCH + 2));
}

#[derive(Default)]
struct Taken {
    open: bool,
    bytes: Vec<u8>,
    batches: Vec<u64>,
    records: Vec<Record>,
}

/// A sink that takes batches while it is told to.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Taken>>);

impl Shelf {
    fn open(&self, open: bool) {
        self.0.lock().unwrap().open = open;
    }

    fn batches(&self) -> Vec<u64> {
        self.0.lock().unwrap().batches.clone()
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().bytes.clone()
    }

    fn sink(&self) -> Box<dyn Sink + Send> {
        let shelf = self.clone();
        Box::new(move |batch: Batch<'_>| {
            let mut shelf = shelf.0.lock().unwrap();
            if !shelf.open {
                return Err(Later);
            }
            batch.write(&mut shelf.bytes);
            shelf.batches.push(batch.seal().batch);
            shelf.records.extend(batch.records().iter().map(|bytes| Record::from_bytes(bytes).unwrap()));
            Ok(())
        })
    }
}

#[test]
fn a_full_ring_refuses_and_goes_on_when_there_is_room() {
    let shelf = Shelf::default();
    let mut audit = Audit::with_sink(Options { store: 11, segments: 2, ..Options::default() }, shelf.sink());
    let room = 2 * u32::try_from(BATCH).unwrap();
    assert!(audit.has_room(2048) && !audit.has_room(2049));
    for n in 0..room {
        assert!(audit.has_room(usize::try_from(room - n).unwrap()));
        audit.push(record(n)).unwrap();
    }
    let head = audit.head();
    for _ in 0..3 {
        assert!(!audit.has_room(1));
        assert!(audit.has_room(0));
        assert_eq!(audit.push(record(0)), Err(AuditFull));
        assert_eq!(audit.reject(record(0)), Err(AuditFull));
    }
    assert_eq!((audit.head(), audit.next_sequence(), audit.dropped()), (head, 2048, 0));
    assert!(shelf.batches().is_empty());
    shelf.open(true);
    assert!(audit.has_room(1) && audit.has_room(2048) && !audit.has_room(2049));
    assert_eq!(shelf.batches(), [0, 1]);
    audit.push(record(room)).unwrap();
    audit.seal();
    assert_eq!(shelf.batches(), [0, 1, 2]);
    // Asking for room offers what is sealed, also while there is some room left.
    let late = Shelf::default();
    let mut half = Audit::with_sink(Options { segments: 2, ..Options::default() }, late.sink());
    (0..1500).for_each(|n| half.push(record(n)).unwrap());
    assert!(half.has_room(548) && !half.has_room(549));
    late.open(true);
    assert!(half.has_room(549));
    assert_eq!(late.batches(), [0]);
    // What the sink wrote, with a header and an end, is the log.
    let mut log = Log::header(11);
    log.extend(shelf.bytes());
    log.extend(audit.end(0));
    let found = verify(&log, Some(&Anchor::new(*audit.last_seal().unwrap())), None);
    assert_eq!((found.fault, found.anchor_to, found.batches), (None, Some(2049), 3));
}

#[test]
fn a_lossy_ring_counts_what_it_drops() {
    let shelf = Shelf::default();
    let options = Options { store: 11, segments: 2, lossy: true, ..Options::default() };
    let mut audit = Audit::with_sink(options, shelf.sink());
    for n in 0..2048 + 10 {
        assert!(audit.has_room(100));
        audit.push(record(n)).unwrap();
    }
    assert_eq!(audit.reject(record(0)), Ok(Noted::Recorded));
    assert_eq!((audit.dropped(), audit.next_sequence()), (11, 2059));
    assert_eq!(audit.record(2047).unwrap().role, 2048);
    assert_eq!(audit.record(2050), None);
    shelf.open(true);
    audit.push(record(5000)).unwrap();
    let seal = *audit.seal().unwrap();
    assert_eq!((seal.first, seal.count, seal.dropped), (2059, 1, 11));
    assert_eq!(audit.record(2059).unwrap().role, 5001);
    audit.push(record(5001)).unwrap();
    assert_eq!(audit.seal().unwrap().dropped, 11, "every seal says so");
    let mut log = Log::header(11);
    log.extend(shelf.bytes());
    log.extend(audit.end(0));
    let found = verify(&log, None, None);
    assert_eq!((found.fault, found.dropped, found.chain_to), (None, 11, Some(2061)));
    let log = audit.log();
    let found = verify(log.as_bytes(), Some(&audit.anchor().unwrap()), None);
    assert_eq!((found.fault, found.first, found.batches), (None, 1024, 3), "the first segment was used again");
}

#[test]
fn without_a_sink_the_latest_batches_stay() {
    let mut audit = Audit::new(Options { store: 11, segments: 3, ..Options::default() });
    let before = audit.memory();
    for n in 0..10_000 {
        assert!(audit.has_room(5000));
        audit.push(record(n)).unwrap();
    }
    assert!(audit.memory() < 4 * BATCH * SIZE && audit.memory() > before);
    let seals: Vec<u64> = audit.seals().map(|seal| seal.batch).collect();
    assert_eq!(seals, [7, 8], "10,000 is 9 batches and 784 records");
    assert_eq!((audit.unsealed(), audit.record(7167), audit.prove(7167)), (784, None, None));
    for sequence in 7168..10_000u64 {
        assert_eq!(u64::from(audit.record(sequence).unwrap().role), sequence + 1);
        assert_eq!(audit.prove(sequence).is_some(), sequence < 9216);
    }
    let latest: Vec<u64> = audit.latest().take(1000).map(|record| record.sequence).collect();
    assert_eq!(latest, (9000..10_000).rev().collect::<Vec<_>>());

    let last = *audit.last_seal().unwrap();
    let log = audit.log();
    let strict = verify(log.as_bytes(), Some(&Anchor::new(last)), None).fault.unwrap();
    assert_eq!(strict.problem, Problem::Begins(7168));
    let found = verify(log.as_bytes(), Some(&Anchor::new(last).since(7168)), None);
    assert_eq!((found.fault, found.first, found.chain_to, found.unsealed), (None, 7168, Some(9216), 784));
    assert_eq!(found.unchecked(), [Unchecked::Beginning(7168), Unchecked::CutAtSeal, Unchecked::Open(784)]);
    assert_eq!(audit.anchor(), Some(Anchor::new(last).since(7168)));

    // As if another store had made it, with an end to match.
    let mut thief =
        Audit::new(Options { store: 12, ..Options::default() }).resume(&Seal { store: 12, ..last }).unwrap();
    let mut bytes = Log::header(12);
    audit.batches().for_each(|batch| batch.write(&mut bytes));
    bytes.extend(thief.end(7));
    let found = verify(&bytes, Some(&Anchor::new(last).since(7168)), None).fault.unwrap();
    assert_eq!((found.batch, found.problem), (Some(7), Problem::Link));
    // The same with the right store holds: there is nothing else wrong with that end.
    let mut honest = Audit::new(Options { store: 11, ..Options::default() }).resume(&last).unwrap();
    let mut bytes = Log::header(11);
    audit.batches().for_each(|batch| batch.write(&mut bytes));
    bytes.extend(honest.end(7));
    assert!(verify(&bytes, Some(&Anchor::new(last).since(7168)), None).holds());
    assert!(Audit::new(options(None)).resume(&Seal { store: 12, ..last }).is_err(), "of another store");
    assert_ne!(Audit::new(options(None)).head(), Audit::new(Options::default()).head(), "chains start differently");

    // With one segment, only the head of the chain stays when it is full.
    let mut one = Audit::new(Options { store: 11, segments: 1, ..Options::default() });
    for n in 0..9216 {
        one.push(record(n)).unwrap();
    }
    assert_eq!((one.head(), one.seals().count(), one.unsealed()), (last.chain, 0, 0));
    let found = verify(one.log().as_bytes(), None, None);
    assert_eq!((found.fault, found.batches), (None, 0));
}

#[test]
fn a_chain_goes_on_after_a_restart() {
    let mut whole = filled(options(Some(secrets())), &[5, 6], 0);
    let first = filled(options(Some(secrets())), &[5], 0);
    let seal = *first.last_seal().unwrap();
    let mut second = Audit::new(options(Some(secrets()))).resume(&seal).unwrap();
    for n in 5..11 {
        second.push(record(n)).unwrap();
    }
    assert_eq!(second.seal(), whole.seal());
    let mut log = Log::header(11);
    first.batches().chain(second.batches()).for_each(|batch| batch.write(&mut log));
    log.extend(second.end(0));
    assert_eq!(log, whole.log().into_bytes());
    assert!(second.resume(&seal).is_err(), "it has records");
    // What was dropped before stays known; a sink gets what is new, at once, however many batches there were.
    let shelf = Shelf::default();
    shelf.open(true);
    let old = Seal { batch: 1 << 60, dropped: 4, ..seal };
    let mut third = Audit::with_sink(options(None), shelf.sink()).resume(&old).unwrap();
    assert_eq!((third.deliver(), third.dropped()), (0, 4));
    third.push(record(0)).unwrap();
    assert_eq!((third.seal().unwrap().dropped, shelf.batches()), (4, vec![(1 << 60) + 1]));
    // An end alone does not make a log empty.
    let mut bytes = Log::header(11);
    bytes.extend(Audit::new(options(None)).resume(&seal).unwrap().end(0));
    assert_eq!(verify(&bytes, None, None).fault.unwrap().problem, Problem::Link);
    let end = Seal { first: u64::MAX - 10, ..seal };
    assert!(Audit::new(options(None)).resume(&end).is_err(), "no numbers are left");
    let end = Seal { batch: u64::MAX, ..seal };
    assert!(Audit::new(options(None)).resume(&end).is_err(), "no numbers are left");
}

#[test]
fn refusals_are_counted_after_the_first() {
    let session = |slot| SessionRef { slot, generation: 1 };
    let refusal = |slot, code, time| Record {
        code,
        time,
        verdict: Verdict::Accepted,
        ..Record::new(session(slot), Kind::Send, Verdict::Rejected)
    };
    let mut audit = Audit::new(options(None));
    for time in 0..100 {
        for (slot, code) in [(1, 1), (1, 2), (2, 1)] {
            let noted = audit.reject(refusal(slot, code, time)).unwrap();
            assert_eq!(noted, if time < i64::from(FIRST) { Noted::Recorded } else { Noted::Counted });
        }
    }
    assert_eq!(audit.next_sequence(), 24);
    audit.push(record(1)).unwrap();
    let seal = *audit.seal().unwrap();
    assert_eq!(seal.count, 28);
    let last: Vec<_> = (25..28).map(|sequence| audit.record(sequence).unwrap()).collect();
    assert!(last.iter().all(|record| (record.count, record.time, record.verdict) == (92, 99, Verdict::Rejected)));
    let of: Vec<_> = last.iter().map(|record| (record.session.slot, record.code)).collect();
    assert_eq!(of, [(1, 1), (1, 2), (2, 1)]);
    assert_eq!((0..24).map(|n| audit.record(n).unwrap().count).sum::<u32>(), 24);
    // After the seal it begins anew.
    assert_eq!(audit.reject(refusal(1, 1, 100)), Ok(Noted::Recorded));
    assert_eq!(audit.seal().unwrap().count, 1);

    // A log has what was counted so far; counting goes on.
    for time in 0..20 {
        audit.reject(refusal(1, 1, time)).unwrap();
    }
    assert_eq!(verify(audit.log().as_bytes(), None, None).unsealed, 9);
    assert_eq!(audit.reject(refusal(1, 1, 20)), Ok(Noted::Counted));
    assert_eq!(audit.seal().unwrap().count, 10);
    let counts: Vec<u32> = audit.latest().take(3).map(|record| record.count).collect();
    assert_eq!(counts, [1, 12, 1]);

    // What does not fit into a count is a record before.
    for _ in 0..FIRST {
        audit.reject(refusal(5, 5, 0)).unwrap();
    }
    for _ in 0..3 {
        audit.reject(Record { count: u32::MAX - 1, ..refusal(5, 5, 0) }).unwrap();
    }
    audit.seal();
    let counts: Vec<u32> = audit.latest().take(4).map(|record| record.count).collect();
    assert_eq!(counts, [u32::MAX - 1, u32::MAX - 1, u32::MAX - 1, 1]);
}

#[test]
fn refusals_of_a_million_sessions_take_bounded_memory() {
    let mut audit = Audit::new(Options { segments: 2, ..Options::default() });
    let mut most = 0;
    for slot in 0..1_000_000 {
        let refusal = Record::new(SessionRef { slot, generation: 1 }, Kind::Send, Verdict::Rejected);
        assert_eq!(audit.reject(refusal), Ok(Noted::Recorded));
        most = most.max(audit.memory());
    }
    assert!(most < 512 << 10, "{most} bytes");
    // One caller who is refused a million times takes eight records and one.
    let mut audit = Audit::new(Options { segments: 2, ..Options::default() });
    for _ in 0..1_000_000 {
        audit.reject(Record::new(SessionRef::default(), Kind::Send, Verdict::Rejected)).unwrap();
    }
    audit.seal();
    assert_eq!(audit.next_sequence(), u64::from(FIRST) + 1);
    assert_eq!(audit.record(u64::from(FIRST)).unwrap().count, 1_000_000 - FIRST);
}

/// Random pushes, refusals, seals and sinks that will not take: nothing is lost, repeated or out of order; what was said
/// to fit fits.
#[test]
fn nothing_is_lost() {
    let (mut refused, mut counted, mut promised, mut sealed_twice) = (0, 0, 0, 0);
    for seed in 1..=60 {
        let mut numbers = Numbers(seed);
        let shelf = Shelf::default();
        let segments = 1 + numbers.below(3);
        let lossy = seed % 5 == 0;
        let secrets = (seed % 2 == 0).then(secrets);
        let options = Options { store: seed, segments, lossy, secrets: secrets.clone() };
        let mut audit = Audit::with_sink(options, shelf.sink());
        let (mut pushed, mut rejected) = (0u64, 0u64);
        let mut n = 0;
        let mut step = |audit: &mut Audit, numbers: &mut Numbers| {
            n += 1;
            if numbers.below(3) == 0 {
                let session = SessionRef { slot: u32::try_from(numbers.below(6)).unwrap(), generation: 1 };
                let refusal = Record { code: 9, ..Record::new(session, Kind::Send, Verdict::Rejected) };
                audit.reject(refusal).map(|noted| {
                    rejected += 1;
                    counted += usize::from(noted == Noted::Counted);
                })
            } else {
                audit
                    .push(Record::new(SessionRef { slot: n, generation: 0 }, Kind::Act, Verdict::Accepted))
                    .map(|()| pushed += 1)
            }
        };
        for _ in 0..6000 {
            match numbers.below(60) {
                0 => shelf.open(numbers.below(3) > 0),
                1 => {
                    let before = audit.unsealed();
                    audit.seal();
                    assert_eq!(audit.unsealed(), 0);
                    sealed_twice += usize::from(before == 0);
                }
                2 => {
                    let wanted = numbers.below(1500);
                    if audit.has_room(wanted) {
                        shelf.open(false);
                        promised += 1;
                        for _ in 0..wanted {
                            if numbers.below(50) == 0 {
                                audit.seal();
                            }
                            step(&mut audit, &mut numbers).expect("it was said to fit");
                        }
                    }
                }
                _ => refused += usize::from(step(&mut audit, &mut numbers).is_err()),
            }
        }
        shelf.open(true);
        audit.seal();
        let mut log = Log::header(seed);
        log.extend(shelf.bytes());
        log.extend(audit.end(0));
        let anchor = Anchor::new(*audit.last_seal().unwrap());
        let found = verify(&log, Some(&anchor), secrets.as_ref());
        assert_eq!(found.fault, None, "seed {seed}");
        let since = audit.dropped() - audit.last_seal().unwrap().dropped;
        assert_eq!(found.chain_to, Some(audit.next_sequence() - since), "seed {seed}");

        let mut last = 0;
        let (mut acts, mut refusals) = (0, 0);
        for record in &shelf.0.lock().unwrap().records {
            if record.kind == Kind::Act {
                assert!(record.session.slot > last, "in order and once");
                last = record.session.slot;
                acts += 1;
            } else {
                refusals += u64::from(record.count);
            }
        }
        if lossy {
            assert_eq!(acts + refusals + audit.dropped(), pushed + rejected, "seed {seed}");
        } else {
            assert_eq!((acts, refusals, audit.dropped()), (pushed, rejected, 0), "seed {seed}");
        }
    }
    assert!(
        refused > 1000 && counted > 1000 && promised > 500 && sealed_twice > 20,
        "{refused} {counted} {promised} {sealed_twice}"
    );
}

/// Bytes of all kinds: an answer, never a panic.
#[test]
fn no_bytes_are_too_strange() {
    let mut numbers = Numbers(6);
    let mut audit = filled(options(Some(secrets())), &[3, 16, 1], 4);
    let log = audit.log().into_bytes();
    let anchor = audit.anchor().unwrap();
    let proof = audit.prove(5).unwrap().to_bytes();
    for _ in 0..60_000 {
        let mut bytes = if numbers.below(2) == 0 { log.clone() } else { proof.clone() };
        for _ in 0..1 + numbers.below(4) {
            let at = numbers.below(bytes.len());
            let strange = [0, 0xff, 0x7f, 0x80, numbers.next().to_le_bytes()[0]][numbers.below(5)];
            let len = 1 + numbers.below(9);
            bytes.iter_mut().skip(at).take(len).for_each(|byte| *byte = strange);
        }
        if numbers.below(3) == 0 {
            bytes.truncate(numbers.below(bytes.len()));
        }
        let found = verify(&bytes, Some(&anchor), Some(&secrets()));
        assert!(!found.holds() || bytes == log);
        let _ = found.unchecked();
        let _ = to_lines(&bytes);
        assert!(bytes == proof || !Proof::from_bytes(&bytes).is_ok_and(|proof| proof.verify(&anchor).is_ok()));
    }
    assert_eq!(verify(&[], None, None).fault.unwrap().problem, Problem::Cut);
    assert_eq!(verify(b"POLYAUDIT and more", None, None).fault.unwrap().problem, Problem::Header);
}

/// A ring of one segment has nowhere else to go on: it is sealed before it is full when more room is asked for.
#[test]
fn one_segment_makes_room_for_several_records() {
    let shelf = Shelf::default();
    let mut audit = Audit::with_sink(Options { store: 11, segments: 1, ..Options::default() }, shelf.sink());
    (0..1022).for_each(|n| audit.push(record(n)).unwrap());
    // What waits to be counted has its place, and goes with the rest.
    let session = SessionRef { slot: 1, generation: 1 };
    let refusal = Record { code: 9, ..Record::new(session, Kind::Send, Verdict::Rejected) };
    assert_eq!(audit.reject(refusal), Ok(Noted::Recorded));
    assert!(audit.has_room(1) && !audit.has_room(2), "the sink takes nothing");
    assert_eq!(audit.unsealed(), 0, "it was sealed to be offered");
    assert!(!audit.has_room(2));
    shelf.open(true);
    assert!(audit.has_room(2) && audit.has_room(1024) && !audit.has_room(1025));
    assert_eq!((shelf.batches(), audit.next_sequence()), (vec![0], 1023));
    (0..1024).for_each(|n| audit.push(record(n)).unwrap());
    assert!(audit.has_room(1024), "what is full and delivered begins anew");
    assert_eq!(shelf.batches(), [0, 1]);
    let mut log = Log::header(11);
    log.extend(shelf.bytes());
    log.extend(audit.end(0));
    let found = verify(&log, Some(&Anchor::new(*audit.last_seal().unwrap())), None);
    assert_eq!((found.fault, found.anchor_to, found.batches), (None, Some(2047), 2));
}
